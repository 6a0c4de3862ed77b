"""Rendered pictures into a movie with a start timecode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from otio_foley.train.stage.body import Body, place_joints, skin
from otio_foley.train.stage.render import Camera, Picture, Renderer
from otio_foley.train.stage.retarget import BodyMotion
from otio_foley.train.stage.rotation import Array


def shoot(
    renderer: Renderer,
    cameras: Iterable[Camera],
    frame_rate: Fraction,
    take: tuple[Body, BodyMotion, float] | None,
    shutter_times_s: Array,
) -> Iterator[Picture]:
    """Render one picture per camera, frame after frame.

    ``take`` is the body, its motion and the motion's time at the first frame; None for an empty
    set. ``shutter_times_s`` (S,) are the instants, relative to a frame's presentation time, whose
    mean makes the motion blur.
    """
    for number, camera in enumerate(cameras):
        if take is None:
            yield renderer.draw(camera)
            continue
        body, motion, start_s = take
        pose = motion.at(start_s + float(number / frame_rate) + shutter_times_s)
        joints = place_joints(body, pose.rotations, pose.pelvis_m)
        instants = [
            renderer.draw(camera, skin(body, turns, places))
            for turns, places in zip(pose.rotations, joints, strict=True)
        ]
        yield np.round(np.mean(instants, axis=0)).astype(np.uint8)


def write_movie(
    path: Path, pictures: Iterable[Picture], frame_rate: Fraction, timecode: str, crf: int
) -> int:
    """Encode H.264 in QuickTime with a ``tmcd`` track; return the number of frames.

    One thread and no B-frames: the same bytes every time, and the first frame is presented at 0.
    """
    import av
    import av.video.reformatter as reformatter

    frames = 0
    with av.open(str(path), "w", format="mov") as container:
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
