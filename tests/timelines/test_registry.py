"""Which format a file is, and what is said of one that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from otio_foley.errors import InputError, UnknownFormat
from otio_foley.timelines.registry import open_bytes, open_document


@pytest.mark.parametrize(
    "raw",
    [b"", b" \r\n\t\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n", "\n \n".encode("utf-16"), b"\x1a"],
)
@pytest.mark.parametrize("suffix", ["edl", "otio", "xml", "fcpxml", "txt"])
def test_an_empty_file_is_said_to_be_empty(raw: bytes, suffix: str) -> None:
    with pytest.raises(UnknownFormat, match=r"^cut\.\w+ is empty$") as caught:
        open_bytes(raw, name=f"cut.{suffix}")
    assert caught.value.hint


def test_a_folder_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder") as caught:
        open_document(tmp_path)
    assert "cut" in caught.value.hint


def test_what_is_no_cut_at_all() -> None:
    with pytest.raises(UnknownFormat, match="no timeline format"):
        open_bytes(b"\x89PNG\r\n", name="a.png")
