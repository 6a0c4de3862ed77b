"""Cuts in folders and zip files: made here from small cuts of the test data."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import canned
import opentimelineio as otio
import pytest
from timelines.roundtrip import DATA
from timelines.stems import stems_for

import otio_foley
from otio_foley.cli import main
from otio_foley.errors import FoleyError, InputError, ParseError, UnknownFormat
from otio_foley.timelines.registry import open_document

FCPXML = next(path for path in sorted((DATA / "fcpxml").rglob("*.fcpxml")))


def otio_text(*media: str) -> bytes:
    """A cut at 25 of one second of each medium."""
    second = otio.opentime.TimeRange(
        otio.opentime.RationalTime(0, 25), otio.opentime.RationalTime(25, 25)
    )
    clips = [
        otio.schema.Clip(
            name=Path(name).name,
            media_reference=otio.schema.ExternalReference(
                target_url=name, available_range=otio.opentime.TimeRange(duration=second.duration)
            ),
            source_range=second,
        )
        for name in media
    ]
    timeline = otio.schema.Timeline(name="reel", tracks=[otio.schema.Track(children=clips)])
    return otio.adapters.write_to_string(timeline, "otio_json").encode()


def zipped(path: Path, *members: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.comment = b"from the conform"
        for name, content in members:
            info = zipfile.ZipInfo(name, (2024, 5, 17, 10, 30, 0))
            info.compress_type = (
                zipfile.ZIP_DEFLATED if name.endswith("otio") else zipfile.ZIP_STORED
            )
            archive.writestr(info, content)
    return path


@pytest.fixture
def movie(tmp_path: Path) -> bytes:
    return canned.movie(tmp_path / "walk.mov").read_bytes()


@pytest.fixture
def otioz(tmp_path: Path, movie: bytes) -> Path:
    text = otio_text("media/walk.mov")
    return zipped(
        tmp_path / "reel.otioz",
        ("content.otio", text), ("version.txt", b"1.0.0"), ("media/walk.mov", movie),
    )  # fmt: skip


@pytest.fixture
def otiod(tmp_path: Path, movie: bytes) -> Path:
    folder = tmp_path / "reel.otiod"
    (folder / "media").mkdir(parents=True)
    (folder / "content.otio").write_bytes(otio_text("media/walk.mov"))
    (folder / "version.txt").write_text("1.0.0")
    (folder / "media" / "walk.mov").write_bytes(movie)
    return folder


@pytest.fixture
def fcpxmld(tmp_path: Path) -> Path:
    folder = tmp_path / "reel.fcpxmld"
    (folder / "empty").mkdir(parents=True)
    shutil.copy(FCPXML, folder / "Info.fcpxml")
    (folder / "CurrentVersion.plist").write_bytes(b"<plist/>")
    return folder


@pytest.fixture(params=["otioz", "otiod", "fcpxmld"])
def bundle(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


def test_a_bundle_is_read_as_the_cut_in_it(bundle: Path) -> None:
    document = open_document(bundle)
    assert document.format_name == bundle.suffix[1:]
    assert document.timeline().clips


def test_adding_changes_the_text_alone_and_strip_gives_it_back(
    bundle: Path, tmp_path: Path
) -> None:
    document = open_document(bundle)
    document.add(stems_for(document.timeline())).save(tmp_path / f"out{bundle.suffix}")
    added = open_document(tmp_path / f"out{bundle.suffix}")
    assert added.timeline().clips == document.timeline().clips
    assert not added.is_identical(document)
    stripped = added.strip()
    assert stripped.exact
    stripped.document.save(tmp_path / f"back{bundle.suffix}")
    back = open_document(tmp_path / f"back{bundle.suffix}")
    assert back.is_identical(document)
    assert document.is_identical(back)


def test_an_unchanged_zip_is_saved_as_its_bytes(otioz: Path, tmp_path: Path) -> None:
    open_document(otioz).save(tmp_path / "copy.otioz")
    assert (tmp_path / "copy.otioz").read_bytes() == otioz.read_bytes()


def test_the_members_of_a_zip_stay_as_they_were(otioz: Path, tmp_path: Path) -> None:
    document = open_document(otioz)
    document.add(stems_for(document.timeline())).save(tmp_path / "out.otioz")
    with zipfile.ZipFile(otioz) as old, zipfile.ZipFile(tmp_path / "out.otioz") as new:
        assert new.testzip() is None
        assert new.comment == old.comment
        for before, after in zip(old.infolist(), new.infolist(), strict=True):
            for what in ("filename", "date_time", "compress_type", "external_attr"):
                assert getattr(before, what) == getattr(after, what)
            if before.filename != "content.otio":
                assert old.read(before) == new.read(after)


def test_the_rest_counts_when_bundles_are_compared(otiod: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.otiod"
    shutil.copytree(otiod, other)
    assert open_document(other).is_identical(open_document(otiod))
    (other / "media" / "walk.mov").write_bytes(b"another movie")
    assert not open_document(other).is_identical(open_document(otiod))


@pytest.mark.usefixtures("canned_analysis")
@pytest.mark.parametrize("name", ["otioz", "otiod"])
def test_the_whole_job_on_a_bundle(name: str, request: pytest.FixtureRequest) -> None:
    bundle = request.getfixturevalue(name)
    before = {p: p.read_bytes() for p in bundle.rglob("*") if p.is_file()} or bundle.read_bytes()
    (clip,) = otio_foley.run(bundle).clips
    assert clip.status == "done"
    output = bundle.with_name(f"reel_foley.{name}")
    assert otio_foley.verify(bundle, output).identical
    opened = otio.adapters.read_from_file(str(output))
    assert [track.name for track in opened.tracks if track.kind == "Audio"] == ["FS 1"]
    otio_foley.run(bundle, overwrite=True, floor="wood")
    assert otio_foley.verify(bundle, output).identical
    back = bundle.with_name(f"back.{name}")
    assert main(["strip", str(output), "-o", str(back)]) == 0
    assert main(["verify", str(bundle), str(back)]) == 0
    now = {p: p.read_bytes() for p in bundle.rglob("*") if p.is_file()} or bundle.read_bytes()
    assert now == before


def test_a_result_may_not_lie_in_the_bundle(otiod: Path) -> None:
    with pytest.raises(FoleyError, match="lies in the cut itself"):
        otio_foley.run(otiod, otiod / "out.otiod")


def test_an_fcpxmld_whose_text_has_another_name(fcpxmld: Path) -> None:
    (fcpxmld / "Info.fcpxml").rename(fcpxmld / "reel 3.fcpxml")
    assert open_document(fcpxmld).timeline().clips


@pytest.mark.parametrize(
    ("name", "what"),
    [("../evil.mov", "leads out"), ("/etc/evil", "leads out"), ("C:/evil", "leads out"),
     ("media\\..\\evil", "leads out")],
)  # fmt: skip
def test_members_that_lead_out_are_refused(tmp_path: Path, name: str, what: str) -> None:
    path = tmp_path / "trap.otioz"
    info = zipfile.ZipInfo("content.otio")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, otio_text("media/a.mov"))
        info = zipfile.ZipInfo("x")
        info.filename = name
        archive.writestr(info, b"")
    with pytest.raises(InputError, match=what):
        open_document(path)


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.otioz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("content.otio", otio_text("media/a.mov"))
        archive.writestr("media/a.mov", bytes(40 * 1024**2))
    with pytest.raises(InputError, match="zip bomb"):
        open_document(path)


def _linked(path: Path) -> None:
    info = zipfile.ZipInfo("media/a.mov")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, "/etc/passwd")


def _twice(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning):
        archive.writestr("version.txt", b"2")


def _encrypted(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(signature) + at] |= 1
    path.write_bytes(raw)


def _overlapping(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    second = raw.index(b"PK\x01\x02", raw.index(b"PK\x01\x02") + 4)
    raw[second + 42 : second + 46] = bytes(4)
    path.write_bytes(raw)


def _without_text(path: Path) -> None:
    zipped(path, ("version.txt", b"1.0.0"))


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def _damaged(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[60:90] = os.urandom(30)
    path.write_bytes(raw)


@pytest.mark.parametrize(
    ("spoil", "error"),
    [(_linked, InputError), (_twice, InputError), (_encrypted, InputError),
     (_overlapping, InputError), (_without_text, InputError), (_truncated, ParseError),
     (_damaged, ParseError)],
)  # fmt: skip
def test_what_is_wrong_with_a_zip_is_said(
    otioz: Path, spoil: Callable[[Path], None], error: type[FoleyError]
) -> None:
    spoil(otioz)
    with pytest.raises(error) as caught:
        open_document(otioz)
    assert str(otioz) in str(caught.value)


def test_a_link_out_of_a_folder_is_refused(otiod: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("private")
    (otiod / "media" / "link.mov").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="link out of the bundle"):
        open_document(otiod)


def test_a_link_that_stays_inside_is_kept(otiod: Path, tmp_path: Path) -> None:
    (otiod / "media" / "link.mov").symlink_to("walk.mov")
    open_document(otiod).save(tmp_path / "copy.otiod")
    assert (tmp_path / "copy.otiod" / "media" / "link.mov").is_symlink()


def test_folders_that_hold_no_cut(tmp_path: Path) -> None:
    empty = tmp_path / "a.fcpxmld"
    empty.mkdir()
    with pytest.raises(InputError, match="holds no cut"):
        open_document(empty)
    (empty / "Info.fcpxml").write_bytes(otio_text("a.mov"))
    with pytest.raises(UnknownFormat, match="is otio, not fcpxml"):
        open_document(empty)
