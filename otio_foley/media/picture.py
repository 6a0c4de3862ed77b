"""Reading a movie's picture, every frame at its own presentation time.

A movie is a file or an image sequence (`sequence.py`); libavformat and libavcodec (through PyAV)
decode. A frame of a file is known by its presentation time stamp alone, never by its number; the
frames of a sequence have nothing but their numbers. Times are seconds from the first frame that is
presented, so that a stream that starts at 1.4 s (MPEG-TS) and one that starts at 0 read alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from heapq import heappop, heappush
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from otio_foley.errors import MediaMissing, MediaUnreadable
from otio_foley.files import is_file
from otio_foley.media.sequence import (
    IMAGE_SUFFIXES,
    ImageSequence,
    sequence_at,
    sequences_in,
)
from otio_foley.time import rate_from_float, seconds_from_frames, timecode_from_frames

#: How far before a wanted time a seek aims, one try after the other. A seek may land late (sparse
#: or unlisted keyframes); then it goes further back, last of all to the start.
_SEEK_BACK_S = (1.0, 5.0, 20.0)

_FINGERPRINT_BYTES = 65536

#: Of image sequences, as long as no cut states it: what film runs at.
_UNSTATED_RATE = Fraction(24)

_CONVERT = "check that the file plays, or convert it to ProRes or H.264 in MOV"


@dataclass(frozen=True, slots=True, kw_only=True)
class MovieInfo:
    """What a movie says of its picture. Sizes are as shown, that is after rotation.

    `first_pts_s` is the presentation time of the first frame in the container's clock;
    `frame_rate` the average one; `duration_s` None where the container does not state it. Image
    sequences state no rate: 24 until `at_rate` is told another, which sets their times anew.
    """

    path: Path
    width_px: int
    height_px: int
    frame_rate: Fraction
    first_pts_s: Fraction
    duration_s: Fraction | None
    timecode: str | None
    is_still: bool
    sequence: ImageSequence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A picture, (H, W, 3) uint8 RGB, and its time in seconds from the first one."""

    time_s: float
    rgb: NDArray[np.uint8]


def probe(path: Path) -> MovieInfo:
    """Read what a movie says of its picture: a file, or an image sequence by its pattern or folder.

    Raises MediaMissing if it is not there, MediaUnreadable if it has no picture that decodes.
    """
    sequence = sequence_named(path)
    if sequence is None:
        return _probe_file(path)
    info = replace(_probe_file(sequence.path.parent / sequence.names[0]), path=sequence.path)
    return at_rate(
        replace(info, sequence=sequence, is_still=sequence.first == sequence.last), _UNSTATED_RATE
    )


def at_rate(info: MovieInfo, frame_rate: Fraction) -> MovieInfo:
    """An image sequence played at this rate; its numbers are its timecode, as in editing systems.
    Any other movie has a rate of its own and stays as it is."""
    if info.sequence is None:
        return info
    first, last = info.sequence.first, info.sequence.last
    return replace(
        info,
        frame_rate=frame_rate,
        first_pts_s=Fraction(0),
        duration_s=seconds_from_frames(last - first + 1, frame_rate),
        timecode=timecode_from_frames(first, frame_rate),
    )


def sequence_named(path: Path) -> ImageSequence | None:
    """The image sequence that a path names, by a pattern or as the only one in a folder; None for
    anything else, first of all for a file of just that name.

    Raises MediaMissing for a folder of several.
    """
    if is_file(path):
        return None
    inside = sequences_in(path)
    if len(inside) > 1:
        names = " and ".join(one.path.name for one in inside[:2])
        raise MediaMissing(
            f"{path} holds several image sequences: {names}", hint="name one of them"
        )
    return inside[0] if inside else sequence_at(path)


def _probe_file(path: Path) -> MovieInfo:
    with closing(_open(path)) as container:
        stream = _picture_stream(container, path)
        first = next(_decoded(container, stream, path), None)
        if first is None:
            raise MediaUnreadable(f"{path} holds no picture that can be decoded", hint=_CONVERT)
        turned = round(first.rotation) % 180 != 0
        width, height = (first.height, first.width) if turned else (first.width, first.height)
        return MovieInfo(
            path=path,
            width_px=width,
            height_px=height,
            frame_rate=_frame_rate(stream),
            first_pts_s=_pts_s(first, path),
            duration_s=_duration_s(container, stream),
            timecode=_timecode(container),
            is_still="image2" in container.format.name or container.format.name.endswith("_pipe"),
        )


def frames(info: MovieInfo, *, start_s: float, end_s: float, long_side_px: int) -> Iterator[Frame]:
    """Frames whose time lies in [start_s, end_s), upright, no larger than `long_side_px`.

    Frames that an image sequence lacks are passed over. Raises MediaUnreadable if the picture
    cannot be decoded.
    """
    if info.sequence is not None:
        yield from _sequence_frames(info, info.sequence, (start_s, end_s), long_side_px)
        return
    with closing(_open(info.path)) as container:
        stream = _picture_stream(container, info.path)
        stream.thread_type = "AUTO"
        for frame in _from(container, stream, info, start_s):
            time_s = float(_pts_s(frame, info.path) - info.first_pts_s)
            # A hair below, so that a time that went through a float still takes its frame along.
            if time_s < start_s - 1e-6:
                continue
            if time_s >= end_s - 1e-6:
                return
            yield Frame(time_s=time_s, rgb=_upright(frame, long_side_px))


def _sequence_frames(
    info: MovieInfo, sequence: ImageSequence, span_s: tuple[float, float], long_side_px: int
) -> Iterator[Frame]:
    start_s, end_s = span_s
    for number, path in sequence.files(sequence.first, sequence.last):
        time_s = float(seconds_from_frames(number - sequence.first, info.frame_rate))
        if time_s < start_s - 1e-6:
            continue
        if time_s >= end_s - 1e-6:
            return
        with closing(_open(path)) as container:
            frame = next(_decoded(container, _picture_stream(container, path), path), None)
            if frame is None:
                raise MediaUnreadable(f"{path} holds no picture", hint=_CONVERT)
            yield Frame(time_s=time_s, rgb=_upright(frame, long_side_px))


def _open(path: Path) -> InputContainer:
    try:
        if path.is_dir():
            raise MediaMissing(f"{path} is a folder, not a movie", hint="name the movie in it")
        if not path.exists():
            raise MediaMissing(f"{path} is not there", hint="check the path")
        # An absolute path, or libavformat would take `12:30.mov` for a protocol.
        name = str(path.absolute())
        if "%" in name and path.suffix.lower() in IMAGE_SUFFIXES:
            # By itself, libavformat takes `%03d` for a pattern, in folders' names too.
            return av.open(name, mode="r", format="image2", options={"pattern_type": "none"})
        return av.open(name, mode="r")
    except PermissionError as error:
        raise MediaUnreadable(f"may not read {path}", hint="check its rights") from error
    except av.FFmpegError as error:
        raise MediaUnreadable(f"cannot open {path}: {error.strerror}", hint=_CONVERT) from error
    except (OSError, ValueError) as error:
        raise MediaUnreadable(f"cannot open {path}: {error}", hint="check the path") from error


def _picture_stream(container: InputContainer, path: Path) -> VideoStream:
    for stream in container.streams.video:
        # A cover picture inside a sound file is a video stream too.
        if not stream.disposition & av.stream.Disposition.attached_pic:
            if stream.codec_context.name == "exr":
                # Linear light would show as a night scene, so it is decoded as a display has it.
                stream.codec_context.options = {"apply_trc": "iec61966_2_1"}
            return stream
    raise MediaUnreadable(
        f"{path} holds no picture", hint="footsteps are made from picture; give the movie"
    )


def _from(
    container: InputContainer, stream: VideoStream, info: MovieInfo, start_s: float
) -> Iterator[VideoFrame]:
    """Decode from a frame at or before `start_s`; a seek that lands late is tried further back."""
    assert stream.time_base is not None
    for back_s in _SEEK_BACK_S:
        aim_s = info.first_pts_s + Fraction(start_s - back_s)
        if start_s - back_s <= 0:
            break
        try:
            container.seek(int(aim_s / stream.time_base), stream=stream, backward=True)
        except av.FFmpegError:
            break
        decoded = _decoded(container, stream, info.path)
        first = next(decoded, None)
        if first is not None and _pts_s(first, info.path) - info.first_pts_s <= start_s:
            yield first
            yield from decoded
            return
    with closing(_open(info.path)) as again:
        stream = _picture_stream(again, info.path)
        stream.thread_type = "AUTO"
        yield from _decoded(again, stream, info.path)


def _decoded(container: InputContainer, stream: VideoStream, path: Path) -> Iterator[VideoFrame]:
    """Frames in presentation order; a packet that does not decode is an error.

    AVI stores decoding times only, so B-frames come out right but labelled wrong: there the frames
    get the packets' times in rising order.
    """
    stores_no_pts = container.format.name == "avi"
    packet_times: list[int] = []
    seen = 0
    try:
        for packet in container.demux(stream):
            if stores_no_pts and packet.dts is not None and packet.size:
                heappush(packet_times, packet.dts)
            try:
                decoded = packet.decode()
            except av.error.InvalidDataError:
                if seen:
                    raise
                continue  # a stream that begins in mid-air has packets before its first picture
            for frame in decoded:
                if packet_times:
                    frame.pts = heappop(packet_times)
                if frame.pts is not None:
                    seen += 1
                    yield frame
    except av.FFmpegError as error:
        where = f" after {seen} pictures" if seen else ""
        raise MediaUnreadable(
            f"{path} is damaged, its picture cannot be decoded{where}: {error.strerror}",
            hint=_CONVERT,
        ) from error


def _pts_s(frame: VideoFrame, path: Path) -> Fraction:
    if frame.pts is None or frame.time_base is None:
        raise MediaUnreadable(f"{path} has frames without a presentation time", hint=_CONVERT)
    return frame.pts * frame.time_base


def _frame_rate(stream: VideoStream) -> Fraction:
    """Average rate; containers round it, so a rate next to an exact one is that one."""
    rate = stream.average_rate or stream.guessed_rate or stream.base_rate
    return rate_from_float(float(rate)) if rate else Fraction(25)


def _duration_s(container: InputContainer, stream: VideoStream) -> Fraction | None:
    if stream.duration is not None and stream.time_base is not None:
        return stream.duration * stream.time_base
    if container.duration is not None:
        return Fraction(container.duration, av.time_base)
    return None


def _timecode(container: InputContainer) -> str | None:
    """Start timecode: a `tmcd` track or stream tag (MOV), a container tag (MXF, AVI, MPEG)."""
    for stream in container.streams:
        if "timecode" in stream.metadata:
            return stream.metadata["timecode"]
    return container.metadata.get("timecode")


def _upright(frame: VideoFrame, long_side_px: int) -> NDArray[np.uint8]:
    """RGB, scaled down to the limit and turned as the container asks."""
    scale = min(1.0, long_side_px / max(frame.width, frame.height))
    width, height = (max(2, round(side * scale)) for side in (frame.width, frame.height))
    rgb = frame.to_ndarray(format="rgb24", width=width, height=height)
    quarter_turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, quarter_turns), dtype=np.uint8)


def fingerprint(path: Path) -> str:
    """Short hash of a file's size, head and tail, or of the numbers and sizes of a sequence's
    frames and the first and last of them: the same movie wherever it lies."""
    sequence = sequence_named(path)
    if sequence is None:
        digest = hashlib.sha256(str(path.stat().st_size).encode())
        digest.update(_ends(path))
        return digest.hexdigest()[:16]
    files = list(sequence.files(sequence.first, sequence.last))
    sizes = [f"{number}:{file.stat().st_size}" for number, file in files]
    digest = hashlib.sha256(",".join(sizes).encode())
    for _, file in (files[0], files[-1]):
        digest.update(_ends(file))
    return digest.hexdigest()[:16]


def _ends(path: Path) -> bytes:
    """Head and tail of a file."""
    with path.open("rb") as file:
        head = file.read(_FINGERPRINT_BYTES)
        file.seek(max(0, path.stat().st_size - _FINGERPRINT_BYTES))
        return head + file.read(_FINGERPRINT_BYTES)
