"""Motion capture in Biovision's BVH text files, with the joint names of CMU's conversions.

In the zero pose of these every joint's frame is aligned with the world, the arms are stretched out
sideways and the legs are spread: the pose of CMU's ASF skeletons, from which they were made.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from otio_foley.train.stage import rotation
from otio_foley.train.stage.motion import Capture, Rig
from otio_foley.train.stage.rotation import Array

_NAMES = {
    "Hips": "root",
    "LowerBack": "lowerback",
    "Spine": "upperback",
    "Spine1": "thorax",
    "Neck": "lowerneck",
    "Head": "head",
    **{
        f"{side}{joint}": f"{letter}{bone}"
        for side, letter in (("Left", "l"), ("Right", "r"))
        for joint, bone in (
            ("UpLeg", "femur"),
            ("Leg", "tibia"),
            ("Foot", "foot"),
            ("Arm", "humerus"),
            ("ForeArm", "radius"),
        )
    },
}
#: A knee bends about what lies crosswise to the leg, an elbow about CMU's axis of the radius, which
#: is the same in the skeletons of subjects 01 and 02: (0, -0.87, 0.5) on the left.
_ELBOW = np.array([0.0, -np.cos(np.pi / 6.0), np.sin(np.pi / 6.0)])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Joint:
    name: str
    parent: int
    offset: Array
    channels: tuple[str, ...]


def load_bvh(path: Path) -> Capture:
    """Read a motion. Its first frame is left out: the conversions put the zero pose there.

    Lengths are in the file's own unit, which only their proportions matter of.
    """
    head, _, tail = path.read_text(encoding="ascii").partition("MOTION")
    joints = _hierarchy(head)
    lines = tail.split("\n")
    rate_hz = 1.0 / float(next(line for line in lines if "Frame Time" in line).split(":")[1])
    start = next(number for number, line in enumerate(lines) if "Frame Time" in line) + 1
    values = np.array([[float(x) for x in line.split()] for line in lines[start + 1 :] if line])
    turns, heads = _laid_out(joints, values)
    by_name = {_NAMES[joint.name]: i for i, joint in enumerate(joints) if joint.name in _NAMES}
    positions = {name: heads[:, i] for name, i in by_name.items()}
    hips = (positions["lfemur"] + positions["rfemur"]) / 2.0
    return Capture(
        rig=_rig(joints, by_name),
        rate_hz=round(rate_hz, 2),
        root_m=positions["root"],
        rotations={name: turns[:, i] for name, i in by_name.items()},
        tails_m={},
        hips_m=hips,
    )


def _hierarchy(text: str) -> list[_Joint]:
    joints: list[_Joint] = []
    open_joints: list[int] = []
    words = iter(text.split())
    name, offset = "", np.zeros(3)
    for word in words:
        if word in ("ROOT", "JOINT", "End"):
            name = next(words)
        elif word == "OFFSET":
            offset = np.array([float(next(words)) for _ in range(3)])
        elif word == "{":
            joints.append(_Joint(name=name, parent=open_joints[-1] if open_joints else -1,
                                 offset=np.zeros(3), channels=()))  # fmt: skip
            open_joints.append(len(joints) - 1)
        elif word == "CHANNELS":
            count = int(next(words))
            channels = tuple(next(words) for _ in range(count))
            at = open_joints[-1]
            joints[at] = _Joint(
                name=name, parent=joints[at].parent, offset=offset, channels=channels
            )
        elif word == "}":
            at = open_joints.pop()
            if not joints[at].channels:
                joints[at] = _Joint(name="", parent=joints[at].parent, offset=offset, channels=())
    return joints


def _laid_out(joints: list[_Joint], values: Array) -> tuple[Array, Array]:
    """Global turns (T, N, 4) and heads (T, N, 3)."""
    turns = np.zeros((len(values), len(joints), 4))
    heads = np.zeros((len(values), len(joints), 3))
    column = 0
    for number, joint in enumerate(joints):
        columns = {name: values[:, column + at] for at, name in enumerate(joint.channels)}
        column += len(joint.channels)
        # Channels apply in the order given, each about the axis that the former left: the same as
        # fixed axes in reverse.
        order = [name[0] for name in joint.channels if name.endswith("rotation")][::-1]
        angles = [columns[f"{axis}rotation"] for axis in order]
        local = np.zeros((len(values), 4))
        local[:, 0] = 1.0
        if order:
            local = rotation.from_euler_deg(np.stack(angles, axis=-1), "".join(order))
        moved = [columns[f"{axis}position"] for axis in "XYZ" if f"{axis}position" in columns]
        if joint.parent < 0:
            turns[:, number] = local
            heads[:, number] = joint.offset + (np.stack(moved, axis=-1) if moved else 0.0)
        else:
            parent = turns[:, joint.parent]
            turns[:, number] = rotation.multiply(parent, local)
            heads[:, number] = heads[:, joint.parent] + rotation.rotate(parent, joint.offset)
    return turns, heads


def _rig(joints: list[_Joint], by_name: dict[str, int]) -> Rig:
    directions, hinges, feet = {}, {}, {}
    leg = 0.0
    for letter, outwards in (("l", 1.0), ("r", -1.0)):
        for bone, child in (("femur", "tibia"), ("tibia", "foot"), ("humerus", "radius")):
            offset = joints[by_name[letter + child]].offset
            directions[letter + bone] = rotation.normalise(offset)
            leg += float(np.linalg.norm(offset)) / 2.0 if bone != "humerus" else 0.0
        directions[f"{letter}radius"] = directions[f"{letter}humerus"]
        hinges[f"{letter}radius"] = _ELBOW * outwards
        down = directions[f"{letter}tibia"]
        crosswise = np.array([1.0, 0.0, 0.0])
        hinges[f"{letter}tibia"] = rotation.normalise(crosswise - down * down[0])
        # The foot is tipped sideways with the spread leg.
        tilt = np.arctan2(hinges[f"{letter}tibia"][1], hinges[f"{letter}tibia"][0])
        feet[f"{letter}foot"] = rotation.axis_angle(np.array([0.0, 0.0, 1.0]), np.array(tilt))
    return Rig(directions=directions, hinges=hinges, feet=feet, leg_m=leg)
