"""C3D files as they are: markers, force plates and events (ezc3d reads them).

C3D: www.c3d.org. Axes differ from laboratory to laboratory; here z is up, found from the plates'
planes. Event times are counted as the frames are, from before the first one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import ezc3d  # type: ignore[import-untyped]
import numpy as np

from otio_foley.types import FloatArray, Foot

Happening: TypeAlias = Literal["strike", "off"]

#: Labels of events, with the sides that Visual3D writes into them. What it calls LON and LOFF is
#: when a plate is loaded: the plates themselves say that.
_HAPPENINGS: Mapping[str, Happening] = {
    "Foot Strike": "strike",
    "Foot Off": "off",
    "LHS": "strike",
    "RHS": "strike",
    "LTO": "off",
    "RTO": "off",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plate:
    """A force plate: corners_m (4, 3) in its file's order, and the upward force on the foot (N,)
    in newtons at `rate_hz`."""

    corners_m: FloatArray
    rate_hz: float
    up_n: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A labelled instant, seconds from the first frame."""

    time_s: float
    foot: Foot
    what: Happening


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A C3D file. markers_m: (T, 3) a name, NaN where unseen; of markers of one name the first."""

    rate_hz: float
    frames: int
    markers_m: Mapping[str, FloatArray]
    plates: tuple[Plate, ...]
    events: tuple[Event, ...]


def read_c3d(path: Path) -> Recording:
    """A C3D file with z up, in metres and newtons."""
    file = ezc3d.c3d(str(path), extract_forceplat_data=True)
    points, parameters = file["data"]["points"], file["parameters"]
    corners = [np.asarray(plate["corners"], dtype=np.float64) for plate in file["data"]["platform"]]
    turn = _z_up(corners)
    metres = _metres(parameters["POINT"]["UNITS"]["value"])
    markers: dict[str, FloatArray] = {}
    for number, name in enumerate(parameters["POINT"]["LABELS"]["value"]):
        markers.setdefault(name, np.ascontiguousarray((turn @ points[:3, number]).T * metres))
    header = file["header"]
    rate_hz = float(header["points"]["frame_rate"])
    analog_hz = float(header["analogs"]["frame_rate"])
    return Recording(
        rate_hz=rate_hz,
        frames=points.shape[2],
        markers_m=markers,
        plates=tuple(
            Plate(
                corners_m=(turn @ corner).T * metres,
                rate_hz=analog_hz,
                up_n=np.ascontiguousarray((turn @ plate["force"])[2]),
            )
            for corner, plate in zip(corners, file["data"]["platform"], strict=True)
        ),
        events=_events(parameters, header["points"]["first_frame"] / rate_hz),
    )


def _metres(units: list[str]) -> float:
    return {"mm": 0.001, "m": 1.0}[units[0]]


def _z_up(corners: list[FloatArray]) -> FloatArray:
    """Rotation (3, 3) that brings the plates' normal to z: a laboratory's y or z."""
    normals = [np.cross(one[:, 1] - one[:, 0], one[:, 2] - one[:, 0]) for one in corners]
    if normals and int(np.abs(normals[0]).argmax()) == 1:
        return np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    return np.eye(3)


def _events(parameters: Mapping[str, Any], first_s: float) -> tuple[Event, ...]:
    """Events in time order. TIMES (2, N) are minutes and seconds, and count from before the first
    frame; the side stands in CONTEXTS, or is the label's first letter."""
    held = parameters.get("EVENT", {})
    if "TIMES" not in held:
        return ()
    times_s = held["TIMES"]["value"][0] * 60.0 + held["TIMES"]["value"][1] - first_s
    labels = held["LABELS"]["value"]
    sides = held["CONTEXTS"]["value"] if "CONTEXTS" in held else labels
    found = [
        Event(
            time_s=float(time_s),
            foot="left" if side.startswith("L") else "right",
            what=_HAPPENINGS[label],
        )
        for time_s, label, side in zip(times_s, labels, sides, strict=True)
        if label in _HAPPENINGS
    ]
    return tuple(sorted(found, key=lambda event: event.time_s))
