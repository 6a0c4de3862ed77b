"""The same cuts through OpenTimelineIO's stock adapters and through ours, side by side in one run.

    pip install otio-fcpx-xml-adapter otio-fcp-adapter otio-cmx3600-adapter otio-aaf-adapter
    python benchmarks/stock.py DIR [--json]

`kept`: of what the input holds (XML elements by tag, EDL events, OTIO and AAF objects by class),
how much is in the file written back. Time: reading, patching and writing beside their reading and
writing, on the ten largest files of each format that the stock adapter can read and write; best of
three, taken in turns; the ratio is theirs over ours, the median over the files.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import aaf2
import opentimelineio as otio
from corpus import cuts, test_stems
from lxml import etree

from otio_foley.errors import FoleyError
from otio_foley.timelines.registry import open_document

_ADAPTERS = {
    "fcpxml": "fcpx_xml",
    "xmeml": "fcp_xml",
    "edl": "cmx_3600",
    "otio": "otio_json",
    "aaf": "AAF",
}
_LARGEST = 10
_ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One file: elements in it, kept by each way; seconds of each where it was timed."""

    path: str
    format: str
    size: int
    elements: int
    ours_kept: int
    stock_read: bool
    stock_written: bool
    stock_kept: int
    ours_s: float | None = None
    stock_s: float | None = None


def ours(path: Path, out: Path) -> float:
    """Read, a footstep clip on every picture clip, write; seconds, without those that making up the
    footstep clips takes."""
    start_s = time.perf_counter()
    document = open_document(path)
    timeline = document.timeline()
    read_s = time.perf_counter()
    stems = test_stems(timeline)
    made_s = time.perf_counter()
    document.add(stems).save(out)
    return read_s - start_s + time.perf_counter() - made_s


def stock(path: Path, out: Path, name: str) -> float:
    """Read and write back; seconds."""
    start_s = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        timeline = otio.adapters.read_from_file(str(path), adapter_name=_ADAPTERS[name])
        otio.adapters.write_to_file(timeline, str(out), adapter_name=_ADAPTERS[name])
    return time.perf_counter() - start_s


def measure(path: Path, name: str, folder: Path) -> Row:
    """What each way keeps of one file."""
    before = elements(path, name)
    out = folder / f"out{path.suffix}"
    ours(path, out)
    ours_kept = _kept(before, elements(out, name))
    read = _works(lambda: otio.adapters.read_from_file(str(path), adapter_name=_ADAPTERS[name]))
    out.unlink()
    written = read and _works(lambda: stock(path, out, name)) and out.exists()
    return Row(
        path=str(path),
        format=name,
        size=path.stat().st_size,
        elements=sum(before.values()),
        ours_kept=ours_kept,
        stock_read=read,
        stock_written=written,
        stock_kept=_kept(before, elements(out, name)) if written else 0,
    )


def _works(job: Callable[[], object]) -> bool:
    """Whether a stock adapter gets through; each fails in its own way."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            job()
    except Exception:  # which kind does not matter here
        return False
    return True


def _kept(before: Mapping[str, int], after: Mapping[str, int]) -> int:
    return sum(min(count, after.get(kind, 0)) for kind, count in before.items())


def elements(path: Path, name: str) -> Counter[str]:
    """What a file holds, by kind."""
    if name == "aaf":
        with aaf2.open(str(path), "r") as file:
            return Counter(
                type(item).__name__
                for mob in file.content.mobs
                for item, _ in mob.walk_references()
            )
    raw = path.read_bytes()
    if name == "edl":
        return Counter(event=len(re.findall(rb"(?m)^\s*\d{1,6}\s+\S.*\d[:;]\d\d\s*$", raw)))
    if name == "otio":
        return Counter(
            schema.decode() for schema in re.findall(rb'"OTIO_SCHEMA"\s*:\s*"(\w+)\.\d+"', raw)
        )
    root = etree.fromstring(raw, etree.XMLParser(huge_tree=True))
    return Counter(element.tag for element in root.iter(etree.Element))


def timed(row: Row, folder: Path) -> Row:
    """Both ways in turns, the best of each."""
    path = Path(row.path)
    ours_s, stock_s = [], []
    for number in range(_ROUNDS):
        out = folder / f"{number}{path.suffix}"
        ours_s.append(ours(path, out))
        out.unlink()
        stock_s.append(stock(path, out, row.format))
        out.unlink()
    return replace(row, ours_s=min(ours_s), stock_s=min(stock_s))


def table(rows: list[Row]) -> list[str]:
    lines = [
        f"{'format':7} {'files':>5} {'stock read':>10} {'written':>8} {'elements':>9} "
        f"{'ours kept':>10} {'stock kept':>10} {'timed':>6} {'ratio (median)':>14}"
    ]
    for name in _ADAPTERS:
        own = [row for row in rows if row.format == name]
        if not own:
            continue
        total = sum(row.elements for row in own)
        ratios = [row.stock_s / row.ours_s for row in own if row.stock_s and row.ours_s]
        ratio = f"{median(ratios):.1f}" if ratios else "-"
        lines.append(
            f"{name:7} {len(own):5} {sum(row.stock_read for row in own):10} "
            f"{sum(row.stock_written for row in own):8} {total:9} "
            f"{sum(row.ours_kept for row in own) / total:10.1%} "
            f"{sum(row.stock_kept for row in own) / total:10.1%} {len(ratios):6} {ratio:>14}"
        )
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    logging.disable()
    missing = set(_ADAPTERS.values()) - set(otio.adapters.available_adapter_names())
    if missing:
        print(f"not installed: {', '.join(sorted(missing))}; see --help", file=sys.stderr)
        return 2
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in cuts(given.folder):
            try:
                kind = open_document(path).format_name
            except FoleyError:
                continue
            if kind in _ADAPTERS:
                rows.append(measure(path, kind, folder))
        for kind in _ADAPTERS:
            able = [row for row in rows if row.format == kind and row.stock_written]
            for row in sorted(able, key=lambda one: -one.size)[:_LARGEST]:
                rows[rows.index(row)] = timed(row, folder)
    if given.json:
        print(json.dumps({"files": [asdict(row) for row in rows]}, indent=2))
    else:
        print("\n".join(table(rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
