"""Rendered pictures into a movie with a start timecode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from otio_foley.train.stage.body import Body, place_joints, skin
from otio_foley.train.stage.pinhole import Camera
from otio_foley.train.stage.render import Picture, Renderer
from otio_foley.train.stage.retarget import BodyMotion
from otio_foley.train.stage.rotation import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """A body that moves, from a time of its motion on."""

    body: Body
    motion: BodyMotion
    start_s: float

    def vertices(self, times_s: Array) -> Array:
        """The posed mesh (T, V, 3) at times (T,) of the take."""
        pose = self.motion.at(self.start_s + times_s)
        return skin(self.body, pose.rotations, self.joints(times_s))

    def joints(self, times_s: Array) -> Array:
        """(T, J, 3) where the joints are."""
        pose = self.motion.at(self.start_s + times_s)
        return place_joints(self.body, pose.rotations, pose.pelvis_m)


def shoot(
    renderer: Renderer,
    cameras: Iterable[Camera],
    frame_rate: Fraction,
    takes: Sequence[Take],
    shutter_times_s: Array,
) -> Iterator[Picture]:
    """Render one picture per camera, frame after frame.

    ``shutter_times_s`` (S,) are the instants, relative to a frame's presentation time, whose mean
    makes the motion blur.
    """
    for number, camera in enumerate(cameras):
        times = float(number / frame_rate) + shutter_times_s
        posed = [take.vertices(times) for take in takes]
        if not posed:
            yield renderer.draw(camera)
            continue
        instants = [
            renderer.draw(camera, [vertices[at] for vertices in posed])
            for at in range(len(shutter_times_s))
        ]
        yield np.round(np.mean(instants, axis=0)).astype(np.uint8)


def write_movie(
    path: Path, pictures: Iterable[Picture], frame_rate: Fraction, timecode: str | None, crf: int
) -> int:
    """Encode H.264 in QuickTime with a ``tmcd`` track if a timecode is given; return the frames.

    One thread and no B-frames: the same bytes every time, and the first frame is presented at 0.
    """
    import av
    import av.video.reformatter as reformatter

    frames = 0
    with av.open(str(path), "w", format="mov") as container:
        if timecode is not None:
            container.metadata["timecode"] = timecode
        stream = container.add_stream("libx264", rate=frame_rate)
        stream.pix_fmt = "yuv420p"
        stream.time_base = 1 / frame_rate
        stream.options = {
            "crf": str(crf),
            "preset": "slow",
            "bf": "0",
            "g": "48",
            "threads": "1",
            "x264-params": "colorprim=bt709:transfer=bt709:colormatrix=bt709",
        }
        for picture in pictures:
            if frames == 0:
                stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = frame.reformat(
                format="yuv420p",
                src_colorspace=reformatter.Colorspace.ITU709,
                dst_colorspace=reformatter.Colorspace.ITU709,
                src_color_range=reformatter.ColorRange.JPEG,
                dst_color_range=reformatter.ColorRange.MPEG,
            )
            frame.pts = frames
            frame.time_base = 1 / frame_rate
            container.mux(stream.encode(frame))
            frames += 1
        container.mux(stream.encode())
    return frames
