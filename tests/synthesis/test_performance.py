"""Steps on their contacts, played by takes: time, choice, feet, and the level of a walk."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from typing import get_args

import numpy as np
import pytest

from otio_foley.library.own import OwnLibrary
from otio_foley.library.rendering import SHIPPED
from otio_foley.mix.meters import short_term_max_lufs
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.attack import attack_sample
from otio_foley.synthesis.calibration import WALK_LUFS, calibrate, calibration_walk, rendered
from otio_foley.synthesis.grounds import GROUNDS
from otio_foley.synthesis.performance import NO_REPEAT_WITHIN, Cue, Note, Walker, play, score
from otio_foley.synthesis.shoes import SHOES
from otio_foley.synthesis.takes import KINDS, Kind, Take, step_energy
from otio_foley.types import Action, Audio, Contact, Foot, Footstep, Part

ACTIONS: tuple[tuple[Action, Part], ...] = (
    ("walk", "heel"), ("walk", "toe"), ("walk", "flat"), ("run", "toe"), ("run", "heel"),
    ("jump", "toe"), ("land", "flat"), ("scuff", "toe"), ("stairs", "toe"), ("turn", "flat"),
    ("tiptoe", "toe"),
)  # fmt: skip
SPACING = 2 * SAMPLE_RATE_HZ
OURS = OwnLibrary()
FEW = OwnLibrary(variants=SHIPPED)  # the others have to be made anew


def cue(
    at: int,
    floor: str = "concrete",
    *,
    time_s: float | None = None,
    action: Action = "walk",
    part: Part = "heel",
    foot: Foot = "left",
    gain_db: float = 0.0,
    stance_s: float | None = None,
    speed: float = 1.0,
    strength: float = 1.0,
    walker: Walker | None = None,
    shoe: str = "leather",
) -> Cue:
    time_s = at / SAMPLE_RATE_HZ if time_s is None else time_s
    contact = Contact(
        person=0, time_s=time_s, toe_off_s=None if stance_s is None else time_s + stance_s,
        foot=foot, part=part, strength=strength, fall_speed=0.0, confidence=1.0, found_by="test",
    )  # fmt: skip
    step = Footstep(contact=contact, action=action, floor=floor, gain_db=gain_db)
    walker = walker or Walker(shoe=shoe)
    return Cue(footstep=step, attack_sample=at, walker=walker, speed=speed)


def notes_of(cues: Sequence[Cue], takes: object = FEW) -> tuple[Note, ...]:
    return score(cues, takes, media_fingerprint="movie")  # type: ignore[arg-type]


def placed(cues: Sequence[Cue], length: int) -> Audio:
    return play(notes_of(cues), length)


def errors(audio: Audio, cues: list[Cue]) -> list[int]:
    """Measured attack minus contact for each of some isolated steps, in samples."""
    samples = audio.samples[:, 0]
    return [
        attack_sample(samples, start=start, stop=start + SPACING) - start - 4800
        for start in (one.attack_sample - 4800 for one in cues)
    ]


def walk(count: int, floor: str = "concrete", **options: object) -> list[Cue]:
    feet: tuple[Foot, Foot] = ("left", "right")
    return [
        cue(9_600 + n * 25_263, floor, foot=feet[n % 2], **options)  # type: ignore[arg-type]
        for n in range(count)
    ]


def test_a_thousand_random_steps_are_on_their_contacts() -> None:
    """Issue 6: under 1 ms on every floor and shoe, measured on the audio alone."""
    rng = np.random.default_rng(6)
    floors, shoes = list(GROUNDS), list(SHOES)
    off_ms = []
    for batch in range(50):
        cues = []
        for n in range(20):
            number = 20 * batch + n
            floor, shoe = floors[number % len(floors)], shoes[number // 20 % len(shoes)]
            action, part = ACTIONS[int(rng.integers(len(ACTIONS)))]
            at = 4800 + n * SPACING + int(rng.integers(4800))
            walker = Walker(
                shoe=shoe,
                weight_kg=float(rng.uniform(40, 130)),
                firmness=float(rng.random()),
                steadiness=float(rng.random()),
            )
            cues.append(
                cue(at, floor, action=action, part=part, walker=walker,
                    foot=("left", "right")[int(rng.integers(2))],
                    gain_db=float(rng.uniform(-20, 12)), stance_s=float(rng.uniform(0.15, 1.2)),
                    strength=float(np.exp(rng.normal(0, 0.4))))
            )  # fmt: skip
        audio = placed(cues, 21 * SPACING)
        off_ms += [1000 * one / SAMPLE_RATE_HZ for one in errors(audio, cues)]
    assert len(off_ms) == 1000
    assert np.abs(off_ms).max() < 1.0
    # All but what a forefoot right behind a soft heel changes is exact.
    assert np.mean(np.array(off_ms) == 0.0) > 0.9


@pytest.mark.parametrize("floor", ["tile", "concrete", "carpet"])
def test_attacks_stay_on_the_contacts_of_an_ordinary_walk(floor: str) -> None:
    """The other foot's toe-off goes on while a heel falls: a tenth of a millisecond or two."""
    cues = walk(10, floor)
    samples = placed(cues, 12 * 25_263).samples[:, 0]
    for one in cues:
        start = one.attack_sample - 2400
        found = attack_sample(samples, start=start, stop=start + 12_000)
        assert abs(found - one.attack_sample) <= 10


def test_no_take_comes_again_within_five() -> None:
    for floor in ("concrete", "gravel"):
        heard: dict[Kind, list[str]] = {}
        for note in notes_of(walk(200, floor), OURS):
            kind = note.take.name.split("/")[-1].split("_")[0]
            heard.setdefault(kind, []).append(note.take.name)  # type: ignore[arg-type]
        assert set(heard) == {"heel", "toe"}
        for names in heard.values():
            assert len(names) == 200
            assert len(set(names)) == 12
            for n, name in enumerate(names):
                assert name not in names[max(0, n - NO_REPEAT_WITHIN) : n]


def test_few_takes_are_heard_as_far_apart_as_there_are_takes() -> None:
    def three(floor: str, shoe: str, kind: Kind) -> Sequence[Take]:
        return FEW(floor, shoe, "run")[:3] if kind == "walk" else ()

    names = [note.take.name for note in notes_of(walk(40), three)]
    assert len(set(names)) == 3
    assert all(name not in names[max(0, n - 2) : n] for n, name in enumerate(names))

    def single(floor: str, shoe: str, kind: Kind) -> Sequence[Take]:
        return three(floor, shoe, kind)[:1]

    assert len(notes_of(walk(4), single)) == 4
    with pytest.raises(ValueError, match="no take for 'concrete'"):
        notes_of(walk(1), lambda *_: ())


def test_left_and_right_are_related_but_not_equal() -> None:
    """One take by either foot: alike, but another spectrum: the right shoe is lower and darker."""
    cents, different_db = [], []
    for floor in GROUNDS:
        (left, *_), (right, *_) = (
            notes_of([cue(9_600, floor, foot=foot, time_s=2.0)]) for foot in get_args(Foot)
        )
        same = [
            play([Note(step=0, take=left.take, foot=foot, at=9600, gain_db=20.0, tilt_db=0,
                       body_db=0, length=None)], 48_000).samples[:, 0].astype(float)
            for foot in get_args(Foot)
        ]  # fmt: skip
        frequency = np.fft.rfftfreq(48_000, 1 / SAMPLE_RATE_HZ)
        powers = [np.abs(np.fft.rfft(sound)) ** 2 for sound in same]
        centroids = [float((frequency * power).sum() / power.sum()) for power in powers]
        cents.append(1200 * np.log2(centroids[1] / centroids[0]))
        bands = [
            np.add.reduceat(power, np.geomspace(60, 12_000, 30).astype(int)) for power in powers
        ]
        different_db.append(float(np.mean(np.abs(10 * np.log10(bands[1] / bands[0])))))
        assert right.gain_db != left.gain_db
        energies = [10 * np.log10(step_energy(sound)) for sound in same]
        assert abs(energies[0] - energies[1]) < 0.1
    assert all(-120 < one < -5 for one in cents)
    assert all(0.2 < one < 4.0 for one in different_db)


def test_the_foot_rolls_as_slowly_as_it_is_seen_to() -> None:
    def apart_s(**options: object) -> float:
        heel, toe = notes_of([cue(9_600, **options)])  # type: ignore[arg-type]
        return (toe.at - heel.at) / SAMPLE_RATE_HZ

    assert apart_s(stance_s=0.5) == pytest.approx(0.065, abs=1e-4)
    assert apart_s(stance_s=0.8) == pytest.approx(0.104, abs=1e-4)
    assert apart_s(stance_s=0.4, speed=0.5) == pytest.approx(0.104, abs=1e-4)
    # A foot that stays is standing, no slower slap.
    assert apart_s(stance_s=5.0) == pytest.approx(0.12, abs=1e-4)
    assert apart_s() == apart_s(stance_s=0.0)
    assert notes_of([cue(9_600, "gravel")])[1].gain_db > notes_of([cue(9_600, "tile")])[1].gain_db


def test_a_recording_of_whole_steps_is_not_rolled_again() -> None:
    def whole(floor: str, shoe: str, kind: Kind) -> Sequence[Take]:
        return FEW(floor, shoe, "run") if kind == "walk" else ()

    for action, part in ACTIONS:
        notes = notes_of([cue(9_600, action=action, part=part)], whole)
        assert [note.at for note in notes] == [9_600], (action, part)
    (walked,) = notes_of([cue(9_600)], whole)
    assert abs(walked.gain_db) < 4.0


def test_every_kind_of_step_has_its_sounds() -> None:
    for action in get_args(Action):
        for part in get_args(Part):
            notes = notes_of([cue(9_600, action=action, part=part)])
            assert notes[0].at == 9_600
            assert {note.take.name.split("/")[-1].split("_")[0] for note in notes} <= set(KINDS)


def test_strength_firmness_and_weight_shape_the_sound() -> None:
    def shaped(strength: float = 1.0, **of: float) -> Note:
        walker = Walker(shoe="leather", steadiness=1.0, **of)
        return notes_of([cue(9_600, walker=walker, strength=strength)])[0]

    assert shaped(strength=0.4).tilt_db < shaped().tilt_db < shaped(strength=2.5).tilt_db
    assert shaped(firmness=0.0).tilt_db < shaped(firmness=1.0).tilt_db
    assert shaped(weight_kg=45).body_db < 0 < shaped(weight_kg=120).body_db
    heavy = play([shaped(weight_kg=150)], 48_000).samples[:, 0].astype(float)
    light = play([shaped(weight_kg=40)], 48_000).samples[:, 0].astype(float)

    def thump(sound: np.ndarray) -> float:  # type: ignore[type-arg]
        power = np.abs(np.fft.rfft(sound)) ** 2
        return float(power[:120].sum() / power.sum())

    assert thump(heavy) > 2 * thump(light)


def test_steadiness_is_how_alike_the_steps_are() -> None:
    def spread(steadiness: float) -> float:
        walker = Walker(shoe="leather", steadiness=steadiness)
        return float(np.std([n.gain_db for n in notes_of(walk(80, walker=walker))[::2]]))

    assert spread(1.0) < 0.3 < spread(0.5) < spread(0.0)


def test_quick_feet_are_short() -> None:
    slow = [cue(9_600, "metal", action="run", part="toe"), cue(9_600 + 48_000, "metal")]
    quick = [cue(9_600, "metal", action="run", part="toe"), cue(9_600 + 12_000, "metal")]
    assert notes_of(slow)[0].length is None
    assert notes_of(quick)[0].length == 13_200
    alone = play([notes_of(quick)[0]], 96_000).samples[:, 0]
    assert not alone[9_600 + 13_200 + round(0.05 * SAMPLE_RATE_HZ) :].any()


def test_inserting_a_step_changes_others_only_where_a_take_would_come_again_too_soon() -> None:
    late = walk(60, "gravel")
    alone = notes_of(late, OURS)
    together = notes_of([cue(4_800, "gravel", time_s=77.0), *late], OURS)[2:]
    same = [
        (one.take.name, one.at, one.gain_db, one.tilt_db)
        == (other.take.name, other.at, other.gain_db, other.tilt_db)
        for one, other in zip(alone, together, strict=True)
    ]
    assert np.mean(same) > 0.9
    assert all(same[40:])
    assert [note.take.name for note in notes_of(late[::-1], OURS)] == [
        note.take.name for note in alone
    ]


def test_a_step_sounds_the_same_wherever_it_is_placed() -> None:
    here = placed([cue(20_000, time_s=3.25)], 60_000).samples[19_900:]
    there = placed([cue(20_321, time_s=3.25)], 60_321).samples[20_221:]
    assert here.tobytes() == there.tobytes()


@pytest.mark.parametrize("apart_s", [0.0, 0.004, 0.03])
def test_two_feet_landing_make_one_attack_on_the_first(apart_s: float) -> None:
    apart = round(apart_s * SAMPLE_RATE_HZ)
    feet = [
        cue(9_600, "wood", action="land", part="flat", foot="left"),
        cue(9_600 + apart, "wood", action="land", part="flat", foot="right"),
    ]
    samples = placed(feet, 96_000).samples[:, 0]
    # -20 dB are now those of the two feet's common peak: half a millisecond off at most.
    assert abs(attack_sample(samples) - 9_600) <= 24


def test_a_step_at_the_edge_is_trimmed_without_a_click() -> None:
    for at in (0, 1, 5, 40):
        samples = placed([cue(at, "carpet")], 48_000).samples[:, 0]
        # Fading the cut lead-in can only delay the crossing, by less than the smoothing.
        assert 0 <= attack_sample(samples) - at <= 12
    end = play([notes_of([cue(47_000, "water")])[0]], 48_000).samples[:, 0]
    assert abs(end[-1]) < 0.01 * np.abs(end).max()
    assert np.count_nonzero(play([notes_of([cue(47_990)])[0]], 48_000).samples)


def test_a_long_clip_takes_what_its_samples_take() -> None:
    length = 10 * 60 * SAMPLE_RATE_HZ
    cues = [cue(9_600), cue(length - 96_000)]
    placed(cues, length)  # what is loaded once is not counted
    tracemalloc.start()
    out = placed(cues, length)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.1 * out.samples.nbytes


def test_gain_is_applied_and_contacts_outside_are_refused() -> None:
    quiet = placed([cue(9_600, gain_db=-8.0)], 96_000).samples
    plain = placed([cue(9_600)], 96_000).samples
    np.testing.assert_allclose(quiet, plain * 10 ** (-8 / 20), atol=1e-7)
    assert placed([], 480).samples.shape == (480, 1)
    for at in (-1, 96_000):
        with pytest.raises(ValueError, match="outside"):
            placed([cue(at, time_s=0.0)], 96_000)


@pytest.mark.parametrize("floor", GROUNDS)
def test_a_walk_measures_its_level(floor: str) -> None:
    one = GROUNDS[floor]
    assert one.calibration_db == pytest.approx(calibrate(one, short_term_max_lufs), abs=0.05)
    assert -4.0 <= one.level_db <= 1.0


@pytest.mark.parametrize("floor", ["tile", "wood"])
@pytest.mark.parametrize("seed", [11, 12])
def test_other_steps_than_those_calibrated_on_are_as_loud(floor: str, seed: int) -> None:
    one = GROUNDS[floor]
    measured = short_term_max_lufs(calibration_walk(one, rendered(one), seed=seed))
    assert measured == pytest.approx(WALK_LUFS + one.level_db, abs=0.5)


def test_floors_and_shoes_cover_what_film_walks_on() -> None:
    wanted = {"concrete", "wood", "tile", "carpet", "gravel", "grass", "sand", "snow", "metal"}
    wanted |= {"asphalt", "marble", "dirt", "leaves", "water", "puddle", "ice"}
    assert wanted | {"stage", "parquet", "rug"} <= set(GROUNDS)
    assert set(SHOES) == {"sneaker", "leather", "heel", "boot", "barefoot"}
    assert all(name == one.name for name, one in GROUNDS.items())
    assert all(name == one.name for name, one in SHOES.items())
    assert all(
        len(one.modes_hz) == len(one.modes_t60_s) == len(one.modes_db) for one in SHOES.values()
    )
