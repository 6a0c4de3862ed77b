"""Steps performed from takes: which take for which step, how it is played, and all of it in sound.

First a score is made (cheap: which take, when, how loud, how bright), then it is played into a
buffer. Every take's own attack lies on its contact to the sample.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np
from scipy.signal import lfilter, resample

from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.attack import attack_sample
from otio_foley.synthesis.grounds import GROUNDS
from otio_foley.synthesis.seeding import step_generator
from otio_foley.synthesis.takes import KINDS, Kind, Take, Takes, step_energy
from otio_foley.time import samples_from_seconds
from otio_foley.types import Action, Audio, FloatArray, Foot, Footstep, Part, SampleArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Walker:
    """Who walks: the same through a whole cut. `weight_kg` of an adult is 75; `firmness` 0..1 is
    how hard the feet are set down, `steadiness` 0..1 how alike the steps are (0.5 is ordinary);
    `seed` chooses the takes."""

    shoe: str
    weight_kg: float = 75.0
    firmness: float = 0.5
    steadiness: float = 0.5
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """A footstep, who makes it, and where in the buffer its contact lies.

    `speed` is how fast the clip plays there (1/2 in slow motion): the foot rolls as slowly as it
    is seen to.
    """

    footstep: Footstep
    attack_sample: int
    walker: Walker
    speed: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One take as it is played: its attack at sample `at` of the buffer, `gain_db` louder,
    `tilt_db` brighter and `body_db` heavier; faded out after `length` samples (None: to its end).
    `step` is the number of the step, in time order, that it is part of.
    """

    step: int
    take: Take
    foot: Foot
    at: int
    gain_db: float
    tilt_db: int
    body_db: int
    length: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Voice:
    """One of the sounds that make a step: after `delay` (share of stance, at most `delay_s`)."""

    kind: Kind
    delay: float = 0.0
    delay_s: float = 0.0
    gain_db: float = 0.0
    tilt_db: float = 0.0
    rolls: bool = False


#: Which sounds make a step. `rolls` marks the forefoot after the heel, whose level is the floor's.
_HEEL_TOE: Final = (_Voice(kind="heel"), _Voice(kind="toe", delay=0.13, delay_s=0.12, rolls=True))
_VOICES: Final[Mapping[tuple[Action, Part], tuple[_Voice, ...]]] = MappingProxyType({
    ("walk", "heel"): _HEEL_TOE,
    ("walk", "toe"): (_Voice(kind="toe"),
                      _Voice(kind="heel", delay=0.18, delay_s=0.15, gain_db=-12, tilt_db=-3)),
    ("walk", "flat"): (_Voice(kind="heel", gain_db=-1, tilt_db=-1),
                       _Voice(kind="toe", delay=0.02, delay_s=0.012, gain_db=3, rolls=True)),
    ("run", "toe"): (_Voice(kind="run"),),
    ("run", "heel"): (_Voice(kind="run", tilt_db=1),),
    ("jump", "toe"): (_Voice(kind="toe"),),
    ("land", "flat"): (_Voice(kind="land"),),
    ("scuff", "toe"): (_Voice(kind="scuff"),),
    ("stairs", "toe"): (_Voice(kind="toe", gain_db=-1),
                        _Voice(kind="heel", delay=0.12, delay_s=0.10, gain_db=-6, tilt_db=-2)),
    ("turn", "flat"): (_Voice(kind="toe"),
                       _Voice(kind="scuff", delay=0.20, delay_s=0.15, gain_db=-5)),
    ("tiptoe", "toe"): (_Voice(kind="toe", tilt_db=-4),),
})  # fmt: skip
"""Where a step's part is not listed for its action, the first of that action stands in."""

#: Sounds that stand in for others where a library has none: a recording of whole steps serves for
#: the strike, and then there is nothing to roll.
_INSTEAD: Final[Mapping[Kind, tuple[Kind, ...]]] = MappingProxyType({
    "walk": ("heel",),
    "heel": ("walk", "run"),
    "toe": ("walk", "heel", "run"),
    "run": ("walk", "heel", "land"),
    "land": ("run", "walk", "heel"),
    "scuff": ("toe", "walk", "heel", "run"),
})  # fmt: skip

#: A take is not heard again among so many that follow it.
NO_REPEAT_WITHIN: Final = 5

_STANCE_S: Final = 0.62  # of an ordinary walk, where none was seen
_OTHER_FLOOR_ROLL_DB: Final = -8.0
_RIGHT_PITCH: Final = (39, 40)  # no two shoes of a pair are equal
_FAST_LENGTH: Final = 64
_RIGHT_DB: Final = -0.4
_RIGHT_TILT_DB: Final = -1.0
_LEVEL_JITTER_DB: Final = 0.8
_TILT_JITTER_DB: Final = 1.0
_TILT_PER_OCTAVE_DB: Final = 2.0  # of strength; harder is brighter
_TILT_LIMIT_DB: Final = 8
_TILT_HZ: Final = 1400.0
_FIRM_DB: Final = 8.0  # from soft to firm
_BODY_HZ: Final = 150.0
_BODY_LIMIT_DB: Final = 9
_ORDINARY_KG: Final = 75.0
_QUICK_S: Final = 0.42  # feet that follow each other faster than a run's are short
_RING_ON: Final = 1.1  # a quick step is heard for so many of the intervals to the next
FADE_SAMPLES: Final = round(0.045 * SAMPLE_RATE_HZ)
_EDGE_FADE_S: Final = 0.005


def score(cues: Sequence[Cue], takes: Takes, *, media_fingerprint: str) -> tuple[Note, ...]:
    """Which takes play one person's steps, in the order of their contacts.

    What is drawn for a step depends on the step alone (seed, medium, person, time, foot), so
    that inserting one leaves the others as they are, but for a take that would then come again too
    soon: the next best drawn is played. Raises ValueError where the library has no take at all.
    """
    ordered = sorted(cues, key=lambda cue: cue.attack_sample)
    recent: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=NO_REPEAT_WITHIN))
    notes: list[Note] = []
    for number, cue in enumerate(ordered):
        following = ordered[number + 1] if number + 1 < len(ordered) else None
        apart = None if following is None else following.attack_sample - cue.attack_sample
        notes += _step_notes(number, cue, apart, takes, recent, media_fingerprint)
    return tuple(notes)


def _step_notes(
    number: int,
    cue: Cue,
    apart: int | None,
    takes: Takes,
    recent: dict[str, deque[str]],
    media_fingerprint: str,
) -> list[Note]:
    step, walker = cue.footstep, cue.walker
    contact = step.contact
    rng = step_generator(
        walker.seed,
        media_fingerprint,
        contact.person,
        samples_from_seconds(contact.time_s, SAMPLE_RATE_HZ),
        foot=contact.foot,
    )
    loose = 2.0 * (1.0 - walker.steadiness)
    level_db = step.gain_db + loose * _LEVEL_JITTER_DB * rng.standard_normal()
    tilt_db = _tilt_db(step, walker) + loose * _TILT_JITTER_DB * rng.standard_normal()
    body_db = 20 * math.log10(walker.weight_kg / _ORDINARY_KG)
    if contact.foot == "right":
        level_db, tilt_db = level_db + _RIGHT_DB, tilt_db + _RIGHT_TILT_DB
    ground = GROUNDS.get(step.floor)
    roll_db = _OTHER_FLOOR_ROLL_DB if ground is None else ground.roll_db
    # Heel and forefoot together are as loud as one whole step.
    heel_db = -10 * math.log10(1 + 10 ** (roll_db / 10))
    notes = []
    for voice in _voices(step.action, contact.part):
        found = _held(takes, step.floor, walker.shoe, voice.kind)
        order = rng.random(len(found.takes))
        if voice.delay and not found.own:
            continue  # the whole step has been heard
        rolled_db = 0.0
        if _has_roll(step.action, contact.part) and found.own:
            rolled_db = heel_db + (roll_db if voice.rolls else 0.0)
        late = min(voice.delay * _stance_s(cue), voice.delay_s)
        take = _chosen(found.takes, order, recent[found.takes[0].name])
        notes.append(
            Note(
                step=number,
                take=take,
                foot=contact.foot,
                at=cue.attack_sample + round(late * SAMPLE_RATE_HZ),
                gain_db=level_db + voice.gain_db + rolled_db,
                tilt_db=_whole(tilt_db + voice.tilt_db, _TILT_LIMIT_DB),
                body_db=_whole(body_db, _BODY_LIMIT_DB),
                length=_length(apart),
            )
        )
    return notes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """Takes, and whether they are of the kind that was asked for."""

    takes: Sequence[Take]
    own: bool


def _held(takes: Takes, floor: str, shoe: str, kind: Kind) -> _Held:
    """Takes of a kind; whole recorded steps come before parts, other kinds stand in for none."""
    if kind == "heel":
        whole = takes(floor, shoe, "walk")
        if whole:
            return _Held(takes=whole, own=False)
    if kind == "toe" and takes(floor, shoe, "walk"):
        return _Held(takes=takes(floor, shoe, "walk"), own=False)
    found = takes(floor, shoe, kind)
    if found:
        return _Held(takes=found, own=True)
    for other in dict.fromkeys((*_INSTEAD[kind], *KINDS)):
        found = takes(floor, shoe, other)
        if found:
            return _Held(takes=found, own=False)
    raise ValueError(f"the library has no take for {floor!r} and {shoe!r}")


def _chosen(takes: Sequence[Take], order: FloatArray, recent: deque[str]) -> Take:
    """The take that was drawn first and not heard among the last; of a few takes, the one that was
    heard longest ago."""
    several = min(NO_REPEAT_WITHIN, len(takes) - 1)
    barred = set(list(recent)[max(0, len(recent) - several) :])
    free = [n for n, take in enumerate(takes) if take.name not in barred]
    take = takes[min(free, key=lambda n: float(order[n]))]
    recent.append(take.name)
    return take


def _voices(action: Action, part: Part) -> tuple[_Voice, ...]:
    listed = _VOICES.get((action, part))
    if listed is not None:
        return listed
    return next(voices for (other, _), voices in _VOICES.items() if other == action)


def _has_roll(action: Action, part: Part) -> bool:
    return any(voice.rolls for voice in _voices(action, part))


def _tilt_db(step: Footstep, walker: Walker) -> float:
    strength = min(max(step.contact.strength, 0.1), 10.0)
    return _TILT_PER_OCTAVE_DB * math.log2(strength) + _FIRM_DB * (walker.firmness - 0.5)


def _whole(value_db: float, limit_db: int) -> int:
    """Whole decibels: finer steps are not heard, and a take so shaped can be kept for the next."""
    return max(-limit_db, min(limit_db, round(value_db)))


def _stance_s(cue: Cue) -> float:
    contact = cue.footstep.contact
    if contact.toe_off_s is None or contact.toe_off_s <= contact.time_s or cue.speed == 0:
        return _STANCE_S
    return (contact.toe_off_s - contact.time_s) / abs(cue.speed)


def _length(apart: int | None) -> int | None:
    """How long a step is heard before the next one: quick feet are short."""
    if apart is None or not 0 < apart < _QUICK_S * SAMPLE_RATE_HZ:
        return None
    return max(round(0.1 * SAMPLE_RATE_HZ), round(_RING_ON * apart))


# ---- playing


def play(notes: Sequence[Note], length: int) -> Audio:
    """Sound of a score: (length, 1) at 48 kHz.

    Notes are simply added: an isolated step keeps its attack exactly, and two feet landing within
    some 30 ms make one flam with the first foot's attack. What would lie before the buffer is cut
    and the rest of the lead-in faded; what lies beyond its end is faded out over 5 ms. Raises
    ValueError for a note outside the buffer.
    """
    # The system hands out zeros without storing them until they are written to: what a person in
    # a clip of hours takes is what their steps take.
    samples = np.zeros((length, 1), dtype=np.float32)
    for note in notes:
        if not 0 <= note.at < length:
            raise ValueError(f"contact at sample {note.at} outside 0..{length}")
        add_note(samples[:, 0], note)
    return Audio(samples=samples, sample_rate_hz=SAMPLE_RATE_HZ)


def add_note(out: SampleArray, note: Note) -> None:
    """Add one note to `out` (N,) in place."""
    shaped = _shaped(note.take, note.foot, note.tilt_db, note.body_db)
    start = note.at - shaped.attack_sample
    part = shaped.samples * np.float32(10 ** (note.gain_db / 20))
    if note.length is not None:
        part = _shortened(part, shaped.attack_sample + note.length)
    if start < 0:
        part = part[-start:]
        part[: note.at] *= _ramp(note.at)
        start = 0
    room = len(out) - start
    if len(part) > room:
        part = part[:room]
        # The fade never reaches back over the attack.
        fade = min(round(_EDGE_FADE_S * SAMPLE_RATE_HZ), len(out) - note.at)
        part[room - fade :] *= _ramp(fade)[::-1]
    out[start : start + len(part)] += part


def _shortened(part: SampleArray, length: int) -> SampleArray:
    """Faded out from `length` on."""
    if len(part) <= length:
        return part
    fade = min(FADE_SAMPLES, len(part) - length)
    part = part[: length + fade]
    part[length:] *= _ramp(fade)[::-1]
    return part


@lru_cache(maxsize=768)
def _shaped(take: Take, foot: Foot, tilt_db: int, body_db: int) -> Take:
    """A take as a foot plays it: the right shoe of the pair is a little lower, more above 1.4 kHz
    is brighter, more below 150 Hz heavier; its level stays, and its attack is measured again."""
    sound = take.samples.astype(np.float64)
    before = step_energy(sound)
    if foot == "right":
        sound = _lowered(sound)
        fade = min(len(sound), 64)
        sound[len(sound) - fade :] *= _ramp(fade)[::-1]
    if tilt_db:
        sound = sound + (10 ** (tilt_db / 20) - 1) * _above(sound, _TILT_HZ)
    if body_db:
        sound = sound + (10 ** (body_db / 20) - 1) * (sound - _above(sound, _BODY_HZ))
    sound *= math.sqrt(before / max(step_energy(sound), 1e-18))
    samples = sound.astype(np.float32)
    samples.flags.writeable = False
    return Take(name=take.name, samples=samples, attack_sample=attack_sample(samples))


def _lowered(sound: FloatArray) -> FloatArray:
    """A sound (N,) played by `_RIGHT_PITCH`, longer by as much."""
    numerator, denominator = _RIGHT_PITCH
    # Whole periods of the ratio, of lengths that a Fourier transform is quick with.
    piece = numerator * _FAST_LENGTH
    padded = np.pad(sound, (0, -len(sound) % piece))
    lowered = np.asarray(resample(padded, len(padded) // numerator * denominator))
    return lowered[: len(sound) * denominator // numerator]


def _above(sound: FloatArray, corner_hz: float) -> FloatArray:
    """What of (N,) lies above a corner (one pole: it begins at once)."""
    pole = math.exp(-2 * math.pi * corner_hz / SAMPLE_RATE_HZ)
    high: FloatArray = lfilter([(1 + pole) / 2, -(1 + pole) / 2], [1.0, -pole], sound)
    return high


def _ramp(count: int) -> SampleArray:
    """Raised cosine from above 0 to below 1, (count,)."""
    ramp = 0.5 - 0.5 * np.cos(math.pi * np.arange(1, count + 1) / (count + 1))
    return np.asarray(ramp, dtype=np.float32)
