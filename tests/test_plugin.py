"""otio-foley inside OpenTimelineIO, from the checkout and from an installed wheel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import canned
import opentimelineio as otio
import pytest
from timelines.roundtrip import DATA

import otio_foley
from otio_foley.plugin import add_footsteps, hook_function, link_media_reference, plugin_manifest

ROOT = Path(__file__).resolve().parents[1]
FCPXML = sorted((DATA / "fcpxml").glob("*.fcpxml"))[0]


def one_clip(url: str) -> otio.schema.Timeline:
    span = otio.opentime.TimeRange(
        otio.opentime.RationalTime(0, 25), otio.opentime.RationalTime(75, 25)
    )
    clip = otio.schema.Clip(
        name="walk.mov",
        media_reference=otio.schema.ExternalReference(target_url=url),
        source_range=span,
    )
    return otio.schema.Timeline(name="reel 3", tracks=[otio.schema.Track(children=[clip])])


def test_the_manifest_names_shims_that_are_there() -> None:
    manifest = plugin_manifest()
    plugins = [*manifest.adapters, *manifest.media_linkers, *manifest.hook_scripts]
    assert {plugin.name for plugin in plugins} == {
        "otio_foley", "otio_foley_linker", "otio_foley_footsteps",
    }  # fmt: skip
    assert all(Path(plugin.filepath).is_file() for plugin in plugins)
    assert not manifest.adapters[0].suffixes  # a suffix would hijack the built-in adapter


@pytest.mark.parametrize("suffix", ["fcpxml", "xmeml", "edl", "otio"])
def test_the_adapter_reads_every_format(suffix: str) -> None:
    for path in sorted((DATA / suffix).iterdir()):
        ours = otio_foley.open(path).timeline()
        read = otio.adapters.read_from_file(str(path), adapter_name="otio_foley")
        clips = {
            (track, clip.metadata["otio_foley"]["clip_id"]): clip
            for track in read.video_tracks()
            for clip in track.find_clips()
        }
        assert len(clips) == len(ours.clips)
        for (track, clip_id), clip in clips.items():
            mine = next(one for one in ours.clips if one.clip_id == clip_id)
            start = track.range_of_child(clip).start_time
            assert Fraction(start.value) / Fraction(start.rate) == pytest.approx(
                mine.record.start_s, abs=1e-6
            )


def test_the_linker_finds_what_otio_foley_finds(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    movie = canned.movie(tmp_path / "deep" / "walk.mov")
    clip = next(iter(one_clip("file:///gone/walk.mov").find_clips()))
    linked = link_media_reference(clip, {"otio_foley_media_roots": str(tmp_path)})
    assert linked.target_url == movie.as_uri()
    assert link_media_reference(clip).target_url == "file:///gone/walk.mov"


@pytest.mark.usefixtures("canned_analysis")
def test_footsteps_on_a_timeline_in_hand(tmp_path: Path) -> None:
    movie = canned.movie(tmp_path / "walk.mov")
    before = one_clip(movie.as_uri())
    after = add_footsteps(before, tmp_path / "sound")
    (track,) = after.audio_tracks()
    assert track.name == "FS 1"
    (clip,) = track.find_clips()
    assert Path(
        clip.media_reference.target_url.removeprefix("file://").replace("%20", " ")
    ).is_file()
    assert not before.audio_tracks()


@pytest.mark.usefixtures("canned_analysis")
def test_the_hook_works_only_where_it_is_asked_for(tmp_path: Path) -> None:
    timeline = one_clip(canned.movie(tmp_path / "walk.mov").as_uri())
    assert hook_function(timeline, {}) is timeline
    arguments = {"otio_foley_audio_dir": str(tmp_path / "sound")}
    otio.adapters.write_to_file(
        timeline, str(tmp_path / "out.otio"), hook_function_argument_map=arguments
    )
    written = otio.adapters.read_from_file(str(tmp_path / "out.otio"))
    assert [track.name for track in written.audio_tracks()] == ["FS 1"]
    assert len(list((tmp_path / "sound").glob("*.wav"))) == 1


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel installed in it."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = ["wheel", ".", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*pip, *build], cwd=ROOT, check=True)
    (wheel,) = folder.glob("*.whl")
    install = ["install", "--no-deps", "--no-index", "--target", str(folder / "site"), str(wheel)]
    subprocess.run([*pip, *install], check=True)
    return folder / "site"


def run_with(site: Path, folder: Path, *command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_installed_wheel_serves_opentimelineio(installed: Path, tmp_path: Path) -> None:
    program = (
        "import json, otio_foley, opentimelineio as otio;"
        f"read = otio.adapters.read_from_file({str(FCPXML)!r}, adapter_name='otio_foley');"
        "manifest = otio.plugins.ActiveManifest();"
        "adapter = manifest.from_name('otio_foley', 'adapters');"
        "facts = [otio_foley.__file__, adapter.module_abs_path(), len(read.find_clips())];"
        "print(json.dumps(facts))"
    )
    home, shim, clips = json.loads(run_with(installed, tmp_path, "-c", program))
    assert Path(home).is_relative_to(installed)
    assert Path(shim).is_relative_to(installed)
    assert clips == len(otio_foley.open(FCPXML).timeline().clips)


def test_otioconvert_from_an_installed_wheel(installed: Path, tmp_path: Path) -> None:
    run_with(
        installed, tmp_path, "-m", "opentimelineio.console.otioconvert",
        "-i", str(FCPXML), "-I", "otio_foley", "-o", "out.otio",
    )  # fmt: skip
    converted = otio.adapters.read_from_file(str(tmp_path / "out.otio"))
    assert converted.find_clips()
    listed = run_with(
        installed, tmp_path, "-m", "opentimelineio.console.otiotool",
        "-i", "out.otio", "--list-tracks",
    )  # fmt: skip
    assert "TRACK" in listed.upper()
