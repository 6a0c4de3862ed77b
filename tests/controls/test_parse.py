"""What is written in TOML, behind --set and in markers, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest
from controls.cuts import FILM, NTSC, PAL, clip, cut, marker
from hypothesis import given
from hypothesis import strategies as st

from otio_foley.controls.parse import parse_markers, parse_set, parse_toml
from otio_foley.controls.rules import Kind, Target
from otio_foley.controls.values import Control, Known, Source
from otio_foley.errors import InputError

NEAR_S = Fraction(2, 25)
CUT = cut(clip("A003C012", 0, 10))
KNOWN = Known(floors=("concrete", "wood", "Kitchen_Tiles"), shoes=("leather", "boot"))


# ---- TOML


def test_every_form_of_the_toml() -> None:
    rules = parse_toml(
        """
        [cut]
        floor = "Wood"
        space = "small-room"
        [track.1]
        shoe = "boot"
        [clip."A003*"]
        mute = true
        weight = 90
        [[step]]
        at = "01:00:03:12"
        track = 1
        clip = "A003C012"
        foot = "left"
        level_db = -3
        [[step]]
        at = 3.5
        lock = true
        """,
        "reel1.foley.toml",
        CUT,
    )
    assert [(one.target, one.control, one.origin.words) for one in rules] == [
        (Target(), Control(floor="wood", space="small-room"), "TOML [cut]"),
        (Target(track=1), Control(shoe="boot"), "TOML [track.1]"),
        (Target(clips=("A003*",)), Control(mute=True, weight=90.0), 'TOML [clip."A003*"]'),
        (
            Target(
                track=1,
                clips=("A003C012",),
                at_s=Fraction(87, 25),
                within_s=NEAR_S,
                foot="left",
            ),
            Control(level_db=-3.0),
            "TOML [[step]] at 01:00:03:12",
        ),
        (
            Target(at_s=Fraction(7, 2), within_s=NEAR_S),
            Control(lock=True),
            "TOML [[step]] at 3.5",
        ),
    ]
    assert {one.origin.source for one in rules} == {Source.TOML}


def test_an_empty_section_asks_nothing() -> None:
    assert parse_toml("[cut]\n[track.1]\n[[step]]\nat = 1\n", "it", CUT) == ()


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[cut]\nflor = 'wood'\n", r"it \[cut\]: unknown control 'flor'", "'floor'"),
        ("[cuts]\nfloor = 'wood'\n", "it: unknown section 'cuts'", "'cut'"),
        ("cut = 3\n", r"it \[cut\] has to be a section", r"[cut]"),
        ("track = 3\n", r"it \[track\] has to be a section", "[track.1]"),
        ("clip = []\n", r"it \[clip\] has to be a section", "[clip."),
        ("[track]\n1 = 2\n", r"it \[track.1\] has to be a section", "[track.1]"),
        ("[clip]\nmute = true\n", r'it \[clip."mute"\] has to be a section', "[clip."),
        ("step = [1]\n", r"it \[\[step\]\] number 1 has to be a section", "[[step]]"),
        ("[step]\nat = 1\n", "it: each step has a section of its own", "[[step]]"),
        ("[track.one]\nmute = true\n", r"it \[track.one\]: 'one' is no track", "FS 1"),
        ("[track.0]\nmute = true\n", r"it \[track.0\]: '0' is no track", "FS 1"),
        (
            "[clip.A003.mov]\nmute = true\n",
            r'it \[clip."A003"\]: mov is no control',
            '[clip."A003.mov"]',
        ),
        ("[cut]\nfloor = 3\n", "floor has to be a name", ""),
        ("[cut]\nfloor = '?gravel'\n", "floor has to be a name", ""),
        ("[cut]\nfloor = ''\n", "floor has to be a name", ""),
        ("[cut]\nweight = 29\n", "weight has to lie in 30 to 200", ""),
        ("[cut]\nweight = 200.5\n", "weight has to lie in 30 to 200", ""),
        ("[cut]\nweight = '80'\n", "weight has to be a number", ""),
        ("[cut]\nweight = true\n", "weight has to be a number", ""),
        ("[cut]\nfirmness = 1.01\n", "firmness has to lie in 0 to 1", ""),
        ("[cut]\nsteadiness = -0.1\n", "steadiness has to lie in 0 to 1", ""),
        ("[cut]\nlevel_db = nan\n", "level_db has to lie in -40 to 20", ""),
        ("[cut]\nlevel_db = -inf\n", "level_db has to lie in -40 to 20", ""),
        ("[cut]\nseed = -1\n", "seed has to lie in 0 to", ""),
        ("[cut]\nseed = 1.5\n", "seed has to be a whole number", ""),
        (f"[cut]\nlevel_db = 1{'0' * 400}\n", "level_db has to lie in", ""),
        (f"[cut]\nseed = 1{'0' * 5000}\n", "controls it are not TOML", ""),
        ("[cut]\nmute = 1\n", "mute has to be true or false", ""),
        ("[cut]\nspace = 'cathedral'\n", "unknown space 'cathedral'", "small-room"),
        ("[cut\n", "controls it are not TOML", ""),
        (f"x = {'[' * 3000}", "controls it are not TOML", ""),
        ("[[step]]\nmute = true\n", r"\[\[step\]\] number 1: at is missing", "01:00:03:12"),
        ("[[step]]\nat = 1\n[[step]]\nmute = true\n", "number 2: at is missing", ""),
        ("[[step]]\nat = -1\n", "at counts seconds from the cut's first frame", ""),
        ("[[step]]\nat = inf\n", "at counts seconds from the cut's first frame", ""),
        ("[[step]]\nat = true\n", "at has to be a timecode or seconds", "01:00:03:12"),
        ("[[step]]\nat = 01:00:03\n", "at has to be a timecode or seconds", "01:00:03:12"),
        ("[[step]]\nat = 'soon'\n", "number 1: not a timecode: 'soon'", "HH:MM:SS:FF"),
        ("[[step]]\nat = '01:00:00:25'\n", "does not exist at 25 frames", "frame rate"),
        ("[[step]]\nat = 1\nfoot = 'both'\n", "foot has to be left or right", ""),
        ("[[step]]\nat = 1\ntrack = 1.0\n", "'1.0' is no track", "FS 1"),
        ("[[step]]\nat = 1\nclip = 3\n", "clip has to be a clip's name", ""),
        ("[[step]]\nat = 1\nfoots = 'left'\n", "unknown control 'foots'", "'foot'"),
    ],
)
def test_what_is_wrong_in_toml_is_named(text: str, message: str, hint: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parse_toml(text, "it", CUT)
    assert hint in caught.value.hint


def test_words_are_checked_against_those_that_are_known_and_spelt_like_them() -> None:
    (rule,) = parse_toml("[cut]\nfloor = 'KITCHEN_tiles'\nshoe = 'Boot'\n", "it", CUT, KNOWN)
    assert rule.control == Control(floor="Kitchen_Tiles", shoe="boot")
    for name, known in (("floor", "concrete, wood, Kitchen_Tiles"), ("shoe", "leather, boot")):
        with pytest.raises(InputError, match=f"unknown {name} 'mud'") as caught:
            parse_toml(f"[cut]\n{name} = 'mud'\n", "it", CUT, KNOWN)
        assert known in caught.value.hint


@pytest.mark.parametrize(
    ("rate", "drop_frame", "start", "at", "frame"),
    [
        (PAL, False, "01:00:00:00", "01:00:03:12", 87),
        (FILM, False, "01:00:00:00", "01:00:03:12", 84),
        (NTSC, True, "01:00:00;00", "01:01:00;02", 1800),
        (NTSC, True, "01:00:00;00", "01:01:00:02", 1800),
        (NTSC, True, "00:59:00;02", "01:00:00;00", 1798),
        (NTSC, True, "01:00:00;00", "01:10:00.00", 17982),
        (NTSC, False, "01:00:00:00", "01:01:00:02", 1802),
        (PAL, False, "23:59:59:00", "00:00:01:00", 50),
        (NTSC, True, "23:59:59;00", "00:00:01;00", 60),
    ],
)
def test_timecodes_count_as_the_cut_counts(
    rate: Fraction, drop_frame: bool, start: str, at: str, frame: int
) -> None:
    timeline = cut(rate=rate, drop_frame=drop_frame, start=start)
    (beside,) = parse_toml(f"[[step]]\nat = '{at}'\nmute = true\n", "it", timeline)
    assert beside.target.at_s == frame / rate
    assert beside.target.within_s == 2 / rate
    assert parse_set(f"step.{at}.mute=true", timeline).target == beside.target


# ---- --set


@pytest.mark.parametrize(
    ("text", "target", "control", "words"),
    [
        ("floor=wood", Target(), Control(floor="wood"), "command line"),
        ("cut.floor = Wood", Target(), Control(floor="wood"), "command line"),
        ("track.1.shoe=boot", Target(track=1), Control(shoe="boot"), "command line track.1"),
        (
            "clip.A003*.mute=true",
            Target(clips=("A003*",)),
            Control(mute=True),
            "command line clip.A003*",
        ),
        (
            "clip.A=3.v2.mov.mute=no",
            Target(clips=("A=3.v2.mov",)),
            Control(mute=False),
            "command line clip.A=3.v2.mov",
        ),
        (
            "step.01:00:03:12.level_db=-3",
            Target(at_s=Fraction(87, 25), within_s=NEAR_S),
            Control(level_db=-3.0),
            "command line step.01:00:03:12",
        ),
        (
            "step.12.5.firmness=.25",
            Target(at_s=Fraction(25, 2), within_s=NEAR_S),
            Control(firmness=0.25),
            "command line step.12.5",
        ),
        ("STEP.3.Seed=+7", Target(at_s=Fraction(3), within_s=NEAR_S), Control(seed=7), None),
        ("lock=OFF", Target(), Control(lock=False), "command line"),
    ],
)
def test_every_form_of_set(text: str, target: Target, control: Control, words: str | None) -> None:
    rule = parse_set(text, CUT)
    assert (rule.target, rule.control) == (target, control)
    assert rule.origin.source is Source.COMMAND_LINE
    assert words in (None, rule.origin.words)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "--set '': no control is set", "--set floor=wood"),
        ("floor", "no control is set", "--set floor=wood"),
        ("=wood", "no control is set", "--set floor=wood"),
        ("floor=", "no control is set", "--set floor=wood"),
        ("flor=wood", "--set 'flor=wood': unknown control 'flor'", "'floor'"),
        ("reel.1.floor=wood", "'reel' is neither cut, track, clip nor step", "clip.NAME"),
        ("clip.mute=true", "which clip is not said", "clip.NAME"),
        ("clip..mute=true", "which clip is not said", "clip.NAME"),
        ("track.shoe=boot", "which track is not said", "track.1"),
        ("track.FS 1.shoe=boot", "'FS 1' is no track", "FS 1"),
        ("cut.reel1.floor=wood", "there is one cut", "--set floor=wood"),
        ("step.25:99.mute=true", "not a timecode: '25:99'", "HH:MM:SS:FF"),
        ("step.-3.mute=true", "not a timecode: '-3'", "HH:MM:SS:FF"),
        ("weight=heavy", "weight has to be a number", ""),
        ("weight=1e2", "weight has to be a number", ""),
        ("weight=nan", "weight has to be a number", ""),
        ("weight=20", "weight has to lie in 30 to 200", ""),
        ("seed=1.0", "seed has to be a whole number", ""),
        ("seed=-1", "seed has to lie in 0 to", ""),
        ("mute=perhaps", "mute has to be true or false", ""),
        ("space=moon", "unknown space 'moon'", "none, exterior, small-room, hall"),
        ("floor=?gravel", "floor has to be a name", ""),
    ],
)
def test_what_is_wrong_in_a_set_is_named(text: str, message: str, hint: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parse_set(text, CUT)
    assert hint in caught.value.hint


# ---- markers


@pytest.mark.parametrize(
    ("name", "target", "control"),
    [
        (
            "foley: floor=gravel shoe=boot",
            Target(clips=("id-A003C012",)),
            Control(floor="gravel", shoe="boot"),
        ),
        ("Foley clip: mute", Target(clips=("id-A003C012",)), Control(mute=True)),
        ("FOLEY CUT: FLOOR=WOOD", Target(), Control(floor="wood")),
        ("fs track 2: shoe=heel", Target(track=2), Control(shoe="heel")),
        ("  fs :mute,lock", Target(clips=("id-A003C012",)), Control(mute=True, lock=True)),
        (
            "foley step: mute",
            Target(at_s=Fraction(2), within_s=NEAR_S),
            Control(mute=True),
        ),
        (
            "foley cut: weight = 90; level_db =-3.5 mute=no",
            Target(),
            Control(weight=90.0, level_db=-3.5, mute=False),
        ),
        (
            'foley cut: floor = "red carpet" shoe=“work boot”',
            Target(),
            Control(floor="red carpet", shoe="work boot"),
        ),
    ],
)
def test_every_form_of_a_marker(name: str, target: Target, control: Control) -> None:
    for one in (marker(2, name), marker(2, "Marker 7", name), marker(2, name, name)):
        (rule,) = parse_markers(cut(clip("A003C012", 0, 10), markers=(one,)))
        assert (rule.target, rule.control) == (target, control)
        assert rule.origin.source is Source.MARKER
        assert rule.origin.words.startswith("marker 01:00:02:00")


def test_each_line_of_a_note_may_ask() -> None:
    note = "too dull here\nfoley cut: floor=wood\nfoley track 2: shoe=heel"
    rules = parse_markers(cut(markers=(marker(0, "Anna", note),)))
    assert [(one.target.kind, one.origin.words) for one in rules] == [
        (Kind.CUT, "marker 01:00:00:00 cut"),
        (Kind.TRACK, "marker 01:00:00:00 track 2"),
    ]


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("walk left", "person 0, heel, wood, -3.0 dB, confidence 0.90"),
        ("run right", "foley"),
        ("FS 1", ""),
        ("fs 2: too loud", ""),
        ("foley", "louder please"),
        ("foley notes: ask Anna", ""),
        ("unfoley: floor=wood", ""),
        ("see foley: floor=wood", ""),
        ("offs: floor=wood", ""),
        ("foley_ed: floor=wood", ""),
        ("", ""),
    ],
)
def test_other_markers_and_our_own_ask_nothing(name: str, note: str) -> None:
    assert parse_markers(cut(clip("a", 0, 1), markers=(marker(0, name, note),))) == ()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("foley:", "no control is set"),
        ("foley: please redo this", "'please' sets nothing"),
        ("foley: floor", "'floor' sets nothing"),
        ("foley: flor=wood", "unknown control 'flor'"),
        ("foley: floor=", "floor has to be a name"),
        ("foley: =wood", "unknown control ''"),
        ("foley: weight=500", "weight has to lie in 30 to 200"),
        ("foley: weight=80,5", "'5' sets nothing"),
        ("foley: floor=wood floor=tile", "floor is given twice"),
        ('foley: floor="red carpet', "'carpet' sets nothing"),
        ('foley: floor=""', "floor has to be a name"),
        ("foley: mute mute=false", "mute is given twice"),
        ("foley: space=moon", "unknown space 'moon'"),
        ("foley trakc 2: shoe=heel", "'trakc 2' says not whom"),
        ("foley track: shoe=heel", "'track' says not whom"),
        ("foley track 0: shoe=heel", "'track 0' says not whom"),
    ],
)
def test_a_marker_for_us_that_cannot_be_read_is_named_by_its_timecode(
    name: str, message: str
) -> None:
    timeline = cut(
        clip("a", 0, 100),
        markers=(marker(0, "walk left"), marker(1800 / NTSC, name)),
        rate=NTSC,
        drop_frame=True,
    )
    with pytest.raises(InputError, match=f"marker 01:01:00;02: {message}"):
        parse_markers(timeline)


def test_words_of_markers_and_sets_are_checked_too() -> None:
    with pytest.raises(InputError, match="marker 01:00:00:00: unknown shoe 'clog'"):
        parse_markers(cut(markers=(marker(0, "foley cut: shoe=clog"),)), KNOWN)
    with pytest.raises(InputError, match="unknown floor 'mud'"):
        parse_set("floor=mud", CUT, KNOWN)


def test_the_clips_seen_under_a_marker_are_meant() -> None:
    clips = (
        clip("below", 0, 10),
        clip("above", 4, 6, 2),
        clip("off", 0, 10, 3, enabled=False),
        clip("next", 9, 20),
    )
    frame_s = Fraction(1, 25)
    seen = {
        2: ("id-below",),
        4 - frame_s: ("id-below",),
        4: ("id-above",),
        6 - frame_s: ("id-above",),
        6: ("id-below",),
        Fraction(19, 2): ("id-below", "id-next"),
        10: ("id-next",),
        20: (),
    }
    for at_s, ids in seen.items():
        (rule,) = parse_markers(cut(*clips, markers=(marker(at_s, "foley: mute"),)))
        assert rule.target == Target(clips=ids), at_s


def test_a_marker_a_rounding_before_a_cut_belongs_to_the_frame_after_it() -> None:
    edge_s = 100 / FILM
    clips = (
        clip("a", 0, edge_s),
        clip("b", edge_s, 2 * edge_s),
    )
    late = marker(edge_s - Fraction(1, 10**6), "foley: mute")
    (rule,) = parse_markers(cut(*clips, markers=(late,), rate=FILM))
    assert rule.target.clips == ("id-b",)


def test_what_is_seen_in_the_middle_of_the_markers_frame_is_meant() -> None:
    # Cuts that a retimed timeline has put inside of frames 10 and 20.
    early_s, late_s = Fraction(102, 250), Fraction(208, 250)
    clips = (clip("a", 0, early_s), clip("b", early_s, late_s), clip("c", late_s, 2))
    for frame, meant in ((10, "id-b"), (20, "id-b"), (21, "id-c")):
        timeline = cut(*clips, markers=(marker(Fraction(frame, 25), "foley: mute"),))
        assert parse_markers(timeline)[0].target.clips == (meant,)


def test_a_marker_before_midnight_is_still_named() -> None:
    timeline = cut(markers=(marker(-1, "foley: x"),), start="00:00:00:00")
    with pytest.raises(InputError, match="marker -00:00:01:00: 'x' sets nothing"):
        parse_markers(timeline)


# ---- whatever comes in, only InputError comes out

_PIECES = st.sampled_from(
    ("foley", "fs", "cut", "track", "clip", "step", "[cut]", "[[step]]", "[track.1]", "A*",
     "floor", "seed", "mute", "weight", "level_db", "at", "foot", "true", "nan", "-3", "1", "٣",
     "01:00:03:12", "9" * 30, ".", ":", "=", "[", "]", "{", "}", ",", "'", '"', "\0", " ", "\n")
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=60), st.lists(_PIECES, max_size=12).map("".join))


@given(TEXTS)
def test_any_set_is_read_or_refused(text: str) -> None:
    try:
        rule = parse_set(text, CUT)
    except InputError:
        return
    assert len(rule.control.given()) == 1


@given(TEXTS)
def test_any_toml_is_read_or_refused(text: str) -> None:
    try:
        rules = parse_toml(text, "it", CUT)
    except InputError:
        return
    assert all(one.control.given() for one in rules)


@given(TEXTS, TEXTS, st.sampled_from([PAL, FILM, NTSC]))
def test_any_marker_is_read_or_refused(name: str, note: str, rate: Fraction) -> None:
    markers = (marker(1, f"foley {name}"), marker(1, f"foley: {note}"), marker(1, name, note))
    try:
        rules = parse_markers(cut(clip("a", 0, 2), markers=markers, rate=rate))
    except InputError:
        return
    assert all(one.control.given() for one in rules)


@given(
    st.builds(
        Control,
        floor=st.none() | st.from_regex(r"[a-z][a-z0-9_.+-]{0,20}", fullmatch=True),
        weight=st.none() | st.integers(30, 200).map(float),
        firmness=st.none() | st.integers(0, 100).map(lambda n: n / 100),
        level_db=st.none() | st.integers(-400, 200).map(lambda n: n / 10),
        space=st.none() | st.sampled_from(["none", "exterior", "small-room", "hall"]),
        seed=st.none() | st.integers(0, 10**18 - 1),
        mute=st.none() | st.booleans(),
        lock=st.none() | st.booleans(),
    ).filter(lambda control: control != Control())
)
def test_a_marker_says_whatever_can_be_asked(control: Control) -> None:
    asked = " ".join(f"{name}={value}" for name, value in control.given().items())
    (rule,) = parse_markers(cut(markers=(marker(0, f"foley cut: {asked}"),)))
    assert rule.control == control
