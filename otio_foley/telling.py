"""What is told of footsteps: in reports, as markers and names on the timeline, and as everything
that made the sound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from otio_foley._version import __version__
from otio_foley.analysis.movie import MovieSteps
from otio_foley.config import AUTO_FLOOR, Settings
from otio_foley.controls.values import NAMES, Resolved
from otio_foley.lending import usual_floor
from otio_foley.media.sound import FX_NAME_LIMIT
from otio_foley.mix.stem import person_levels
from otio_foley.playing import Played, Shown, Voice, floor_under
from otio_foley.report import FloorSeen, Step
from otio_foley.time import frames_from_seconds, seconds_from_frames
from otio_foley.timelines.document import NAMESPACE
from otio_foley.types import (
    Action,
    Clip,
    Contact,
    FloorFrom,
    FloorSpan,
    JsonValue,
    LentFloor,
    Marker,
    Span,
)

#: What is walked on where nobody says so and nothing is recognised.
_ORDINARY_FLOOR = "concrete"
#: Steps below this confidence have markers of another colour: look at these first.
_SURE = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedStep:
    """A step of somebody in the clip, what is asked of it and of the clip, and the floor that it is
    heard on where nobody says so and none is seen below them."""

    voice: Voice
    played: Played
    level_db: float
    action_db: float
    asked: Resolved
    of_clip: Resolved
    lent: LentFloor | None = None

    @property
    def floor(self) -> str:
        return self.floor_and_whence[0]

    @property
    def floor_and_whence(self) -> tuple[str, FloorFrom]:
        """What is walked on, and how that is known."""
        lent = None if self.lent is None else self.lent.floor
        return floor_of(self.asked.floor, self.voice.floors, self.played.contact.time_s, lent)

    @property
    def may_borrow(self) -> bool:
        """Whether it is heard on a floor that is lent, if there is one."""
        time_s = self.played.contact.time_s
        _, whence = floor_of(self.asked.floor, self.voice.floors, time_s, _ORDINARY_FLOOR)
        return whence == "nearby" and not self.asked.mute

    @property
    def lends(self) -> str | None:
        """The floor that it says others walk on, too; that of who is not heard, or of one step
        alone (a manhole's cover), is nobody else's."""
        floor, whence = self.floor_and_whence
        shared = whence == "picture" or (whence == "asked" and floor == self.of_clip.floor)
        return floor if shared and self.played.seen and not self.asked.mute else None


def floor_of(
    asked: str, recognised: Sequence[FloorSpan], source_s: float, lent: str | None
) -> tuple[str, FloorFrom]:
    """The floor that is heard at a time of the movie, and whence: the one asked for, else the
    recognised, where nothing was recognised the lent one, else an ordinary one."""
    if asked != AUTO_FLOOR:
        return asked, "asked"
    seen = floor_under(recognised, source_s)
    if seen is not None:
        return seen, "picture"
    return (_ORDINARY_FLOOR, "nowhere") if recognised or lent is None else (lent, "nearby")


def sounded_steps(seen: MovieSteps, settings: Settings) -> tuple[Step, ...]:
    """The steps of a whole movie with their levels, in time order; no record times."""
    steps = []
    known = (
        floor_under(stepper.floors, contact.time_s)
        for stepper in seen.steppers
        for contact in stepper.contacts
    )
    lent = usual_floor(floor for floor in known if floor is not None)
    for stepper in seen.steppers:
        times_s = [contact.time_s for contact in stepper.contacts]
        levels = person_levels(
            stepper.times_s,
            stepper.silhouette_area,
            times_s,
            stepper.actions,
            [contact.strength for contact in stepper.contacts],
        )
        steps += [
            _step(
                contact,
                action,
                None,
                level,
                floor_of(settings.sound.floor, stepper.floors, contact.time_s, lent),
            )
            for contact, action, level in zip(
                stepper.contacts, stepper.actions, levels.step_db, strict=True
            )
        ]
    return tuple(sorted(steps, key=lambda step: step.source_time_s))


def steps_of(heard: Sequence[AskedStep], clip: Clip) -> tuple[Step, ...]:
    """Those that are seen, in time order."""
    steps = [
        _step(
            one.played.contact,
            one.played.action,
            clip.record.start_s + one.played.offset_s,
            one.level_db,
            one.floor_and_whence,
        )
        for one in heard
        if one.played.seen
    ]
    return tuple(sorted(steps, key=lambda step: (step.record_time_s, step.person)))


def _step(
    contact: Contact,
    action: Action,
    record_s: Fraction | None,
    gain_db: float,
    floor: tuple[str, FloorFrom],
) -> Step:
    return Step(
        record_time_s=None if record_s is None else float(record_s),
        source_time_s=contact.time_s,
        person=contact.person,
        foot=contact.foot,
        part=contact.part,
        action=action,
        floor=floor[0],
        floor_from=floor[1],
        gain_db=gain_db,
        confidence=contact.confidence,
        found_by=contact.found_by,
    )


def title_of(steps: tuple[Step, ...], name: str) -> str:
    """What the sound is: `Walk Concrete`, and whose where a clip has several files, which has to
    stay where a name is cut."""
    action = _usual(step.action for step in steps)
    floor = _usual(step.floor for step in steps)
    title = f"{action} {floor}".title()
    return f"{title[: FX_NAME_LIMIT - len(name) - 1]} {name}" if name else title


def marker_of(step: Step, record: Span, frame_rate: Fraction) -> Marker:
    """A marker on the frame that is nearest to the contact, for hosts know no finer; the exact
    time is in the provenance."""
    assert step.record_time_s is not None
    nearest = frames_from_seconds(Fraction(step.record_time_s), frame_rate)
    last = frames_from_seconds(record.end_s, frame_rate) - 1
    return Marker(
        record_s=seconds_from_frames(min(nearest, last), frame_rate),
        name=f"{step.action} {step.foot}",
        note=f"person {step.person}, {step.part}, {step.floor}, {step.gain_db:+.1f} dB, "
        f"confidence {step.confidence:.2f}",
        color="PURPLE" if step.confidence >= _SURE else "ORANGE",
    )


def provenance_of(
    shown: Shown, heard: Sequence[AskedStep], of_clip: Resolved, rides: bool, settings: Settings
) -> dict[str, JsonValue]:
    """Everything that made the sound, for the timeline's metadata.

    `controls` are the clip's; a step that has others has them too. `level` is the displacement
    layer of each person, as [seconds from the clip's first frame, dB].
    """
    voices = {one.voice.person: one.voice for one in heard}
    return {
        "namespace": NAMESPACE,
        "version": __version__,
        "generated": True,
        "clip_id": shown.clip.clip_id,
        "media_fingerprint": shown.fingerprint,
        "settings": settings.digest,
        "floor": _usual(one.floor for one in heard),
        "floors_seen": [
            FloorSeen(person=person, span=span).as_json()
            for person, voice in voices.items()
            for span in voice.floors
        ],
        "shoe": _usual(one.asked.shoe for one in heard),
        "controls": _values(of_clip),
        "level_rides": "automation" if rides else "baked",
        "level": [
            {
                "person": person,
                "points": [
                    [round(point.time_s, 3), round(point.level_db, 2)]
                    for point in voice.levels.curve
                ],
            }
            for person, voice in voices.items()
        ],
        "steps": [
            {**step.as_json(), **({} if one.asked == of_clip else {"controls": _values(one.asked)})}
            for one in sorted(heard, key=lambda one: (one.played.offset_s, one.voice.person))
            if one.played.seen
            for step in steps_of([one], shown.clip)
        ],
    }


def _values(asked: Resolved) -> dict[str, JsonValue]:
    return {name: getattr(asked, name) for name in NAMES}


def _usual(words: Iterable[str]) -> str:
    return Counter(words).most_common(1)[0][0]
