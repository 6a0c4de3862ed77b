"""Every cut in a folder: read, a footstep clip on each picture clip, saved, verified, taken out.

    python benchmarks/corpus.py DIR [--dtd DIR] [--json]

Everything is measured on the saved result, read from the disk again. `verified`: `otio-foley
verify` finds the original in it, and the same picture clips are read with the footsteps in.
`identical`: with the footsteps taken out and saved, it is the input to the byte (bundles: to the
byte of each file in it). `new_dtd_errors` counts what lxml has against the result's XML and did not
have against the input's; it needs the DTDs (`FCPXMLv1_10.dtd`, `xmeml_v5_from_pdf.dtd`, ...).
Premiere's own elements and attributes, of which Apple's DTD knows none, are left out on both sides.
`picture_items` is how many picture items a count without our reader finds; a file that has some
and reads as empty fails.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from heapq import heappop, heappush
from pathlib import Path

import aaf2
from lxml import etree

from otio_foley.errors import FoleyError
from otio_foley.time import frames_from_seconds, seconds_from_frames
from otio_foley.timelines.aaf.cut import AafDocument
from otio_foley.timelines.bundles.bundle import BundleDocument
from otio_foley.timelines.document import Document, TextDocument
from otio_foley.timelines.registry import FORMATS, open_document
from otio_foley.timelines.verify import verify
from otio_foley.types import Clip, Marker, Span, StemClip, Timeline

_HANDLE_FRAMES = 12
_PREMIERE = ("ppro", "premiere", "MZ.", "TL.", "currentExploded", "totalExploded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of one file; `error` is why it was refused, or what is wrong with the result."""

    path: str
    format: str | None
    clips: int = 0
    skipped: int = 0
    picture_items: int = 0
    inserted: int = 0
    identical: bool = False
    verified: bool = False
    new_dtd_errors: int | None = None
    error: str | None = None
    note: str | None = None


def measure(path: Path, dtds: Path | None) -> Row:
    """Round-trip one file."""
    try:
        document = open_document(path)
        with tempfile.TemporaryDirectory() as folder:
            return _round_trip(path, document, Path(folder), dtds)
    except FoleyError as error:
        return Row(path=str(path), format=None, error=f"{type(error).__name__}: {error}")


def _round_trip(path: Path, document: Document, folder: Path, dtds: Path | None) -> Row:
    timeline = document.timeline()
    stems = test_stems(timeline)
    result, back = folder / f"result{path.suffix}", folder / f"back{path.suffix}"
    document.add(stems).save(result)
    added = open_document(result)
    stripped = added.strip()
    stripped.document.save(back)
    found = picture_items(path, document)
    empty = found > 0 and not timeline.clips and not timeline.skipped
    return Row(
        path=str(path),
        format=document.format_name,
        clips=len(timeline.clips),
        skipped=len(timeline.skipped),
        picture_items=found,
        inserted=len(stems),
        identical=open_document(back).is_identical(document) and (stripped.exact or not stems),
        verified=verify(path, result).identical and added.timeline().clips == timeline.clips,
        new_dtd_errors=new_dtd_errors(document, added, dtds),
        error="reads as empty, but holds picture" if empty else None,
        note=_why_empty(timeline) if not timeline.clips else None,
    )


def _why_empty(timeline: Timeline) -> str:
    reasons = sorted({item.reason for item in timeline.skipped})
    return "no picture clips: " + ("; ".join(reasons) or "sound alone, or nothing")


def picture_items(path: Path, document: Document) -> int:
    """Picture items that a plain count finds, without our reader."""
    inner = document.inner if isinstance(document, BundleDocument) else document
    if isinstance(inner, AafDocument):
        return _aaf_items(path)
    assert isinstance(inner, TextDocument)
    if inner.format_name == "edl":
        return len(re.findall(rb"(?m)^\s*\d+\s+\S.*?\s(?:V\d?|B|AA/V|A\d?/V)\s+[CDWK]", inner.raw))
    if inner.format_name == "otio":
        text = re.sub(rb"(?<=[:\s])-?(?:inf|nan)(?=[,\s}])", b"0", inner.raw, flags=re.IGNORECASE)
        return sum(1 for _ in _otio_items(json.loads(text.decode("utf-8-sig")), True))
    root = etree.fromstring(inner.raw, etree.XMLParser(huge_tree=True))
    if inner.format_name == "xmeml":
        return len(root.findall(".//sequence/media/video/track/clipitem"))
    assets = {
        asset.get("id")
        for asset in root.iter("asset")
        if asset.get("hasVideo") == "1" or asset.get("videoSources")
    }
    spines = [item for spine in root.iter("spine") for item in spine]
    return sum(item.get("ref") in assets or item.tag == "mc-clip" for item in spines)


def _otio_items(value: object, picture: bool) -> Iterator[object]:
    """Clips with media on tracks that are not sound."""
    if isinstance(value, list):
        for one in value:
            yield from _otio_items(one, picture)
    elif isinstance(value, dict):
        schema = str(value.get("OTIO_SCHEMA", ""))
        if schema.startswith(("Track.", "Sequence.")):
            picture = value.get("kind", "Video") == "Video"
        if schema.startswith("Clip.") and picture and "ExternalReference" in json.dumps(value):
            yield value
        for key, inner in value.items():
            if key in ("tracks", "children"):
                yield from _otio_items(inner, picture)


def _aaf_items(path: Path) -> int:
    """Source clips with a master mob in the picture slots of top-level compositions."""
    with aaf2.open(str(path), "r") as file:
        return sum(
            isinstance(item, aaf2.components.SourceClip) and item.mob is not None
            for mob in file.content.toplevel()
            for slot in mob.slots
            if "Picture" in str(slot.media_kind)
            for item, _ in slot.segment.walk_references()
        )


def test_stems(timeline: Timeline) -> list[StemClip]:
    """A made-up footstep clip on every picture clip, overlapping ones on tracks of their own."""
    stems: list[StemClip] = []
    ends: list[tuple[Fraction, int]] = []
    for clip in timeline.clips:
        record = _whole_frames(clip, timeline.frame_rate)
        track = len(ends) + 1
        if ends and ends[0][0] <= record.start_s:
            track = heappop(ends)[1]
        heappush(ends, (record.end_s, track))
        stems.append(_stem(clip, timeline, record, track))
    return stems


def _whole_frames(clip: Clip, frame_rate: Fraction) -> Span:
    first, end = (
        frames_from_seconds(edge, frame_rate) for edge in (clip.record.start_s, clip.record.end_s)
    )
    return Span(
        start_s=seconds_from_frames(first, frame_rate),
        duration_s=seconds_from_frames(max(1, end - first), frame_rate),
    )


def _stem(clip: Clip, timeline: Timeline, record: Span, track: int) -> StemClip:
    handle_s = seconds_from_frames(_HANDLE_FRAMES, timeline.frame_rate)
    start_s = max(Fraction(0), timeline.start_s + record.start_s - handle_s)
    name = f"FOLYFeet_Test Stem_OTFOLEY_{clip.clip_id}.wav"
    return StemClip(
        clip_id=clip.clip_id,
        name=name,
        track=track,
        record=record,
        path=Path("/Volumes/Foley") / name,
        file_start_s=start_s,
        file_duration_s=record.duration_s + 2 * handle_s,
        in_s=timeline.start_s + record.start_s - start_s,
        sample_rate_hz=48000,
        channels=1,
        markers=(Marker(record_s=record.start_s, name="walk left"),),
        provenance={"test": True, "steps": []},
    )


def new_dtd_errors(before: Document, after: Document, dtds: Path | None) -> int | None:
    """Errors against the DTD of the file's own version that only the result has; None: no DTD."""
    old, new = (one.inner if isinstance(one, BundleDocument) else one for one in (before, after))
    if dtds is None or not isinstance(old, TextDocument) or not isinstance(new, TextDocument):
        return None
    path = _dtd_path(old, dtds)
    if path is None or not path.is_file():
        return None
    dtd = etree.DTD(str(path))
    return sum((_errors(dtd, new.raw) - _errors(dtd, old.raw)).values())


def _dtd_path(document: TextDocument, dtds: Path) -> Path | None:
    if document.format_name not in ("fcpxml", "xmeml"):
        return None
    version = etree.fromstring(document.raw, etree.XMLParser(huge_tree=True)).get("version", "")
    if document.format_name == "fcpxml":
        return dtds / f"FCPXMLv{version.replace('.', '_')}.dtd"
    return dtds / f"xmeml_v{version}_from_pdf.dtd"


def _errors(dtd: etree.DTD, raw: bytes) -> Counter[str]:
    root = etree.fromstring(raw, etree.XMLParser(huge_tree=True))
    for element in list(root.iter(etree.Element)):
        for name in [name for name in element.attrib if name.startswith(_PREMIERE)]:
            del element.attrib[name]
        if element.tag.startswith(_PREMIERE) and element.getparent() is not None:
            element.getparent().remove(element)
    dtd.validate(root)
    # What an element holds is listed after "got": not part of what is wrong.
    return Counter(error.message.split(", got ")[0] for error in dtd.error_log.filter_from_errors())


def table(rows: list[Row]) -> list[str]:
    """A line for each format."""
    lines = [
        f"{'format':8} {'files':>5} {'errors':>6} {'clips':>6} {'inserted':>8} {'identical':>9} "
        f"{'verified':>8} {'new DTD errors':>14}"
    ]
    for name in (*FORMATS, None):
        own = [row for row in rows if row.format == name]
        if own:
            lines.append(
                f"{name or 'none':8} {len(own):5} {sum(row.error is not None for row in own):6} "
                f"{sum(row.clips for row in own):6} {sum(row.inserted for row in own):8} "
                f"{sum(row.identical for row in own):9} {sum(row.verified for row in own):8} "
                f"{sum(row.new_dtd_errors or 0 for row in own):14}"
            )
    lines += [f"{row.path}: {row.error or row.note}" for row in rows if row.error or row.note]
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dtd", type=Path, help="folder of DTDs")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    rows = [measure(path, given.dtd) for path in cuts(given.folder)]
    if given.json:
        print(json.dumps({"files": [asdict(row) for row in rows]}, indent=2))
    else:
        print("\n".join(table(rows)))
    good = (row.identical and row.verified and not row.error for row in rows if row.format)
    return 0 if all(good) else 1


def cuts(folder: Path) -> list[Path]:
    """Every file, and every folder, that is named as a cut is; not what lies in such a folder."""
    suffixes = {suffix for one in FORMATS.values() for suffix in one.suffixes}
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
    bundles = {path for path in found if path.is_dir()}
    return [path for path in found if not bundles & set(path.parents)]


if __name__ == "__main__":
    sys.exit(main())
