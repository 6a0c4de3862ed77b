"""What is ours in an FCPXML that a person has worked on since, and what never is."""

from __future__ import annotations

from copy import deepcopy

import pytest
from lxml import etree
from timelines.roundtrip import DATA, new_dtd_errors, resaved
from timelines.stems import stems_for
from timelines.test_fcpxml import SPINE_OF_TWO, at, document, read

from otio_foley.errors import NotReversible
from otio_foley.timelines.fcpxml.write import ROLE
from otio_foley.timelines.registry import open_bytes

PICTURE = '<asset-clip ref="r2" name="{}" offset="0s" start="3s" duration="2s">{}</asset-clip>'


def edited(raw: bytes) -> etree._Element:
    """With footsteps, and saved again, so that no undo record fits."""
    opened = open_bytes(raw, name="x")
    return etree.fromstring(resaved(opened.add(stems_for(opened.timeline())).raw))


def ours(root: etree._Element) -> list[etree._Element]:
    return [one for one in root.iter("asset-clip") if one.get("audioRole") == ROLE]


def stripped(root: etree._Element) -> bytes:
    return open_bytes(etree.tostring(root), name="x").strip().document.raw


@pytest.mark.parametrize(
    "mark",
    [
        "<note>see com.otio-foley docs</note>",
        "<note>com.otio-foley 0123456789ab</note>",
        '<metadata><md key="com.otio-foley.clip-id" value="0123456789ab"/></metadata>',
        '<metadata><md key="com.otio-foleying.mine" value="1"/></metadata>',
    ],
)
@pytest.mark.parametrize(
    "clip",
    [
        PICTURE,
        '<clip name="{}" offset="0s" duration="2s">{}<video ref="r2" offset="0s" duration="9s"/>'
        "</clip>",
    ],
)
def test_a_picture_clip_is_never_ours(mark: str, clip: str) -> None:
    raw = document(clip.format("one", mark))
    opened = open_bytes(raw, name="x")
    assert opened.strip().document.raw == raw
    added = opened.add(stems_for(opened.timeline()))
    assert [c.name for c in added.timeline().clips] == ["one"]
    assert [c.name for c in read(stripped(edited(raw))).clips] == ["one"]


def test_an_asset_with_picture_is_never_ours() -> None:
    asset = (
        '<asset id="otio-foley-7" name="b" start="0s" duration="9s" hasVideo="1" format="r1">'
        '<media-rep src="file:///b.mov"/></asset>'
    )
    raw = document('<asset-clip ref="otio-foley-7" duration="2s"/>', resources=asset)
    assert [c.name for c in read(stripped(edited(raw))).clips] == ["b"]


def test_an_id_that_only_begins_like_ours() -> None:
    asset = (
        '<asset id="otio-foley-music" start="0s" duration="9s" hasAudio="1">'
        '<media-rep src="file:///b.wav"/></asset>'
    )
    raw = document(
        SPINE_OF_TWO + '<asset-clip ref="otio-foley-music" offset="6s" duration="2s"/>',
        resources=asset,
    )
    assert stripped(edited(raw)).count(b"otio-foley-music") == 2


def test_what_hangs_on_our_clip_is_not_taken_along() -> None:
    root = edited(document(SPINE_OF_TWO))
    host = ours(root)[0]
    hung = etree.fromstring(PICTURE.format("hung", ""))
    hung.set("lane", "1")
    host.insert(0, hung)
    opened = open_bytes(etree.tostring(root), name="x")
    with pytest.raises(NotReversible, match=r"'hung' \(line \d+\) is connected to the footstep"):
        opened.strip()
    with pytest.raises(NotReversible):
        opened.add(stems_for(opened.timeline()))


def test_nor_what_hangs_on_its_sound_in_old_versions() -> None:
    root = edited((DATA / "fcpxml" / "v1_0.fcpxml").read_bytes())
    sound = next(one for one in root.iter("audio") if one.get("role") == ROLE)
    sound.append(deepcopy(root.find(".//spine/clip/video")))
    sound[-1].set("lane", "1")
    with pytest.raises(NotReversible):
        stripped(root)


def test_an_asset_that_a_person_also_uses_stays_if_its_mark_is_gone() -> None:
    root = edited(document(SPINE_OF_TWO))
    asset = root.find(".//asset[@id='otio-foley-1']")
    asset.set("id", "r9")
    asset.remove(asset.find("metadata"))
    (ours_there,) = (one for one in ours(root) if one.get("ref") == "otio-foley-1")
    ours_there.set("ref", "r9")
    own = deepcopy(ours_there)
    own.remove(own.find("metadata"))
    own.set("name", "a person's copy")
    ours_there.getparent().append(own)
    text = stripped(root)
    assert b'id="r9"' in text and b"a person's copy" in text
    assert b"otio-foley" not in text


def test_later_items_of_a_storyline_stay_where_they_are() -> None:
    raw = document(
        '<asset-clip ref="r2" name="a" duration="4s"/><asset-clip ref="r2" name="b" duration="2s"/>'
    )
    root = edited(raw)
    spine = root.find(".//sequence/spine")
    moved = ours(root)[0]
    for name in ("lane", "offset"):
        del moved.attrib[name]
    spine.insert(1, moved)
    spine.append(deepcopy(moved))
    was = [at(clip) for clip in read(etree.tostring(root)).clips]
    assert was == [(0, 4), (8, 2)]
    text = stripped(root)
    assert [at(clip) for clip in read(text).clips] == was
    left = etree.fromstring(text)
    assert [one.tag for one in left.find(".//sequence/spine")] == [
        "asset-clip",
        "gap",
        "asset-clip",
    ]
    assert new_dtd_errors(raw, text) == []
    assert b"otio-foley" not in text


def test_a_storyline_of_ours_alone_needs_no_gaps() -> None:
    root = edited(document(SPINE_OF_TWO))
    moved = ours(root)[0]
    host = moved.getparent()
    spine = etree.SubElement(host, "spine", lane="-1", offset=moved.get("offset"))
    del moved.attrib["lane"]
    spine.append(moved)
    text = stripped(root)
    assert b"<gap" not in text and b"otio-foley" not in text
