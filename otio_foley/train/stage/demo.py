"""The demo: four rendered shots, their truth, and one cut of them in four formats."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import numpy as np

from otio_foley.train.stage.body import Body, load_body
from otio_foley.train.stage.contacts import (
    TRUTH_RATE_HZ,
    Footing,
    SoleContact,
    body_contacts,
    measure_footing,
)
from otio_foley.train.stage.cuts import Cut, Event, timecode, write_cuts
from otio_foley.train.stage.feet import lock_feet
from otio_foley.train.stage.film import Take, shoot, write_movie
from otio_foley.train.stage.framing import extent_points, fit_camera, pan
from otio_foley.train.stage.motion import load_capture
from otio_foley.train.stage.pinhole import Camera
from otio_foley.train.stage.render import (
    TILE_SCALE,
    Colour,
    Palette,
    Renderer,
    Set,
    enlarge_tile,
    read_tile,
)
from otio_foley.train.stage.retarget import (
    BodyMotion,
    best_loop,
    cut,
    heading_forward,
    linger,
    loop,
    resample,
    retarget,
)
from otio_foley.train.stage.rotation import Array

Action = Literal["walk", "run", "jump", "land"]

FRAME_RATE = Fraction(24)
SIZE_PX = (1280, 720)
_CRF = 17
# Three instants over a quarter of a frame, about the presentation time.
_SHUTTER_S = np.array([-1.0, 0.0, 1.0]) / 3.0 * 0.25 / float(FRAME_RATE)
_CAPTURES = Path("gait") / "cyun9601+CMU-MOCAP-Data"
_TILES = Path("floors") / "ambientcg_128"

_NOBODY = Footing(slide_m=0.0, sinking_m=0.0, floating_m=0.0)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """What one shot of the demo shows."""

    file_name: str
    floor: str
    tile: str
    tile_m: float
    hour: int
    """The start timecode's hour."""
    frames: int
    action: Action | None
    """What every contact of the shot is; None where nobody is there."""
    motion_start_s: float = 0.0
    used: tuple[int, int]
    """Frames of the shot that the cut uses, half-open."""
    shirt: Colour = (0.70, 0.20, 0.18)
    trousers: Colour = (0.17, 0.22, 0.36)
    wall: Colour = (0.78, 0.76, 0.72)
    panel_m: float = 0.0

    @property
    def timecode_start(self) -> int:
        """Start timecode in frames."""
        return self.hour * 3600 * int(FRAME_RATE)


WALK = Shot(
    file_name="walk.mov",
    floor="wood",
    tile="WoodFloor/WoodFloor_006.png",
    tile_m=1.5,
    hour=1,
    frames=144,
    action="walk",
    used=(12, 136),
)
RUN = Shot(
    file_name="run.mov",
    floor="concrete",
    tile="Concrete/Concrete_002.png",
    tile_m=2.0,
    hour=2,
    frames=84,
    action="run",
    motion_start_s=0.25,
    used=(4, 76),
    shirt=(0.85, 0.75, 0.20),
    trousers=(0.16, 0.16, 0.18),
    wall=(0.62, 0.68, 0.74),
    panel_m=2.4,
)
JUMP = Shot(
    file_name="jump.mov",
    floor="carpet",
    tile="Carpet/Carpet_012.png",
    tile_m=1.2,
    hour=3,
    frames=78,
    action="land",
    used=(0, 78),
    shirt=(0.20, 0.45, 0.50),
    trousers=(0.42, 0.37, 0.30),
    wall=(0.70, 0.74, 0.70),
)
EMPTY = Shot(
    file_name="empty.mov",
    floor="tile",
    tile="Tiles/Tiles_001.png",
    tile_m=1.6,
    hour=4,
    frames=48,
    action=None,
    used=(0, 48),
    wall=(0.66, 0.72, 0.78),
)
SHOTS = (WALK, RUN, JUMP, EMPTY)
CUT_ORDER = (WALK, EMPTY, RUN, JUMP)


def walk_motion(shared: Path, body: Body) -> BodyMotion:
    """CMU 02_01 looped over two strides, feet locked, along +z at 1 kHz."""
    raw = _captured(shared, body, "02_01")
    first, last = best_loop(raw, 245, 300, 30)
    return _locked(body, loop(heading_forward(raw, first, last), first, last, 30, 3))


def run_motion(shared: Path, body: Body) -> BodyMotion:
    """CMU 02_03 looped over one stride, feet locked, along +z at 1 kHz."""
    raw = _captured(shared, body, "02_03")
    first, last = best_loop(raw, 80, 120, 20)
    return _locked(body, loop(heading_forward(raw, first, last), first, last, 20, 6))


def jump_motion(shared: Path, body: Body) -> BodyMotion:
    """The jump of CMU 02_04 with a little standing before and after, facing +z, at 1 kHz."""
    raw = _captured(shared, body, "02_04")
    return _locked(body, linger(cut(raw, 0, 282), 60, 50, 20))


_MOTIONS: Mapping[str, Callable[[Path, Body], BodyMotion]] = {
    WALK.file_name: walk_motion,
    RUN.file_name: run_motion,
    JUMP.file_name: jump_motion,
}


def shot_contacts(shot: Shot, contacts: Sequence[SoleContact]) -> list[dict[str, object]]:
    """Truth entries of the contacts in picture, timed from the first frame's presentation."""
    end_s = float(shot.frames / FRAME_RATE)
    entries: list[dict[str, object]] = []
    for contact in contacts:
        time_s = contact.time_s - shot.motion_start_s
        off_s = None if contact.toe_off_s is None else contact.toe_off_s - shot.motion_start_s
        if 0.0 <= time_s < end_s:
            entries.append(
                {
                    "time_s": round(time_s, 4),
                    "foot": contact.foot,
                    "part": contact.part,
                    "action": shot.action,
                    "toe_off_s": round(off_s, 4) if off_s is not None and off_s < end_s else None,
                }
            )
    return entries


def demo_cut() -> Cut:
    """The edit: walk (trimmed), empty, run (trimmed), jump."""
    events = [
        Event(
            file_name=shot.file_name,
            timecode_start=shot.timecode_start,
            media_frames=shot.frames,
            source_in=shot.used[0],
            source_out=shot.used[1],
        )
        for shot in CUT_ORDER
    ]
    return Cut(
        name="demo",
        frame_rate=int(FRAME_RATE),
        start=3600 * int(FRAME_RATE),
        width_px=SIZE_PX[0],
        height_px=SIZE_PX[1],
        events=events,
    )


def make_demo(shared: Path, out: Path, seed: int = 0, *, processes: int = 1) -> None:
    """Write the shots, ``truth.json`` and the cuts into ``out``.

    ``shared`` holds ``body/``, ``gait/`` and ``floors/``. ``seed`` shifts the floors under the
    feet and varies the colours of the clothes; motion and truth do not depend on it.
    ``processes`` shots are made at a time; the files are the same whatever their number.
    """
    out.mkdir(parents=True, exist_ok=True)
    # The longest shot first, so that no process ends up alone with it.
    order = sorted(SHOTS, key=lambda shot: -shot.frames)
    make = partial(make_shot, shared, out, seed)
    if processes == 1:
        made = [make(shot) for shot in order]
    else:
        # Spawned, because a GL context does not survive a fork.
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            made = list(pool.map(make, order))
    entries = {}
    for shot, (entry, footing) in zip(order, made, strict=True):
        entries[shot] = entry
        _report(shot, footing)
    document = {
        "version": 1,
        "frame_rate": f"{FRAME_RATE.numerator}/{FRAME_RATE.denominator}",
        "shots": {shot.file_name: entries[shot] for shot in SHOTS},
    }
    (out / "truth.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    write_cuts(demo_cut(), out, "demo")


def make_shot(shared: Path, out: Path, seed: int, shot: Shot) -> tuple[dict[str, object], Footing]:
    """Write one movie into ``out``; return its entry of the truth file and how the feet stand."""
    body = load_body(shared / "body")
    make_motion = _MOTIONS.get(shot.file_name)
    motion = None if make_motion is None else make_motion(shared, body)
    contacts = () if motion is None else body_contacts(body, motion)
    footing = _NOBODY if motion is None else measure_footing(body, motion)
    rng = np.random.default_rng([seed, SHOTS.index(shot)])
    scene, palette = _dressed(shared, shot, rng)
    takes = []
    if motion is not None:
        takes = [Take(body=body, motion=motion, start_s=shot.motion_start_s)]
    code = timecode(shot.timecode_start, int(FRAME_RATE))
    with Renderer(scene, [(take.body, palette) for take in takes], *SIZE_PX) as renderer:
        cameras = shot_cameras(shot, body, motion)
        pictures = shoot(renderer, cameras, FRAME_RATE, takes, _SHUTTER_S)
        write_movie(out / shot.file_name, pictures, FRAME_RATE, code, _CRF)
    entry = {
        "floor": shot.floor,
        "timecode": code,
        "duration_frames": shot.frames,
        "contacts": shot_contacts(shot, contacts),
    }
    return entry, footing


def shot_cameras(shot: Shot, body: Body, motion: BodyMotion | None) -> list[Camera]:
    """One camera per frame; the same object while it stands still."""
    times = shot.motion_start_s + np.arange(shot.frames) / float(FRAME_RATE)
    if motion is None:
        still = Camera(
            eye_m=np.array([-6.0, 1.5, 1.5]),
            target_m=np.array([0.0, 0.8, 0.0]),
            vertical_view_deg=32.0,
            width_px=SIZE_PX[0],
            height_px=SIZE_PX[1],
        )
        return [still] * shot.frames
    points = extent_points(body, motion, times)
    if shot.action == "run":
        return _panning(points, motion.at(times).pelvis_m)
    azimuth, distance = (-42.0, 11.5) if shot.action == "walk" else (-40.0, 6.5)
    return [fit_camera(points, azimuth, distance, 1.45, SIZE_PX)] * shot.frames


def _panning(points: Array, pelvis: Array) -> list[Camera]:
    middle = (pelvis[0] + pelvis[-1]) / 2.0
    camera = Camera(
        eye_m=middle * [1.0, 0.0, 1.0] + np.array([-7.0, 1.35, 1.2]),
        target_m=middle,
        vertical_view_deg=24.0,
        width_px=SIZE_PX[0],
        height_px=SIZE_PX[1],
    )
    # An operator follows evenly: straight along the way, not with every bob of the hips.
    share = np.linspace(0.0, 1.0, len(pelvis))[:, None]
    way = pelvis[0] * (1.0 - share) + pelvis[-1] * share
    height = (points[:, 1].min() + points[:, 1].max()) / 2.0
    return pan(camera, way * [1.0, 0.0, 1.0] + [0.0, height, 0.0])


def _captured(shared: Path, body: Body, name: str) -> BodyMotion:
    folder = shared / _CAPTURES
    return retarget(body, load_capture(folder / "02.asf", folder / f"{name}.amc"))


def _locked(body: Body, motion: BodyMotion) -> BodyMotion:
    return lock_feet(body, resample(motion, TRUTH_RATE_HZ))


def _dressed(shared: Path, shot: Shot, rng: np.random.Generator) -> tuple[Set, Palette]:
    """Build the set and choose the clothes of a shot."""
    shift = rng.uniform(0.0, 1.0, 2)
    scene = Set(
        floor=enlarge_tile(read_tile(shared / _TILES / shot.tile), TILE_SCALE),
        floor_tile_m=shot.tile_m,
        floor_shift=(float(shift[0]), float(shift[1])),
        wall=shot.wall,
        wall_point_m=(7.0 if shot.action == "run" else 3.2, 0.0, 0.0),
        wall_normal=(-1.0, 0.0, 0.0),
        panel_m=shot.panel_m,
    )
    return scene, Palette(shirt=_varied(shot.shirt, rng), trousers=_varied(shot.trousers, rng))


def _varied(colour: Colour, rng: np.random.Generator) -> Colour:
    red, green, blue = np.clip(np.array(colour) + rng.uniform(-0.03, 0.03, 3), 0.0, 1.0)
    return float(red), float(green), float(blue)


def _report(shot: Shot, footing: Footing) -> None:
    _log.info(
        "%s: slide %.2f mm, sinking %.2f mm, floating %.2f mm",
        shot.file_name,
        footing.slide_m * 1e3,
        footing.sinking_m * 1e3,
        footing.floating_m * 1e3,
    )
