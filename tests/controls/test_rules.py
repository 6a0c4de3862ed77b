"""Which rule wins, whom it means, and which mean nobody."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import permutations
from pathlib import Path

import pytest
from controls.cuts import clip, cut, marker

from otio_foley.config import Settings, SoundSettings
from otio_foley.controls.gather import gather
from otio_foley.controls.rules import (
    PlacedStep,
    Rule,
    StepPlace,
    Target,
    resolve,
    resolve_steps,
    unused,
)
from otio_foley.controls.values import Control, Origin, Resolved, Source, resolved_settings
from otio_foley.types import Foot

BASE = resolved_settings(SoundSettings())
STREET = clip("A003C012", 0, 10)

#: Everything that can ask for a seed, the weakest first, each in its source's own spelling.
WEAKEST_FIRST = (
    ("cut", "settings", "{}"),
    ("cut", "marker", "foley cut: seed={}"),
    ("cut", "toml", "[cut]\nseed = {}\n"),
    ("cut", "set", "seed={}"),
    ("track", "marker", "foley track 1: seed={}"),
    ("track", "toml", "[track.1]\nseed = {}\n"),
    ("track", "set", "track.1.seed={}"),
    ("clip", "marker", "foley: seed={}"),
    ("clip", "toml", '[clip."A003*"]\nseed = {}\n'),
    ("clip", "set", "clip.A003*.seed={}"),
    ("step", "marker", "foley step: seed={}"),
    ("step", "toml", '[[step]]\nat = "01:00:02:00"\nseed = {}\n'),
    ("step", "set", "step.01:00:02:00.seed={}"),
)


def resolved(folder: Path, asked: list[tuple[str, str]]) -> tuple[Resolved, list[str]]:
    """What a step has where (source, text) ask for it, and the sources of what is unused."""
    texts = {kind: [text for source, text in asked if source == kind] for kind, _ in asked}
    markers = tuple(marker(2, text) for text in texts.get("marker", []))
    beside = folder / "reel1.foley.toml"
    beside.write_text("".join(texts.get("toml", [])))
    seed = int(texts.get("settings", ["0"])[0])
    controls = gather(
        folder / "reel1.edl",
        cut(STREET, markers=markers),
        Settings(sound=SoundSettings(seed=seed)),
        texts.get("set", []),
    )
    step = StepPlace(record_s=Fraction(2), foot="left")
    placed = PlacedStep(track=1, clip=STREET, step=step)
    return controls.for_steps([placed])[0], controls.unused([placed])


@pytest.mark.parametrize(
    ("weak", "strong"),
    [(a, b) for a in range(len(WEAKEST_FIRST)) for b in range(a + 1, len(WEAKEST_FIRST))],
)
def test_the_narrower_target_wins_then_the_stronger_source(
    tmp_path: Path, weak: int, strong: int
) -> None:
    asked = [
        (WEAKEST_FIRST[n][1], WEAKEST_FIRST[n][2].format(seed))
        for n, seed in ((strong, 111), (weak, 222))
    ]
    found, nobody = resolved(tmp_path, asked)
    assert found.seed == 111
    assert nobody == []
    assert resolved(tmp_path, asked[::-1])[0].seed == 111


def test_the_winner_does_not_depend_on_the_order_in_which_rules_are_given() -> None:
    rules = [
        Rule(
            target=target,
            control=Control(floor=name),
            origin=Origin(source=source, words=name),
        )
        for name, target, source in (
            ("a", Target(), Source.COMMAND_LINE),
            ("b", Target(clips=("A003*",)), Source.MARKER),
            ("c", Target(track=1), Source.COMMAND_LINE),
            ("d", Target(clips=("A003C012",)), Source.MARKER),
        )
    ]
    for order in permutations(rules):
        found = resolve(order, BASE, track=1, clip=STREET, step=None)
        assert (found.floor, found.origins["floor"].words) == ("d", "d")


def test_each_control_is_settled_by_itself_and_says_from_where(tmp_path: Path) -> None:
    found, _ = resolved(
        tmp_path,
        [
            ("marker", "foley: floor=gravel mute"),
            ("toml", "[cut]\nfloor = 'wood'\nshoe = 'boot'\n[track.1]\nweight = 90\n"),
            ("set", "space=hall"),
            ("set", "step.01:00:02:00.level_db=-3"),
        ],
    )
    assert {name: (value, origin.words) for name, (value, origin) in found.asked().items()} == {
        "floor": ("gravel", "marker 01:00:02:00"),
        "mute": (True, "marker 01:00:02:00"),
        "shoe": ("boot", "TOML [cut]"),
        "weight": (90.0, "TOML [track.1]"),
        "space": ("hall", "command line"),
        "level_db": (-3.0, "command line step.01:00:02:00"),
    }
    assert (found.steadiness, found.origins["steadiness"].source) == (0.5, Source.DEFAULT)


def test_what_is_later_wins_among_equals(tmp_path: Path) -> None:
    found, _ = resolved(tmp_path, [("set", "floor=wood"), ("set", "floor=tile")])
    assert found.floor == "tile"


def test_a_full_name_or_id_wins_over_a_pattern_of_the_same_source(tmp_path: Path) -> None:
    for whom in ("A003C012", "id-A003C012"):
        text = f'[clip."{whom}"]\nfloor = "wood"\n[clip."A*"]\nfloor = "tile"\n'
        assert resolved(tmp_path, [("toml", text)])[0].floor == "wood"


def test_what_is_false_or_zero_is_asked_too(tmp_path: Path) -> None:
    text = '[cut]\nmute = true\nlevel_db = 6\n[clip."A*"]\nmute = false\nlevel_db = 0\n'
    found, _ = resolved(tmp_path, [("toml", text)])
    assert (found.mute, found.level_db) == (False, 0.0)
    assert found.origins["mute"].words == 'TOML [clip."A*"]'


def test_settings_that_equal_the_defaults_ask_nothing() -> None:
    assert BASE.asked() == {}
    changed = resolved_settings(replace(SoundSettings(), shoe="boot"))
    assert {name: value for name, (value, _) in changed.asked().items()} == {"shoe": "boot"}
    assert changed.origins["shoe"].words == "settings"


def test_where_a_control_comes_from_does_not_count_when_two_are_compared() -> None:
    one = BASE.overlaid(Control(floor="wood"), Origin(source=Source.TOML, words="a"))
    other = BASE.overlaid(Control(floor="wood"), Origin(source=Source.MARKER, words="b"))
    assert one == other
    assert hash(one) == hash(other)
    assert one != BASE


# ---- whom a rule means


def rule(target: Target, **asked: object) -> Rule:
    return Rule(
        target=target,
        control=Control(**asked or {"mute": True}),  # type: ignore[arg-type]
        origin=Origin(source=Source.TOML, words="it"),
    )


@pytest.mark.parametrize(
    ("pattern", "name", "meant"),
    [
        ("A003*", "A003C012", True),
        ("A003*", "B003C012", False),
        ("a003*", "A003C012", False),
        ("A00?C012", "A003C012", True),
        ("A003C0[12]2", "A003C012", True),
        ("A003", "A003C012", False),
        ("shot[1].mov", "shot[1].mov", True),
        ("id-A003C012", "A003C012", True),
        ("id-*", "A003C012", False),
        ("*", "", True),
        ("[", "[", True),
        ("[", "a", False),
    ],
)
def test_clips_are_meant_by_name_id_or_pattern(pattern: str, name: str, meant: bool) -> None:
    rules = [rule(Target(clips=(pattern,)))]
    found = resolve(rules, BASE, track=None, clip=clip(name, 0, 1), step=None)
    assert found.mute is meant


def test_a_track_that_is_not_known_yet_has_no_rules() -> None:
    rules = [rule(Target(track=2))]
    by_track = {
        track: resolve(rules, BASE, track=track, clip=STREET, step=None).mute
        for track in (None, 1, 2)
    }
    assert by_track == {None: False, 1: False, 2: True}


def placed(record_s: float, foot: Foot = "left", track: int = 1) -> PlacedStep:
    step = StepPlace(record_s=Fraction(record_s), foot=foot)
    return PlacedStep(track=track, clip=STREET, step=step)


AT_TWO = Target(at_s=Fraction(2), within_s=Fraction(2, 25))


@pytest.mark.parametrize(
    ("record_s", "meant"),
    [
        (Fraction(2), True),
        (Fraction(208, 100), True),
        (Fraction(192, 100), True),
        (Fraction(20801, 10000), False),
        (Fraction(19199, 10000), False),
    ],
)
def test_a_step_is_meant_up_to_two_frames_off(record_s: Fraction, meant: bool) -> None:
    step = StepPlace(record_s=record_s, foot="left")
    assert resolve([rule(AT_TWO)], BASE, track=1, clip=STREET, step=step).mute is meant


def test_of_several_steps_the_nearest_alone_is_meant() -> None:
    steps = [placed(1.95), placed(2.01, "right"), placed(2.06), placed(2.5)]
    muted = [one.mute for one in resolve_steps([rule(AT_TWO)], BASE, steps)]
    assert muted == [False, True, False, False]


def test_of_equally_near_steps_the_first_alone_is_meant() -> None:
    steps = [placed(2.0625), placed(1.9375)]
    assert [one.mute for one in resolve_steps([rule(AT_TWO)], BASE, steps)] == [True, False]


@pytest.mark.parametrize(
    ("narrowed", "muted"),
    [
        ({"foot": "left"}, [True, False, False]),
        ({"track": 2}, [False, False, True]),
        ({"clips": ("A003*",)}, [False, True, False]),
        ({"clips": ("B*",)}, [False, False, False]),
        ({"track": 2, "foot": "left"}, [False, False, False]),
    ],
)
def test_track_clip_and_foot_narrow_a_step(narrowed: dict[str, object], muted: list[bool]) -> None:
    steps = [placed(1.95), placed(2.01, "right"), placed(2.02, "right", track=2)]
    rules = [rule(replace(AT_TWO, **narrowed))]
    assert [one.mute for one in resolve_steps(rules, BASE, steps)] == muted


def test_other_rules_hold_for_every_step() -> None:
    rules = [rule(Target(track=1), floor="wood"), rule(AT_TWO, level_db=-3.0)]
    first, second = resolve_steps(rules, BASE, [placed(2), placed(3)])
    assert (first.floor, first.level_db) == ("wood", -3.0)
    assert (second.floor, second.level_db) == ("wood", 0.0)


# ---- rules that mean nobody


CLIPS = (STREET, clip("B001", 10, 20), clip("off", 20, 30, enabled=False))


@pytest.mark.parametrize(
    ("target", "unknown_steps", "known_steps"),
    [
        (Target(), None, None),
        (Target(clips=("C*",)), "no clip has that name or id", "no clip has that name or id"),
        (Target(clips=("B*",)), None, None),
        (Target(clips=()), "no picture is seen there", "no picture is seen there"),
        (Target(track=1), None, None),
        (Target(track=2), None, "there are no footsteps on track 2"),
        (AT_TWO, None, None),
        (replace(AT_TWO, foot="right"), None, "no such step within 2 frames"),
        (replace(AT_TWO, at_s=Fraction(5)), None, "no such step within 2 frames"),
        (replace(AT_TWO, at_s=Fraction(99)), "no picture lies there", "no such step"),
        (replace(AT_TWO, at_s=Fraction(25)), "no picture lies there", "no such step"),
        (replace(AT_TWO, clips=("B*",)), "no picture lies there", "no such step"),
        (replace(AT_TWO, clips=("C*",)), "no clip has that name", "no clip has that name"),
    ],
)
def test_a_rule_that_means_nobody_is_told(
    target: Target, unknown_steps: str | None, known_steps: str | None
) -> None:
    for steps, why in ((None, unknown_steps), ([placed(2.01)], known_steps)):
        found = unused([rule(target)], CLIPS, steps)
        if why is None:
            assert found == []
        else:
            assert len(found) == 1
            assert found[0].startswith(f"it: {why}")


def test_where_there_are_no_steps_every_rule_of_tracks_and_steps_is_unused() -> None:
    rules = [rule(Target()), rule(Target(track=1)), rule(AT_TWO), rule(Target(clips=("B*",)))]
    assert len(unused(rules, CLIPS, [])) == 2
