"""The command `train stage`: many clips into a folder, in parallel, resumed where it was stopped.

A clip depends on the recipe, the seed and its number alone, and is moved into place when all of it
is written: whatever stands under `clips/` is whole, and is not made again.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from threadpoolctl import threadpool_limits

from otio_foley.errors import InputError, OutputError
from otio_foley.train.stage import crew
from otio_foley.train.stage.body import load_body
from otio_foley.train.stage.clip import CLIP, FRAMES, PICTURE, make_clip
from otio_foley.train.stage.recipes import RECIPES, Recipe, plan

CLIPS, CARD, SHEET, ABOUT = "clips", "CARD.md", "contact_sheet.png", "dataset.json"
_LOCK = ".lock"
_MATERIAL = ("body", "gait", "floors")
_SHEET_CLIPS = 48
_THUMBNAIL_PX = (240, 135)


#: Told what is being done and the share that is done.
Reporter: TypeAlias = Callable[[str, float], None]


def make(
    out: Path,
    shared: Path,
    *,
    recipe: str,
    clips: int,
    seed: int,
    jobs: int,
    report: Reporter | None = None,
) -> None:
    """Make the data set of a recipe, or the demo. Raises as `make_dataset` does, and InputError for
    a recipe that is none or where a package of the extra `train` is missing."""
    if find_spec("moderngl") is None:
        raise InputError("the package moderngl is missing", hint="install otio-foley[train]")
    _check_material(shared)
    if recipe == "demo":
        # The demo is no data set: four shots, their truth and one edit of them.
        from otio_foley.train.stage.demo import make_demo

        make_demo(shared, out, seed, processes=jobs)
        return
    chosen = next((name for name in RECIPES if name == recipe), None)
    if chosen is None:
        raise InputError(f"no recipe {recipe!r}", hint=f"one of {', '.join(RECIPES)}, demo")
    make_dataset(out, shared, recipe=chosen, clips=clips, seed=seed, jobs=jobs, report=report)


def _check_material(shared: Path) -> None:
    absent = [name for name in _MATERIAL if not (shared / name).is_dir()]
    if absent:
        raise InputError(
            f"{shared} has no folder {', '.join(absent)}",
            hint="give the folder of the material with --material",
        )


def make_dataset(
    out: Path,
    shared: Path,
    *,
    recipe: Recipe,
    clips: int,
    seed: int,
    jobs: int,
    report: Reporter | None = None,
) -> None:
    """Make what is missing of a data set, then its sheet and card.

    `shared` holds `body/`, `gait/` and `floors/`. Raises InputError where that is not so,
    OutputError where `out` holds another data set or cannot be written.
    """
    _check_material(shared)
    with _claimed(out):
        _name(out, {"version": 1, "recipe": recipe, "seed": seed})
        missing = [number for number in range(clips) if not _folder(out, number).is_dir()]
        _make_all(out, shared, recipe, seed, missing, clips, jobs, report)
        # Of all that lie there: the folder may hold more than were asked for this time.
        numbers = sorted(int(folder.name) for folder in (out / CLIPS).glob("[0-9]*"))
        told = [_read(out, number) for number in numbers]
        _write_sheet(out, numbers)
        (out / CARD).write_text(card(told, recipe, seed), encoding="utf-8")


@contextmanager
def _claimed(out: Path) -> Iterator[None]:
    """One run at a time in a folder: another would clear away what this one is making."""
    import fcntl  # Linux and macOS; the stage's EGL context is Linux's anyway

    try:
        (out / CLIPS).mkdir(parents=True, exist_ok=True)
        lock = (out / _LOCK).open("w")
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OutputError(
                f"another run is at work in {out}", hint="wait for it, or choose another folder"
            ) from error
        yield


def _name(out: Path, about: dict[str, Any]) -> None:
    """Say in the folder what it holds; a folder that holds something else is refused."""
    path = out / ABOUT
    try:
        for leftover in (out / CLIPS).glob(".*"):  # of a run that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            if found != about:
                raise OutputError(
                    f"{out} holds another data set: {found}", hint="choose another folder"
                )
            return
        path.write_text(json.dumps(about) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error}") from error
    except ValueError as error:
        raise OutputError(f"{path} cannot be read: {error}", hint="delete it") from error


def _make_all(
    out: Path,
    shared: Path,
    recipe: Recipe,
    seed: int,
    missing: list[int],
    total: int,
    jobs: int,
    report: Reporter | None,
) -> None:
    started_s = time.monotonic()
    done = 0

    def tell() -> None:
        if report is not None:
            ready = total - len(missing) + done
            spent_s = time.monotonic() - started_s
            left = _left(spent_s / done * (len(missing) - done)) if done else ""
            report(f"{ready} of {total} clips{left}", ready / max(total, 1))

    tell()
    for _ in crew.done(partial(make_one, out, shared, recipe, seed), missing, jobs):
        done += 1
        tell()


def _left(seconds: float) -> str:
    minutes = round(seconds / 60.0)
    return f", {minutes // 60} h {minutes % 60:02} min left"


def make_one(out: Path, shared: Path, recipe: Recipe, seed: int, number: int) -> None:
    """Make one clip beside its place and move it there when it is whole."""
    folder = Path(tempfile.mkdtemp(prefix=f".{number:05}-", dir=out / CLIPS))
    folder.chmod(0o755)
    try:
        # Sums over several threads round otherwise.
        with threadpool_limits(1):
            make_clip(
                plan(recipe, number, seed, shared), load_body(shared / "body"), shared, folder
            )
        folder.rename(_folder(out, number))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _folder(out: Path, number: int) -> Path:
    return out / CLIPS / f"{number:05}"


def _read(out: Path, number: int) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((_folder(out, number) / CLIP).read_text(encoding="utf-8"))
    return told


# ---- sheet and card


def _write_sheet(out: Path, numbers: Sequence[int]) -> None:
    """The middle picture of up to 48 clips, spread over the set, on one PNG."""
    import cv2

    chosen = numbers[:: max(1, -(-len(numbers) // _SHEET_CLIPS))]
    if not chosen:
        return
    tiles = [_thumbnail(out, number) for number in chosen]
    columns = 6 if len(tiles) >= 6 else len(tiles)
    while len(tiles) % columns:
        tiles.append(np.full_like(tiles[0], 32))
    rows = [np.concatenate(tiles[at : at + columns], 1) for at in range(0, len(tiles), columns)]
    cv2.imwrite(str(out / SHEET), np.concatenate(rows))


def _thumbnail(out: Path, number: int) -> Any:
    import cv2

    told = _read(out, number)
    movie = cv2.VideoCapture(str(_folder(out, number) / PICTURE))
    for _ in range(told["frames"] // 2 + 1):
        _, picture = movie.read()
    movie.release()
    small = cv2.resize(picture, _THUMBNAIL_PX, interpolation=cv2.INTER_AREA)
    actions = "+".join(person["action"] for person in told["people"])
    for at, line in enumerate((f"{number} {actions}", f"{told['floor']} {told['camera']}")):
        for colour, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            place = (4, 12 + 12 * at)
            cv2.putText(
                small, line, place, cv2.FONT_HERSHEY_SIMPLEX, 0.36, colour, width, cv2.LINE_AA
            )
    return small


def card(told: list[dict[str, Any]], recipe: str, seed: int) -> str:
    """What the set holds, in Markdown."""
    people = [person for clip in told for person in clip["people"]]
    contacts = sum(len(person["contacts"]) for person in people)
    seconds = sum(clip["frames"] / _rate(clip["frame_rate"]) for clip in told)
    lines = [
        f"# Data set `{recipe}`, seed {seed}",
        "",
        f"{len(told)} rendered clips, {seconds / 60.0:.1f} minutes, {len(people)} people, "
        f"{contacts} foot contacts. Made by",
        "",
        f"    otio-foley train stage OUT --recipe {recipe} --clips {len(told)} --seed {seed}",
        "",
        "Nobody was filmed: motion capture drives a CC0 body over CC0 floors, and the truth is",
        "read from the moving mesh. What is learned here has to be proven on real picture.",
        "",
        f"Each folder under `{CLIPS}/` holds `{PICTURE}`, `{FRAMES}` (per frame) and `{CLIP}` (per",
        "clip: contacts, intervals, floor, camera). Floors are split by asset (`split`), captures",
        "by `source`: hold back either, never single clips.",
        "",
    ]
    for title, values in (
        ("Actions", [person["action"] for person in people]),
        ("Captures", [person["source"] for person in people]),
        ("Clothes", [person["garment"] for person in people]),
        ("Floors", [clip["floor"] for clip in told]),
        ("Split", [clip["split"] for clip in told]),
        ("Cameras", [clip["camera"] for clip in told]),
        ("Looks", [clip["look"] for clip in told]),
        ("Frame rates", [clip["frame_rate"] for clip in told]),
        ("People a clip", [str(len(clip["people"])) for clip in told]),
    ):
        counts = ", ".join(f"{name} {count}" for name, count in Counter(values).most_common())
        lines.append(f"- **{title}**: {counts}")
    for name in ("slide_mm", "sinking_mm", "floating_mm"):
        sizes = [person[name] for person in people]
        lines.append(
            f"- **{name.replace('_mm', '')}** of a standing foot, mm: "
            f"median {np.median(sizes):.2f}, largest {max(sizes):.2f}"
        )
    return "\n".join([*lines, "", _CREDITS])


def _rate(text: str) -> float:
    numerator, _, denominator = text.partition("/")
    return int(numerator) / int(denominator)


_CREDITS = """\
## Credits

- Body: MakeHuman base mesh and rig, CC0.
- Motion: CMU Graphics Lab Motion Capture Database (mocap.cs.cmu.edu, NSF EIA-0196217), subjects 01
  and 02, free for all uses; DeepMimic (Peng 2018), MIT.
- Floors: ambientCG, CC0.
"""
