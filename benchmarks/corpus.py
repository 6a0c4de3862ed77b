"""Every cut in a folder: read, a footstep clip put on every picture clip, taken out, compared.

    python benchmarks/corpus.py DIR [--dtd DIR] [--json]

`identical`: after stripping, the bytes are the input's. `verified`: with the footsteps in, the same
picture clips are read. `new_dtd_errors` counts what lxml has against the result's XML and did not
have against the input's; it needs the DTDs (`FCPXMLv1_10.dtd`, `xmeml_v5_from_pdf.dtd`, ...).
Premiere's own elements and attributes, of which Apple's DTD knows none, are left out on both sides.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

from lxml import etree

from otio_foley.errors import FoleyError
from otio_foley.time import frames_from_seconds, seconds_from_frames
from otio_foley.timelines.document import TextDocument
from otio_foley.timelines.registry import FORMATS, open_document
from otio_foley.types import Clip, Marker, Span, StemClip, Timeline

_HANDLE_FRAMES = 12
_PREMIERE = ("ppro", "premiere", "MZ.", "TL.", "currentExploded", "totalExploded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of one file."""

    path: str
    format: str | None
    clips: int
    skipped: int
    inserted: int
    identical: bool
    verified: bool
    new_dtd_errors: int | None
    error: str | None


def measure(path: Path, dtds: Path | None) -> Row:
    """Round-trip one file."""
    try:
        document = open_document(path)
        timeline = document.timeline()
        stems = test_stems(timeline)
        result = document.add(stems)
        stripped = result.strip()
    except FoleyError as error:
        return Row(
            path=str(path),
            format=None,
            clips=0,
            skipped=0,
            inserted=0,
            identical=False,
            verified=False,
            new_dtd_errors=None,
            error=f"{type(error).__name__}: {error}",
        )
    return Row(
        path=str(path),
        format=document.format_name,
        clips=len(timeline.clips),
        skipped=len(timeline.skipped),
        inserted=len(stems),
        identical=stripped.document.raw == document.raw and (stripped.exact or not stems),
        verified=result.timeline().clips == timeline.clips,
        new_dtd_errors=new_dtd_errors(document, result, dtds),
        error=None,
    )


def test_stems(timeline: Timeline) -> list[StemClip]:
    """A made-up footstep clip on every picture clip, overlapping ones on tracks of their own."""
    stems: list[StemClip] = []
    for clip in timeline.clips:
        record = _whole_frames(clip, timeline.frame_rate)
        track = 1
        while any(
            stem.track == track
            and record.start_s < stem.record.end_s
            and stem.record.start_s < record.end_s
            for stem in stems
        ):
            track += 1
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


def new_dtd_errors(before: TextDocument, after: TextDocument, dtds: Path | None) -> int | None:
    """Errors against the DTD of the file's own version that only the result has; None: no DTD."""
    path = None if dtds is None else _dtd_path(before, dtds)
    if path is None or not path.is_file():
        return None
    dtd = etree.DTD(str(path))
    old, new = (_errors(dtd, document.raw) for document in (before, after))
    return sum((new - old).values())


def _dtd_path(document: TextDocument, dtds: Path) -> Path | None:
    if document.format_name not in ("fcpxml", "xmeml"):
        return None
    version = etree.fromstring(document.raw).get("version", "")
    if document.format_name == "fcpxml":
        return dtds / f"FCPXMLv{version.replace('.', '_')}.dtd"
    return dtds / f"xmeml_v{version}_from_pdf.dtd"


def _errors(dtd: etree.DTD, raw: bytes) -> Counter[str]:
    root = etree.fromstring(raw)
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
    lines += [f"{row.path}: {row.error}" for row in rows if row.error is not None]
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dtd", type=Path, help="folder of DTDs")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    suffixes = {suffix for one in FORMATS.values() for suffix in one.suffixes}
    paths = sorted(path for path in given.folder.rglob("*") if path.suffix.lower() in suffixes)
    rows = [measure(path, given.dtd) for path in paths]
    if given.json:
        print(json.dumps({"files": [asdict(row) for row in rows]}, indent=2))
    else:
        print("\n".join(table(rows)))
    return 0 if all(row.identical and row.verified for row in rows if row.error is None) else 1


if __name__ == "__main__":
    sys.exit(main())
