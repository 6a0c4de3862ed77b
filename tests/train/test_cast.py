"""The cast: varied people of one body, what they wear and that they still stand on their feet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from otio_foley.train.stage.body import (
    CLOTH,
    JOINT_NAMES,
    Body,
    index,
    load_body,
    place_joints,
    skin,
)
from otio_foley.train.stage.cast import GARMENTS, HEIGHTS_M, Build, Garment, Person, person, reshape
from otio_foley.train.stage.contacts import body_contacts, measure_footing
from otio_foley.train.stage.feet import lock_feet
from otio_foley.train.stage.motion import load_capture
from otio_foley.train.stage.retarget import BodyMotion, cut, heading_forward, resample, retarget
from otio_foley.train.stage.rotation import Array

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"

pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.skipif(not SHARED.is_dir(), reason="the folder 'shared' is not beside the project"),
]

PLAIN = Build(stout=0.0, shoulder_m=0.0, hip_m=0.0, hair_m=0.0)
ARMS = [index(f"{j}_{s}") for j in ("upper_arm", "forearm", "hand") for s in ("left", "right")]


@pytest.fixture(scope="module")
def base() -> Body:
    """The body that all are made of."""
    return load_body(SHARED / "body")


@pytest.fixture(scope="module")
def run(base: Body) -> BodyMotion:
    """A run put onto the base, towards +z; feet not locked."""
    raw = captured(base, "02_03", 0, 150)
    return heading_forward(raw, 0, len(raw.pelvis_m) - 1)


def captured(body: Body, name: str, first: int, last: int) -> BodyMotion:
    """Some samples of a capture on a body."""
    folder = SHARED / "gait" / "cyun9601+CMU-MOCAP-Data"
    capture = load_capture(folder / "02.asf", folder / f"{name}.amc")
    return cut(retarget(body, capture), first, min(last, len(capture.root_m) - 1))


def make(base: Body, seed: int, garment: Garment | None = None) -> Person:
    """Draw a person from a fresh generator."""
    return person(base, np.random.default_rng(seed), garment)


def seen(body: Body, posed_m: Array, eye_m: Array, at_m: Array) -> str | None:
    """Name the cloth that the renderer would show on the ray from ``eye_m`` through ``at_m``.

    Back faces are culled and arms left out; None where the ray meets nothing.
    """
    way = at_m - eye_m
    # No triangle is as large as this.
    off = np.linalg.norm(np.cross(posed_m - eye_m, way), axis=1) / np.linalg.norm(way)
    triangles = body.triangles[(off < 0.15)[body.triangles[:, 0]]]
    corners = posed_m[triangles]
    e1, e2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    # Moeller and Trumbore (1997).
    p = np.cross(way, e2)
    det = np.sum(e1 * p, axis=1)
    safe = np.where(det > 1e-12, det, 1.0)
    from_corner = eye_m - corners[:, 0]
    u = np.sum(from_corner * p, axis=1) / safe
    q = np.cross(from_corner, e1)
    v = q @ way / safe
    far = np.sum(e2 * q, axis=1) / safe
    shares = np.stack([1.0 - u - v, u, v], axis=1)
    cloth = np.einsum("fc,fck->fk", shares, body.cloth[triangles])
    hit = (det > 1e-12) & (shares >= -1e-9).all(axis=1) & (far > 0.0)
    hit &= cloth[:, CLOTH.index("inside")] <= 0.0
    hit &= body.weights[:, ARMS][triangles].sum(axis=2).max(axis=1) < 0.5
    if not hit.any():
        return None
    fields = cloth[np.flatnonzero(hit)[np.argmin(far[hit])]]
    for name in ("shoe", "hair", "skin", "shirt"):
        if fields[CLOTH.index(name)] > 0.0:
            return name
    return "trousers"


def beside(body: Body, at_m: Array) -> str | None:
    """What is seen of the standing body from its left at a point's height and depth."""
    return seen(body, body.vertices_m, at_m + np.array([3.0, 0.0, 0.0]), at_m)


def joint(body: Body, name: str) -> Array:
    """Rest position of a joint."""
    return np.asarray(body.joints_m[index(name)])


class TestPeople:
    def test_the_state_of_the_generator_decides(self, base: Body) -> None:
        once, again, other = make(base, 5), make(base, 5), make(base, 6)
        assert once.palette == again.palette
        assert once.garment == again.garment
        assert np.array_equal(once.body.vertices_m, again.body.vertices_m)
        assert once.palette != other.palette
        assert once.height_m != other.height_m

    def test_the_garment_changes_nothing_else(self, base: Body) -> None:
        rng, again = np.random.default_rng(3), np.random.default_rng(3)
        drawn, asked = person(base, rng), person(base, again, "skirt")
        assert (drawn.palette, drawn.height_m) == (asked.palette, asked.height_m)
        assert rng.bit_generator.state == again.bit_generator.state
        assert drawn.body.joints_m == pytest.approx(asked.body.joints_m)

    def test_the_base_stays_as_it_is(self, base: Body) -> None:
        before = base.vertices_m.copy(), base.cloth.copy(), base.weights.copy()
        for garment in GARMENTS:
            make(base, 8, garment)
        assert np.array_equal(base.vertices_m, before[0])
        assert np.array_equal(base.cloth, before[1])
        assert np.array_equal(base.weights, before[2])

    def test_people_vary(self, base: Body) -> None:
        people = [make(base, seed) for seed in range(24)]
        heights = [one.height_m for one in people]
        assert all(HEIGHTS_M[0] <= height <= HEIGHTS_M[1] for height in heights)
        assert max(heights) - min(heights) > 0.25
        assert {one.garment for one in people} == set(GARMENTS)
        lightness = [sum(one.palette.skin) / 3.0 for one in people]
        assert min(lightness) < 0.25
        assert max(lightness) > 0.8
        for one in people:
            for colour in ("skin", "hair", "shirt", "trousers", "shoe"):
                assert all(0.0 <= part <= 1.0 for part in getattr(one.palette, colour))
            for cloth in (one.palette.shirt, one.palette.trousers):
                apart = [abs(a - b) for a, b in zip(cloth, one.palette.skin, strict=True)]
                assert max(apart) > 0.15  # or they look undressed

    @pytest.mark.parametrize("garment", GARMENTS)
    @pytest.mark.parametrize("seed", [1, 4, 9])
    def test_what_a_body_must_be(self, base: Body, garment: Garment, seed: int) -> None:
        made = make(base, seed, garment)
        body, count = made.body, len(made.body.vertices_m)
        assert made.garment == garment
        assert body.height_m == pytest.approx(made.height_m)
        assert body.joints_m.shape == base.joints_m.shape
        assert body.weights.shape == (count, len(JOINT_NAMES))
        assert body.cloth.shape == (count, len(CLOTH))
        assert body.weights.sum(axis=1) == pytest.approx(np.ones(count))
        assert body.weights.min() >= 0.0
        assert body.triangles.min() >= 0
        assert body.triangles.max() < count
        assert np.isfinite(body.vertices_m).all()
        assert np.isfinite(body.cloth).all()
        assert np.array_equal(body.sole_left, base.sole_left)
        assert np.array_equal(body.sole_right, base.sole_right)
        assert body.vertices_m[body.sole_left].min(axis=0)[1] == pytest.approx(0.0, abs=1e-9)
        # Nobody is wider than the arms reach, nor deeper than a step.
        assert np.abs(body.vertices_m[:, 0]).max() < 0.9
        assert np.abs(body.vertices_m[:, 2]).max() < 0.7

    @pytest.mark.parametrize("garment", GARMENTS)
    def test_the_sole_keeps_its_shape(self, base: Body, garment: Garment) -> None:
        made = make(base, 12, garment)
        scale = np.linalg.norm(joint(made.body, "shank_left") - joint(made.body, "foot_left"))
        scale /= np.linalg.norm(joint(base, "shank_left") - joint(base, "foot_left"))
        for side, soles in (("left", base.sole_left), ("right", base.sole_right)):
            own = made.body.vertices_m[soles] - joint(made.body, f"foot_{side}")
            model = base.vertices_m[soles] - joint(base, f"foot_{side}")
            assert own == pytest.approx(scale * model, abs=1e-9)
        assert made.body.ball_z_m == pytest.approx(scale * base.ball_z_m)

    def test_a_body_left_alone_is_the_base(self, base: Body) -> None:
        same = reshape(base, PLAIN)
        assert same.vertices_m == pytest.approx(base.vertices_m)
        assert same.cloth == pytest.approx(base.cloth)

    def test_girth_leaves_joints_and_head_alone(self, base: Body) -> None:
        heavy = reshape(base, replace(PLAIN, stout=1.0))
        slim = reshape(base, replace(PLAIN, stout=-1.0))
        assert np.array_equal(heavy.joints_m, base.joints_m)
        waist = np.abs(base.vertices_m[:, 1] - 1.05) < 0.03
        waist &= base.weights[:, ARMS].sum(axis=1) < 0.1
        widths = [np.ptp(one.vertices_m[waist], axis=0)[[0, 2]] for one in (slim, base, heavy)]
        assert (widths[0] < 0.97 * widths[1]).all()
        assert (widths[2] > 1.15 * widths[1]).all()
        head = base.weights[:, index("head")] > 0.99
        assert heavy.vertices_m[head] == pytest.approx(base.vertices_m[head])

    def test_shoulders_and_hips_widen(self, base: Body) -> None:
        wide = reshape(base, replace(PLAIN, shoulder_m=0.01, hip_m=0.02))
        moved = wide.joints_m - base.joints_m
        assert moved[index("forearm_left")] == pytest.approx([0.01, 0.0, 0.0])
        assert moved[index("forearm_right")] == pytest.approx([-0.01, 0.0, 0.0])
        assert moved[index("toes_right")] == pytest.approx([-0.02, 0.0, 0.0])
        assert moved[index("head")] == pytest.approx(np.zeros(3))

    def test_long_hair_covers_the_nape_but_not_the_face(self, base: Body) -> None:
        long = reshape(base, replace(PLAIN, hair_m=0.15))
        neck = joint(base, "neck")
        nape = neck + np.array([0.0, 0.03, 0.0])
        behind, before = np.array([0.0, 0.0, -3.0]), np.array([0.0, 0.0, 3.0])
        assert seen(base, base.vertices_m, nape + behind, nape) == "skin"
        assert seen(long, long.vertices_m, nape + behind, nape) == "hair"
        for height in (0.03, 0.06, 0.10):
            at = neck + np.array([0.0, height, 0.0])
            assert seen(long, long.vertices_m, at + before, at) == "skin"

    @pytest.mark.parametrize(("low", "seed"), [(True, 0), (False, 0)])
    def test_the_locked_walk_stands(self, base: Body, low: bool, seed: int) -> None:
        people = [make(base, number) for number in range(seed, seed + 30)]
        chosen = (min if low else max)(people, key=lambda one: one.height_m)
        assert chosen.height_m < 1.58 if low else chosen.height_m > 1.88
        raw = resample(captured(chosen.body, "02_01", 30, 190), 1000.0)
        locked = lock_feet(chosen.body, raw)
        footing = measure_footing(chosen.body, locked)
        # The limits that test_stage sets for the base.
        assert footing.slide_m < 0.005
        assert footing.sinking_m < 0.0005
        assert footing.floating_m < 0.003
        heels = [c.foot for c in body_contacts(chosen.body, locked) if c.part == "heel"]
        assert heels == ["right", "left"]


class TestGarments:
    SEEDS = (2, 7, 11)

    @pytest.mark.parametrize("seed", SEEDS)
    def test_long_trousers_hide_ankle_and_heel(self, base: Body, seed: int) -> None:
        short, long = (make(base, seed, g).body for g in ("trousers", "long_trousers"))
        ankle = joint(long, "foot_left")
        assert beside(long, ankle) == "trousers"
        low = ankle * [1.0, 0.6, 1.0]
        assert beside(short, low) == "shoe"
        assert beside(long, low) == "trousers"
        # The tip of the shoe looks out.
        tip = long.vertices_m[long.sole_left]
        tip = tip[np.argmax(tip[:, 2])] + [0.0, 0.02, -0.02]
        assert beside(long, tip) == "shoe"

    @pytest.mark.parametrize("seed", SEEDS)
    def test_hems_stay_above_the_floor(self, base: Body, seed: int) -> None:
        for garment in GARMENTS:
            made = make(base, seed, garment).body
            assert made.vertices_m[len(base.vertices_m) :, 1].min(initial=1.0) > -0.015

    @pytest.mark.parametrize("seed", SEEDS)
    def test_shorts_bare_the_shin_only(self, base: Body, seed: int) -> None:
        body = make(base, seed, "shorts").body
        knee, ankle, hip = (joint(body, f"{j}_left") for j in ("shank", "foot", "thigh"))
        for share in (0.25, 0.5, 0.75):
            assert beside(body, knee + share * (ankle - knee)) == "skin"
            assert beside(make(base, seed, "trousers").body, knee + share * (ankle - knee)) == (
                "trousers"
            )
        assert beside(body, knee + 0.5 * (hip - knee)) == "trousers"

    @pytest.mark.parametrize("seed", SEEDS)
    def test_skirts_fill_the_gap_between_the_legs(self, base: Body, seed: int) -> None:
        for garment, shares in (("skirt", (0.6,)), ("long_skirt", (0.6, 1.3))):
            bodies = [make(base, seed, worn).body for worn in ("trousers", garment)]
            hip, knee = (joint(bodies[0], f"{j}_left") for j in ("thigh", "shank"))
            for share in shares:
                between = (hip + share * (knee - hip)) * [0.0, 1.0, 1.0]
                views = [
                    seen(body, body.vertices_m, between + np.array([0.0, 0.0, way]), between)
                    for body in bodies
                    for way in (3.0, -3.0)
                ]
                assert views == [None, None, "trousers", "trousers"]

    @pytest.mark.parametrize("seed", SEEDS)
    def test_skirts_end_where_they_should(self, base: Body, seed: int) -> None:
        skirt, long = (make(base, seed, g).body for g in ("skirt", "long_skirt"))
        knee, ankle = joint(skirt, "shank_left"), joint(skirt, "foot_left")
        shin = knee + 0.5 * (ankle - knee)
        assert beside(skirt, shin) in ("skin", "trousers")
        assert beside(long, shin) == "trousers"
        width = [
            np.ptp(one.vertices_m[np.abs(one.vertices_m[:, 1] - shin[1]) < 0.03, 2])
            for one in (skirt, long)
        ]
        assert width[1] > 1.5 * width[0]
        assert beside(long, ankle * [1.0, 0.5, 1.0] + [0.0, 0.0, 0.05]) == "shoe"

    @pytest.mark.parametrize("seed", SEEDS)
    def test_a_coat_reaches_the_thighs_in_the_shirts_colour(self, base: Body, seed: int) -> None:
        body = make(base, seed, "coat").body
        hip, knee = (joint(body, f"{j}_left") for j in ("thigh", "shank"))
        assert beside(body, hip + 0.3 * (knee - hip)) == "shirt"
        assert beside(body, knee) == "trousers"

    @pytest.mark.parametrize("garment", ["skirt", "long_skirt", "coat"])
    @pytest.mark.parametrize("seed", [9, 2])
    def test_running_legs_do_not_come_through(
        self, base: Body, run: BodyMotion, garment: Garment, seed: int
    ) -> None:
        body = make(base, seed, garment).body
        wanted = "shirt" if garment == "coat" else "trousers"
        front = np.array([0.0, 0.0, 3.0])
        aside = np.array([3.0, 0.0, 0.0])
        for number in range(0, len(run.pelvis_m), 18):
            turns = run.rotations[number]
            joints = place_joints(body, turns, run.pelvis_m[number])
            posed = skin(body, turns, joints)
            for side, out in (("left", aside), ("right", -aside)):
                hip, knee = joints[index(f"thigh_{side}")], joints[index(f"shank_{side}")]
                down = [hip + share * (knee - hip) for share in np.arange(0.1, 1.0, 0.06)]
                for way in (front, out):
                    views = [seen(body, posed, at + way, at) == wanted for at in down]
                    # Cloth from the hip on, and none again once the hem is passed.
                    assert sum(views) >= 4
                    assert all(views[: sum(views)])

    def test_cloth_has_two_sides_whose_normals_oppose(self, base: Body) -> None:
        body = make(base, 4, "skirt").body
        own = body.triangles[body.triangles.min(axis=1) >= len(base.vertices_m)]
        corners = body.vertices_m[own]
        facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        middle = corners.mean(axis=1) - joint(body, "pelvis")
        outward = np.sum(facing * middle * [1.0, 0.0, 1.0], axis=1) > 0.0
        half = len(own) // 2
        assert outward[:half].mean() > 0.95
        assert outward[half:].mean() < 0.05
        shared = np.intersect1d(own[:half], own[half:])
        assert len(shared) == 0
