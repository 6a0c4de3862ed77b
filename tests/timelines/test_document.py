"""Patches and undo records: what was added comes out again, and nothing forged is believed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_foley.errors import NotReversible, OutputError
from otio_foley.timelines import document
from otio_foley.timelines.dialect import Dialect
from otio_foley.timelines.document import UNDO_PLACEHOLDER, Patch, encoded, open_text, splice
from otio_foley.types import StemClip, Timeline

_EMPTY = Timeline(name="", frame_rate=Fraction(24), drop_frame=False, start_s=Fraction(0), clips=())
_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "latin-1")


@dataclass(frozen=True)
class _Parsed:
    """A format in which ours is whatever stands between two marks."""

    raw: bytes
    codec: str
    patches: tuple[Patch, ...]
    stubborn: bool = False

    timeline = _EMPTY

    @property
    def encoding(self) -> str:
        return self.codec

    def insertion(self, stems: Sequence[StemClip], dialect: Dialect) -> tuple[Patch, ...]:
        return self.patches

    def removal(self) -> tuple[Patch, ...]:
        at = self.raw.find(encoded("<<", self.codec))
        end = self.raw.find(encoded(">>", self.codec))
        if self.stubborn and at >= 0:
            return (Patch(at, 0, b""),)
        width = len(encoded(">>", self.codec))
        return (Patch(at, end + width - at, b""),) if 0 <= at < end else ()


def _parser(codec: str, patches: Sequence[Patch], stubborn: bool = False) -> document.TextParser:
    def parse(raw: bytes, frame_rate: Fraction | None) -> _Parsed:
        return _Parsed(raw, codec, tuple(patches), stubborn)

    return parse


@st.composite
def _patched(draw: st.DrawFn) -> tuple[bytes, str, list[Patch]]:
    codec = draw(st.sampled_from(_ENCODINGS))
    width = 2 if codec.startswith("utf-16") else 1
    text = draw(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=400))
    raw = text.encode(codec)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=10)))
    patches = []
    for begin, end in zip(cuts[::2], cuts[1::2], strict=False):
        insert = draw(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60))
        patches.append(Patch(begin * width, (end - begin) * width, insert.encode(codec)))
    at = draw(st.integers(0, len(patches)))
    offset = patches[at - 1].offset + patches[at - 1].remove if at else 0
    padding = "x" * draw(st.integers(0, 30))
    patches.insert(at, Patch(offset, 0, (padding + UNDO_PLACEHOLDER + padding).encode(codec)))
    return raw, codec, patches


@given(_patched())
@settings(max_examples=200, deadline=None)
def test_strip_returns_the_original_bytes(case: tuple[bytes, str, list[Patch]]) -> None:
    raw, codec, patches = case
    opened = open_text("test", raw, _parser(codec, patches))
    added = opened.add([object()])  # type: ignore[list-item]
    assert added.raw != raw
    assert encoded("otio-foley-undo:v1;", codec) in added.raw
    stripped = added.strip()
    assert stripped.exact
    assert stripped.document.to_bytes() == raw


@given(_patched())
@settings(max_examples=50, deadline=None)
def test_adding_twice_is_adding_once(case: tuple[bytes, str, list[Patch]]) -> None:
    raw, codec, patches = case
    once = open_text("test", raw, _parser(codec, patches)).add([object()])  # type: ignore[list-item]
    assert once.add([object()]).raw == once.raw  # type: ignore[list-item]
    assert once.add([]).raw == raw


@given(
    st.binary(max_size=80), st.lists(st.tuples(st.integers(0, 80), st.integers(0, 20)), max_size=5)
)
@settings(max_examples=200, deadline=None)
def test_splice_equals_a_naive_one_or_refuses(raw: bytes, cuts: list[tuple[int, int]]) -> None:
    patches = [Patch(offset, remove, b"<new>") for offset, remove in cuts]
    try:
        spliced = splice(raw, patches)
    except ValueError:
        return
    naive = raw
    for patch in sorted(patches, key=lambda patch: patch.offset)[::-1]:
        naive = naive[: patch.offset] + patch.insert + naive[patch.offset + patch.remove :]
    assert spliced == naive


@pytest.mark.parametrize(
    "patches",
    [
        [Patch(0, 3, b""), Patch(2, 1, b"")],
        [Patch(5, 0, b"")],
        [Patch(3, 2, b"")],
    ],
)
def test_overlapping_and_outlying_patches_are_refused(patches: list[Patch]) -> None:
    with pytest.raises(ValueError):
        splice(b"abcd", patches)


def test_patches_at_one_offset_keep_their_order() -> None:
    assert splice(b"ab", [Patch(1, 0, b"1"), Patch(1, 0, b"2"), Patch(1, 1, b"3")]) == b"a123"


@pytest.mark.parametrize(
    "inserts", [[b"none"], [UNDO_PLACEHOLDER.encode() * 2], [UNDO_PLACEHOLDER.encode()] * 2]
)
def test_there_is_exactly_one_undo_record(inserts: list[bytes]) -> None:
    patches = [Patch(0, 0, insert) for insert in inserts]
    with pytest.raises(OutputError):
        open_text("test", b"raw", _parser("utf-8", patches)).add([object()])  # type: ignore[list-item]


def _added(raw: bytes = b"first\nsecond\n") -> document.TextDocument:
    patches = [Patch(6, 0, b"<<" + UNDO_PLACEHOLDER.encode() + b">>")]
    return open_text("test", raw, _parser("utf-8", patches)).add([object()])  # type: ignore[list-item]


def test_a_changed_file_is_not_claimed_to_be_exact() -> None:
    added = _added()
    for at in range(len(added.raw)):
        damaged = added.raw[:at] + bytes([added.raw[at] ^ 1]) + added.raw[at + 1 :]
        stripped = open_text("test", damaged, _parser("utf-8", ())).strip()
        assert not stripped.exact or stripped.document.raw == b"first\nsecond\n"


def test_ours_is_found_by_name_where_the_record_no_longer_fits() -> None:
    changed = _added().raw + b"third\n"
    stripped = open_text("test", changed, _parser("utf-8", ())).strip()
    assert (stripped.exact, stripped.removed) == (False, 1)
    assert stripped.document.raw == b"first\nsecond\nthird\n"


def test_what_cannot_be_taken_out_is_said() -> None:
    changed = _added().raw + b"third\n"
    with pytest.raises(NotReversible):
        open_text("test", changed, _parser("utf-8", (), stubborn=True)).strip()


def test_nothing_of_ours_is_nothing_removed() -> None:
    opened = open_text("test", b"plain", _parser("utf-8", ()))
    stripped = opened.strip()
    assert (stripped.exact, stripped.removed, stripped.document) == (False, 0, opened)


@pytest.mark.parametrize(
    "entries",
    [
        "",
        "0:0",
        "0:0:!",
        "0:999:",
        "9:1:",
        "0:4:AAA",
        f"{'9' * 5000}:1:",
        f"0:{'9' * 5000}:",
        "3:1:,0:1:",
        "0:1:,0:1:,0:1:,0:1:,0:1:,0:1:",
    ],
)
def test_forged_records_are_not_believed(entries: str) -> None:
    digest = hashlib.sha256(b"something else").hexdigest()
    raw = f"otio-foley-undo:v1;{digest};3;{entries};".encode()
    stripped = open_text("test", raw, _parser("utf-8", ())).strip()
    assert (stripped.exact, stripped.document.raw) == (False, raw)


def test_a_record_that_brings_its_own_text_needs_its_hash() -> None:
    smuggled = base64.b64encode(b"evil").decode()
    digest = hashlib.sha256(b"good").hexdigest()
    raw = f"otio-foley-undo:v1;{digest};4;0:200:{smuggled};".ljust(200).encode()
    assert not open_text("test", raw, _parser("utf-8", ())).strip().exact


def test_inserted_text_never_brings_a_byte_order_mark() -> None:
    assert encoded("a", "utf-16") == b"a\0"
    assert encoded("a", "utf-8-sig") == b"a"
