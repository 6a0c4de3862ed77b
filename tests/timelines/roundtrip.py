"""What every XML cut has to go through: added to, taken out of, re-saved by another program."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from lxml import etree
from timelines.stems import stems_for

from otio_foley.timelines.document import TextDocument
from otio_foley.timelines.registry import open_bytes
from otio_foley.types import Clip, Timeline

DATA = Path(__file__).resolve().parents[1] / "data"
#: Real cuts and Apple's DTDs, where they lie beside the project.
SHARED = Path(__file__).resolve().parents[3] / "shared"

#: Premiere's attributes and elements are in no DTD.
_PREMIERE = re.compile(
    r"MZ\.TrackName|ExplodedTrack|premiereTrackType|premiereChannelType|pproTicks|pproColor"
)


def real_cuts(suffix: str) -> list[Path]:
    return sorted((SHARED / "timelines").rglob(f"*{suffix}"))


def picture(timeline: Timeline) -> list[Clip]:
    return list(timeline.clips)


def check_lossless(raw: bytes, name: str) -> TextDocument:
    """Add a stem to every clip: the cut reads the same, and taking out gives the bytes back."""
    before = open_bytes(raw, name=name)
    stems = stems_for(before.timeline())
    after = before.add(stems)
    assert picture(after.timeline()) == picture(before.timeline())
    assert after.timeline().markers == before.timeline().markers
    skipped = [skipped.name for skipped in after.timeline().skipped]
    assert skipped == [skipped.name for skipped in before.timeline().skipped]
    stripped = after.strip()
    assert stripped.document.raw == raw
    if stems:
        assert stripped.exact
        assert after.raw != raw
    assert after.add(stems).raw == after.raw
    check_resaved(after, before.timeline())
    return after


def check_resaved(after: TextDocument, before: Timeline) -> None:
    """The same once another program has written the file anew: nothing of ours stays."""
    if not before.clips:
        return
    saved = open_bytes(resaved(after.raw), name="resaved")
    assert picture(saved.timeline()) == list(before.clips)
    stripped = saved.strip()
    assert not stripped.exact
    assert stripped.removed
    text = stripped.document.raw.decode("utf-8")
    assert "otio-foley" not in text
    assert picture(stripped.document.timeline()) == list(before.clips)


def resaved(raw: bytes) -> bytes:
    """The same XML with other white space and the attributes in another order."""
    root = etree.fromstring(raw, etree.XMLParser(remove_blank_text=True, huge_tree=True))
    for element in root.iter(etree.Element):
        attributes = sorted(element.attrib.items(), reverse=True)
        element.attrib.clear()
        for key, value in attributes:
            element.set(key, value)
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True))


def minified(raw: bytes) -> bytes:
    root = etree.fromstring(raw, etree.XMLParser(remove_blank_text=True))
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True))


def as_utf16(raw: bytes) -> bytes:
    text = raw.decode("utf-8")
    return re.sub(r'encoding="[^"]*"', 'encoding="UTF-16"', text, count=1).encode("utf-16")


def as_crlf(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def dtd_errors(raw: bytes) -> Counter[str]:
    """What the DTD of the file's own version objects to."""
    root = etree.fromstring(raw, etree.XMLParser(huge_tree=True))
    version = (root.get("version") or "").replace(".", "_")
    name = f"FCPXMLv{version}.dtd" if root.tag == "fcpxml" else f"xmeml_v{version}_from_pdf.dtd"
    with (SHARED / "dtd" / name).open("rb") as file:
        dtd = etree.DTD(file)
    dtd.validate(root)
    messages = (entry.message for entry in dtd.error_log.filter_from_errors())
    # The children that were found differ, and so may Premiere's own names.
    return Counter(
        message.split(", got (")[0] for message in messages if not _PREMIERE.search(message)
    )


def new_dtd_errors(before: bytes, after: bytes) -> list[str]:
    """Kinds of objection that the result draws and the input does not."""
    known = set(dtd_errors(before))
    return [message for message in dtd_errors(after) if message not in known]
