"""What film and video do to a picture: each effect by its stated size, and the truth kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import cv2
import numpy as np
import pytest

from otio_foley.train.stage.look import (
    CLEAN,
    LOOKS,
    PHONE,
    SILENT_FILM,
    Look,
    applied,
    weave,
)
from otio_foley.train.stage.render import Picture

pytestmark = pytest.mark.filterwarnings("error")


def flat(level: int, height: int = 96, width: int = 128) -> Picture:
    return np.full((height, width, 3), level, dtype=np.uint8)


def busy(count: int, height: int = 90, width: int = 161) -> list[Picture]:
    random = np.random.default_rng(5)
    return [
        cv2.GaussianBlur(random.integers(0, 256, (height, width, 3), dtype=np.uint8), (0, 0), 1.0)
        for _ in range(count)
    ]


def looked(look: Look, pictures: list[Picture], seed: int = 3) -> np.ndarray:
    return np.stack(list(applied(look, pictures, seed)))


def linear(levels: np.ndarray) -> np.ndarray:
    srgb = np.asarray(levels) / 255.0
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def dot(x: float, y: float, height: int = 80, width: int = 100) -> Picture:
    rows, columns = np.mgrid[:height, :width]
    levels = 20.0 + 200.0 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2.0 * 3.0**2))
    return np.repeat(np.round(levels).astype(np.uint8)[..., None], 3, axis=2)


def centroid(picture: np.ndarray) -> np.ndarray:
    weight = picture.mean(axis=-1) - 20.0
    rows, columns = np.mgrid[: weight.shape[0], : weight.shape[1]]
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()


def specks(picture: np.ndarray, ground: float, least: float) -> np.ndarray:
    return np.abs(picture[..., 1].astype(float) - ground) > least


def test_no_look_gives_the_same_bytes() -> None:
    pictures = busy(3)
    assert looked(Look(), pictures).tobytes() == np.stack(pictures).tobytes()
    assert LOOKS["clean"] == CLEAN == Look()


@pytest.mark.parametrize("name", sorted(LOOKS))
def test_a_look_keeps_size_and_type_and_leaves_its_input_alone(name: str) -> None:
    pictures = busy(3)
    kept = [picture.copy() for picture in pictures]
    found = list(applied(LOOKS[name], iter(pictures), 1))
    assert [(p.shape, p.dtype, p.flags.c_contiguous) for p in found] == [
        ((90, 161, 3), np.dtype(np.uint8), True)
    ] * 3
    assert np.array_equal(pictures, kept)
    assert np.array_equal(found, pictures) == (name == "clean")


@pytest.mark.parametrize("look", [SILENT_FILM, replace(SILENT_FILM, black_and_white=False), PHONE])
def test_the_seed_decides_everything(look: Look) -> None:
    look = replace(look, noise=2.0, scratches=4.0, dust=8.0)
    pictures = busy(4)
    first = looked(look, pictures, 7)
    assert np.array_equal(first, looked(look, pictures, 7))
    assert not np.array_equal(first, looked(look, pictures, 8))
    # A shorter take is the beginning of a longer one.
    assert np.array_equal(first[:2], looked(look, pictures[:2], 7))


def test_an_effect_draws_nothing_from_another() -> None:
    both = Look(weave_px=0.5, flicker=0.2, scratches=1.0, dust=3.0, grain=5.0, noise=3.0)
    assert np.array_equal(weave(both, 20, 4), weave(Look(weave_px=0.5), 20, 4))
    ground = [flat(128)] * 3
    grain = looked(Look(grain=20.0), ground).astype(float) - 128.0
    marked = looked(Look(grain=20.0, dust=4.0), ground).astype(float) - 128.0
    assert 0.0 < np.mean(grain != marked) < 0.1


def test_pictures_are_taken_one_by_one() -> None:
    taken = 0

    def endless() -> Iterator[Picture]:
        nonlocal taken
        while True:
            taken += 1
            yield flat(128, 24, 32)

    pictures = applied(SILENT_FILM, endless(), 0)
    assert taken == 0
    for given, _ in enumerate(islice(pictures, 20), 1):
        assert taken <= given + 1


def test_weave_moves_a_dot_by_the_stated_shift() -> None:
    look = Look(weave_px=1.2)
    shifts = weave(look, 40, 11)
    assert np.abs(shifts).max() > 1.5
    assert np.ptp(shifts, axis=0).min() > 1.0
    found = looked(look, [dot(48.3, 37.6)] * 40, 11)
    moved = np.array([centroid(picture) for picture in found]) - centroid(dot(48.3, 37.6))
    assert np.abs(moved - shifts).max() < 0.1
    # The silent film's other effects, marks and grain aside, do not carry the dot off.
    worn = replace(SILENT_FILM, grain=0.0, scratches=0.0, dust=0.0, contrast=1.0, vignette=0.0)
    worn = replace(worn, flicker=0.0, softness_px=0.0)
    found = looked(worn, [dot(48.3, 37.6)] * 40, 11)
    moved = np.array([centroid(picture) for picture in found]) - centroid(dot(48.3, 37.6))
    assert np.abs(moved - weave(worn, 40, 11)).max() < 0.1


def test_weave_is_slow_and_as_wide_as_stated() -> None:
    shifts = weave(Look(weave_px=0.5), 20000, 2)
    assert shifts.shape == (20000, 2)
    assert shifts.std(axis=0) == pytest.approx([0.5, 0.5], rel=0.1)
    assert np.diff(shifts, axis=0).std() < 0.5 * shifts.std()
    first = [weave(Look(weave_px=0.5), 1, seed)[0] for seed in range(400)]
    assert np.std(first, axis=0) == pytest.approx([0.5, 0.5], rel=0.15)
    assert weave(Look(), 5, 2).tolist() == [[0.0, 0.0]] * 5
    assert weave(Look(weave_px=0.5), 0, 2).shape == (0, 2)


def test_weave_leaves_flat_ground_flat_to_the_edge() -> None:
    assert np.array_equal(looked(Look(weave_px=2.0), [flat(90)] * 5), [flat(90)] * 5)


@pytest.mark.parametrize("more", [{}, {"jpeg_quality": 30}, {"noise": 6.0, "warmth": 1.0}])
def test_black_and_white_has_equal_channels(more: dict[str, float]) -> None:
    found = looked(replace(SILENT_FILM, **more), busy(3))
    assert np.array_equal(found[..., 0], found[..., 1])
    assert np.array_equal(found[..., 1], found[..., 2])
    assert found.std() > 10.0


def test_black_and_white_is_the_luma() -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], dtype=np.uint8)
    found = looked(Look(black_and_white=True), [colours])[0, 0, :, 0]
    assert found.tolist() == [54, 182, 18, 255]


def test_flicker_spreads_the_exposure_as_stated() -> None:
    found = looked(Look(flicker=0.2), [flat(110, 8, 8)] * 1500)
    stops = np.log2(linear(found.mean(axis=(1, 2, 3))) / linear(np.array(110.0)))
    assert np.std(stops) == pytest.approx(0.2, rel=0.08)
    assert abs(np.mean(stops)) < 0.02
    # One exposure for the whole frame.
    assert np.ptp(found, axis=(1, 2, 3)).max() == 0


def test_vignette_takes_the_stated_light_from_the_corners() -> None:
    found = linear(looked(Look(vignette=0.4), [flat(200, 91, 121)])[0, ..., 1]) / linear(200)
    assert found[0, 0] == pytest.approx(0.6, abs=0.01)
    assert found[-1, -1] == pytest.approx(0.6, abs=0.01)
    assert found[45, 60] == pytest.approx(1.0, abs=0.001)
    assert 0.6 < found[0, 60] < found[20, 60] < 1.0


def test_contrast_turns_about_mid_grey() -> None:
    found = [int(looked(Look(contrast=1.5), [flat(g)])[0, 0, 0, 0]) for g in (0, 97, 158, 250)]
    assert found == [0, 82, 173, 255]


def test_warmth_moves_red_against_blue_and_keeps_the_luminance() -> None:
    luma = np.array([0.2126, 0.7152, 0.0722])
    for warmth, sign in ((1.0, 1.0), (-1.0, -1.0)):
        red, green, blue = looked(Look(warmth=warmth), [flat(128)])[0, 0, 0]
        light = linear(np.array([red, green, blue]))
        assert sign * np.log2(light[0] / light[2]) == pytest.approx(0.7, abs=0.05)
        assert light @ luma == pytest.approx(linear(128), rel=0.02)


def test_softness_spreads_an_edge_by_the_stated_width() -> None:
    edge = flat(0)
    edge[:, 64:] = 255
    light = linear(looked(Look(softness_px=3.0), [edge])[0, 40, :, 0])
    rise = np.diff(light)
    places = np.arange(rise.size) + 0.5
    middle = (rise * places).sum() / rise.sum()
    assert middle == pytest.approx(63.5, abs=0.1)
    assert np.sqrt((rise * (places - middle) ** 2).sum()) == pytest.approx(3.0, abs=0.15)


def test_grain_has_its_size_and_is_new_each_frame() -> None:
    found = looked(Look(grain=8.0), [flat(128)] * 4).astype(float) - 128.0
    assert found.std() == pytest.approx(8.0, rel=0.05)
    assert abs(np.corrcoef(found[0].ravel(), found[1].ravel())[0, 1]) < 0.03
    across = [
        np.corrcoef(found[:, :, :-gap].ravel(), found[:, :, gap:].ravel())[0, 1] for gap in (1, 4)
    ]
    # Grains of 1.5 px reach the neighbour, not the fourth pixel.
    assert across[0] == pytest.approx(0.54, abs=0.08)
    assert abs(across[1]) < 0.03
    dark = looked(Look(grain=8.0), [flat(20)]).std()
    light = looked(Look(grain=8.0), [flat(235)]).std()
    assert dark < 5.0 and light < 5.0


def test_noise_is_by_pixel_and_channel_and_more_in_the_shadows() -> None:
    spread = {
        level: looked(Look(noise=4.0), [flat(level)] * 3).astype(float).std()
        for level in (40, 128, 215)
    }
    assert spread[128] == pytest.approx(4.0, rel=0.05)
    assert spread[40] > 1.2 * spread[128] > 1.2 * 1.2 * spread[215]
    found = looked(Look(noise=4.0), [flat(128)])[0].astype(float)
    assert abs(np.corrcoef(found[:, :-1].ravel(), found[:, 1:].ravel())[0, 1]) < 0.03
    assert abs(np.corrcoef(found[..., 0].ravel(), found[..., 2].ravel())[0, 1]) < 0.03


def test_scratches_stand_upright_live_on_and_come_as_often_as_stated() -> None:
    found = looked(Look(scratches=2.0), [flat(128, 4, 600)] * 900, 6)
    assert np.ptp(found, axis=1).max() == 0
    seen = specks(found[:, 0], 128.0, 8.0)
    begun = seen & ~np.roll(seen, 1, axis=1)
    assert begun.sum(axis=1).mean() == pytest.approx(2.0, abs=0.35)
    # Five in six live on; a pixel's leeway for the wandering.
    near = seen | np.roll(seen, 1, axis=1) | np.roll(seen, -1, axis=1)
    lives_on = (begun[:-1] & near[1:]).sum() / begun[:-1].sum()
    assert lives_on == pytest.approx(5.0 / 6.0, abs=0.06)
    # It does wander: the same columns are not hit with the same strength again.
    again = np.all(found[:-1] == found[1:], axis=(1, 2, 3)) & seen[:-1].any(axis=1)
    assert again.mean() < 0.05


def test_dust_comes_as_often_as_stated_for_one_frame_each() -> None:
    found = looked(Look(dust=5.0), [flat(128, 360, 640)] * 60, 6)
    seen = specks(found, 128.0, 20.0)
    counts = [cv2.connectedComponents(mask.astype(np.uint8))[0] - 1 for mask in seen]
    assert np.mean(counts) == pytest.approx(5.0, abs=0.8)
    assert seen.mean() < 0.002
    assert (seen[1:] & seen[:-1]).sum() < 0.02 * seen.sum()
    assert found.min() < 40 and found.max() > 215


def test_a_poor_jpeg_leaves_blocks() -> None:
    picture = busy(1, 96, 160)[0]
    found = looked(Look(jpeg_quality=5), [picture])[0].astype(float)
    step = np.abs(np.diff(found[..., 1], axis=1)).mean(axis=0)
    assert step[7::8].mean() > 1.5 * np.delete(step, np.arange(7, step.size, 8)).mean()
    better = looked(Look(jpeg_quality=95), [picture])[0].astype(float)
    assert np.abs(better - picture).mean() < 0.5 * np.abs(found - picture).mean()
    # Red stays red.
    red = np.zeros((16, 16, 3), dtype=np.uint8) + np.array([200, 30, 40], dtype=np.uint8)
    assert np.abs(looked(Look(jpeg_quality=50), [red]).astype(int) - red).max() < 12
