"""Steps on their contacts, and the level of a walk."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from otio_foley.mix.meters import short_term_max_lufs
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.attack import attack_sample
from otio_foley.synthesis.calibration import WALK_LUFS, calibrate, calibration_walk
from otio_foley.synthesis.grounds import GROUNDS
from otio_foley.synthesis.placement import Cue, place, sound_of
from otio_foley.synthesis.shoes import SHOES
from otio_foley.types import Action, Audio, Contact, Foot, Footstep, Part

ACTIONS: tuple[tuple[Action, Part], ...] = (
    ("walk", "heel"), ("walk", "toe"), ("run", "toe"), ("jump", "toe"), ("land", "flat"),
    ("scuff", "toe"),
)  # fmt: skip
SPACING = 2 * SAMPLE_RATE_HZ


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
) -> Cue:
    time_s = at / SAMPLE_RATE_HZ if time_s is None else time_s
    contact = Contact(
        person=0, time_s=time_s, toe_off_s=None if stance_s is None else time_s + stance_s,
        foot=foot, part=part, strength=1.0, fall_speed=0.0, confidence=1.0, found_by="test",
    )  # fmt: skip
    step = Footstep(contact=contact, action=action, floor=floor, gain_db=gain_db)
    return Cue(footstep=step, attack_sample=at, speed=speed)


def placed(cues: list[Cue], length: int, shoe: str = "leather") -> Audio:
    return place(cues, length, run_seed=1, media_fingerprint="movie", shoe=SHOES[shoe])


def errors(audio: Audio, cues: list[Cue]) -> list[int]:
    """Measured attack minus contact for each of some isolated steps, in samples."""
    samples = audio.samples[:, 0]
    return [
        attack_sample(samples, start=start, stop=start + SPACING) - start - 4800
        for start in (one.attack_sample - 4800 for one in cues)
    ]


@pytest.mark.parametrize("floor", GROUNDS)
def test_attack_is_on_the_contact_to_the_sample(floor: str) -> None:
    """Zero, not one: steps are copied by whole samples, so the measure sees the same numbers."""
    cues = [
        cue(4801 + n * (SPACING + 7), floor, action=action, part=part, gain_db=4.0 * n - 12.0)
        for n, (action, part) in enumerate(ACTIONS)
    ]
    length = len(cues) * (SPACING + 7) + 4801
    assert errors(placed(cues, length), cues) == [0] * len(cues)


@pytest.mark.parametrize("shoe", SHOES)
def test_attack_is_on_the_contact_in_every_shoe(shoe: str) -> None:
    cues = [cue(9600 + n * SPACING, floor) for n, floor in enumerate(GROUNDS)]
    length = (len(cues) + 1) * SPACING
    assert errors(placed(cues, length, shoe), cues) == [0] * len(cues)


@pytest.mark.parametrize("floor", ["tile", "concrete", "carpet"])
def test_attacks_stay_on_the_contacts_of_an_ordinary_walk(floor: str) -> None:
    """The other foot's toe-off goes on while a heel falls: a tenth of a millisecond or two."""
    feet: tuple[Foot, ...] = ("left", "right") * 5
    cues = [cue(9600 + n * 25_263, floor, foot=foot) for n, foot in enumerate(feet)]
    samples = placed(cues, 12 * 25_263).samples[:, 0]
    for one in cues:
        start = one.attack_sample - 2400
        found = attack_sample(samples, start=start, stop=start + 12_000)
        assert abs(found - one.attack_sample) <= 10


def test_inserting_a_step_changes_no_other() -> None:
    late = [cue(96_000, "gravel"), cue(150_000, "gravel", foot="right")]
    alone = placed(late, 240_000)
    together = placed([cue(9_600, "gravel"), *late], 240_000)
    assert alone.samples[90_000:].tobytes() == together.samples[90_000:].tobytes()
    np.testing.assert_allclose(placed(late[::-1], 240_000).samples, alone.samples, atol=1e-7)


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
    energies = [float(np.sum(placed([one], 96_000).samples.astype(float) ** 2)) for one in feet]
    assert np.sum(samples.astype(float) ** 2) == pytest.approx(sum(energies), rel=0.35)


def test_a_step_at_the_edge_is_trimmed_without_a_click() -> None:
    for at in (0, 1, 5, 40):
        samples = placed([cue(at, "carpet")], 48_000).samples[:, 0]
        # Fading the cut lead-in can only delay the crossing, by less than the smoothing.
        assert 0 <= attack_sample(samples) - at <= 12
    end = placed([cue(47_000, "water")], 48_000).samples[:, 0]
    assert abs(end[-1]) < 0.01 * np.abs(end).max()
    assert np.count_nonzero(placed([cue(47_990)], 48_000).samples)


def test_a_long_clip_takes_what_its_samples_take() -> None:
    length = 10 * 60 * SAMPLE_RATE_HZ
    placed([cue(9_600)], 96_000)  # what is loaded once is not counted
    tracemalloc.start()
    out = placed([cue(9_600), cue(length - 96_000)], length)
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


def test_stance_follows_toe_off_and_speed() -> None:
    def length(**options: float) -> int:
        one = cue(9_600, "snow", **options)  # type: ignore[arg-type]
        return len(
            sound_of(one, run_seed=1, media_fingerprint="movie", shoe=SHOES["leather"]).samples
        )

    assert length(stance_s=0.3) < length(stance_s=0.6) < length(stance_s=0.6, speed=0.6)
    assert length() == length(stance_s=0.0)


@pytest.mark.parametrize("floor", GROUNDS)
def test_a_walk_measures_its_level(floor: str) -> None:
    one = GROUNDS[floor]
    assert one.calibration_db == pytest.approx(calibrate(one, short_term_max_lufs), abs=0.05)
    assert -4.0 <= one.level_db <= 0.0


@pytest.mark.parametrize("floor", ["tile", "wood"])
@pytest.mark.parametrize("seed", [0, 5])
def test_other_steps_than_those_calibrated_on_are_as_loud(floor: str, seed: int) -> None:
    one = GROUNDS[floor]
    measured = short_term_max_lufs(calibration_walk(one, seed=seed))
    assert measured == pytest.approx(WALK_LUFS + one.level_db, abs=0.5)


def test_floors_and_shoes_cover_what_film_walks_on() -> None:
    wanted = {"concrete", "wood", "tile", "carpet", "gravel", "grass", "sand", "snow", "metal"}
    assert wanted | {"asphalt", "marble", "dirt", "leaves", "water"} <= set(GROUNDS)
    assert set(SHOES) == {"sneaker", "leather", "heel", "boot", "barefoot"}
    assert all(name == one.name for name, one in GROUNDS.items())
    assert all(name == one.name for name, one in SHOES.items())
    assert all(
        len(one.modes_hz) == len(one.modes_t60_s) == len(one.modes_db) for one in SHOES.values()
    )
