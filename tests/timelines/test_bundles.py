"""Cuts in folders and zip files: made here from small cuts of the test data."""

from __future__ import annotations

import gc
import io
import os
import random
import shutil
import stat
import struct
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import canned
import opentimelineio as otio
import pytest
from timelines.stems import stems_for

import otio_foley
from otio_foley.cli import main
from otio_foley.delivery import Delivery
from otio_foley.errors import FoleyError, InputError, ParseError, TargetExists, UnknownFormat
from otio_foley.timelines.bundles.archive import opened
from otio_foley.timelines.bundles.folder import _listed
from otio_foley.timelines.bundles.zipped import open_otioz
from otio_foley.timelines.registry import open_bytes, open_document

FCPXML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.10">
    <resources>
        <format id="r1" frameDuration="1/25s" width="64" height="48"/>
        <asset id="r2" name="walk" start="0s" duration="4s" hasVideo="1" format="r1">
            <media-rep kind="original-media" src="./Media/walk.mov"/>
        </asset>
    </resources>
    <project name="reel">
        <sequence format="r1" duration="2s" tcStart="0s">
            <spine>
                <asset-clip ref="r2" name="walk" offset="0s" start="0s" duration="2s"/>
            </spine>
        </sequence>
    </project>
</fcpxml>
"""


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
def fcpxmld(tmp_path: Path, movie: bytes) -> Path:
    folder = tmp_path / "reel.fcpxmld"
    (folder / "empty").mkdir(parents=True)
    (folder / "Media").mkdir()
    (folder / "Media" / "walk.mov").write_bytes(movie)
    (folder / "Info.fcpxml").write_text(FCPXML)
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


def saved_with_stems(bundle: Path, output: Path) -> Path:
    document = open_document(bundle)
    document.add(stems_for(document.timeline())).save(output)
    return output


def test_a_zip_made_by_opentimelineio_comes_back_to_the_byte(
    movie: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where its relative media are looked for
    (tmp_path / "walk.mov").write_bytes(movie)
    timeline = otio.adapters.read_from_string(otio_text("walk.mov").decode(), "otio_json")
    otio.adapters.write_to_file(timeline, str(tmp_path / "reel.otioz"))
    output = saved_with_stems(tmp_path / "reel.otioz", tmp_path / "out.otioz")
    assert otio.adapters.read_from_file(str(output)).name == "reel"
    open_document(output).strip().document.save(tmp_path / "back.otioz")
    assert (tmp_path / "back.otioz").read_bytes() == (tmp_path / "reel.otioz").read_bytes()


def _zip64(members: list[tuple[str, bytes]], file: BinaryIO) -> None:
    """Sizes and offsets in zip64 fields, as from 4 GiB on."""
    with pytest.MonkeyPatch.context() as patch:
        for limit in ("ZIP64_LIMIT", "ZIP_FILECOUNT_LIMIT"):
            patch.setattr(zipfile, limit, 1)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members:
                archive.writestr(name, content)


def _streamed(members: list[tuple[str, bytes]], file: BinaryIO) -> None:
    """Sizes behind the content, as where a packer could not go back."""

    class Pipe(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            return file.write(cast(bytes, data))

    with zipfile.ZipFile(cast("io.BufferedWriter", Pipe()), "w") as archive:
        for name, content in members:
            archive.writestr(name, content, zipfile.ZIP_DEFLATED)


def _behind_a_script(members: list[tuple[str, bytes]], file: BinaryIO) -> None:
    """The text is stored, and last."""
    file.write(b"#!/bin/sh\n")
    with zipfile.ZipFile(file, "a") as archive:
        for name, content in reversed(members):
            archive.writestr(name, content)


def check_for_strict_readers(raw: bytes) -> None:
    """What `zipfile` does not look at: where the zip64 end is, and that sizes stand in front."""
    if (locator := raw.rfind(b"PK\x06\x07")) >= 0:
        (end,) = struct.unpack_from("<Q", raw, locator + 8)
        assert raw[end : end + 4] == b"PK\x06\x06"
    (flags,) = struct.unpack_from("<H", raw, raw.index(b"content.otio") - 24)
    assert not flags & 8


@pytest.mark.parametrize("layout", [_zip64, _streamed, _behind_a_script])
def test_every_layout_of_a_zip_is_kept(
    layout: Callable[[list[tuple[str, bytes]], BinaryIO], None], tmp_path: Path
) -> None:
    text = otio_text("media/a.mov")
    members = [("content.otio", text), ("media/a.mov", b"a" * 5000), ("media/ä.mov", b"b" * 100)]
    file = io.BytesIO()
    layout(members, file)
    raw = file.getvalue()
    if not raw.startswith(b"PK"):
        with pytest.raises(UnknownFormat):  # by its first bytes it is no zip file
            open_bytes(raw, name="a.otioz")
    (tmp_path / "reel.otioz").write_bytes(raw)
    before = open_otioz(tmp_path / "reel.otioz")
    before.add(stems_for(before.timeline())).save(tmp_path / "out.otioz")
    with zipfile.ZipFile(tmp_path / "out.otioz") as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name, _ in members[1:]} == dict(members[1:])
    check_for_strict_readers((tmp_path / "out.otioz").read_bytes())
    output = open_otioz(tmp_path / "out.otioz")
    assert output.timeline().clips == before.timeline().clips
    output.strip().document.save(tmp_path / "back.otioz")
    assert open_otioz(tmp_path / "back.otioz").is_identical(before)
    if layout is not _streamed:
        assert (tmp_path / "back.otioz").read_bytes() == raw


def test_members_are_not_packed_anew(tmp_path: Path) -> None:
    path = tmp_path / "reel.otioz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("content.otio", otio_text("media/a.mov"))
        archive.writestr("media/a.mov", bytes(range(256)) * 300, compresslevel=1)
    output = saved_with_stems(path, tmp_path / "out.otioz")
    with zipfile.ZipFile(path) as old:
        tail = path.read_bytes()[old.getinfo("media/a.mov").header_offset : old.start_dir]
    assert tail in output.read_bytes()


def test_the_media_of_a_zip_are_unpacked_and_go_with_it(otioz: Path, movie: bytes) -> None:
    document = open_document(otioz)
    folder = document.media_folder
    assert folder is not None
    assert (folder / "media" / "walk.mov").read_bytes() == movie
    assert document.strip().document.media_folder == folder
    del document
    gc.collect()
    assert not folder.exists()


def test_names_in_utf8_that_do_not_say_so(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "mac.otioz",
        ("content.otio", otio_text("media/%C3%BC.mov")), ("media/ue.mov", b"movie"),
    )  # fmt: skip
    path.write_bytes(path.read_bytes().replace(b"media/ue", "media/ü".encode()))
    document = open_document(path)
    assert document.media_folder is not None
    assert (document.media_folder / "media" / "ü.mov").read_bytes() == b"movie"
    output = saved_with_stems(path, tmp_path / "out.otioz")
    assert open_document(output).strip().document.is_identical(document)


def test_media_for_which_there_is_no_room(otioz: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(otioz.parent)._replace(free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(InputError, match=r"more than .* has") as caught:
        _ = open_document(otioz).media_folder
    assert ".otiod" in caught.value.hint


def test_a_zip_that_changed_meanwhile(otioz: Path, tmp_path: Path) -> None:
    document = open_document(otioz)
    changed = document.add(stems_for(document.timeline()))
    otioz.write_bytes(otioz.read_bytes()[:-40])
    with pytest.raises(ParseError, match="damaged"):
        changed.save(tmp_path / "out.otioz")
    with pytest.raises(ParseError, match="damaged"):
        _ = document.media_folder


def test_spoilt_zips_give_typed_errors_only(otioz: Path, tmp_path: Path) -> None:
    dice = random.Random(20)
    raw = otioz.read_bytes()
    # The movie in the middle is only copied: what surrounds it is what is read.
    spots = [at for at in range(len(raw)) if at < 2000 or at > len(raw) - 400]
    for _ in range(300):
        spoilt = bytearray(raw)
        for at in dice.sample(spots, dice.randint(1, 4)):
            spoilt[at] = dice.choice((0, 255, dice.randrange(256)))
        (tmp_path / "spoilt.otioz").write_bytes(spoilt)
        try:
            document = open_otioz(tmp_path / "spoilt.otioz")
            document.add(stems_for(document.timeline())).save(tmp_path / "out.otioz")
            _ = document.media_folder
        except FoleyError:
            continue


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
def test_the_whole_job_on_a_bundle(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "walk.mov").unlink()  # only the bundle has it
    before = {p: p.read_bytes() for p in bundle.rglob("*") if p.is_file()} or bundle.read_bytes()
    (clip,) = otio_foley.run(bundle).clips
    assert clip.status == "done"
    output = bundle.with_name(f"reel_foley{bundle.suffix}")
    assert otio_foley.verify(bundle, output).identical
    if bundle.suffix != ".fcpxmld":
        opened = otio.adapters.read_from_file(str(output))
        assert [track.name for track in opened.tracks if track.kind == "Audio"] == ["FS 1"]
    with pytest.raises(TargetExists):
        otio_foley.run(bundle)
    otio_foley.run(bundle, overwrite=True, floor="wood")
    assert otio_foley.verify(bundle, output).identical
    back = bundle.with_name(f"back{bundle.suffix}")
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


@pytest.mark.parametrize("sizes", [[40 * 1024**2], [12 * 1024**2] * 4], ids=["one", "several"])
def test_a_zip_bomb_is_refused(tmp_path: Path, sizes: list[int]) -> None:
    path = tmp_path / "bomb.otioz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("content.otio", otio_text("media/a.mov"))
        for number, size in enumerate(sizes):
            archive.writestr(f"media/{number}.mov", bytes(size))
    with pytest.raises(InputError, match="zip bomb"):
        open_document(path)


def test_a_directory_without_end_is_not_read(otioz: Path) -> None:
    raw = bytearray(otioz.read_bytes())
    end = raw.rindex(b"PK\x05\x06")
    raw[end + 12 : end + 16] = (1 << 30).to_bytes(4, "little")
    otioz.write_bytes(raw)
    with pytest.raises(InputError, match="lists more files"):
        open_document(otioz)


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


def _packed_otherwise(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("media/b.mov", b"b", zipfile.ZIP_LZMA)


def _too_long(path: Path) -> None:
    """The text unpacks to more than it says: no more than that is taken, and its CRC is wrong."""
    raw = bytearray(path.read_bytes())
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        raw[raw.index(signature) + at] ^= 1
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
     (_packed_otherwise, InputError), (_too_long, ParseError),
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


@pytest.mark.parametrize(
    "target",
    ["/etc/passwd", "../../elsewhere", "../../reel.otiod/media/walk.mov", "../..", "up/../../x"],
)
def test_a_link_out_of_a_folder_is_refused(otiod: Path, target: str) -> None:
    (otiod / "media" / "up").symlink_to("..")  # this one stays inside
    (otiod / "media" / "link.mov").symlink_to(target)
    with pytest.raises(InputError, match=r"link\.mov is a link out of the bundle"):
        open_document(otiod)


def test_links_that_stay_inside_are_kept(otiod: Path, tmp_path: Path) -> None:
    (otiod / "media" / "link.mov").symlink_to("walk.mov")
    (otiod / "media" / "round.mov").symlink_to("round.mov")
    (otiod / "content.otio").rename(otiod / "media" / "reel.otio")
    (otiod / "content.otio").symlink_to("media/reel.otio")
    output = saved_with_stems(otiod, tmp_path / "out.otiod")
    assert (output / "media" / "link.mov").readlink() == Path("walk.mov")
    assert (output / "content.otio").readlink() == Path("media/reel.otio")
    assert open_document(output).strip().document.is_identical(open_document(otiod))


def test_a_pipe_in_a_folder_does_not_block(otiod: Path) -> None:
    os.mkfifo(otiod / "media" / "pipe")
    with pytest.raises(InputError, match="neither file nor folder"):
        open_document(otiod)


def test_what_is_empty_or_read_only_goes_through(otiod: Path, tmp_path: Path) -> None:
    (otiod / "empty").mkdir()
    (otiod / "content.otio").chmod(0o444)
    (otiod / "media").chmod(0o555)
    output = saved_with_stems(otiod, tmp_path / "out.otiod")
    assert (output / "empty").is_dir()
    assert stat.S_IMODE((output / "content.otio").stat().st_mode) == 0o444
    assert stat.S_IMODE((output / "media").stat().st_mode) == 0o555
    (output / "empty").rmdir()
    assert not open_document(output).strip().document.is_identical(open_document(otiod))
    for folder in (otiod, output):
        (folder / "media").chmod(0o755)  # or pytest could not remove it


def test_folders_that_hold_no_cut(tmp_path: Path) -> None:
    empty = tmp_path / "a.fcpxmld"
    empty.mkdir()
    with pytest.raises(InputError, match="holds no cut"):
        open_document(empty)
    (empty / "Info.fcpxml").write_bytes(otio_text("a.mov"))
    with pytest.raises(UnknownFormat, match="is otio, not fcpxml"):
        open_document(empty)


def test_two_cuts_in_an_fcpxmld(fcpxmld: Path) -> None:
    (fcpxmld / "Info.fcpxml").rename(fcpxmld / "one.fcpxml")
    shutil.copy(fcpxmld / "one.fcpxml", fcpxmld / "two.fcpxml")
    with pytest.raises(InputError, match=r"several cuts \(one\.fcpxml, two\.fcpxml\)"):
        open_document(fcpxmld)


def another_text(bundle: Path) -> None:
    if bundle.is_dir():
        (text,) = (*bundle.glob("Info.fcpxml"), *bundle.glob("content.otio"))
        text.write_bytes(text.read_bytes() + b"\n")
    else:
        zipped(bundle, ("content.otio", otio_text("media/other.mov")))


@pytest.mark.parametrize("is_edited", [False, True])
def test_a_bundle_whose_text_is_another_by_now_is_not_saved(
    bundle: Path, tmp_path: Path, is_edited: bool
) -> None:
    document = open_document(bundle)
    if is_edited:
        document = document.add(stems_for(document.timeline()))
    another_text(bundle)
    with pytest.raises(InputError, match="changed after it was read"):
        document.save(tmp_path / f"out{bundle.suffix}")


def test_a_text_is_known_by_the_name_that_the_folder_lists(otiod: Path, tmp_path: Path) -> None:
    """A disk that does not tell cases apart opens a file by names that no listing has."""
    other_spelling = tmp_path / "CONTENT.OTIO"
    other_spelling.hardlink_to(otiod / "content.otio")
    assert _listed(otiod, other_spelling) == otiod / "content.otio"
    assert _listed(otiod, otiod / "content.otio") == otiod / "content.otio"


def test_verify_tells_what_differs_beside_the_text(bundle: Path, tmp_path: Path) -> None:
    output = saved_with_stems(bundle, tmp_path / f"out{bundle.suffix}")
    if bundle.is_dir():
        (movie,) = output.rglob("walk.mov")
        movie.write_bytes(b"another movie")
        (output / "new.txt").write_text("new")
        expected = ["file 'new.txt'", "walk.mov"]
    else:
        with zipfile.ZipFile(output) as archive:
            text = archive.read("content.otio")
        zipped(output, ("content.otio", text), ("version.txt", b"2.0.0"))
        expected = ["version.txt", "file 'media/walk.mov'"]
    verdict = otio_foley.verify(bundle, output)
    assert not (verdict.identical or verdict.equal_content)
    assert len(verdict.differences) == 2
    assert all(any(one in told for told in verdict.differences) for one in expected)
    assert main(["verify", str(bundle), str(output)]) != 0


def test_media_that_cannot_be_unpacked_leave_nothing(
    otioz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    document = open_document(otioz)
    raw = otioz.read_bytes()
    otioz.write_bytes(raw.replace(b"ftyp", b"FTYP"))  # its checksum does not fit any more
    with pytest.raises(ParseError, match="damaged"):
        _ = document.media_folder
    assert not list((tmp_path / "scratch").iterdir())


def test_a_caller_s_own_error_is_not_called_damage(otioz: Path) -> None:
    with pytest.raises(ValueError, match="mine"), opened(otioz):
        raise ValueError("mine")


@pytest.mark.usefixtures("canned_analysis")
def test_a_bundle_that_breaks_meanwhile_costs_no_earlier_sound(
    otioz: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = otio_foley.run(otioz)
    assert earlier.output is not None
    kept = [earlier.output, earlier.stems[0].path]
    before = [path.read_bytes() for path in kept]
    finish = Delivery.finish

    def broken(*args: Any, **kwargs: Any) -> Any:
        otioz.write_bytes(otioz.read_bytes()[:-40])
        return finish(*args, **kwargs)

    monkeypatch.setattr(Delivery, "finish", broken)
    with pytest.raises(ParseError, match="damaged"):
        otio_foley.run(otioz, overwrite=True, floor="wood")
    assert [path.read_bytes() for path in kept] == before
    assert list(kept[1].parent.iterdir()) == [kept[1]]
