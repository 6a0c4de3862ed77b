"""Results onto the disk, whole or not at all.

Sound is staged in its folder while the run goes on. At the end the sounds get their names, then the
cut, so that a cut never names a sound that is not there; if anything fails, all of it is undone.
Nothing that lies there is replaced, unless asked: then the earlier result and the sounds that it
names, no other.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from glob import escape
from pathlib import Path
from types import TracebackType

from otio_foley.errors import InputError, OutputError, TargetExists
from otio_foley.files import move_into_place, target_exists, unwritable, write_whole
from otio_foley.media.sound import CATEGORY_ID, BroadcastWave, ucs_name, write_sound
from otio_foley.timelines.dialect import Sidecar
from otio_foley.timelines.document import NAMESPACE, Document
from otio_foley.timelines.registry import open_document
from otio_foley.types import Audio

_CREATOR_ID = "OTFOLEY"

#: What lies beside the clips' own files, which no cut names.
STEP, TRACK, PREVIEW = "Step", "Track FS", "Preview Mix"


def default_output(cut: Path) -> Path:
    """`<name>_foley.<ext>` beside the cut."""
    return cut.with_name(f"{cut.stem}_foley{cut.suffix}")


def default_audio_dir(output: Path) -> Path:
    """`<result's name>_media/` beside the result."""
    return output.with_name(f"{output.stem}_media")


def sound_name(fx_name: str, cut: Path, clip_id: str) -> str:
    """File name of a clip's sound: after UCS, with the cut's name and format, so that the results
    of `reel.edl` and `reel.xml` never share a file."""
    return ucs_name(fx_name, _CREATOR_ID, f"{_title(cut)}-{clip_id}")


def _last_field(name: str) -> str:
    """What tells one sound from another: cut and clip."""
    return name.rsplit("_", 1)[-1].removesuffix(".wav")


def _title(cut: Path) -> str:
    return f"{cut.stem}-{cut.suffix.removeprefix('.')}"


class Delivery:
    """A result on its way to the disk; leaving the `with` block without `finish` leaves nothing.

    Raises OutputError or TargetExists at once where the result will not be writable.
    """

    def __init__(self, output: Path, audio_dir: Path, *, source: Path, overwrite: bool) -> None:
        self.output = output.absolute()
        self.audio_dir = audio_dir.absolute()
        self._overwrite = overwrite
        self._earlier: Document | None = None
        self._earlier_lists: dict[Path, bytes] = {}
        no_clip = "0" * 12
        self._of_this_cut = _last_field(sound_name("x", source, no_clip)).removesuffix(no_clip)
        self._staging: Path | None = None
        self._made_audio_dir = False
        self._names: list[str] = []
        try:
            self._check(source)
        except OSError as error:
            raise unwritable(self.output, error) from error

    def _check(self, source: Path) -> None:
        refuse_own_cut(self.output, source)
        if self.output.exists():
            if not self._overwrite:
                raise target_exists(self.output)
            self._earlier = _earlier_result(self.output)
            self._earlier_lists = _lists_beside(self.output)
        for folder in {self.output.parent, self.audio_dir.parent}:
            if not folder.is_dir():
                raise OutputError(f"folder {folder} is not there", hint="create it first")
            with tempfile.TemporaryFile(dir=folder):
                pass  # so that a folder without rights is known before the work, not after
        if self.audio_dir.exists() and not self.audio_dir.is_dir():
            raise OutputError(f"{self.audio_dir} is no folder", hint="name one with --audio-dir")
        ours = f"{CATEGORY_ID}_*_{_CREATOR_ID}_*.wav"
        for path in sorted(self.audio_dir.glob(ours)):
            is_of_this_cut = _last_field(path.name).startswith(self._of_this_cut)
            if is_of_this_cut and not self._is_named_before(path.name):
                if not self._overwrite:
                    raise target_exists(path)
                raise TargetExists(
                    f"{path} is there already, and no result at {self.output} names it",
                    hint="remove it, or choose another folder with --audio-dir",
                )

    def _is_named_before(self, name: str) -> bool:
        """Whether the result that is to be replaced, or a list beside it, names this sound."""
        if any(name.encode() in text for text in self._earlier_lists.values()):
            return True
        if self._earlier is None:
            return False
        return self._earlier.mentions(name) or self._is_beside(name)

    def _is_beside(self, name: str) -> bool:
        """Whether a sound is one beside the clips' own of this cut."""
        of_this_cut = _last_field(name).startswith(self._of_this_cut)
        title = name.removeprefix(f"{CATEGORY_ID}_").partition("_")[0]
        return of_this_cut and title.startswith((STEP, TRACK, PREVIEW))

    def __enter__(self) -> Delivery:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._staging is not None:
            shutil.rmtree(self._staging, ignore_errors=True)
        if self._made_audio_dir and not any(self.audio_dir.iterdir()):
            self.audio_dir.rmdir()

    def add_sound(self, name: str, audio: Audio, info: BroadcastWave) -> None:
        """Write a sound into the staging folder."""
        try:
            staged = self._staged()
        except OSError as error:
            raise unwritable(self.audio_dir, error) from error
        write_sound(staged / name, audio, info)
        self._names.append(name)

    def scratch(self, name: str) -> Path:
        """A path on the result's disk for what is half-way; nothing of it is left in the end."""
        try:
            return self._staged() / f".{name}"
        except OSError as error:
            raise unwritable(self.audio_dir, error) from error

    def staged(self, name: str) -> Path:
        """Where a sound waits until the result is finished."""
        return self._staged() / name

    def add_written(self, name: str) -> None:
        """Take what was written to `staged(name)` as one of the result's sounds."""
        self._names.append(name)

    def finish(self, cut: Document, sidecars: Sequence[Sidecar] = ()) -> tuple[Path, ...]:
        """Give the sounds, the sidecars and the cut their names; returns the sidecars' paths.

        Raises OutputError, or what the cut's `save` finds wrong with its source (InputError). Then,
        as after any other failure, nothing is left and the earlier result is whole.
        """
        placed: list[Path] = []
        set_aside: list[tuple[Path, Path]] = []
        beside = tuple(self.output.with_name(self.output.stem + one.suffix) for one in sidecars)
        try:
            self._set_earlier_aside(beside, set_aside)
            for name in self._names:
                assert self._staging is not None  # where `add_sound` put it
                move_into_place(self._staging / name, self.audio_dir / name, overwrite=False)
                placed.append(self.audio_dir / name)
            for path, sidecar in zip(beside, sidecars, strict=True):
                write_whole(path, partial(Path.write_bytes, data=sidecar.content), overwrite=False)
                placed.append(path)
            write_whole(self.output, cut.save, overwrite=self._overwrite)
        except BaseException as error:  # the folder that the earlier sounds wait in goes next
            for path in placed:
                path.unlink(missing_ok=True)
            for path, aside in set_aside:
                aside.rename(path)
            if isinstance(error, OSError):
                raise unwritable(self.audio_dir, error) from error
            raise
        return beside

    def _set_earlier_aside(self, sidecars: Sequence[Path], moved: list[tuple[Path, Path]]) -> None:
        """Move the sounds and sidecars of the result that is replaced into the staging folder."""
        sounds = sorted(self.audio_dir.glob(f"{CATEGORY_ID}_*_{_CREATOR_ID}_*.wav"))
        earlier = [path for path in sounds if self._is_named_before(path.name)]
        if self._overwrite:
            beside = {*self._earlier_lists, *(path for path in sidecars if path.exists())}
            earlier += sorted(beside)
        for path in earlier:
            aside = self._staged() / f"{path.name}.old"
            moved.append((path, path.rename(aside)))

    def _staged(self) -> Path:
        """The folder in which sounds wait; it and the sounds' own are made when first needed."""
        if self._staging is None:
            self._made_audio_dir = not self.audio_dir.exists()
            self.audio_dir.mkdir(exist_ok=True)
            self._staging = Path(tempfile.mkdtemp(dir=self.audio_dir, prefix=".otio-foley-"))
        return self._staging


def _earlier_result(path: Path) -> Document | None:
    """The result that is to be replaced; None if it cannot be read, and then it names no sounds."""
    try:
        return open_document(path)
    except InputError:
        return None


def _lists_beside(output: Path) -> dict[Path, bytes]:
    """Footstep lists of ours beside a result: an EDL's, where they were wanted apart."""
    pattern = f"{escape(output.stem)}_FS*.edl"
    found = {path: path.read_bytes() for path in output.parent.glob(pattern)}
    return {path: text for path, text in found.items() if NAMESPACE.encode() in text}


def refuse_own_cut(target: Path, source: Path) -> None:
    """Raises TargetExists where a result would be written over the cut that it is made from or
    into it (a bundle), or OutputError where it would be of another kind or format."""
    if target.is_dir() and not source.is_dir():
        raise OutputError(f"{target} is a folder", hint="give the result's file name with -o")
    if target.exists() and source.exists() and target.samefile(source):
        raise TargetExists(
            f"{target} is the cut itself, which is never written over",
            hint="give another name with -o",
        )
    if source.is_dir() and source.resolve() in target.resolve().parents:
        raise TargetExists(
            f"{target} lies in the cut itself, which is never written to",
            hint="give a place outside of it with -o",
        )
    if target.suffix.lower() != source.suffix.lower():
        raise OutputError(
            f"the result is in the cut's own format ({source.suffix}), but {target.name} is not "
            "named so",
            hint=f"name it {target.with_suffix(source.suffix).name}",
        )


def write_copy(path: Path, cut: Document, *, source: Path, overwrite: bool) -> None:
    """Write one cut made from another.

    Raises TargetExists, OutputError, or InputError where the source breaks meanwhile (a bundle).
    """
    path = path.absolute()
    try:
        refuse_own_cut(path, source)
        if not path.parent.is_dir():
            raise OutputError(f"folder {path.parent} is not there", hint="create it first")
    except OSError as error:
        raise unwritable(path, error) from error
    write_whole(path, cut.save, overwrite=overwrite)
