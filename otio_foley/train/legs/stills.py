"""Stills of legs, with every joint's true place: what the network of legs learns from.

    python -m otio_foley.train.legs.stills OUT --scenes 400 --seed 1 [--material ../shared]

A scene is one or two people of the stage's hard cases, on several floors one after the other. The
camera is another in every still: near or far, from the floor's height to a standing person's, and
shows of them what lies between the floor and somewhere from the ankles to above the hips, now and
then what is above. A scene depends on the seed and its number alone, and what is finished is not
made again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from otio_foley.train.stage import keypoints, look
from otio_foley.train.stage.body import load_body
from otio_foley.train.stage.clip import Player, build_set, cast_players, motion_times, shoot_cameras
from otio_foley.train.stage.floors import floors, tile
from otio_foley.train.stage.pinhole import Camera
from otio_foley.train.stage.recipes import Plan, plan
from otio_foley.train.stage.render import Renderer
from otio_foley.train.stage.rotation import Array
from otio_foley.train.stage.scenes import asked, scene_path, tell_scenes

#: Stills of one scene, and how many of them one floor stays for.
_STILLS, _A_FLOOR = 30, 5
SIDE_PX = 384
_JPEG = 92
#: Of the body's height, what a still is high; and how far the floor reaches below the feet.
_SHOWS = (0.18, 0.75)
_BELOW = (-0.12, 0.3)
#: So many stills are of hands, trunks and heads: what has no feet must be known, too.
_ELSEWHERE = 0.15
_DISTANCE_M = (0.9, 5.0)
_EYE_M = (0.04, 2.0)
#: A still with more than one exposure has moved in between, for so long.
_OPEN_S = (0.004, 0.02)


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """A picture (SIDE_PX, SIDE_PX, 3) uint8 RGB; and of everybody on the stage, the principal
    first, where the keypoints are, keypoints_px (P, 33, 2), and which are seen (P, 33)."""

    picture: NDArray[np.uint8]
    keypoints_px: NDArray[np.float32]
    seen: NDArray[np.bool_]


def make_scene(out: Path, shared: Path, seed: int, number: int) -> None:
    """All stills of one scene, as `OUT/00012.npz`."""
    with threadpool_limits(1):
        hard = plan("steps", number, seed, shared)
        laid = replace(hard, size_px=(SIDE_PX, SIDE_PX), camera="static", parts=hard.parts[:2])
        players = cast_players(laid, load_body(shared / "body"), shared)
        stills = list(_stills(laid, players, shared))
    draft = scene_path(out, number).with_suffix(".part")
    coded = [_jpeg(still.picture) for still in stills]
    with draft.open("wb") as file:
        np.savez(
            file,
            pictures=np.concatenate(coded),
            bytes=np.array([len(one) for one in coded]),
            keypoints_px=np.stack([still.keypoints_px for still in stills]),
            seen=np.stack([still.seen for still in stills]),
        )
    draft.rename(scene_path(out, number))


def _stills(laid: Plan, players: Sequence[Player], shared: Path) -> Iterator[Still]:
    rng = laid.rng(21)
    takes = [player.take() for player in players]
    times_s = motion_times(laid)
    bodies = [(player.person.body, player.person.palette) for player in players]
    scene = build_set(laid, players, shoot_cameras(laid, list(players)), shared)
    every = floors(shared)
    style = look.LOOKS[laid.look]
    with Renderer(scene, bodies, SIDE_PX, SIDE_PX) as renderer:
        for number in range(_STILLS):
            if number % _A_FLOOR == 0:
                floor = every[int(rng.integers(len(every)))]
                renderer.relay(
                    replace(
                        scene,
                        floor=tile(floor, shared),
                        floor_tile_m=floor.tile_m * float(rng.uniform(0.6, 1.6)),
                        floor_turn_deg=float(rng.uniform(0.0, 360.0)),
                        floor_shift=(float(rng.uniform()), float(rng.uniform())),
                        sun=float(rng.uniform(0.1, 0.95)),
                        sky=float(rng.uniform(0.2, 0.8)),
                    )
                )
            at = float(rng.choice(times_s[1:-1]))
            points = np.stack([keypoints.keypoints_m(take, np.array([at]))[0] for take in takes])
            camera = _camera(points[0], players[0].person.height_m, laid.azimuth_deg, rng)
            open_s = float(rng.uniform(*_OPEN_S)) if rng.random() < 0.4 else 0.0
            offsets = np.array([0.0]) if open_s == 0.0 else np.array([0.0, -0.5, 0.5]) * open_s
            posed = [take.vertices(at + offsets) for take in takes]
            view = renderer.view(camera, [vertices[0] for vertices in posed])
            others = [
                renderer.draw(camera, [vertices[other] for vertices in posed])
                for other in range(1, len(offsets))
            ]
            exposed = np.round(np.mean([view.picture, *others], axis=0)).astype(np.uint8)
            shift = look.weave(style, 1, number)[0]
            yield Still(
                picture=next(look.applied(style, [exposed], number)),
                keypoints_px=(camera.project(points) + shift).astype(np.float32),
                seen=np.stack([keypoints.seen(camera, view, own) for own in points]),
            )


def _camera(
    points_m: Array, height_m: float, azimuth_deg: float, rng: np.random.Generator
) -> Camera:
    """A camera on somebody's legs, from about the side that the set was built for."""
    ankles = points_m[[27, 28]]
    ground_m = float(np.nanmin(points_m[[29, 30, 31, 32], 1]))
    shows_m = height_m * float(np.exp(rng.uniform(*np.log(_SHOWS))))
    aim = ankles.mean(axis=0) + rng.normal(0.0, 0.12, 3) * shows_m
    aim[1] = ground_m + shows_m * (0.5 - float(rng.uniform(*_BELOW)))
    if rng.random() < _ELSEWHERE:
        aim[1] = ground_m + float(rng.uniform(0.4, 1.0)) * height_m
    azimuth = np.radians(azimuth_deg + rng.uniform(-55.0, 55.0))
    distance_m = float(np.exp(rng.uniform(*np.log(_DISTANCE_M))))
    eye = aim + distance_m * np.array([np.sin(azimuth), 0.0, np.cos(azimuth)])
    eye[1] = ground_m + float(np.exp(rng.uniform(*np.log(_EYE_M))))
    away_m = float(np.linalg.norm(aim - eye))
    return Camera(
        eye_m=eye,
        target_m=aim,
        vertical_view_deg=float(np.degrees(2.0 * np.arctan(shows_m / 2.0 / away_m))),
        width_px=SIDE_PX,
        height_px=SIDE_PX,
        roll_deg=float(rng.normal(0.0, 5.0)),
    )


def _jpeg(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    _, coded = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG])
    return np.asarray(coded, dtype=np.uint8).ravel()


def read_scene(path: Path) -> list[Still]:
    """All stills of one scene's file."""
    with np.load(path) as held:
        coded = np.split(held["pictures"], np.cumsum(held["bytes"])[:-1])
        return [
            Still(
                picture=np.asarray(cv2.imdecode(one, cv2.IMREAD_COLOR)[:, :, ::-1], dtype=np.uint8),
                keypoints_px=points,
                seen=seen,
            )
            for one, points, seen in zip(coded, held["keypoints_px"], held["seen"], strict=True)
        ]


def main(arguments: list[str] | None = None) -> int:
    tell_scenes(make_scene, asked(__doc__, 400, arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
