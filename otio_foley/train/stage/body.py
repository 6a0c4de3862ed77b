"""The skinned person: MakeHuman's base mesh and rig reduced to the joints that footage shows.

Rest pose in metres: y up with the floor at 0, facing +z, the person's left at +x.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_foley.train.stage import rotation
from otio_foley.train.stage.rotation import Array
from otio_foley.train.stage.shoe import loft_shoe

IntArray = NDArray[np.int64]

_DECIMETRE_M = 0.1

JOINTS: tuple[tuple[str, str, str], ...] = (
    ("pelvis", "", "spine05"),
    ("spine_low", "pelvis", "spine04"),
    ("spine_mid", "spine_low", "spine02"),
    ("spine_high", "spine_mid", "spine01"),
    ("neck", "spine_high", "neck01"),
    ("head", "neck", "head"),
    *(
        (
            f"{joint}_{side}",
            parent if parent in ("pelvis", "spine_high") else f"{parent}_{side}",
            f"{bone}.{letter}",
        )
        for side, letter in (("left", "L"), ("right", "R"))
        for joint, parent, bone in (
            ("clavicle", "spine_high", "clavicle"),
            ("upper_arm", "clavicle", "upperarm01"),
            ("forearm", "upper_arm", "lowerarm01"),
            ("hand", "forearm", "wrist"),
            ("thigh", "pelvis", "upperleg01"),
            ("shank", "thigh", "lowerleg01"),
            ("foot", "shank", "foot"),
            ("toes", "foot", "toe1-1"),
        )
    ),
)
"""Joint, parent ("" for none) and the MakeHuman bone at whose head the joint sits."""

JOINT_NAMES: tuple[str, ...] = tuple(name for name, _, _ in JOINTS)
PARENTS: tuple[int, ...] = tuple(
    JOINT_NAMES.index(parent) if parent else -1 for _, parent, _ in JOINTS
)

_KEPT_BONES = {
    "root": "pelvis",
    "pelvis": "pelvis",
    "spine05": "spine_low",
    "spine04": "spine_low",
    "spine03": "spine_mid",
    "spine02": "spine_mid",
    "spine01": "spine_high",
    "breast": "spine_mid",
    "neck01": "neck",
    "neck02": "neck",
    "neck03": "neck",
    "clavicle": "clavicle",
    "shoulder01": "clavicle",
    "upperarm01": "upper_arm",
    "upperarm02": "upper_arm",
    "lowerarm01": "forearm",
    "lowerarm02": "forearm",
    "wrist": "hand",
    "upperleg01": "thigh",
    "upperleg02": "thigh",
    "lowerleg01": "shank",
    "lowerleg02": "shank",
    "foot": "foot",
}
_PREFIXES = {"finger": "hand", "metacarpal": "hand", "toe": "foot"}

# The trouser leg ends here above the sole; skin below lies inside the shoe.
_HEM_HEIGHT_M = 0.058
_CUFF_M = 0.035


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A triangle mesh with linear blend skinning weights."""

    vertices_m: Array
    """(V, 3) rest positions."""
    triangles: IntArray
    """(F, 3) counter-clockwise from outside."""
    weights: Array
    """(V, J) shares of each joint, summing to 1."""
    joints_m: Array
    """(J, 3) rest positions, in the order of ``JOINT_NAMES``."""
    cloth: Array
    """(V, 5) one field per entry of ``CLOTH``; where it is positive, the surface is that."""
    sole_left: IntArray
    """Indices of the vertices under the left shoe."""
    sole_right: IntArray
    """Indices of the vertices under the right shoe."""
    ball_z_m: float
    """Rest z of the line about which the shoe bends."""

    @property
    def height_m(self) -> float:
        """Standing height."""
        return float(self.vertices_m[:, 1].max())


CLOTH: tuple[str, ...] = ("hair", "skin", "shirt", "shoe", "inside")
"""Fields in falling priority; "inside" is covered by a shoe and not drawn, the rest trousers."""


def index(joint: str) -> int:
    """Return the position of ``joint`` in ``JOINT_NAMES``."""
    return JOINT_NAMES.index(joint)


def skin(body: Body, rotations: Array, joints_m: Array, which: IntArray | None = None) -> Array:
    """Linear blend skinning (Magnenat-Thalmann 1988).

    rotations: (..., J, 4) global turns away from the rest pose; joints_m: (..., J, 3) positions;
    which: vertices to skin, all by default. Returns (..., V, 3) in metres.
    """
    vertices = body.vertices_m if which is None else body.vertices_m[which]
    weights = body.weights if which is None else body.weights[which]
    matrices = rotation.to_matrices(rotations)
    offsets = joints_m - np.einsum("...jab,jb->...ja", matrices, body.joints_m)
    blended = np.einsum("vj,...jab->...vab", weights, matrices, optimize=True)
    moved = np.einsum("vj,...ja->...va", weights, offsets, optimize=True)
    posed: Array = np.einsum("...vab,vb->...va", blended, vertices, optimize=True) + moved
    return posed


def place_joints(body: Body, rotations: Array, pelvis_m: Array) -> Array:
    """Forward kinematics: (..., J, 3) joint positions from global turns and the pelvis (..., 3)."""
    positions = np.empty((*rotations.shape[:-1], 3))
    positions[..., 0, :] = pelvis_m
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            bone = body.joints_m[joint] - body.joints_m[parent]
            positions[..., joint, :] = positions[..., parent, :] + rotation.rotate(
                rotations[..., parent, :], bone
            )
    return positions


def vertex_normals(vertices_m: Array, triangles: IntArray) -> Array:
    """Area-weighted unit normals (V, 3)."""
    corners = vertices_m[triangles]
    faces: Array = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    count = len(vertices_m)
    flat = triangles.ravel()
    summed: Array = np.stack(
        [np.bincount(flat, np.repeat(faces[:, axis], 3), count) for axis in range(3)],
        axis=1,
        dtype=np.float64,
    )
    return rotation.normalise(summed)


def load_body(folder: Path) -> Body:
    """Read MakeHuman's ``base.obj``, ``default.mhskel``, ``default_weights.mhw``; dress it."""
    points, quads = _read_obj(folder / "base.obj")
    skeleton = json.loads((folder / "default.mhskel").read_text(encoding="utf-8"))
    bones: Mapping[str, list[list[float]]] = json.loads(
        (folder / "default_weights.mhw").read_text(encoding="utf-8")
    )["weights"]
    used = np.unique(quads)
    points = points * _DECIMETRE_M
    floor_m = points[used, 1].min()
    points[:, 1] -= floor_m
    joints = np.stack([_joint(skeleton, points, bone) for _, _, bone in JOINTS])
    compact = np.full(len(points), -1)
    compact[used] = np.arange(len(used))
    triangles = compact[np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])]
    bare = _bare(points[used], triangles, _weights(bones, len(points))[used], joints)
    return _with_shoes(_dress(bare), points[used])


def _read_obj(path: Path) -> tuple[Array, IntArray]:
    points: list[list[float]] = []
    quads: list[list[int]] = []
    group = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, *values = line.split() or [""]
        if kind == "v":
            points.append([float(value) for value in values])
        elif kind == "g":
            group = values[0]
        elif kind == "f" and group == "body":
            corners = [int(value.split("/")[0]) - 1 for value in values]
            quads.append(corners if len(corners) == 4 else [*corners, corners[-1]])
    return np.array(points), np.array(quads, dtype=np.int64)


def _joint(skeleton: Mapping[str, Any], points: Array, bone: str) -> Array:
    corners: list[int] = skeleton["joints"][skeleton["bones"][bone]["head"]]
    centre: Array = points[corners].mean(axis=0)
    return centre


def _target(bone: str) -> str:
    stem, _, letter = bone.partition(".")
    side = {"L": "_left", "R": "_right", "": ""}[letter]
    joint = _KEPT_BONES.get(stem) or next(
        (kept for prefix, kept in _PREFIXES.items() if stem.startswith(prefix)), "head"
    )
    sided = f"{joint}{side}"
    # What has a side but no sided joint of ours (breasts, face) goes to the middle.
    return sided if sided in JOINT_NAMES else joint


def _weights(bones: Mapping[str, list[list[float]]], count: int) -> Array:
    weights = np.zeros((count, len(JOINTS)))
    for bone, pairs in bones.items():
        table = np.array(pairs).reshape(-1, 2)
        np.add.at(weights[:, index(_target(bone))], table[:, 0].astype(int), table[:, 1])
    total = weights.sum(axis=1, keepdims=True)
    weights[total[:, 0] == 0.0, 0] = 1.0
    normalised: Array = weights / np.where(total == 0.0, 1.0, total)
    return normalised


def _bare(points: Array, triangles: IntArray, weights: Array, joints: Array) -> Body:
    keep = (points[triangles][:, :, 1] > _HEM_HEIGHT_M - 0.03).all(axis=1)
    return Body(
        vertices_m=points,
        triangles=triangles[keep],
        weights=weights,
        joints_m=joints,
        cloth=np.full((len(points), len(CLOTH)), -1.0),
        sole_left=np.empty(0, dtype=np.int64),
        sole_right=np.empty(0, dtype=np.int64),
        ball_z_m=0.0,
    )


def _dress(body: Body) -> Body:
    """Say what covers the skin where, by planes through the rest pose, and lift cloth off it."""
    points = body.vertices_m
    joint = {name: body.joints_m[number] for number, name in enumerate(JOINT_NAMES)}
    across = np.abs(points[:, 0])
    height, depth = points[:, 1], points[:, 2]
    # A hairline: above the forehead in front, down to the nape behind.
    from_head = depth - joint["head"][2]
    hair = height - (joint["head"][1] + 0.035 + 0.75 * np.clip(from_head, -0.12, 0.14))
    collar = (points - joint["neck"]) @ rotation.normalise(np.array([0.0, 1.0, 0.45])) - 0.012
    mirrored = np.stack([across, height, depth], axis=1)
    wrist, elbow = joint["hand_left"], joint["forearm_left"]
    cuff = (mirrored - wrist) @ rotation.normalise(wrist - elbow) + _CUFF_M
    skin_field = np.where(across > elbow[0], cuff, collar)
    shirt = height - (joint["spine_low"][1] - 0.02)
    instep = np.maximum(depth - joint["foot_left"][2] - 0.02, 0.0)
    inside = _HEM_HEIGHT_M + 0.6 * instep - height
    # The trouser leg hangs over the shoe.
    flare = 0.009 * np.clip((0.17 - height) / 0.10, 0.0, 1.0)
    lift = np.where(shirt > 0.0, 0.009, 0.010 + flare)
    lift = np.where(hair > 0.0, 0.012, np.where(skin_field > 0.0, 0.0, lift))
    normals = vertex_normals(points, body.triangles)
    fields = [hair, skin_field, shirt, np.full(len(points), -1.0), inside]
    return replace(
        body,
        vertices_m=points + normals * lift[:, None],
        cloth=np.stack(fields, axis=1),
    )


def _with_shoes(body: Body, skin_m: Array) -> Body:
    parts = [body]
    joints = body.joints_m.copy()
    for side in ("left", "right"):
        ankle = joints[index(f"foot_{side}")]
        near = (np.sign(skin_m[:, 0]) == np.sign(ankle[0])) & (skin_m[:, 1] < 0.105)
        shoe = loft_shoe(skin_m[near])
        weights = np.zeros((len(shoe.vertices_m), len(JOINTS)))
        weights[:, index(f"toes_{side}")] = shoe.toe_share
        weights[:, index(f"foot_{side}")] = 1.0 - shoe.toe_share
        cloth = np.full((len(shoe.vertices_m), len(CLOTH)), -1.0)
        cloth[:, CLOTH.index("shoe")] = 1.0
        parts.append(
            replace(
                body,
                vertices_m=shoe.vertices_m,
                triangles=shoe.triangles,
                weights=weights,
                cloth=cloth,
                sole_left=np.flatnonzero(shoe.sole),
                ball_z_m=shoe.ball_z_m,
            )
        )
        joints[index(f"toes_{side}")] = [ankle[0], 0.02, shoe.ball_z_m]
    starts = np.cumsum([0, *(len(part.vertices_m) for part in parts[:-1])])
    return Body(
        vertices_m=np.concatenate([part.vertices_m for part in parts]),
        triangles=np.concatenate(
            [part.triangles + start for part, start in zip(parts, starts, strict=True)]
        ),
        weights=np.concatenate([part.weights for part in parts]),
        joints_m=joints,
        cloth=np.concatenate([part.cloth for part in parts]),
        sole_left=parts[1].sole_left + starts[1],
        sole_right=parts[2].sole_left + starts[2],
        ball_z_m=parts[1].ball_z_m,
    )
