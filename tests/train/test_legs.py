"""What the network of legs is taught: where lessons' joints lie, and that it learns them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from otio_foley.analysis.legs import LEG_JOINTS, LEGS_PX, LegsNetwork
from otio_foley.train.legs import learn, lessons, stills
from otio_foley.train.legs.blazepose import begin
from otio_foley.train.legs.lessons import Lesson, lesson
from otio_foley.train.legs.normalising import fold, normalise
from otio_foley.train.legs.stills import SIDE_PX, Still

_SHARED = Path(__file__).parents[2] / ".." / "shared"
_LEFT, _RIGHT = np.array([255, 0, 0]), np.array([0, 255, 0])


def dotted(seed: int) -> Still:
    """A grey picture with a red dot at every joint of the left leg and a green one at the right."""
    rng = np.random.default_rng(seed)
    points = np.full((1, 33, 2), np.nan, dtype=np.float32)
    spots = 70 + 60 * np.stack(np.meshgrid(np.arange(5), np.arange(5)), axis=-1).reshape(-1, 2)
    points[0, list(LEG_JOINTS)] = rng.permutation(spots)[: len(LEG_JOINTS)] + rng.uniform(-20, 20)
    picture = np.full((SIDE_PX, SIDE_PX, 3), 90, dtype=np.uint8)
    for joint in LEG_JOINTS:
        x, y = points[0, joint].astype(int)
        picture[y - 4 : y + 5, x - 4 : x + 5] = _LEFT if joint % 2 else _RIGHT
    seen = np.zeros((1, 33), dtype=np.bool_)
    seen[0, list(LEG_JOINTS)] = True
    return Still(picture=picture, keypoints_px=points, seen=seen)


def test_joints_are_where_a_lesson_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a mirrored picture a left leg is a right one, and all of its joints are."""
    monkeypatch.setattr(lessons, "spoiled", lambda picture, rng, strength: picture)
    looked_at = mirrored = 0
    for number in range(40):
        one = lesson(dotted(number), [dotted(1000)], np.random.default_rng(number))
        named, swapped = [], []
        for index, (place, seen) in enumerate(zip(one.places_px, one.seen, strict=True)):
            x, y = place.astype(int)
            if not seen or min(x, y) < 3 or max(x, y) > LEGS_PX - 4:
                continue
            about = one.picture[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3).astype(int)
            for found, colour in ((named, (_LEFT, _RIGHT)), (swapped, (_RIGHT, _LEFT))):
                found.append(np.abs(about - colour[index % 2]).sum(axis=1).min() < 120)
        assert all(named) or all(swapped), number
        looked_at += len(named)
        mirrored += not all(named)
    assert looked_at > 150 and 5 < mirrored < 25


def test_what_shows_no_feet_is_nobody() -> None:
    still = dotted(0)
    empty = Still(
        picture=still.picture, keypoints_px=still.keypoints_px, seen=np.zeros_like(still.seen)
    )
    told = [lesson(empty, [still], np.random.default_rng(number)) for number in range(20)]
    assert not any(one.there for one in told)


def test_it_begins_with_blazepose_and_keeps_its_eye() -> None:
    network, other = begin(LegsNetwork()), begin(LegsNetwork())
    theirs = (network.eye, network.near, network.far)
    for part, same in zip(theirs, (other.eye, other.near, other.far), strict=True):
        for value, again in zip(part.parameters(), same.parameters(), strict=True):
            assert (value == again).all() and float(value.detach().abs().max()) > 0.0
    assert not any(value.requires_grad for value in network.eye.parameters())
    assert all(value.requires_grad for value in network.near.parameters())


def test_normalised_weights_say_the_same_and_so_do_folded_ones() -> None:
    part = begin(LegsNetwork()).near.eval()
    features = torch.randn((64, 88, 16, 16), generator=torch.Generator().manual_seed(1))
    names = set(part.state_dict())
    with torch.no_grad():
        before = part(features)
        normalise(part, keeps=True)
        between = part(features)
        assert set(part.state_dict()) != names
        fold(part)
        after = part(features)
    assert set(part.state_dict()) == names
    size = float(before.abs().max())
    assert (between - before).abs().max() < 1e-3 * size
    assert (after - before).abs().max() < 1e-3 * size


def few() -> list[Lesson]:
    return [
        lesson(dotted(number), [dotted(1000)], np.random.default_rng(number)) for number in range(8)
    ]


def test_it_overfits_a_few_lessons_and_learns_the_same_way_twice() -> None:
    taught = learn.seen_by(begin(LegsNetwork()).eye.eval(), few())
    told: list[str] = []
    network = learn.fit(taught, steps=60, seed=3, tell=told.append)
    again = learn.fit(taught, steps=60, seed=3, tell=told.append)
    for one, other in zip(network.parameters(), again.parameters(), strict=True):
        assert (one == other).all()
    first = float(told[0].rpartition(" ")[2])
    with torch.inference_mode():
        last = float(learn.loss(network, taught, torch.arange(len(taught.there))))
    assert last < 0.5 * first


@pytest.mark.skipif(not (_SHARED / "body").is_dir(), reason="needs ../shared/body")
def test_a_scene_is_the_same_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stills, "_STILLS", 3)
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        stills.make_scene(tmp_path / name, _SHARED, 5, 0)
    one, other = (stills.read_scene(tmp_path / name / "00000.npz") for name in ("one", "other"))
    assert len(one) == 3
    for this, that in zip(one, other, strict=True):
        assert (this.picture == that.picture).all()
        assert np.array_equal(this.keypoints_px, that.keypoints_px, equal_nan=True)
    # The gate's weave moves the picture by a pixel or two after it is known what is seen.
    places = np.concatenate([still.keypoints_px[still.seen] for still in one])
    assert len(places) and places.min() > -3.0 and places.max() < SIDE_PX + 3.0
