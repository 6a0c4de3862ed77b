"""Pictures of the stage's floors, cut as the product cuts them.

    python -m otio_foley.train.floor.stills OUT --scenes 240 --seed 1 [--material ../shared]

There are two kinds. A *scene* is one person before one camera, laid out on several floors one after
the other, two moments each: this is what a network is judged on. *Views* show a floor alone
(`views`), many of each: what a network learns from, beside the scenes. Either depends on the seed
and its number alone, and what is finished is not made again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from otio_foley.analysis.underfoot import PATCH_PX, floor_patches
from otio_foley.train.floor.views import view
from otio_foley.train.stage.body import load_body
from otio_foley.train.stage.clip import Player, build_set, cast_players, motion_times, shoot_cameras
from otio_foley.train.stage.floors import Floor, floors, others, tile
from otio_foley.train.stage.keypoints import keypoints_m
from otio_foley.train.stage.pinhole import Camera
from otio_foley.train.stage.recipes import Plan, plan
from otio_foley.train.stage.render import Renderer
from otio_foley.train.stage.scenes import asked, scene_path, scene_paths, tell_scenes

#: Floors that one scene is laid out on, and moments that are taken on each.
_FLOORS, _MOMENTS = 10, 2
#: Views of each floor.
_VIEWS = 40
_SIZE_PX = (960, 540)
#: Where the camera sees no feet.
_NO_PATCHES = np.zeros((0, PATCH_PX, PATCH_PX, 3), dtype=np.uint8)
#: The pose network's joints lie about so far from the true ones, in leg lengths (docs/stage.md).
_ASTRAY = 0.04


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One floor in one scene, or its views: patches (N, PATCH_PX, PATCH_PX, 3) uint8 RGB."""

    floor: str
    asset: str
    patches: NDArray[np.uint8]


def make_scene(out: Path, shared: Path, seed: int, number: int) -> None:
    """All shots of one scene, as `OUT/00012.npz`; nothing if the camera sees no feet."""
    with threadpool_limits(1):
        # Larger than the recipe's clips: at 480 px a floor is hardly more than its colour.
        laid = replace(plan("floors", number, seed, shared), size_px=_SIZE_PX)
        rng = laid.rng(20)
        players = cast_players(laid, load_body(shared / "body"), shared)
        shots = shoot_cameras(laid, players)
        chosen = _drawn(shared, rng, number)
        found = list(_shots(laid, players, shots, shared, chosen, rng))
    _write(scene_path(out, number), found)


def make_views(out: Path, shared: Path, seed: int, floor_number: int) -> None:
    """All views of one floor, as `OUT/views-00012.npz`."""
    floor = _every(shared)[floor_number]
    path = _views_path(out, floor_number)
    if not path.exists():
        rng = np.random.default_rng([seed, floor_number])
        laid = tile(floor, shared)
        _write(path, [(floor, np.stack([view(laid, floor.tile_m, rng) for _ in range(_VIEWS)]))])


def _views_path(out: Path, number: int) -> Path:
    return out / f"views-{number:05}.npz"


def _every(shared: Path) -> tuple[Floor, ...]:
    return (*floors(shared), *others(shared))


def _write(path: Path, shots: list[tuple[Floor, NDArray[np.uint8]]]) -> None:
    draft = path.with_suffix(".part")
    with draft.open("wb") as file:
        np.savez(
            file,
            floors=np.array([floor.name for floor, _ in shots]),
            assets=np.array([floor.asset for floor, _ in shots]),
            counts=np.array([len(patches) for _, patches in shots]),
            patches=np.concatenate([patches for _, patches in shots] or [_NO_PATCHES]),
        )
    draft.rename(path)


def _drawn(shared: Path, rng: np.random.Generator, number: int) -> list[Floor]:
    """Floors of a scene, names in turn, so that a rare floor is shown as often as a common one."""
    by_name: dict[str, list[Floor]] = {}
    for floor in _every(shared):
        by_name.setdefault(floor.name, []).append(floor)
    names = sorted(by_name)
    turns = range(number * _FLOORS, (number + 1) * _FLOORS)
    return [
        own[int(rng.integers(len(own)))]
        for own in (by_name[names[turn % len(names)]] for turn in turns)
    ]


def _shots(
    laid: Plan,
    players: list[Player],
    shots: list[Camera],
    shared: Path,
    chosen: list[Floor],
    rng: np.random.Generator,
) -> Iterator[tuple[Floor, NDArray[np.uint8]]]:
    takes = [player.take() for player in players]
    times_s = motion_times(laid)
    bodies = [(player.person.body, player.person.palette) for player in players]
    scene = build_set(laid, players, shots, shared)
    with Renderer(scene, bodies, *laid.size_px) as renderer:
        for floor in chosen:
            renderer.relay(
                replace(
                    scene,
                    floor=tile(floor, shared),
                    floor_tile_m=floor.tile_m * float(rng.uniform(0.8, 1.25)),
                    floor_turn_deg=float(rng.uniform(0.0, 360.0)),
                    floor_shift=(float(rng.uniform()), float(rng.uniform())),
                    sun=float(rng.uniform(0.1, 0.9)),
                    sky=float(rng.uniform(0.4, 0.8)),
                )
            )
            moments = []
            for frame in _moments(len(times_s), rng):
                at = times_s[frame : frame + 1]
                picture = renderer.draw(shots[frame], [take.vertices(at)[0] for take in takes])
                points = shots[frame].project(keypoints_m(takes[0], at)[0])
                astray = rng.normal(0.0, _ASTRAY, points.shape) * _leg_px(points)
                patches = floor_patches(picture, points + astray)
                moments.append(patches)
            if all(len(patches) for patches in moments):
                yield floor, np.concatenate(moments)


def _moments(count: int, rng: np.random.Generator) -> list[int]:
    first = int(rng.integers(count // 2))
    return [first, first + count // 2]


def _leg_px(points: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(points[[23, 24]] - points[[29, 30]], axis=1).max())


def assets_in(folder: Path) -> set[tuple[str, str]]:
    """Every (floor, asset) that anything in a folder shows."""
    found: set[tuple[str, str]] = set()
    for path in folder.glob("*.npz"):
        with np.load(path) as held:
            found |= {
                (str(floor), str(asset))
                for floor, asset in zip(held["floors"], held["assets"], strict=True)
            }
    return found


def read_scenes(folder: Path) -> list[Shot]:
    """Every shot of every scene in a folder, in order."""
    return _read(scene_paths(folder))


def read_views(folder: Path) -> list[Shot]:
    """The views in a folder, one entry for each floor."""
    return _read(sorted(folder.glob("views-*.npz")))


def _read(paths: list[Path]) -> list[Shot]:
    shots = []
    for path in paths:
        with np.load(path) as held:
            parts = np.split(held["patches"], np.cumsum(held["counts"])[:-1])
            shots += [
                Shot(floor=str(floor), asset=str(asset), patches=patches)
                for floor, asset, patches in zip(
                    held["floors"], held["assets"], parts[: len(held["floors"])], strict=True
                )
            ]
    return shots


def main(arguments: list[str] | None = None) -> int:
    given = asked(__doc__, 240, arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    for number in range(len(_every(given.material))):
        make_views(given.out, given.material, given.seed, number)
    tell_scenes(make_scene, given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
