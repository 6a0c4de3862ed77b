"""What the generator learns from: what is seen of somebody, and what they sound like.

Rendered clips (recipe `method`) are looked at by the product's own eyes: pose network, flow,
close-ups. There are few of them, and rendering is dear; so the same motions, and those of people on
force plates, are also seen by cameras that give keypoints alone (`train.steps`), with the pose
network's measured noise, and without a picture. Sound is made from the true contacts by the
product's own synthesis, so that better sound makes a better generator.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.closeups import NO_CLOSE_UPS, visuals
from otio_foley.analysis.notes import Noting
from otio_foley.analysis.people import sight
from otio_foley.library.own import OwnLibrary, default_library
from otio_foley.media.picture import frames, probe
from otio_foley.mix.loudness import ACTION_DB
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.generator import UPSAMPLED, VISUAL_HZ
from otio_foley.synthesis.performance import Cue, Walker, play, score
from otio_foley.synthesis.spectra import log_mel
from otio_foley.train.stage.clip import CLIP, FRAMES, PICTURE
from otio_foley.train.stage.dataset import CLIPS
from otio_foley.train.steps.figures import Figure, paced
from otio_foley.train.steps.noise import NoiseModel
from otio_foley.train.steps.pixels import owner
from otio_foley.train.steps.samples import samples
from otio_foley.train.steps.trials import Doing
from otio_foley.types import (
    Action,
    Contact,
    FloatArray,
    Foot,
    Footstep,
    Gait,
    Part,
    SampleArray,
    Visuals,
)

#: Who is held back: of nobody else are there captures of all of the method's actions. No piece of
#: them is learned from in any shape.
HELD_PEOPLE = ("cmu/02_",)

#: What a contact sounds like that is part of a gait, and how the foot comes down in it.
_STEP_OF: dict[Gait, tuple[Action, Part]] = {
    "stand": ("walk", "heel"),
    "walk": ("walk", "heel"),
    "run": ("run", "toe"),
    "jump": ("land", "flat"),
    "turn": ("turn", "flat"),
    "shuffle": ("scuff", "toe"),
    "stairs": ("stairs", "toe"),
    "tiptoe": ("tiptoe", "toe"),
}
_SHOE = "leather"
#: The floors of the article, which the recipe `method` shows.
METHOD_FLOORS = ("carpet", "concrete", "tile", "wood")
#: So many sounds are made of what is seen, each of other takes.
_SOUNDS = 2
#: Who is seen without a picture is this much slower or faster than they were.
_PACES = (0.8, 1.6)
_LEAST_KNOWN_S = 1.0
_FRAME_RATES = (24.0, 25.0, 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A true contact, seconds on the clock of what is seen."""

    time_s: float
    toe_off_s: float | None
    foot: Foot
    gait: Gait


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """One stretch of one person.

    mels (sounds, N x UPSAMPLED, mels) float16 on floors `floors`; known (N,) whether all contacts
    are known there; `pictured` is False where rgb and flow are empty. `source` is the capture or
    the person, `asset` the floor's picture.
    """

    name: str
    source: str
    asset: str
    pictured: bool
    seen: Visuals
    known: NDArray[np.bool_]
    steps: tuple[Step, ...]
    floors: tuple[str, ...]
    mels: NDArray[np.float16]

    @property
    def held(self) -> bool:
        return any(person in self.source for person in HELD_PEOPLE)


def sound_of(
    steps: Sequence[Step], floor: str, length: int, *, start_s: float, seed: int
) -> SampleArray:
    """Samples (length,) of steps as the product performs them; the first one lies at start_s."""
    cues = []
    for step in steps:
        action, part = _STEP_OF[step.gait]
        contact = Contact(
            person=0,
            time_s=step.time_s,
            toe_off_s=step.toe_off_s,
            foot=step.foot,
            part=part,
            strength=1.0,
            fall_speed=0.0,
            confidence=1.0,
            found_by="truth",
            gait=step.gait,
        )
        footstep = Footstep(contact=contact, action=action, floor=floor, gain_db=ACTION_DB[action])
        at = round((step.time_s - start_s) * SAMPLE_RATE_HZ)
        if 0 <= at < length:
            cues.append(
                Cue(footstep=footstep, attack_sample=at, walker=Walker(shoe=_SHOE, seed=seed))
            )
    notes = score(cues, _library(), media_fingerprint=str(seed))
    inside = [note for note in notes if 0 <= note.at < length]  # a step may roll off the end
    return np.asarray(play(inside, length).samples[:, 0])


@cache
def _library() -> OwnLibrary:
    return default_library()


def _mels(
    steps: Sequence[Step], floors: Sequence[str], times_s: FloatArray, seed: int
) -> NDArray[np.float16]:
    length = round(len(times_s) * SAMPLE_RATE_HZ / VISUAL_HZ)
    made = [
        log_mel(sound_of(steps, floor, length, start_s=float(times_s[0]), seed=seed + number))
        for number, floor in enumerate(floors)
    ]
    count = len(times_s) * UPSAMPLED
    return np.stack([mel[:count].astype(np.float16) for mel in made])


# ---- with a picture


def rendered_lessons(folder: Path) -> list[Lesson]:
    """Every stretch in which the product sees the person of one clip."""
    told: dict[str, Any] = json.loads((folder / CLIP).read_text(encoding="utf-8"))
    with np.load(folder / FRAMES) as held:
        times, places = held["time_s"], held["keypoints_px"].astype(np.float64)
    sighting = sight(
        (
            (frame.time_s, frame.rgb)
            for frame in frames(
                probe(folder / PICTURE), start_s=0.0, end_s=np.inf, long_side_px=1280
            )
        ),
        most_people=2,
        noting=Noting(ground=False, legs=True),
    )
    person = told["people"][0]
    gait: Gait = person["action"]
    steps = tuple(
        Step(time_s=one["time_s"], toe_off_s=one["toe_off_s"], foot=one["foot"], gait=gait)
        for one in person["contacts"]
    )
    found = []
    for pose, seen in zip(sighting.people, sighting.closeups, strict=True):
        if owner(pose, times, places) != 0:
            continue
        for number, stretch in enumerate(visuals(pose, sighting.camera, seen)):
            floors = (told["floor"],) * _SOUNDS
            found.append(
                Lesson(
                    name=f"{folder.name}/{pose.person}/{number}",
                    source=person["source"],
                    asset=told["floor_asset"],
                    pictured=True,
                    seen=stretch,
                    known=np.ones(len(stretch.times_s), dtype=bool),
                    steps=steps,
                    floors=floors,
                    mels=_mels(steps, floors, stretch.times_s, told["number"]),
                )
            )
    return found


def _kept_lessons(folder: Path, work: Path) -> None:
    path = work / f"{folder.name}.pickle"
    if not path.exists():
        draft = path.with_suffix(".part")
        draft.write_bytes(pickle.dumps(rendered_lessons(folder)))
        draft.rename(path)


def dataset_lessons(dataset: Path, work: Path, jobs: int) -> list[Lesson]:
    """Lessons of all clips of a data set; what is finished lies in `work`."""
    work.mkdir(parents=True, exist_ok=True)
    clips = sorted((dataset / CLIPS).glob("[0-9]*"))
    with ProcessPoolExecutor(jobs) as pool:
        list(pool.map(partial(_kept_lessons, work=work), clips))
    return [
        lesson
        for clip in clips
        for lesson in pickle.loads((work / f"{clip.name}.pickle").read_bytes())
    ]


# ---- without one


def unpictured_lessons(
    figures: Iterable[Figure], noise: NoiseModel, *, views: int, seed: int
) -> Iterator[Lesson]:
    """Figures as cameras see them that give keypoints alone, on any of the method's floors."""
    for number, figure in enumerate(figures):
        rng = np.random.default_rng([seed, number])
        pace = float(np.exp(rng.uniform(*np.log(_PACES))))
        rate = float(rng.choice(_FRAME_RATES))
        shown = samples(
            [paced(figure, pace)], views=views, frame_rates=(rate,), noise=noise, seed=seed + number
        )
        for sample in shown:
            pose, truth = sample.view.pose, sample.truth
            for part, stretch in enumerate(visuals(pose, sample.view.camera, NO_CLOSE_UPS)):
                times = stretch.times_s
                known = np.zeros(len(times), dtype=bool)
                for window in truth.windows:
                    known |= (times >= window.start_s) & (times <= window.end_s)
                if known.sum() < _LEAST_KNOWN_S * VISUAL_HZ:
                    continue
                steps = tuple(
                    Step(
                        time_s=one.time_s,
                        toe_off_s=one.toe_off_s,
                        foot=one.foot,
                        gait=_gait_at(truth.doing, one.time_s),
                    )
                    for one in truth.contacts
                )
                floors = tuple(str(one) for one in rng.choice(METHOD_FLOORS, _SOUNDS, False))
                yield Lesson(
                    name=f"{sample.subject}/{sample.name}/{sample.number}/{part}",
                    source=sample.subject,
                    asset="",
                    pictured=False,
                    seen=stretch,
                    known=known,
                    steps=steps,
                    floors=floors,
                    mels=_mels(steps, floors, times, number),
                )


def _gait_at(doing: Sequence[Doing], time_s: float) -> Gait:
    """What is done at a time; people on plates, of whom nobody says so, walk."""
    during = (part.gait for part in doing if part.start_s <= time_s < part.end_s)
    return next(during, "walk")


def split(lessons: Sequence[Lesson]) -> tuple[list[Lesson], list[Lesson]]:
    """To learn from, and to be judged on: pictured ones of who is held back. A floor's
    picture that is judged on is not learned from."""
    judged = [one for one in lessons if one.pictured and one.held]
    shown = {one.asset for one in judged}
    return [
        one for one in lessons if not one.held and not (one.pictured and one.asset in shown)
    ], judged
