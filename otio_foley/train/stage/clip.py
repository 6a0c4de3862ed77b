"""One clip of the data set: from its plan to the files in its folder.

`picture.mov` is what a camera saw. `frames.npz` holds per frame and person what is true of it,
`clip.json` what is true of the clip. Times count from the presentation of the first frame.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_foley.train.stage import keypoints, look, shaping
from otio_foley.train.stage.actions import Action, Performance, perform
from otio_foley.train.stage.body import Body
from otio_foley.train.stage.cameras import CLOSE_UPS, Subject, cameras, middle_of
from otio_foley.train.stage.cast import Person, person
from otio_foley.train.stage.film import Take, write_movie
from otio_foley.train.stage.floors import split, tile
from otio_foley.train.stage.framing import extent_points
from otio_foley.train.stage.pinhole import Camera
from otio_foley.train.stage.recipes import Plan
from otio_foley.train.stage.render import Box, Colour, Picture, Renderer, Set, View
from otio_foley.train.stage.rotation import Array

PICTURE, FRAMES, CLIP = "picture.mov", "frames.npz", "clip.json"

#: Flow is stored at this width, as whole 16ths of a pixel of that size.
_FLOW_WIDTH_PX = 120
FLOW_UNITS_PER_PX = 16
#: People who pass keep this far apart: two slim bodies without arms.
_APART_M = 0.55
_LEAD_IN_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """A person with what they do, where it lies on the stage."""

    person: Person
    action: Action
    performance: Performance

    def take(self) -> Take:
        return Take(body=self.person.body, motion=self.performance.motion, start_s=_LEAD_IN_S)


@dataclass(slots=True)
class _Record:
    """What is kept of each frame while a clip is shot."""

    keypoints_px: list[Array]
    seen: list[NDArray[np.bool_]]
    silhouette_px2: list[Array]
    distance_m: list[Array]


def make_clip(plan: Plan, base: Body, shared: Path, folder: Path) -> None:
    """Shoot a clip into an existing, empty folder."""
    players = cast_players(plan, base, shared)
    shots = shoot_cameras(plan, players)
    scene = build_set(plan, players, shots, shared)
    record = _Record(keypoints_px=[], seen=[], silhouette_px2=[], distance_m=[])
    bodies = [(player.person.body, player.person.palette) for player in players]
    # The shift of the gate moves the picture, and so the truth of what is where in it.
    style = look.LOOKS[plan.look]
    seed = int(plan.rng(7).integers(2**31))
    shifts = look.weave(style, plan.frames, seed)
    with Renderer(scene, bodies, *plan.size_px) as renderer:
        pictures = _exposed(plan, players, shots, renderer, record)
        looked = list(look.applied(style, pictures, seed))
    write_movie(folder / PICTURE, looked, plan.frame_rate, None, plan.crf)
    _write_frames(folder / FRAMES, plan, players, shots, record, shifts, _flow(looked))
    text = json.dumps(_told(plan, players), indent=1, sort_keys=True)
    (folder / CLIP).write_text(text + "\n", encoding="utf-8")


# ---- who and where


def cast_players(plan: Plan, base: Body, shared: Path) -> list[Player]:
    """The people of a clip, placed so that they cross without walking through one another."""
    rng = plan.rng(1)
    players: list[Player] = []
    for part in plan.parts:
        someone = person(base, rng, part.garment)
        needed_s = plan.duration_s / plan.slow_motion + 2.0 * _LEAD_IN_S
        done = perform(part.action, someone.body, shared, rng, needed_s, part.way)
        player = Player(person=someone, action=part.action, performance=done)
        placed = _crossing(player, players, plan, rng) if players else player
        if placed is not None:
            players.append(placed)
    return players


def _crossing(
    player: Player, others: Sequence[Player], plan: Plan, rng: np.random.Generator
) -> Player | None:
    """Someone who comes near the principal's way; None if there was no room for them."""
    count = int(plan.duration_s / plan.slow_motion * player.performance.motion.rate_hz)
    motion = player.performance.motion
    principal = others[0].performance.motion.pelvis_m[:count]
    for _ in range(60):
        yaw = rng.uniform(0.0, 2.0 * np.pi)
        meeting = int(rng.uniform(0.2, 0.8) * count)
        turned = shaping.placed(motion, 0.0, 0.0, yaw)
        beside = rng.uniform(0.7, 2.2) * np.array([np.cos(yaw * 7.0), 0.0, np.sin(yaw * 7.0)])
        way = principal[meeting] + beside - turned.pelvis_m[min(meeting, len(principal) - 1)]
        moved = shaping.placed(turned, float(way[0]), float(way[2]), 0.0)
        path = moved.pelvis_m[:count, [0, 2]]
        gaps = [
            np.linalg.norm(path - other.performance.motion.pelvis_m[:count, [0, 2]], axis=1).min()
            for other in others
        ]
        if min(gaps) > _APART_M:
            return replace(player, performance=replace(player.performance, motion=moved))
    return None


# ---- camera and set


def shoot_cameras(plan: Plan, players: Sequence[Player]) -> list[Camera]:
    """The clip's cameras on its principal."""
    take = players[0].take()
    times = motion_times(plan)
    points = np.stack(
        [extent_points(take.body, take.motion, take.start_s + np.array([at])) for at in times]
    )
    low, high = points[..., 1].min(axis=1), points[..., 1].max(axis=1)
    middle = points.mean(axis=1)
    middle[:, 1] = (low + high) / 2.0
    ground = np.zeros(len(times))
    if take.motion.ground_m is not None:
        both = take.motion.ground_m.mean(axis=1)
        ground = np.interp(take.start_s + times, take.motion.times_s, both)
    subject = Subject(
        middle_m=middle, ground_m=ground, points_m=points, height_m=players[0].person.height_m
    )
    return cameras(
        plan.camera,
        subject,
        plan.azimuth_deg,
        plan.size_px,
        float(plan.frame_rate),
        plan.rng(2),
    )


def motion_times(plan: Plan) -> Array:
    """Seconds of the motion (T,) at which the frames are presented; fewer in slow motion."""
    return np.arange(plan.frames) / float(plan.frame_rate) / plan.slow_motion


def build_set(plan: Plan, players: Sequence[Player], shots: Sequence[Camera], shared: Path) -> Set:
    """Floor, wall, stairs, clutter and light."""
    rng = plan.rng(3)
    eye, aim = middle_of(shots)
    paths = np.concatenate([player.performance.motion.pelvis_m[::100] for player in players])
    ahead = (aim - eye) * [1.0, 0.0, 1.0]
    ahead = ahead / max(float(np.linalg.norm(ahead)), 1e-6)
    behind = float(((paths - aim) @ ahead).max())
    wall_at = aim + ahead * (behind + rng.uniform(1.5, 5.0))
    lean = rng.normal(0.0, 0.25)
    facing = -ahead + lean * np.array([ahead[2], 0.0, -ahead[0]])
    # Whoever walks away from the wall's middle must not reach it along its slant.
    wall_at = wall_at + ahead * abs(lean) * 6.0
    walled = not plan.outdoors or rng.random() < 0.3
    boxes = _stairs(players[0]) + (_clutter(plan, players, shots, rng) if plan.clutter else ())
    sun = rng.normal(0.0, 0.6, 2)
    bright = rng.uniform(0.0, 1.0)
    return Set(
        floor=tile(plan.floor, shared),
        floor_tile_m=plan.floor.tile_m,
        floor_turn_deg=float(rng.uniform(0.0, 360.0)),
        floor_shift=(float(rng.uniform()), float(rng.uniform())),
        wall=_wall_colour(rng) if walled else None,
        wall_point_m=(float(wall_at[0]), 0.0, float(wall_at[2])),
        wall_normal=(float(facing[0]), 0.0, float(facing[2])),
        panel_m=float(rng.choice([0.0, 0.0, 1.2, 2.4])),
        boxes=boxes,
        sun_direction=(float(sun[0]), 1.0, float(sun[1])),
        sun=0.15 + 0.75 * bright,
        sky=0.75 - 0.3 * bright,
    )


def _wall_colour(rng: np.random.Generator) -> Colour:
    level = rng.uniform(0.3, 0.85)
    red, green, blue = np.clip(level + rng.normal(0.0, 0.06, 3), 0.05, 0.95)
    return float(red), float(green), float(blue)


def _stairs(player: Player) -> tuple[Box, ...]:
    steps = player.performance.steps
    if steps is None:
        return ()
    edges = (steps.edges_m[0] - 3.0, *steps.edges_m, steps.edges_m[-1] + 3.0)
    return tuple(
        Box(
            low_m=(-1.1, -0.01, near),
            high_m=(1.1, height, far),
            colour=(0.55, 0.53, 0.5),
            floored=True,
        )
        for height, near, far in zip(steps.heights_m, edges[:-1], edges[1:], strict=True)
        if height > 0.0
    )


def _clutter(
    plan: Plan, players: Sequence[Player], shots: Sequence[Camera], rng: np.random.Generator
) -> tuple[Box, ...]:
    """Things between the camera and the people, and some about: none in anybody's way."""
    eye, aim = middle_of(shots)
    paths = np.concatenate([player.performance.motion.pelvis_m[::50] for player in players])
    eyes = np.array([camera.eye_m for camera in shots])
    boxes: list[Box] = []
    for _ in range(40):
        if len(boxes) == 4:
            break
        along = rng.uniform(0.35, 0.9) if len(boxes) < 2 else rng.uniform(1.1, 1.6)
        spot = eye + (aim - eye) * along + rng.normal(0.0, 1.5, 3)
        wide, deep = rng.uniform(0.15, 1.2, 2)
        high = float(rng.choice([0.35, 0.5, 0.75, 1.0, 2.4], p=[0.3, 0.25, 0.25, 0.1, 0.1]))
        if high > 2.0:
            wide = deep = rng.uniform(0.15, 0.4)  # a pillar
        half = np.array([wide, deep]) / 2.0
        beyond = (spot - aim)[[0, 2]] @ (aim - eye)[[0, 2]] > 0.0
        if plan.camera in CLOSE_UPS and not beyond:
            continue  # it would hide all that there is to see
        clear = [
            (np.abs(where[:, [0, 2]] - spot[[0, 2]]) > half + room).any(axis=1).all()
            for where, room in ((paths, 0.6), (eyes, 0.9))
        ]
        if all(clear):
            boxes.append(_box(spot, half, high, rng))
    return tuple(boxes)


def _box(spot: Array, half: Array, high: float, rng: np.random.Generator) -> Box:
    red, green, blue = np.clip(rng.uniform(0.08, 0.7) + rng.normal(0.0, 0.07, 3), 0.03, 0.9)
    return Box(
        low_m=(float(spot[0] - half[0]), 0.0, float(spot[2] - half[1])),
        high_m=(float(spot[0] + half[0]), high, float(spot[2] + half[1])),
        colour=(float(red), float(green), float(blue)),
    )


# ---- shooting


def _exposed(
    plan: Plan,
    players: Sequence[Player],
    shots: Sequence[Camera],
    renderer: Renderer,
    record: _Record,
) -> Iterator[Picture]:
    """One picture a frame, its exposure about the instant at which it is presented; notes the
    truth of that instant, but for who hides whom, which is of the first exposure."""
    takes = [player.take() for player in players]
    open_s = plan.shutter / float(plan.frame_rate) / plan.slow_motion
    offsets = ((np.arange(plan.exposures) + 0.5) / plan.exposures - 0.5) * open_s
    for camera, at in zip(shots, motion_times(plan), strict=True):
        posed = [take.vertices(at + offsets) for take in takes]
        view = renderer.view(camera, [vertices[0] for vertices in posed])
        _note(record, plan, camera, view, takes, float(at))
        others = [
            renderer.draw(camera, [vertices[number] for vertices in posed])
            for number in range(1, plan.exposures)
        ]
        yield np.round(np.mean([view.picture, *others], axis=0)).astype(np.uint8)


def _note(
    record: _Record,
    plan: Plan,
    camera: Camera,
    view: View,
    takes: Sequence[Take],
    at_s: float,
) -> None:
    points = np.stack([keypoints.keypoints_m(take, np.array([at_s]))[0] for take in takes])
    record.keypoints_px.append(camera.project(points))
    record.seen.append(np.stack([keypoints.seen(camera, view, own) for own in points]))
    per_px = view.identities.size / (plan.size_px[0] * plan.size_px[1])
    counts = np.bincount(view.identities.ravel(), minlength=len(takes) + 1)
    record.silhouette_px2.append(counts[1 : len(takes) + 1] / per_px)
    hips = points[:, [23, 24]].mean(axis=1)
    record.distance_m.append(np.linalg.norm(hips - camera.eye_m, axis=1))


def _flow(pictures: Sequence[Picture]) -> NDArray[np.int16]:
    """(T - 1, h, w, 2) from each picture to the next, as the product computes flow: DIS."""
    import cv2

    height, width = pictures[0].shape[:2]
    size = (_FLOW_WIDTH_PX, round(height * _FLOW_WIDTH_PX / width))
    computer = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    greys = [
        cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
        for picture in pictures
    ]
    empty = np.empty(0, dtype=np.float32)
    found = [computer.calc(before, after, empty) for before, after in pairwise(greys)]
    units = np.round(np.stack(found) * FLOW_UNITS_PER_PX)
    stored: NDArray[np.int16] = np.clip(units, -32768, 32767).astype(np.int16)
    return stored


# ---- writing


def _write_frames(
    path: Path,
    plan: Plan,
    players: Sequence[Player],
    shots: Sequence[Camera],
    record: _Record,
    shifts: Array,
    flow: NDArray[np.int16],
) -> None:
    times = motion_times(plan)
    world = np.stack([keypoints.keypoints_m(p.take(), times) for p in players], axis=1)
    np.savez(
        path,
        time_s=np.arange(plan.frames) / float(plan.frame_rate),
        keypoints_px=(np.stack(record.keypoints_px) + shifts[:, None, None]).astype(np.float32),
        keypoints_m=world.astype(np.float32),
        seen=np.stack(record.seen),
        silhouette_px2=np.stack(record.silhouette_px2).astype(np.float32),
        distance_m=np.stack(record.distance_m).astype(np.float32),
        eye_m=np.stack([camera.eye_m for camera in shots]).astype(np.float32),
        target_m=np.stack([camera.target_m for camera in shots]).astype(np.float32),
        vertical_view_deg=np.array([camera.vertical_view_deg for camera in shots], np.float32),
        roll_deg=np.array([camera.roll_deg for camera in shots], np.float32),
        flow=flow,
    )


def _told(plan: Plan, players: Sequence[Player]) -> dict[str, Any]:
    """What is true of the clip, as JSON."""
    return {
        "version": 1,
        "recipe": plan.recipe,
        "number": plan.number,
        "seed": plan.seed,
        "frame_rate": f"{plan.frame_rate.numerator}/{plan.frame_rate.denominator}",
        "frames": plan.frames,
        "size_px": list(plan.size_px),
        "floor": plan.floor.name,
        "floor_asset": plan.floor.asset,
        "split": split(plan.floor),
        "camera": plan.camera,
        "azimuth_deg": round(plan.azimuth_deg, 2),
        "look": plan.look,
        "slow_motion": round(plan.slow_motion, 4),
        "clutter": plan.clutter,
        "crf": plan.crf,
        "people": [_person_told(plan, player) for player in players],
    }


def _person_told(plan: Plan, player: Player) -> dict[str, Any]:
    def shown_s(motion_s: float | None) -> float | None:
        if motion_s is None:
            return None
        return round((motion_s - _LEAD_IN_S) * plan.slow_motion, 5)

    end_s = plan.duration_s
    contacts = []
    for contact in player.performance.contacts:
        time_s = shown_s(contact.time_s)
        if time_s is None or not 0.0 <= time_s < end_s:
            continue
        contacts.append(
            {
                "time_s": time_s,
                "foot": contact.foot,
                "part": contact.part,
                "toe_off_s": shown_s(contact.toe_off_s),
                "heel_s": shown_s(contact.heel_s),
                "toe_s": shown_s(contact.toe_s),
                "heel_off_s": shown_s(contact.heel_off_s),
                "drop_m_s": round(contact.drop_m_s, 4),
            }
        )
    intervals = [
        {
            "start_s": max(0.0, shown_s(interval.start_s) or 0.0),
            "end_s": min(end_s, shown_s(interval.end_s) or 0.0),
            "action": interval.action,
        }
        for interval in player.performance.intervals
    ]
    footing = player.performance.footing
    return {
        "height_m": round(player.person.height_m, 3),
        "garment": player.person.garment,
        "action": player.action,
        "source": player.performance.source,
        "contacts": contacts,
        "intervals": intervals,
        "slide_mm": round(footing.slide_m * 1e3, 2),
        "sinking_mm": round(footing.sinking_m * 1e3, 2),
        "floating_mm": round(footing.floating_m * 1e3, 2),
    }
