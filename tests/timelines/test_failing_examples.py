"""What the stock adapters got wrong on real cuts, an example each, by their numbers in FORMATS.md.

(1), (5) and (6) are xmeml's: `test_failing_example_1...` and so on in its own tests.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from fractions import Fraction

from lxml import etree
from timelines.stems import stems_for

from otio_foley.timelines.document import TextDocument
from otio_foley.timelines.edl.lines import read_list
from otio_foley.timelines.registry import open_bytes
from otio_foley.types import StemClip

ASSET = (
    '<asset id="r2" name="a" start="0s" duration="100s" hasVideo="1" hasAudio="1" format="r1" '
    'src="file:///a.mov"/>'
)
CLIP = '<asset-clip ref="r2" name="a" offset="{}s" start="10s" duration="4s"/>'


def fcpxml(
    spine: str, resources: str = "", frame: str = "1/25s", sequence: str = ""
) -> TextDocument:
    raw = (
        f'<fcpxml version="1.8"><resources><format id="r1" frameDuration="{frame}"/>{ASSET}'
        f'{resources}</resources><library><event><project name="p">'
        f'<sequence format="r1" {sequence}>'
        f"<spine>{spine}</spine></sequence></project></event></library></fcpxml>"
    )
    return open_bytes(raw.encode(), name="made.fcpxml")


def elements(document: TextDocument) -> Counter[tuple[str, tuple[tuple[str, str], ...]]]:
    root = etree.fromstring(document.raw)
    return Counter((one.tag, tuple(sorted(one.attrib.items()))) for one in root.iter(etree.Element))


def with_footsteps(document: TextDocument) -> TextDocument:
    """The document with footsteps, after a look that everything in it is still there."""
    added = document.add(stems_for(document.timeline()))
    assert not elements(document) - elements(added)
    assert added.strip().document.raw == document.raw
    return added


def test_2_a_frame_of_one_second() -> None:
    document = fcpxml(CLIP.format(0), frame="1s")
    assert document.timeline().frame_rate == 1
    with_footsteps(document)


def test_3_a_start_of_one_hour() -> None:
    document = fcpxml(CLIP.format(3600), sequence='tcStart="3600s"')
    timeline = document.timeline()
    assert (timeline.start_s, timeline.clips[0].record.start_s) == (3600, 0)
    assert with_footsteps(document).timeline().start_s == 3600


def test_4_a_sync_clip_with_roles() -> None:
    sync = (
        '<sync-clip name="s" offset="0s" duration="4s"><spine>' + CLIP.format(0) + "</spine>"
        '<sync-source sourceID="storyline"><audio-role-source role="dialogue.dialogue-1"/>'
        "</sync-source></sync-clip>"
    )
    document = fcpxml(sync)
    assert len(document.timeline().clips) == 1
    roles = {k: n for k, n in elements(with_footsteps(document)).items() if "role" in k[0]}
    assert sum(roles.values()) == 1


EDL = """TITLE: wipe
FCM: NON-DROP FRAME

001  A        V     C        01:00:00:00 01:00:02:00 01:00:00:00 01:00:02:00
002  A        V     C        01:00:02:00 01:00:02:00 01:00:02:00 01:00:02:00
002  B        V     W001 010 02:00:00:00 02:00:02:00 01:00:02:00 01:00:04:00
M2   B        048.0                02:00:00:00
003  C        V     C        03:00:00:00 03:00:01:00 01:00:04:12 01:00:06:00
"""


def edl() -> TextDocument:
    document = open_bytes(EDL.encode(), name="wipe.edl", frame_rate=Fraction(24))
    assert isinstance(document, TextDocument)
    return document


def on_tracks_of_their_own(document: TextDocument) -> list[StemClip]:
    return [replace(s, track=n) for n, s in enumerate(stems_for(document.timeline()), 1)]


def test_7_a_wipe_stays_a_wipe() -> None:
    document = edl()
    added = document.add(on_tracks_of_their_own(document))
    assert added.raw.startswith(document.raw)
    kinds = [event.kind for event in read_list(added.raw).events if not event.is_ours]
    assert [kind for kind in kinds if kind.startswith("W")] == ["W001"]


def test_8_an_m2_speed_is_a_speed() -> None:
    clip = next(clip for clip in edl().timeline().clips if clip.reel == "B")
    (_, first), (length, last) = clip.time_map.points
    assert (last - first) / length == 2


def test_9_a_record_timecode_is_not_repaired() -> None:
    document = edl()  # the third event leaves half a second free, and its source is shorter
    third = next(clip for clip in document.timeline().clips if clip.reel == "C")
    assert third.record.start_s == 4 + Fraction(12, 24)
    added = document.add(on_tracks_of_their_own(document))
    assert b"03:00:00:00 03:00:01:00 01:00:04:12 01:00:06:00" in added.raw


def test_10_a_multicam_clip_is_a_clip() -> None:
    multicam = (
        '<media id="r3" name="m"><multicam format="r1"><mc-angle name="A" angleID="A">'
        + CLIP.format(0) + "</mc-angle></multicam></media>"
    )  # fmt: skip
    spine = (
        '<mc-clip ref="r3" name="m" offset="0s" duration="4s">'
        '<mc-source angleID="A" srcEnable="all"/></mc-clip>'
    )
    document = fcpxml(spine, multicam)
    assert [clip.name for clip in document.timeline().clips] == ["a"]
    with_footsteps(document)


def test_11_a_transition_alone_is_named() -> None:
    document = fcpxml('<transition name="Cross Dissolve" offset="0s" duration="1s"/>')
    (skipped,) = document.timeline().skipped
    assert (skipped.name, skipped.reason) == ("Cross Dissolve", "a transition without clips")


def test_12_volume_keyframes_that_are_there_stay() -> None:
    keyframes = "".join(
        f'<keyframe time="{10 + number}/2s" value="-{number}dB"/>' for number in range(10)
    )
    level = (
        f'<adjust-volume><param name="amount"><keyframeAnimation>{keyframes}</keyframeAnimation>'
        "</param></adjust-volume>"
    )
    document = fcpxml(CLIP.format(0).replace("/>", f">{level}</asset-clip>"))
    stems = [
        replace(stem, automation=((Fraction(0), -6.0), (stem.record.duration_s, 0.0)))
        for stem in stems_for(document.timeline())
    ]
    added = document.add(stems)
    assert not elements(document) - elements(added)
    found = re.findall(rb"<keyframe ", added.raw)
    assert len(found) == 12
