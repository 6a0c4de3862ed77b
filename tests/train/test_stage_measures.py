"""What measures the stage: the pose network's noise against a known one, the truth's own table."""

from __future__ import annotations

import numpy as np
import pytest

from otio_foley.analysis.pose import Crop, Person
from otio_foley.train.stage import poses, truth
from otio_foley.train.stage.keypoints import COUNT, KNOWN
from otio_foley.train.stage.poses import Sighting
from otio_foley.train.steps.landings import plated_table


def sighting(
    rng: np.random.Generator,
    *,
    sigma_px: float = 2.0,
    bias_px: float = 1.0,
    found: bool = True,
    off: bool = False,
    swap: bool = False,
    error_px: np.ndarray[tuple[int, int], np.dtype[np.float64]] | None = None,
    time_s: float = 0.0,
    who: int = 0,
) -> Sighting:
    """A person 100 px tall whose network is off by a known amount, has the ankles elsewhere, or
    takes the legs for each other."""
    real = np.full((COUNT, 2), np.nan)
    real[list(KNOWN)] = rng.uniform(0.0, 100.0, (len(KNOWN), 2))
    noise = rng.normal(0.0, sigma_px, (COUNT, 2)) if error_px is None else error_px
    told = np.where(np.isfinite(real), real, 0.0) + noise
    told[:, 0] += bias_px
    if off:
        told[[27, 28]] += 40.0
    if swap:
        left, right = [23, 25, 27, 29, 31], [24, 26, 28, 30, 32]
        told[left + right] = told[right + left]
    person = Person(
        keypoints_px=told,
        confidence=np.full(COUNT, 0.9),
        certainty=0.9,
        silhouette_px2=float("nan"),
        colour=np.zeros(6),
        place=Crop(centre_x_px=50.0, centre_y_px=50.0, side_px=125.0),
    )
    return Sighting(
        who=("00000", who),
        camera="static",
        time_s=time_s,
        height_px=100.0,
        truth_px=real,
        seen=np.isfinite(real).all(axis=1),
        found=person if found else None,
        alone=found,
    )


class TestNoise:
    def test_bias_and_spread_are_the_ones_put_in(self) -> None:
        rng = np.random.default_rng(1)
        model = poses.noise_model([sighting(rng) for _ in range(400)], "made up")
        (size,) = model["sizes"]
        assert (size["from_px"], size["to_px"]) == (100, 150)
        knee = size["joints"]["knee"]
        assert knee["count"] == 800
        assert knee["bias"] == pytest.approx([0.01, 0.0], abs=0.002)
        assert knee["sigma"] == pytest.approx([0.02, 0.02], rel=0.12)
        assert knee["outliers"] < 0.01

    def test_a_wrong_leg_is_an_outlier_and_no_spread(self) -> None:
        rng = np.random.default_rng(2)
        people = [sighting(rng, off=number % 4 == 0) for number in range(200)]
        ankle = poses.noise_model(people, "made up")["sizes"][0]["joints"]["ankle"]
        assert ankle["outliers"] == pytest.approx(0.25, abs=0.01)
        assert ankle["sigma"] == pytest.approx([0.02, 0.02], rel=0.15)

    def test_legs_taken_for_each_other_are_counted_and_no_error(self) -> None:
        rng = np.random.default_rng(5)
        people = [sighting(rng, swap=number % 5 == 0) for number in range(200)]
        model = poses.noise_model(people, "made up")
        assert model["legs_swapped"] == pytest.approx(0.2, abs=0.01)
        assert model["sizes"][0]["joints"]["ankle"]["outliers"] < 0.01
        assert model["sizes"][0]["joints"]["ankle"]["sigma"] == pytest.approx([0.02] * 2, rel=0.15)

    def test_somebody_else_is_told_apart_and_is_no_noise(self) -> None:
        rng = np.random.default_rng(7)
        elsewhere = np.full((COUNT, 2), 60.0)
        people = [
            sighting(rng, error_px=elsewhere if number % 4 == 0 else None) for number in range(200)
        ]
        (size,) = poses.noise_model(people, "made up")["sizes"]
        assert size["people"] == 150
        assert size["found"] == 1.0
        assert size["joints"]["knee"]["outliers"] < 0.01
        assert "| 75% | 25% | 100% |" in poses.table(people)[-1]

    @pytest.mark.parametrize("left", [0.2, 0.6])
    def test_how_long_an_error_stays(self, left: float) -> None:
        rng = np.random.default_rng(6)
        people = []
        for who in range(60):
            error = rng.normal(0.0, 1.0, (COUNT, 2))
            for frame in range(64):
                fresh = rng.normal(0.0, np.sqrt(1.0 - left**2), (COUNT, 2))
                error = left * error + fresh
                if frame % 8 in (4, 5):
                    people.append(sighting(rng, error_px=error, time_s=frame / 25, who=who))
        expected_s = 0.04 / -np.log(left)
        assert poses.noise_model(people, "made up")["correlation_s"] == pytest.approx(
            expected_s, rel=0.25
        )

    def test_people_that_are_not_found_are_counted(self) -> None:
        rng = np.random.default_rng(3)
        people = [sighting(rng, found=number % 5 > 0) for number in range(100)]
        assert poses.noise_model(people, "made up")["sizes"][0]["found"] == pytest.approx(0.8)
        row = next(line for line in poses.table(people) if line.startswith("| static"))
        assert "| 80% |" in row

    def test_errors_are_shares_of_the_bodys_height(self) -> None:
        rng = np.random.default_rng(4)
        row = poses.table([sighting(rng, sigma_px=0.0, bias_px=3.0) for _ in range(5)])[-1]
        assert row.count(" 3.0 ") == len(poses.JOINTS)


def test_the_truths_table_says_how_feet_land() -> None:
    taken = truth.Measured(
        contacts=3,
        speeds_m_s=np.array([0.001, 0.002, 0.003]),
        slide_m=0.004,
        sinking_m=0.0001,
        landings=truth.Landings(
            after_s=np.array([0.010, np.nan, 0.012]), share=np.array([0.05, 0.06, 0.08])
        ),
    )
    row = truth.table({"walk": [taken]})[-1]
    assert "| +11 / +10 / +12 | 6% |" in row
    assert "2.0 / 2.9" in row
    assert "| A | 3 | +11 / +10 / +12 | 6% |" in plated_table({"A": taken.landings})[-1]


def test_what_is_left_of_the_swing_is_the_touching_points() -> None:
    times = np.arange(1000) / 1000.0
    middle, touching = np.zeros((2, 1000, 3))
    middle[:, 1] = 0.1 * np.cos(np.pi * np.clip(times / 0.8, 0.0, 1.0))  # fastest at 0.4 s
    speed = np.clip(4.0 - 8.0 * times, 0.2, None)
    touching[:, 2] = np.cumsum(speed) / 1000.0
    (after,), (share,) = (getattr(truth.landings(middle, touching, [0.42]), name)
                          for name in ("after_s", "share"))  # fmt: skip
    assert after == pytest.approx(0.02, abs=0.002)
    assert share == pytest.approx((4.0 - 8.0 * 0.42) / (4.0 - 8.0 * 0.02), abs=0.01)


def test_a_contact_is_timed_from_the_fastest_fall_before_it() -> None:
    times = np.arange(2000) / 1000.0
    fall = -np.exp(-0.5 * ((times - 0.98) / 0.02) ** 2)
    after = truth.seconds_after_fall(fall, 1.0)
    assert after == pytest.approx(0.020, abs=0.0011)
    moved = truth.seconds_after_fall(fall, 1.01)
    assert moved is not None and moved - after == pytest.approx(0.010, abs=1e-9)
    assert truth.seconds_after_fall(np.abs(fall), 1.0) is None
    assert truth.seconds_after_fall(times - 5.0, 1.0) is None
