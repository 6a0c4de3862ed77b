"""Motion clips in DeepMimic's JSON files (Peng 2018), for its `humanoid3d` character.

Its frame has x ahead, y up and z to the right; quaternions are (w, x, y, z); in the zero pose arms
and legs hang straight down. Elbows and knees have one angle each, about z.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from otio_foley.train.stage import rotation
from otio_foley.train.stage.motion import Capture, Rig
from otio_foley.train.stage.rotation import Array

#: Widths in a frame behind its duration and the root's place.
_JOINTS: tuple[tuple[str, str, int], ...] = (
    ("root", "", 4),
    ("chest", "root", 4),
    ("neck", "chest", 4),
    ("rfemur", "root", 4),
    ("rtibia", "rfemur", 1),
    ("rfoot", "rtibia", 4),
    ("rhumerus", "chest", 4),
    ("rradius", "rhumerus", 1),
    ("lfemur", "root", 4),
    ("ltibia", "lfemur", 1),
    ("lfoot", "ltibia", 4),
    ("lhumerus", "chest", 4),
    ("lradius", "lhumerus", 1),
)
#: Thigh and shin of the character (its file `humanoid3d.txt`), metres.
_LEG_M = 0.421546 + 0.409870
_DOWN = np.array([0.0, -1.0, 0.0])
_LEFT = np.array([1.0, 0.0, 0.0])


def load_deepmimic(path: Path) -> Capture:
    """Read a clip, in our frame (y up, z ahead, x to the left)."""
    frames = np.array(json.loads(path.read_text(encoding="utf-8"))["Frames"], dtype=np.float64)
    # The last frame's duration is nil in clips that do not loop.
    rate_hz = 1.0 / float(np.median(frames[:, 0]))
    root_m = _ours(frames[:, 1:4])
    turns: dict[str, Array] = {}
    at = 4
    for name, parent, width in _JOINTS:
        values = frames[:, at : at + width]
        at += width
        if width == 4:
            local = rotation.normalise(np.concatenate([values[:, :1], _ours(values[:, 1:])], 1))
        else:
            local = rotation.axis_angle(-_LEFT, values[:, 0])
        turns[name] = rotation.multiply(turns[parent], local) if parent else local
    # One joint stands for the whole back, and one for neck and head.
    for bone, share in (("lowerback", 1 / 3), ("upperback", 2 / 3), ("thorax", 1.0)):
        turns[bone] = _between(turns["root"], turns["chest"], share)
    turns["lowerneck"] = _between(turns["chest"], turns["neck"], 0.5)
    turns["head"] = turns["neck"]
    return Capture(
        rig=_rig(),
        rate_hz=rate_hz,
        root_m=root_m,
        rotations=turns,
        tails_m={},
        hips_m=root_m,
    )


def _ours(vectors: Array) -> Array:
    """Vectors (..., 3) of DeepMimic's frame in ours: a quarter turn about y."""
    return np.stack([-vectors[..., 2], vectors[..., 1], vectors[..., 0]], axis=-1)


def _between(first: Array, second: Array, share: float) -> Array:
    return rotation.slerp(first, second, np.full(len(first), share))


def _rig() -> Rig:
    limbs = ("femur", "tibia", "humerus", "radius")
    upright = np.array([1.0, 0.0, 0.0, 0.0])
    return Rig(
        directions={letter + bone: _DOWN for letter in "lr" for bone in limbs},
        # A knee bends backwards, an elbow forwards.
        hinges={
            f"{letter}{bone}": _LEFT * sign
            for letter in "lr"
            for bone, sign in (("tibia", 1.0), ("radius", -1.0))
        },
        feet={f"{letter}foot": upright for letter in "lr"},
        leg_m=_LEG_M,
    )
