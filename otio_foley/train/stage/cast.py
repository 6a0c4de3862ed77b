"""Who stands on the stage: varied people made of the one body, and what they wear.

A person differs from the base in height, build, shoulders and hips, hair and colours, and in a
garment. What hangs (hems, skirts, coats) is a mesh of its own behind the body's, shaped about
legs that hang straight down, because the rest pose stands with its legs apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from otio_foley.train.stage import rotation
from otio_foley.train.stage.body import (
    CLOTH,
    JOINT_NAMES,
    Body,
    IntArray,
    index,
    place_joints,
    skin,
    vertex_normals,
)
from otio_foley.train.stage.render import Colour, Palette
from otio_foley.train.stage.retarget import SIDES
from otio_foley.train.stage.rotation import Array

Garment = Literal["trousers", "long_trousers", "shorts", "skirt", "long_skirt", "coat"]

GARMENTS: tuple[Garment, ...] = get_args(Garment)

HEIGHTS_M = (1.52, 1.94)
"""About the 5th percentile of women to the 99th of men (NASA-STD-3000, figure 3.3.1.3-1)."""

# Skin: the Monk Skin Tone Scale, its ten tones from light to dark (Monk 2019, skintone.google).
_SKINS = (
    0xF6EDE4,
    0xF3E7DB,
    0xF7EAD0,
    0xEADABA,
    0xD7BD96,
    0xA07E56,
    0x825C43,
    0x604134,
    0x3A312A,
    0x292420,
)
# Hair, clothes and shoes: chosen by eye.
_HAIRS = (0x14110F, 0x241A14, 0x3B2719, 0x55371F, 0x7A4A26, 0xA5834E, 0xC9AE7C, 0x8E8A86, 0xD2D0CC)
# From here on (light brown to blond) hair hardly ever goes with dark skin; grey and white do.
_FAIR_HAIRS = slice(4, 7)
_SHOES = (0x171616, 0x17181C, 0x4B3324, 0x6E4A2E, 0xEFEDE8, 0xDADAD8, 0x6B6B6B)
_MUTED = (0x1C1C1F, 0x2B3554, 0x3F4A5A, 0x6C6F73, 0x8D8474, 0xBFB49C, 0x4E5A41, 0xE6E2DA)
_BRIGHT = (0xC22F2B, 0xE0A91E, 0x2E8B57, 0x1F6FB2, 0xD9603B, 0x8E3B8A, 0x3BB0B8, 0xF2F2F2)
# Oak, walnut, concrete, tile, grey carpet, gravel: clothes that hardly stand out from a floor.
_FLOORS = (0xA87B4F, 0x5A3D29, 0x9A9894, 0xC9C2B4, 0x55565A, 0x8B8375)

_TRUNK = ("pelvis", "spine_low", "spine_mid", "spine_high")
_LIMBS = (("thigh", "shank"), ("shank", "foot"), ("upper_arm", "forearm"), ("forearm", "hand"))
# How ``body`` lifts trousers off the skin; taken back where the leg is bare.
_TROUSER_LIFT_M = 0.010

_AROUND = 64
_WINDOW_M = 0.03
# Half-width of the strip of a skirt that follows both legs: cloth spans between them.
_BETWEEN_M = 0.055
# The leg under a skirt is drawn only this far above the hem, so that it cannot poke through.
_SHOWN_UNDER_M = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One of the cast."""

    body: Body
    palette: Palette
    garment: Garment
    height_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How a body departs from the base; lengths before the person is scaled to height."""

    stout: float
    """-1 slim to 1 heavy."""
    shoulder_m: float
    """How much further out each shoulder sits."""
    hip_m: float
    """How much further out each leg sits."""
    hair_m: float
    """How much lower the hair reaches behind the ears."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    """How a garment is cut, all shares 0 to 1."""

    length: float
    """Within the range of hem heights of its kind."""
    flare: float
    folds: int
    bare: bool
    """Whether the legs under a skirt are bare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hanging:
    """The body with its legs straight down."""

    vertices_m: Array
    joints_m: Array
    matrices: Array
    """(J, 3, 3) global turns from the rest pose."""
    floor_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cloth:
    """Rings of an open tube, from top to hem, in the hanging pose."""

    rings_m: Array
    """(R, A, 3)"""
    weights: Array
    """(R, A, J)"""


def person(base: Body, rng: np.random.Generator, garment: Garment | None = None) -> Person:
    """Draw a person; ``garment`` None draws one too.

    The draws do not depend on ``garment``: the same state gives the same person in any of them.
    """
    drawn = GARMENTS[int(rng.integers(len(GARMENTS)))]
    worn = drawn if garment is None else garment
    height_m = float(rng.uniform(*HEIGHTS_M))
    build = _draw_build(rng)
    cut = _Cut(
        length=float(rng.uniform()),
        flare=float(rng.uniform()),
        folds=int(rng.integers(6, 12)),
        bare=bool(rng.uniform() < 0.7),
    )
    palette = _draw_palette(rng)
    body = _dressed(reshape(base, build), worn, cut)
    return Person(
        body=scaled(body, height_m / body.height_m),
        palette=palette,
        garment=worn,
        height_m=height_m,
    )


def _draw_build(rng: np.random.Generator) -> Build:
    stout = float(rng.triangular(-1.0, 0.0, 1.0))
    long_hair = bool(rng.uniform() < 0.45)
    return Build(
        stout=stout,
        shoulder_m=0.012 * stout + float(rng.uniform(-0.012, 0.015)),
        hip_m=0.004 * stout + float(rng.uniform(-0.010, 0.012)),
        hair_m=float(rng.uniform(0.10, 0.20)) if long_hair else float(rng.uniform(-0.015, 0.015)),
    )


#: Cloth differs from skin by so much in one sRGB channel at least.
_UNLIKE_SKIN = 0.15


def _draw_palette(rng: np.random.Generator) -> Palette:
    tone = int(rng.integers(len(_SKINS)))
    hairs: list[int] = list(_HAIRS)
    if tone >= 5:
        del hairs[_FAIR_HAIRS]
    skin = _varied(_SKINS[tone], rng, 0.015)
    return Palette(
        skin=skin,
        hair=_varied(_picked(hairs, rng), rng, 0.02),
        shirt=_clothes(rng, skin, bright=0.5),
        trousers=_clothes(rng, skin, bright=0.2),
        shoe=_varied(_picked(_SHOES, rng), rng, 0.02),
    )


def _clothes(rng: np.random.Generator, skin: Colour, bright: float) -> Colour:
    """A colour of cloth that nobody takes for this skin."""
    for _ in range(20):
        kind = float(rng.uniform())
        choice = _BRIGHT if kind < bright else _FLOORS if kind > 0.8 else _MUTED
        colour = _varied(_picked(choice, rng), rng, 0.05)
        if max(abs(one - other) for one, other in zip(colour, skin, strict=True)) > _UNLIKE_SKIN:
            break
    return colour


def _picked(choice: Sequence[int], rng: np.random.Generator) -> int:
    return choice[int(rng.integers(len(choice)))]


def _varied(code: int, rng: np.random.Generator, spread: float) -> Colour:
    """Vary an sRGB colour 0xRRGGBB in lightness and, half as much, in each channel."""
    plain = np.array([code >> 16, code >> 8 & 0xFF, code & 0xFF]) / 255.0
    varied = plain + rng.uniform(-spread, spread) + rng.uniform(-spread, spread, 3) / 2.0
    red, green, blue = np.clip(varied, 0.0, 1.0)
    return float(red), float(green), float(blue)


def scaled(body: Body, scale: float) -> Body:
    """Enlarge everything alike, about the point of the floor below the pelvis."""
    return replace(
        body,
        vertices_m=body.vertices_m * scale,
        joints_m=body.joints_m * scale,
        cloth=body.cloth * scale,
        ball_z_m=body.ball_z_m * scale,
    )


def reshape(body: Body, build: Build) -> Body:
    """Make the body slim or heavy, wider or narrower, and its hair longer; soles keep their shape.

    Girth changes across the bones, so that the joints stay; legs and arms move sideways whole.
    """
    points = _thickened(body, build.stout)
    aside = np.zeros((len(JOINT_NAMES), 3))
    for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
        for joint in ("thigh", "shank", "foot", "toes"):
            aside[index(f"{joint}_{side}"), 0] = sign * build.hip_m
        for joint in ("upper_arm", "forearm", "hand"):
            aside[index(f"{joint}_{side}"), 0] = sign * build.shoulder_m
    cloth = body.cloth.copy()
    cloth[:, CLOTH.index("hair")] += _hair_growth(body, build.hair_m)
    return replace(
        body,
        vertices_m=points + body.weights @ aside,
        joints_m=body.joints_m + aside,
        cloth=cloth,
    )


def _thickened(body: Body, stout: float) -> Array:
    """Rest positions (V, 3) after scaling trunk and limbs about their bones' axes."""
    points, weights = body.vertices_m, body.weights
    heights = points[:, 1]
    # Fat widens more than leanness narrows, and the belly more than chest and limbs.
    girth = 0.26 * stout if stout > 0.0 else 0.10 * stout
    joint_y = {name: body.joints_m[index(name), 1] for name in JOINT_NAMES}
    chest = np.clip(
        (heights - joint_y["spine_mid"]) / (joint_y["spine_high"] - joint_y["spine_mid"]), 0.0, 1.0
    )
    trunk = weights[:, [index(joint) for joint in _TRUNK]].sum(axis=1)
    axis_z = float(np.mean([body.joints_m[index(joint), 2] for joint in _TRUNK]))
    across = np.array([1.0, 0.0, 1.25]) * (points - [0.0, 0.0, axis_z])
    moved = (trunk * girth * (1.0 - 0.45 * chest))[:, None] * across
    for side in SIDES:
        for joint, tail in _LIMBS:
            head_m, tail_m = (
                body.joints_m[index(f"{joint}_{side}")],
                body.joints_m[index(f"{tail}_{side}")],
            )
            bone = rotation.normalise(tail_m - head_m)
            arm = points - head_m
            along = arm @ bone
            left = np.linalg.norm(tail_m - head_m) - along
            # Ankles and wrists hardly change; the shoe must go on fitting.
            ends = np.clip((left - 0.04) / 0.15, 0.0, 1.0) if tail in ("foot", "hand") else 1.0
            share = weights[:, index(f"{joint}_{side}")] * ends * 0.7 * girth
            moved += share[:, None] * (arm - along[:, None] * bone)
    thickened: Array = points + moved
    return thickened


def _hair_growth(body: Body, longer_m: float) -> Array:
    """What lowers the hairline (V,) behind the ears by ``longer_m``, over nape and back only."""
    points = body.vertices_m
    head = body.joints_m[index("head")]
    behind = np.clip((head[2] + 0.035 - points[:, 2]) / 0.03, 0.0, 1.0)
    # Hair ends rounded on the back; arms and shoulders keep none.
    reach = np.sqrt(np.clip(1.0 - (points[:, 0] / 0.12) ** 2, 0.0, 1.0))
    growth: Array = longer_m * behind * reach
    return growth


def _dressed(body: Body, garment: Garment, cut: _Cut) -> Body:
    if garment == "trousers":
        return body
    hanging = _hang(body)
    if garment in ("long_trousers", "shorts"):
        return _with_trouser_legs(body, hanging, cut, short=garment == "shorts")
    knee = float(hanging.joints_m[index("shank_left"), 1])
    top = float(body.joints_m[index("spine_low"), 1])
    if garment == "coat":
        hem = knee + 0.04 + 0.14 * cut.length
        cloth = _cone(body, hanging, cut, top + 0.01, hem, thigh_share=0.95)
        # The trousers' colour would show on the coat: less of them under its hem.
        body = _hidden_legs(body, hanging, top - 0.06, hem + 0.06)
        return _appended(body, hanging, cloth, "shirt")
    hem = knee - 0.03 + 0.06 * cut.length if garment == "skirt" else hanging.floor_m + 0.08
    cloth = _cone(body, hanging, cut, top - 0.015, hem, thigh_share=0.95)
    body = _hidden_legs(body, hanging, top - 0.06, hem + _SHOWN_UNDER_M)
    if cut.bare:
        body = _bared(body, hanging, hem + _SHOWN_UNDER_M)
    return _appended(body, hanging, cloth, "trousers")


def _hang(body: Body) -> _Hanging:
    """Turn both legs straight down at the hips; the shoes stay level."""
    turns = np.zeros((len(JOINT_NAMES), 4))
    turns[:, 0] = 1.0
    for side in SIDES:
        hip, ankle = (body.joints_m[index(f"{joint}_{side}")] for joint in ("thigh", "foot"))
        angle = np.arctan2(ankle[0] - hip[0], hip[1] - ankle[1])
        turn = rotation.axis_angle(np.array([0.0, 0.0, 1.0]), -np.asarray(angle))
        turns[[index(f"thigh_{side}"), index(f"shank_{side}")]] = turn
    joints = place_joints(body, turns, body.joints_m[0])
    points = skin(body, turns, joints)
    return _Hanging(
        vertices_m=points,
        joints_m=joints,
        matrices=rotation.to_matrices(turns),
        floor_m=float(points[body.sole_left, 1].min()),
    )


def _unhang(body: Body, hanging: _Hanging, cloth: _Cloth) -> Array:
    """Rest positions (N, 3) of cloth given in the hanging pose: skinning turned back."""
    weights = cloth.weights.reshape(-1, len(JOINT_NAMES))
    offsets = hanging.joints_m - np.einsum("jab,jb->ja", hanging.matrices, body.joints_m)
    blended = np.einsum("vj,jab->vab", weights, hanging.matrices)
    moved = cloth.rings_m.reshape(-1, 3) - weights @ offsets
    solved: Array = np.linalg.solve(blended, moved[:, :, None])[:, :, 0]
    return solved


def _directions() -> Array:
    """(A, 2) unit vectors in (x, z), turning so that tubes wind counter-clockwise outside."""
    angles = np.linspace(0.0, 2.0 * np.pi, _AROUND, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _reach(points: Array, centre: Array) -> Array:
    """Distance (A,) along each direction from ``centre`` (2,) to the hull of points (N, 2)."""
    directions = _directions()
    supports = ((points - centre) @ directions.T).max(axis=0)
    cosines = directions @ directions.T
    # The hull along a ray is where the tightest of the supporting lines is met.
    limits = np.where(cosines > 0.05, supports[None, :] / np.maximum(cosines, 0.05), np.inf)
    nearest: Array = limits.min(axis=1)
    return nearest


def _share_of(body: Body, joints: Sequence[str]) -> Array:
    """Summed weights (V,) of some joints."""
    return np.asarray(body.weights[:, [index(joint) for joint in joints]].sum(axis=1))


def _not_shoe(body: Body) -> NDArray[np.bool_]:
    return np.asarray(body.cloth[:, CLOTH.index("shoe")] <= 0.0)


def _eased(values: Array) -> Array:
    """Smoothstep of values clipped to 0 to 1."""
    share = np.clip(values, 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share))


def _with_trouser_legs(body: Body, hanging: _Hanging, cut: _Cut, *, short: bool) -> Body:
    """Hang a tube about each leg: over the shoe, or down to a hem above the knee."""
    knee = float(hanging.joints_m[index("shank_left"), 1])
    if short:
        hem = knee + 0.01 + 0.12 * cut.length
        top = hem + 0.22
    else:
        hem = hanging.floor_m + 0.012 + 0.018 * cut.length
        top = knee - 0.06
    clothed = _bared(body, hanging, hem + 0.04) if short else body
    for side in SIDES:
        tube = _trouser_leg(body, hanging, side, top, hem, 0.02 + 0.06 * cut.flare)
        clothed = _appended(clothed, hanging, tube, "trousers")
    return clothed


def _trouser_leg(
    body: Body, hanging: _Hanging, side: str, top: float, hem: float, flare: float
) -> _Cloth:
    leg = _share_of(body, [f"{joint}_{side}" for joint in ("thigh", "shank", "foot")]) > 0.5
    leg &= _not_shoe(body)
    knee, ankle = (hanging.joints_m[index(f"{joint}_{side}")] for joint in ("shank", "foot"))
    hip = hanging.joints_m[index(f"thigh_{side}")]
    heights = np.linspace(top, hem, 14)
    rings = np.empty((len(heights), _AROUND, 3))
    weights = np.zeros((len(heights), _AROUND, len(JOINT_NAMES)))
    reach = np.zeros(_AROUND)
    for number, height in enumerate(heights):
        bone = (hip, knee) if height > knee[1] else (knee, ankle)
        share = (bone[0][1] - height) / (bone[0][1] - bone[1][1])
        centre = (bone[0] + min(share, 1.0) * (bone[1] - bone[0]))[[0, 2]]
        # The foot below the ankle is the shoe's affair.
        near = leg & (np.abs(hanging.vertices_m[:, 1] - max(height, ankle[1] + 0.04)) < _WINDOW_M)
        own = _reach(hanging.vertices_m[near][:, [0, 2]], centre)
        # The tube comes out of the leg by and by, without an edge.
        margin = min(-0.006 + 0.003 * number, 0.004)
        fall = (heights[0] - heights[1]) * flare if number > 1 else 0.0
        # Cloth hangs from where the leg is widest.
        reach = np.maximum(reach + fall, own + margin)
        rings[number, :, [0, 2]] = (centre + reach[:, None] * _directions()).T
        rings[number, :, 1] = height
        weights[number] = body.weights[near].mean(axis=0)
    if top < knee[1]:
        weights = _hem_weights(rings, side, ankle, weights)
    return _Cloth(rings_m=rings, weights=weights)


def _hem_weights(rings: Array, side: str, ankle: Array, above: Array) -> Array:
    """Below the knee cloth follows the shank; a long hem's front lies on the instep."""
    weights = np.zeros_like(above)
    low = _eased((ankle[1] + 0.10 - rings[..., 1]) / 0.14)
    front = _eased((rings[..., 2] - ankle[2]) / 0.10)
    foot = 0.6 * low * front
    weights[..., index(f"foot_{side}")] = foot
    weights[..., index(f"shank_{side}")] = 1.0 - foot
    # The top ring lies inside the leg and must move as the leg does there.
    kept = np.clip(1.0 - np.arange(len(rings)) / 3.0, 0.0, 1.0)[:, None, None]
    return np.asarray(kept * above + (1.0 - kept) * weights)


def _cone(
    body: Body, hanging: _Hanging, cut: _Cut, top: float, hem: float, *, thigh_share: float
) -> _Cloth:
    """Cloth about both legs from the waist down."""
    names = [f"{joint}_{side}" for side in SIDES for joint in ("thigh", "shank")]
    inner = (_share_of(body, [*_TRUNK, *names]) > 0.5) & _not_shoe(body)
    points = hanging.vertices_m
    centre = hanging.joints_m[0][[0, 2]] + [0.0, 0.02]
    # The first ring lies inside the body, the second on it: a waistband with a clean edge.
    heights = np.linspace(top, hem, max(round((top - hem) / 0.025), 8))
    heights = np.insert(heights, 1, top - 0.003)
    flare = 0.10 + 0.16 * cut.flare
    angles = np.linspace(0.0, 2.0 * np.pi, _AROUND, endpoint=False)
    rings = np.empty((len(heights), _AROUND, 3))
    trunk = np.zeros((len(heights), _AROUND, len(JOINT_NAMES)))
    reach = np.zeros(_AROUND)
    columns = [index(joint) for joint in _TRUNK]
    hip = float(hanging.joints_m[index("thigh_left"), 1])
    for number, height in enumerate(heights):
        near = inner & (np.abs(points[:, 1] - height) < _WINDOW_M)
        own = _reach(points[near][:, [0, 2]], centre)
        margin = -0.012 if number == 0 else 0.008
        fall = (heights[-2] - heights[-1]) * flare if number > 1 else 0.0
        reach = np.maximum(reach + fall, own + margin)
        folds = 0.012 * float(_eased(np.array((hip - height) / 0.4))) * np.cos(cut.folds * angles)
        rings[number, :, [0, 2]] = (centre + (reach + folds)[:, None] * _directions()).T
        rings[number, :, 1] = height
        held = body.weights[near][:, columns].sum(axis=0)
        trunk[number][:, columns] = held / held.sum() if height > hip else [1.0, 0.0, 0.0, 0.0]
    weights = _cone_weights(rings, hanging, trunk, thigh_share)
    return _Cloth(rings_m=rings, weights=weights)


def _cone_weights(rings: Array, hanging: _Hanging, trunk: Array, thigh_share: float) -> Array:
    hip = float(hanging.joints_m[index("thigh_left"), 1])
    knee = hanging.joints_m[index("shank_left")]
    height = rings[..., 1]
    # A short coat must follow the thighs sooner, or they come out at its hem.
    length = hip - max(float(knee[1]), float(height.min()))
    down = thigh_share * _eased((hip + 0.02 - height) / (0.7 * length))
    # Behind, cloth hangs on the calf that swings back; before, it falls from the knee.
    behind = _eased((knee[2] + 0.12 - rings[..., 2]) / 0.24)
    shank = (0.55 + 0.35 * behind) * _eased((knee[1] + 0.06 - height) / 0.25)
    weights = (1.0 - down)[..., None] * trunk
    for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
        own = down * _eased(sign * rings[..., 0] / (2.0 * _BETWEEN_M) + 0.5)
        weights[..., index(f"thigh_{side}")] += own * (1.0 - shank)
        weights[..., index(f"shank_{side}")] += own * shank
    return np.asarray(weights)


def _hidden_legs(body: Body, hanging: _Hanging, top: float, bottom: float) -> Body:
    """Leave out what lies under a garment, between two heights of the hanging pose."""
    height = hanging.vertices_m[:, 1]
    arms = [f"{j}_{s}" for s in SIDES for j in ("upper_arm", "forearm", "hand")]
    covered = (height < top) & (height > bottom) & (_share_of(body, arms) < 0.5)
    kept = ~covered[body.triangles].any(axis=1)
    return replace(body, triangles=body.triangles[kept])


def _bared(body: Body, hanging: _Hanging, below: float) -> Body:
    """Show the skin of the legs under a height in the hanging pose, without trousers' lift."""
    legs = _share_of(body, [f"{j}_{s}" for s in SIDES for j in ("thigh", "shank", "foot", "toes")])
    bare = (below - hanging.vertices_m[:, 1]) * (legs > 0.5) - 1e-6
    bare = np.where(_not_shoe(body) & (bare > 0.0), bare, -1.0)
    height = body.vertices_m[:, 1]
    # The trouser leg's lift and flare of ``body``; towards the shoe the skin takes its place.
    lift = _TROUSER_LIFT_M + 0.009 * np.clip((0.17 - height) / 0.10, 0.0, 1.0)
    normals = vertex_normals(body.vertices_m, body.triangles)
    cloth = body.cloth.copy()
    field = CLOTH.index("skin")
    cloth[:, field] = np.maximum(cloth[:, field], bare)
    taken = np.where(bare > 0.0, lift, 0.0)[:, None] * normals
    return replace(body, vertices_m=body.vertices_m - taken, cloth=cloth)


def _appended(body: Body, hanging: _Hanging, cloth: _Cloth, colour: str) -> Body:
    """Add cloth behind the body's own vertices, once for each of its two sides."""
    count = cloth.rings_m.shape[0] * _AROUND
    start = len(body.vertices_m)
    points = _unhang(body, hanging, cloth)
    weights = cloth.weights.reshape(count, -1)
    outside = _tube(len(cloth.rings_m))
    fields = np.full((2 * count, len(CLOTH)), -1.0)
    if colour != "trousers":
        fields[:, CLOTH.index(colour)] = 1.0
    # The lining has vertices of its own: its normals point the other way.
    triangles = [body.triangles, outside + start, outside[:, ::-1] + start + count]
    return replace(
        body,
        vertices_m=np.concatenate([body.vertices_m, points, points]),
        triangles=np.concatenate(triangles),
        weights=np.concatenate([body.weights, weights, weights]),
        cloth=np.concatenate([body.cloth, fields]),
    )


def _tube(rings: int) -> IntArray:
    """Triangles (F, 3) of rings from top to hem, counter-clockwise from outside."""
    ring, step = np.meshgrid(np.arange(rings - 1), np.arange(_AROUND), indexing="ij")
    a = (ring * _AROUND + step).ravel()
    b = (ring * _AROUND + (step + 1) % _AROUND).ravel()
    halves = [
        np.stack([a, b, b + _AROUND], axis=1),
        np.stack([a, b + _AROUND, a + _AROUND], axis=1),
    ]
    return np.concatenate(halves)
