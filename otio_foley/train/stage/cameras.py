"""How a camera looks at someone: still, panning, on a dolly, hand-held, zooming, close, high, low.

Every camera is planned over a whole clip and then given frame by frame. Distances are those of
ordinary shots: a full figure from 4 to 12 m.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from otio_foley.train.stage.framing import fit_camera
from otio_foley.train.stage.pinhole import Camera
from otio_foley.train.stage.rotation import Array

Kind: TypeAlias = Literal[
    "static", "pan", "dolly", "handheld", "zoom", "close", "feet", "high", "low"
]
KINDS: tuple[Kind, ...] = (
    *("static", "pan", "dolly", "handheld"),
    *("zoom", "close", "feet", "high", "low"),
)
CLOSE_UPS: tuple[Kind, ...] = ("close", "feet")

#: Room about the person, as a share of the height of the picture.
_FILL = (0.55, 0.85)
_EYE_M = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom a camera follows, frame by frame."""

    middle_m: Array
    """(T, 3) between floor and crown."""
    ground_m: Array
    """(T,) height of the floor beneath."""
    points_m: Array
    """(T, N, 3) what bounds the person: crown, hands, feet."""
    height_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shot:
    subject: Subject
    azimuth_deg: float
    size_px: tuple[int, int]
    frame_rate: float
    rng: np.random.Generator

    @property
    def away(self) -> Array:
        """Unit vector (3,) over the floor from the person towards the camera."""
        angle = np.radians(self.azimuth_deg)
        return np.array([np.sin(angle), 0.0, np.cos(angle)])

    @property
    def steady_m(self) -> Array:
        """The person's way (T, 3) as an operator follows it: without the bob of the hips."""
        return _smoothed(self.subject.middle_m, 0.4 * self.frame_rate)


def cameras(
    kind: Kind,
    subject: Subject,
    azimuth_deg: float,
    size_px: tuple[int, int],
    frame_rate: float,
    rng: np.random.Generator,
) -> list[Camera]:
    """One camera a frame; the same object again and again while it stands still.

    Azimuth 0 looks at the face of someone who goes along +z, 90 sees their left side.
    """
    shot = _Shot(
        subject=subject,
        azimuth_deg=azimuth_deg,
        size_px=size_px,
        frame_rate=frame_rate,
        rng=rng,
    )
    return _MAKERS[kind](shot)


def _static(shot: _Shot, eye_m: float = _EYE_M, tilt: float = 0.0) -> list[Camera]:
    """Stands and sees the middle third of what happens as large as it fits."""
    count = len(shot.subject.middle_m)
    part = slice(count // 3, max(count // 3 + 1, 2 * count // 3))
    points = shot.subject.points_m[part].reshape(-1, 3)
    way = np.ptp(shot.subject.middle_m, axis=0)
    distance = max(5.0, 0.7 * float(np.hypot(way[0], way[2])) + 3.0)
    distance *= shot.rng.uniform(1.0, 1.4)
    eye = float(shot.subject.ground_m.mean()) + eye_m + tilt * distance
    camera = fit_camera(points, shot.azimuth_deg, distance, eye, shot.size_px)
    margin = shot.rng.uniform(1.05, 1.35)
    return [replace(camera, vertical_view_deg=_wider(camera.vertical_view_deg, margin))] * count


def _high(shot: _Shot) -> list[Camera]:
    return _static(shot, eye_m=2.0, tilt=shot.rng.uniform(0.3, 0.7))


def _low(shot: _Shot) -> list[Camera]:
    return _static(shot, eye_m=shot.rng.uniform(0.12, 0.5))


def _pan(shot: _Shot) -> list[Camera]:
    """Turns with the person, from a place beside the way."""
    way = shot.steady_m
    middle = (way.min(axis=0) + way.max(axis=0)) / 2.0
    distance = shot.rng.uniform(5.0, 9.0) + 0.25 * float(np.ptp(way, axis=0)[[0, 2]].max())
    eye = middle + shot.away * distance
    eye[1] = float(shot.subject.ground_m.mean()) + shot.rng.uniform(1.1, 1.8)
    away = np.linalg.norm(way - eye, axis=1)
    view = _view_deg(shot, float(np.quantile(away, 0.3)))
    return [_camera(shot, eye, target, view) for target in way]


def _dolly(shot: _Shot) -> list[Camera]:
    """Travels beside the person."""
    distance = shot.rng.uniform(3.5, 7.0)
    way = shot.steady_m
    eyes = way + shot.away * distance
    eyes[:, 1] = shot.subject.ground_m.mean() + shot.rng.uniform(1.0, 1.7)
    eyes[:, 1] += way[:, 1] - way[:, 1].mean()
    view = _view_deg(shot, distance)
    return [_camera(shot, eye, target, view) for eye, target in zip(eyes, way, strict=True)]


def _handheld(shot: _Shot) -> list[Camera]:
    """A dolly or a pan in someone's hands: about a degree of shake below 2 Hz, a tenth above."""
    maker = _dolly if shot.rng.random() < 0.5 else _pan
    size = np.radians(shot.rng.uniform(0.4, 1.2))
    shaken = []
    steady = maker(shot)
    shakes = [_shake(shot, len(steady), size) for _ in range(3)]
    for number, camera in enumerate(steady):
        ahead = camera.target_m - camera.eye_m
        distance = float(np.linalg.norm(ahead))
        right = np.cross(ahead / distance, [0.0, 1.0, 0.0])
        target = camera.target_m + distance * (
            shakes[0][number] * right + shakes[1][number] * np.array([0.0, 1.0, 0.0])
        )
        roll = float(np.degrees(shakes[2][number])) * 0.7
        shaken.append(replace(camera, target_m=target, roll_deg=roll))
    return shaken


def _zoom(shot: _Shot) -> list[Camera]:
    """In or out by up to three times while it pans."""
    steady = _pan(shot)
    ratio = shot.rng.uniform(1.5, 3.0) ** shot.rng.choice([-1.0, 1.0])
    share = np.linspace(0.0, 1.0, len(steady))
    share = share * share * (3.0 - 2.0 * share)
    base = max(1.0, ratio)
    return [
        replace(camera, vertical_view_deg=_wider(camera.vertical_view_deg, base * ratio**-part))
        for camera, part in zip(steady, share, strict=True)
    ]


def _close(shot: _Shot) -> list[Camera]:
    """Head and shoulders to the waist: the feet are out of the picture."""
    return _part_of_body(shot, 0.78, shot.rng.uniform(0.28, 0.5))


def _feet(shot: _Shot) -> list[Camera]:
    """From the knees down."""
    return _part_of_body(shot, 0.14, shot.rng.uniform(0.3, 0.5))


def _part_of_body(shot: _Shot, at: float, share: float) -> list[Camera]:
    """A dolly at a height of the body (0 the floor, 1 the crown) that shows a share of it."""
    distance = shot.rng.uniform(2.5, 4.0)
    way = shot.steady_m.copy()
    way[:, 1] += (at - 0.5) * shot.subject.height_m
    eyes = way + shot.away * distance
    eyes[:, 1] += shot.rng.uniform(-0.05, 0.5)
    view = 2.0 * np.degrees(np.arctan(share * shot.subject.height_m / 2.0 / distance))
    return [_camera(shot, eye, aim, float(view)) for eye, aim in zip(eyes, way, strict=True)]


def _camera(shot: _Shot, eye: Array, target: Array, view_deg: float) -> Camera:
    width, height = shot.size_px
    return Camera(
        eye_m=eye, target_m=target, vertical_view_deg=view_deg, width_px=width, height_px=height
    )


def _view_deg(shot: _Shot, distance_m: float) -> float:
    """Vertical angle in which the person fills a drawn share of the height at a distance."""
    high = shot.subject.height_m / shot.rng.uniform(*_FILL)
    return float(2.0 * np.degrees(np.arctan(high / 2.0 / distance_m)))


def _wider(view_deg: float, factor: float) -> float:
    half = np.tan(np.radians(view_deg) / 2.0) * factor
    return float(np.clip(2.0 * np.degrees(np.arctan(half)), 3.0, 75.0))


def _shake(shot: _Shot, count: int, size: float) -> Array:
    times = np.arange(count) / shot.frame_rate
    total = np.zeros(count)
    for slowest, fastest, share in ((0.2, 1.8, 1.0), (3.0, 8.0, 0.1)):
        for _ in range(4):
            phase = shot.rng.uniform(0.0, 2.0 * np.pi)
            speed = 2.0 * np.pi * shot.rng.uniform(slowest, fastest)
            total += share * np.sin(speed * times + phase)
    shake: Array = size * total / np.sqrt(2.0)
    return shake


def _smoothed(values: Array, sigma: float) -> Array:
    """Gaussian smoothing along the first axis; beyond the ends the path goes straight on."""
    reach = int(np.ceil(3.0 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="reflect", reflect_type="odd")
    columns = [np.convolve(column, kernel, mode="valid") for column in padded.T]
    return np.stack(columns, axis=1)


_MAKERS: Mapping[Kind, Callable[[_Shot], list[Camera]]] = {
    "static": _static,
    "pan": _pan,
    "dolly": _dolly,
    "handheld": _handheld,
    "zoom": _zoom,
    "close": _close,
    "feet": _feet,
    "high": _high,
    "low": _low,
}


def middle_of(all_cameras: Sequence[Camera]) -> tuple[Array, Array]:
    """Mean eye and mean aim (3,) of a clip: where its set is built about."""
    eye = np.mean([camera.eye_m for camera in all_cameras], axis=0)
    aim = np.mean([camera.target_m for camera in all_cameras], axis=0)
    return eye, aim
