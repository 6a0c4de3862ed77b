"""Is everything here that the work needs? What `otio-foley doctor` says."""

from __future__ import annotations

import importlib
import platform
import shutil
import warnings
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "av": "av",
    "opencv-contrib-python": "cv2",
    "mediapipe": "mediapipe",
    "soundfile": "soundfile",
    "lxml": "lxml",
    "opentimelineio": "opentimelineio",
    "librosa": "librosa",
    "pydub": "pydub",
    "torch": "torch",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    name: str
    ok: bool
    detail: str
    hint: str = ""


def check_up() -> tuple[Finding, ...]:
    """Every package imports, the pose network runs, sound and picture libraries answer."""
    findings = [Finding(name="python", ok=True, detail=platform.python_version())]
    findings += [_package(name, module) for name, module in _PACKAGES.items()]
    findings.append(_pose_network())
    ffmpeg = shutil.which("ffmpeg")
    findings.append(
        Finding(
            name="ffmpeg (only for previews in compressed formats)",
            ok=True,
            detail=ffmpeg or "not installed, not needed",
        )
    )
    return tuple(findings)


def _package(name: str, module: str) -> Finding:
    hint = f"pip install {name}"
    try:
        with warnings.catch_warnings():  # pydub's about ffmpeg, which is looked for below
            warnings.simplefilter("ignore")
            importlib.import_module(module)
    except (ImportError, OSError) as error:  # OSError: a shared library is missing
        return Finding(name=name, ok=False, detail=str(error), hint=hint)
    try:
        return Finding(name=name, ok=True, detail=version(name))
    except PackageNotFoundError:
        return Finding(name=name, ok=True, detail="imports")


def _pose_network() -> Finding:
    import numpy as np

    from otio_foley.analysis.pose import Crop, PoseNetwork

    name = "pose network"
    hint = "pip install mediapipe==0.10.21, the last release that carries its models"
    try:
        with PoseNetwork() as network:
            picture = np.zeros((256, 256, 3), np.uint8)
            crop = Crop(centre_x_px=128, centre_y_px=128, side_px=256)
            network.detect(picture, crop)
            network.see(picture, crop)
    except (ImportError, AttributeError, OSError, RuntimeError, ValueError) as error:
        return Finding(name=name, ok=False, detail=str(error), hint=hint)
    return Finding(name=name, ok=True, detail="bundled models run")
