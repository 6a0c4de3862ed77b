"""Damaged cuts, made from sound ones; a seed, a number and the files settle what is made."""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Numbers that readers trip over.
_NUMBERS = (
    *(b"0", b"-1", b"1/0", b"0/0", b"99999999999999999999999", b"-9223372036854775808", b"NaN"),
    *(b"1e309", b"4294967295", b"0.0000001", b"00:00:00:00", b"99:99:99:99", b"", b"Infinity"),
)
_WORDS = (
    *(b"<", b"&", b"]]>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b'"', b"'", b"\0", b"\xff\xfe"),
    *(b"\xef\xbb\xbf", b"{", b"[", b"}", b"\r", b"\x1a", b"<a>" * 400, b"[" * 2000, b"* " * 500),
)
_CODECS = ("utf-16", "utf-16-le", "latin-1", "utf-8-sig", "cp1252")
_NUMBER = re.compile(rb"-?\d+(?:/\d+)?")

_LARGEST = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One damaged cut: `name` ends like the file that it was made from."""

    number: int
    name: str
    raw: bytes


def case(seed: int, number: int, corpus: Sequence[Path]) -> Case:
    """The `number`-th damaged cut of a seed; the same for the same files in the same order."""
    choose = random.Random(f"{seed}/{number}")
    path = _chosen(corpus, choose)
    raw = path.read_bytes()
    if path.suffix in (".aaf", ".otioz") or choose.random() < 0.2:
        damaged = _bytes_damaged(raw, choose)
    else:
        damaged = _text_damaged(raw, choose, corpus)
    if path.suffix == ".otio" and choose.random() < 0.15:
        return Case(number=number, name="cut.otioz", raw=_zipped(damaged, choose))
    return Case(number=number, name=f"cut{path.suffix}", raw=damaged[:_LARGEST])


def _chosen(corpus: Sequence[Path], choose: random.Random) -> Path:
    """A format, then a file of it; AAF, which takes ten times as long, more seldom."""
    by_kind: dict[str, list[Path]] = {}
    for path in corpus:
        by_kind.setdefault(path.suffix, []).append(path)
    kinds = sorted(by_kind)
    weights = [2 if kind == ".aaf" else 5 for kind in kinds]
    return choose.choice(by_kind[choose.choices(kinds, weights)[0]])


def _bytes_damaged(raw: bytes, choose: random.Random) -> bytes:
    """Bits flipped, words of four bytes replaced, blocks copied about, the end cut off."""
    spoiled = bytearray(raw)
    for _ in range(choose.choice((1, 1, 3, 20, 200))):
        # Half of the damage at the head, where containers keep what leads to all else.
        reach = len(spoiled) if choose.random() < 0.5 else min(len(spoiled), 8192)
        at = choose.randrange(max(1, reach))
        kind = choose.random()
        if kind < 0.4:
            spoiled[at : at + 1] = bytes([choose.randrange(256)])
        elif kind < 0.6:
            spoiled[at : at + 4] = choose.choice((b"\0" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f"))
        elif kind < 0.8:
            length = choose.choice((4, 64, 512, 4096))
            source = choose.randrange(max(1, len(spoiled)))
            spoiled[at : at + length] = spoiled[source : source + length]
        elif kind < 0.82:
            del spoiled[at:]
    return bytes(spoiled)


def _text_damaged(raw: bytes, choose: random.Random, corpus: Sequence[Path]) -> bytes:
    changes: tuple[Callable[[bytes], bytes], ...] = (
        lambda text: _with_number(text, choose),
        lambda text: _with_word(text, choose),
        lambda text: _without_lines(text, choose),
        lambda text: _with_lines_twice(text, choose),
        lambda text: _spliced(text, choose, corpus),
        lambda text: text[: choose.randrange(len(text) + 1)],
        lambda text: _recoded(text, choose),
        lambda text: text.replace(b"\n", choose.choice((b"\r", b"\r\n", b"", b" "))),
    )
    for _ in range(choose.choice((1, 1, 2, 4, 8))):
        raw = choose.choices(changes, weights=(8, 5, 4, 3, 2, 1, 1, 1))[0](raw)
    return raw


def _with_number(text: bytes, choose: random.Random) -> bytes:
    at = choose.randrange(len(text) + 1)
    match = _NUMBER.search(text, at)
    if match is None:
        return text
    return text[: match.start()] + choose.choice(_NUMBERS) + text[match.end() :]


def _with_word(text: bytes, choose: random.Random) -> bytes:
    at = choose.randrange(len(text) + 1)
    gone = choose.choice((0, 0, 1, 10))
    return text[:at] + choose.choice(_WORDS) + text[at + gone :]


def _without_lines(text: bytes, choose: random.Random) -> bytes:
    lines = text.split(b"\n")
    at = choose.randrange(len(lines))
    del lines[at : at + choose.choice((1, 1, 2, 10))]
    return b"\n".join(lines)


def _with_lines_twice(text: bytes, choose: random.Random) -> bytes:
    lines = text.split(b"\n")
    at, to = choose.randrange(len(lines)), choose.randrange(len(lines))
    lines[to:to] = lines[at : at + choose.choice((1, 3, 10))] * choose.choice((1, 1, 50))
    return b"\n".join(lines)


def _spliced(text: bytes, choose: random.Random, corpus: Sequence[Path]) -> bytes:
    other = corpus[choose.randrange(len(corpus))].read_bytes()
    at = choose.randrange(len(other) + 1)
    to = choose.randrange(len(text) + 1)
    return text[:to] + other[at : at + choose.choice((10, 200, 3000))] + text[to:]


def _recoded(text: bytes, choose: random.Random) -> bytes:
    return text.decode("utf-8", "replace").encode(choose.choice(_CODECS), "replace")


def _zipped(text: bytes, choose: random.Random) -> bytes:
    """A zipped bundle around a damaged cut, at times damaged itself."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", choose.choice((0, 8))) as archive:
        archive.writestr("content.otio", text)
        archive.writestr("version.txt", b"1.0.0")
        archive.writestr(choose.choice(("media/a.mov", "../a.mov", "media/b\\a")), b"movie")
    raw = file.getvalue()
    return _bytes_damaged(raw, choose) if choose.random() < 0.5 else raw


def corpus(*folders: Path) -> list[Path]:
    """The cuts below folders that damage is done to, in one order; the largest are left out."""
    suffixes = (".fcpxml", ".xml", ".otio", ".edl", ".aaf")
    return sorted(
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix.lower() in suffixes and path.is_file() and path.stat().st_size < _LARGEST
    )
