"""Motion capture in Acclaim's ASF (skeleton) and AMC (motion) text files, as the CMU base has it.

Format: Acclaim's "ASF/AMC" description. In the skeleton's zero pose every bone points along its
``direction``; a bone's turn is given in its own ``axis`` frame ``C`` as ``C M C^-1``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from otio_foley.train.stage import rotation
from otio_foley.train.stage.rotation import Array

_INCH_M = 0.0254
CMU_RATE_HZ = 120.0
"""Frame rate of the CMU motion capture data base (its FAQ)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bone:
    """One bone of a source skeleton in its zero pose."""

    name: str
    parent: str
    direction: Array
    length_m: float
    axis: Array
    """Quaternion (4,): the frame in which the bone's angles are given."""
    degrees_of_freedom: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """A source skeleton: its bones with parents first; the root itself is not a bone."""

    bones: tuple[Bone, ...]
    root_order: tuple[str, ...]
    unit_m: float

    def bone(self, name: str) -> Bone:
        """Return the bone called ``name``."""
        return next(bone for bone in self.bones if bone.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """What a source's zero pose is, bones named as in the CMU base (`lfemur`, `rradius`)."""

    directions: Mapping[str, Array]
    """(3,) unit vectors from each bone's head to its tail."""
    hinges: Mapping[str, Array]
    """Axes (3,) about which elbow (`lradius`) and knee (`ltibia`) bend by positive angles."""
    feet: Mapping[str, Array]
    """Turns (4,) from a foot that stands upright and ahead to `lfoot` and `rfoot`."""
    leg_m: float
    """Thigh and shank together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A source motion laid out in world space."""

    rig: Rig
    rate_hz: float
    root_m: Array
    """(T, 3) position of the root."""
    rotations: Mapping[str, Array]
    """Per bone, and for ``root``: (T, 4) global turn away from the zero pose."""
    tails_m: Mapping[str, Array]
    """Per bone: (T, 3) position of its far end."""
    hips_m: Array
    """(T, 3) the middle between both hip joints."""


def read_asf(text: str) -> Skeleton:
    """Read a skeleton from the text of an ASF file; angles must be in degrees."""
    sections = dict(_sections(text))
    scale = next(float(line.split()[1]) for line in sections["units"] if line.startswith("length"))
    # CMU writes lengths in inches times this scale (its FAQ gives the same formula).
    unit_m = _INCH_M / scale
    parents = _parents(sections["hierarchy"])
    blocks = {block["name"][0]: block for block in _blocks(sections["bonedata"])}
    bones = tuple(_bone(blocks[name], parent, unit_m) for name, parent in parents)
    order = next(line for line in sections["root"] if line.startswith("order")).split()[1:]
    return Skeleton(bones=bones, root_order=tuple(o.lower() for o in order), unit_m=unit_m)


def read_amc(text: str, skeleton: Skeleton, rate_hz: float = CMU_RATE_HZ) -> Capture:
    """Read a motion from the text of an AMC file and lay it out in world space."""
    channels = _channels(text)
    root = dict(zip(skeleton.root_order, channels["root"].T, strict=True))
    root_m = np.stack([root["tx"], root["ty"], root["tz"]], axis=1) * skeleton.unit_m
    rotations = {"root": _turns(root)}
    tails = {"root": root_m}
    for bone in skeleton.bones:
        turn = rotations[bone.parent]
        if bone.name in channels:
            angles = dict(zip(bone.degrees_of_freedom, channels[bone.name].T, strict=True))
            local = rotation.multiply(bone.axis, _turns(angles))
            turn = rotation.multiply(turn, rotation.multiply(local, rotation.conjugate(bone.axis)))
        rotations[bone.name] = turn
        tails[bone.name] = tails[bone.parent] + rotation.rotate(
            turn, bone.direction * bone.length_m
        )
    hips = [tails[name] for name in ("lhipjoint", "rhipjoint") if name in tails]
    return Capture(
        rig=rig_of(skeleton),
        rate_hz=rate_hz,
        root_m=root_m,
        rotations=rotations,
        tails_m=tails,
        hips_m=np.mean(hips, axis=0) if hips else root_m,
    )


def rig_of(skeleton: Skeleton) -> Rig:
    """The zero pose of an ASF skeleton: hinges are the x axes of the bones' own frames."""
    hinge = np.array([1.0, 0.0, 0.0])
    # The zero pose spreads the legs and tips the feet with them; CMU gives the feet axes that
    # are a quarter turn about x away from an upright frame.
    quarter = rotation.axis_angle(hinge, np.array(np.pi / 2.0))
    bones = {bone.name: bone for bone in skeleton.bones}
    return Rig(
        directions={name: bone.direction for name, bone in bones.items()},
        hinges={name: rotation.rotate(bone.axis, hinge) for name, bone in bones.items()},
        feet={
            name: rotation.multiply(bones[name].axis, quarter)
            for name in ("lfoot", "rfoot")
            if name in bones
        },
        leg_m=sum(bones[name].length_m for name in ("lfemur", "ltibia") if name in bones),
    )


def load_capture(asf: Path, amc: Path) -> Capture:
    """Read a skeleton and a motion from disk."""
    skeleton = read_asf(asf.read_text(encoding="ascii"))
    return read_amc(amc.read_text(encoding="ascii"), skeleton)


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    name, lines = "", list[str]()
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith(":"):
            yield name, lines
            name, lines = line[1:].split()[0], []
        elif line and not line.startswith("#"):
            lines.append(line)
    yield name, lines


def _blocks(lines: list[str]) -> Iterator[dict[str, list[str]]]:
    block: dict[str, list[str]] = {}
    for line in lines:
        key, *values = line.split()
        if key == "begin":
            block = {}
        elif key == "end":
            yield block
        elif not key.startswith("("):
            block[key] = values


def _parents(lines: list[str]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for line in lines:
        if line in ("begin", "end"):
            continue
        parent, *children = line.split()
        pairs.extend((child, parent) for child in children)
    return pairs


def _bone(block: dict[str, list[str]], parent: str, unit_m: float) -> Bone:
    *angles, order = block["axis"]
    return Bone(
        name=block["name"][0],
        parent=parent,
        direction=rotation.normalise(np.array(block["direction"], dtype=np.float64)),
        length_m=float(block["length"][0]) * unit_m,
        axis=rotation.from_euler_deg(np.array(angles, dtype=np.float64), order),
        degrees_of_freedom=tuple(name.lower() for name in block.get("dof", [])),
    )


def _channels(text: str) -> dict[str, Array]:
    rows: dict[str, list[list[float]]] = {}
    for line in text.splitlines():
        name, *values = line.split() or [""]
        if values and not name.startswith(("#", ":")):
            rows.setdefault(name, []).append([float(value) for value in values])
    return {name: np.array(values) for name, values in rows.items()}


def _turns(angles_deg: Mapping[str, Array]) -> Array:
    names = [name for name in angles_deg if name in ("rx", "ry", "rz")]
    stacked = np.stack([angles_deg[name] for name in names], axis=-1)
    return rotation.from_euler_deg(stacked, "".join(name[1] for name in names))
