"""A real walker: the labelled strikes, from a cut in each of the four formats.

One shot is a smoke test, not a figure. It is analysed once; the four cuts share what was seen.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

import otio_foley
from otio_foley.analysis.movie import MovieSteps, find_steps
from otio_foley.analysis.people import sight
from otio_foley.media.picture import frames, probe
from otio_foley.report import Result
from otio_foley.train.steps.labelled import insert, medium
from otio_foley.types import Contact, Pose

_SHOT = "davidpagnon+Sports2D/Sports2D/Demo/demo.mp4"
_IN_FRAME, _FRAMES, _RATE = 15, 200, 30


def fcpxml(movie: Path) -> str:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.10">
  <resources>
    <format id="r1" frameDuration="100/3000s" width="1768" height="994"/>
    <asset id="r2" name="walker" start="0s" duration="230/30s" hasVideo="1" format="r1">
      <media-rep kind="original-media" src="file://{quote(str(movie))}"/>
    </asset>
  </resources>
  <library><event name="e"><project name="p">
    <sequence format="r1" duration="200/30s" tcStart="3600s" tcFormat="NDF"><spine>
      <asset-clip name="walker" ref="r2" offset="3600s" start="15/30s" duration="200/30s"/>
    </spine></sequence>
  </project></event></library>
</fcpxml>
"""


def xmeml(movie: Path) -> str:
    rate = "<rate><timebase>30</timebase><ntsc>FALSE</ntsc></rate>"
    zero = f"<timecode>{rate}<string>00:00:00:00</string><frame>0</frame></timecode>"
    hour = f"<timecode>{rate}<string>01:00:00:00</string><frame>108000</frame></timecode>"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE xmeml>
<xmeml version="5"><sequence id="s"><name>p</name><duration>200</duration>{rate}{hour}
<media><video><track><clipitem id="c"><name>walker</name><duration>230</duration>{rate}
<start>0</start><end>200</end><in>15</in><out>215</out><file id="f"><name>{movie.name}</name>
<pathurl>file://localhost{quote(str(movie))}</pathurl>{rate}<duration>230</duration>{zero}
<media><video/></media></file></clipitem></track></video></media></sequence></xmeml>
"""


def otio(movie: Path) -> str:
    def time(value: int) -> dict[str, object]:
        return {"OTIO_SCHEMA": "RationalTime.1", "rate": 30.0, "value": float(value)}

    def span(start: int, duration: int) -> dict[str, object]:
        return {
            "OTIO_SCHEMA": "TimeRange.1",
            "start_time": time(start),
            "duration": time(duration),
        }

    reference = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "target_url": str(movie),
        "available_range": span(0, 230),
    }
    clip = {
        "OTIO_SCHEMA": "Clip.2",
        "name": "walker",
        "source_range": span(_IN_FRAME, _FRAMES),
        "media_references": {"DEFAULT_MEDIA": reference},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }
    track = {"OTIO_SCHEMA": "Track.1", "name": "V1", "kind": "Video", "children": [clip]}
    cut = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": "p",
        "global_start_time": time(108000),
        "tracks": {"OTIO_SCHEMA": "Stack.1", "name": "", "children": [track]},
    }
    return json.dumps(cut, indent=2)


def edl(movie: Path) -> str:
    return f"""TITLE: p
FCM: NON-DROP FRAME

001  AX       V     C        00:00:00:15 00:00:07:05 01:00:00:00 01:00:06:20
* FROM CLIP NAME: {movie.name}
"""


_CUTS = {"fcpxml": fcpxml, "xml": xmeml, "otio": otio, "edl": edl}


@pytest.fixture(scope="module")
def movie(shared: Path) -> Path:
    return shared.resolve() / "picture" / _SHOT


@pytest.fixture(scope="module")
def seen_once() -> dict[tuple[float, float, int], MovieSteps]:
    return {}


@pytest.fixture(scope="module", params=_CUTS)
def result(
    request: pytest.FixtureRequest,
    movie: Path,
    seen_once: dict[tuple[float, float, int], MovieSteps],
    tmp_path_factory: pytest.TempPathFactory,
) -> Result:
    def remembered(pictures: Iterable[tuple[float, np.ndarray]], **options: int) -> MovieSteps:
        held = list(pictures)
        key = (held[0][0], held[-1][0], len(held))
        if key not in seen_once:
            seen_once[key] = find_steps(held, **options)
        return seen_once[key]

    cut = tmp_path_factory.mktemp("cut") / f"cut.{request.param}"
    cut.write_text(_CUTS[request.param](movie))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("otio_foley.jobs.find_steps", remembered)
        done = otio_foley.run(cut, media_roots=[movie.parent])
    assert otio_foley.verify(cut, done.output).identical
    return done


def tolerance(row: dict[str, str]) -> float:
    """In frames; the half is what a label leaves open that names a whole frame."""
    return int(row["tol_frames"]) + 0.5


def test_every_labelled_strike_is_hit(result: Result, shared: Path) -> None:
    (clip,) = result.clips
    assert clip.status == "done"
    with (shared / "picture" / "labels.tsv").open() as file:
        labels = [row for row in csv.DictReader(file, delimiter="\t") if row["file"] == _SHOT]
    strikes = [row for row in labels if row["event"] == "heel_strike"]
    assert len(strikes) == 8
    # By one person: the man on the roof steps too, and his steps are no excuse for hers.
    hits = {
        person: sum(
            any(
                step.person == person
                and abs(step.source_time_s * _RATE - int(row["frame"])) <= tolerance(row)
                for step in clip.steps
            )
            for row in strikes
        )
        for person in {step.person for step in clip.steps}
    }
    assert max(hits.values()) == 8
    for step in clip.steps:
        assert step.source_time_s - step.record_time_s == pytest.approx(_IN_FRAME / _RATE)


def test_the_jump_lands(result: Result) -> None:
    """Frame 190 is the first that shows him on the ground: he came down within the frame before."""
    landings = [
        step.source_time_s * _RATE
        for step in result.clips[0].steps
        if step.action == "land" and step.source_time_s > 6
    ]
    assert len(landings) == 2
    assert all(188.5 < frame < 190.5 for frame in landings)


def test_two_people_are_two_all_along(result: Result) -> None:
    """The jumper is one, on the roof and on the lawn."""
    steps = result.clips[0].steps
    assert len({step.person for step in steps}) == 2
    landings = [step for step in steps if step.action == "land"]
    on_the_roof = {step.person for step in landings if step.source_time_s < 3}
    on_the_lawn = {step.person for step in landings if step.source_time_s > 6}
    assert on_the_roof == on_the_lawn and len(on_the_lawn) == 1


@pytest.mark.parametrize(("rate", "times"), [(24, 1), (12, 1), (12, 2)])
def test_the_walker_is_hit_at_other_frame_rates(
    movie: Path, shared: Path, rate: int, times: int
) -> None:
    """The shot as a film of so many frames a second shows it, each of them so many times: the
    nearest picture at each time."""
    held = [
        (frame.time_s, frame.rgb)
        for frame in frames(probe(movie), start_s=0.0, end_s=np.inf, long_side_px=1280)
    ]
    shown = [
        (
            (number + part / times) / rate,
            held[min(len(held) - 1, round(number / rate * _RATE))][1],
        )
        for number in range(int(held[-1][0] * rate) + 1)
        for part in range(times)
    ]
    seen = find_steps(shown, most_people=4, least_confidence=0.35, unseen_feet=True)
    with (shared / "picture" / "labels.tsv").open() as file:
        labels = [row for row in csv.DictReader(file, delimiter="\t") if row["file"] == _SHOT]
    strikes_s = [int(row["frame"]) / _RATE for row in labels if row["event"] == "heel_strike"]
    # A frame of the film, and no less than what the labels themselves are sure of.
    within_s = max(1.0 / rate, 1.5 / _RATE)
    hers = max(
        ([one.time_s for one in stepper.contacts] for stepper in seen.steppers),
        key=lambda times: sum(near(times, strike_s) <= within_s for strike_s in strikes_s),
    )
    assert all(near(hers, strike_s) <= within_s for strike_s in strikes_s)
    # And nothing else of hers while she is labelled.
    assert sum(55 / _RATE <= time_s <= 192 / _RATE for time_s in hers) == len(strikes_s)
    # He comes down from the roof on both feet.
    landing_s = next(int(row["frame"]) / _RATE for row in labels if row["event"] == "jump_landing")
    landed = [
        one.foot
        for stepper in seen.steppers
        for one in stepper.contacts
        if [two.time_s for two in stepper.contacts] != hers
        and abs(one.time_s - landing_s) <= within_s
    ]
    assert sorted(landed) == ["left", "right"]


def near(times_s: Iterable[float], time_s: float) -> float:
    return min(abs(one - time_s) for one in times_s)


@pytest.fixture(scope="module")
def walking(movie: Path, shared: Path) -> tuple[Pose, list[float]]:
    """The walker as she is seen in the whole shot, and when she comes down."""
    whole = sight(_pictures(movie), most_people=4)
    # She is the one who leaves on the left; where she is not seen her keypoints are NaN.
    walker = max(whole.people, key=lambda pose: float(-np.nanmin(pose.keypoints_px[:, 27, 0])))
    with (shared / "picture" / "labels.tsv").open() as file:
        labels = [row for row in csv.DictReader(file, delimiter="\t") if row["file"] == _SHOT]
    return walker, [int(row["frame"]) / _RATE for row in labels if row["event"] == "heel_strike"]


def test_an_insert_of_her_legs_alone_has_her_steps(
    movie: Path, walking: tuple[Pose, list[float]]
) -> None:
    """The same walk as a shot that leaves her body out, small and enlarged as her feet are in it: a
    smoke test, so each strike is asked for to within a tenth of a second."""
    walker, strikes_s = walking
    legs = find_steps(
        insert(_pictures(movie), walker), most_people=4, least_confidence=0.35, unseen_feet=True
    )
    assert len(legs.steppers) == 1
    found = [contact.time_s for contact in legs.steppers[0].contacts]
    assert sum(near(found, strike_s) < 0.1 for strike_s in strikes_s) >= 7
    assert len(found) <= 11


def test_a_medium_shot_of_her_has_her_steps_from_her_body(
    movie: Path, walking: tuple[Pose, list[float]]
) -> None:
    """And from her body alone: her legs are cut off."""
    walker, strikes_s = walking

    def steps(unseen_feet: bool) -> list[Contact]:
        shot = medium(_pictures(movie), walker)
        seen = find_steps(
            shot, most_people=4, least_confidence=0.35, unseen_feet=unseen_feet, floors=True
        )
        # What lies about feet that the pose network guesses is a lake behind her, and no floor.
        assert not any(stepper.floors for stepper in seen.steppers)
        return [contact for stepper in seen.steppers for contact in stepper.contacts]

    told = steps(True)
    assert {contact.found_by for contact in told} == {"cadence"}
    assert sum(near([one.time_s for one in told], strike_s) < 0.1 for strike_s in strikes_s) >= 7
    assert len(told) <= 11
    assert not steps(False)


def _pictures(movie: Path) -> Iterable[tuple[float, np.ndarray]]:
    for frame in frames(probe(movie), start_s=0.0, end_s=np.inf, long_side_px=1280):
        yield frame.time_s, frame.rgb
