"""How a rendered clip is judged: by whom the product follows, and by how everybody truly is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from analysis.walker import still_camera, walker

from otio_foley.analysis.kinematics import kinematic_contacts
from otio_foley.analysis.skeleton import HIPS, NOSE, SHOULDERS
from otio_foley.train.stage.clip import CLIP, FRAMES
from otio_foley.train.steps import pixels
from otio_foley.types import CameraMotion, Contact, Pose

_FAR_PX = 600.0


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A walker whose truth is known, the last half a second of him out of the picture."""
    pose, contacts = walker(noise=0.0)
    places = pose.keypoints_px.copy()
    places[-13:, :, 0] += 10_000.0
    places[:5] = np.nan  # not there yet
    told = {
        "size_px": [1280, 1280],
        "frame_rate": "25/1",
        "camera": "static",
        "look": "clean",
        "slow_motion": 1.0,
        "people": [
            {
                "action": "walk",
                "contacts": [
                    {"foot": foot, "time_s": time_s, "toe_off_s": None} for time_s, foot in contacts
                ],
            }
        ],
    }
    (tmp_path / CLIP).write_text(json.dumps(told), encoding="utf-8")
    np.savez(tmp_path / FRAMES, time_s=pose.times_s, keypoints_px=places[:, None])
    return tmp_path


def judged(
    clip: Path, monkeypatch: pytest.MonkeyPatch, followed: tuple[Pose, ...]
) -> dict[tuple[str, str], pixels.Judged]:
    camera = still_camera(walker()[0])
    monkeypatch.setattr(pixels, "probe", lambda path: None)
    monkeypatch.setattr(pixels, "frames", lambda *_, **__: ())
    monkeypatch.setattr(
        pixels, "sight", lambda *_, **__: SimpleNamespace(people=followed, camera=camera)
    )
    rules = {"rules": kinematic_contacts}
    found = pixels.judged_clip(clip, rules, {"true": kinematic_contacts}, {"unseen": by_eye})
    return {(one.detector, one.action): one for one in found}


def by_eye(pose: Pose, camera: CameraMotion) -> tuple[Contact, ...]:
    """Knows where the feet are, in the picture or not."""
    return kinematic_contacts(replace(pose, image_size_px=(9999, 9999)), camera)


def test_feet_out_of_the_picture_have_a_line_of_their_own(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pose, contacts = walker(noise=0.0)
    assert judged(clip, monkeypatch, (pose,))["unseen", "walk"].score.true == 0
    told = json.loads((clip / CLIP).read_text(encoding="utf-8"))
    told["size_px"][1] = int(pose.keypoints_px[:, list(HIPS), 1].max()) + 1
    (clip / CLIP).write_text(json.dumps(told), encoding="utf-8")
    with np.load(clip / FRAMES) as held:
        places = held["keypoints_px"].copy()
    # This walker on paper has neither head nor shoulders of his own.
    places[..., [NOSE, *SHOULDERS], :] = places[..., list(HIPS[:1]), :] - [0.0, 1.0]
    np.savez(clip / FRAMES, time_s=pose.times_s, keypoints_px=places)
    found = judged(clip, monkeypatch, (pose,))
    assert found["rules", "walk"].score.true == found["true", "walk"].score.true == 0
    unseen = found["unseen", "walk"].score.tallies["40 ms"]
    assert 3 < unseen.hits == unseen.true == unseen.found < len(contacts)


def test_who_is_not_followed_is_missed_but_for_the_truth(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = judged(clip, monkeypatch, ())
    seen, true = (found[name, "walk"].score.tallies["40 ms"] for name in ("rules", "true"))
    assert seen.true == true.true > 3
    assert (seen.hits, seen.found) == (0, 0)
    assert true.found == true.true


def test_a_track_of_nobody_is_wrong_in_all_it_steps(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pose, contacts = walker(noise=0.0)
    pose.keypoints_px[..., 1] -= _FAR_PX
    found = judged(clip, monkeypatch, (pose,))
    nobody = found["rules", "(nobody)"].score.tallies["40 ms"]
    assert (nobody.hits, nobody.true, nobody.found) == (0, 0, len(contacts))
    assert found["rules", "walk"].score.tallies["40 ms"].found == 0
    assert found["true", "(nobody)"].score.tallies["40 ms"].found == 0
