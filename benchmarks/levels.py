"""How loud tracks come out: random cuts through synthesis and mix, measured on the written files.

    python benchmarks/levels.py [--cuts 200] [--seed 0]

Every cut has one to four clips of one to three people, on a random floor, in a random shoe and
room, with random sizes and actions; the target is -38 LUFS (background: -46), the ceiling -6 dBTP.
Each track is put together from what its files hold and measured.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from dataclasses import replace
from fractions import Fraction

import numpy as np
import soundfile
from sound import delivery_of_nothing, made_clip, made_up, session_of, timeline_of

from otio_foley.config import Settings
from otio_foley.library.own import OwnLibrary
from otio_foley.library.rendering import SHIPPED
from otio_foley.library.shelf import Shelf
from otio_foley.mix.meters import short_term_max_lufs, true_peak_dbtp
from otio_foley.mix.space import SPACES
from otio_foley.playing import Shown
from otio_foley.sounding import cast_clip, sound_clip
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.grounds import GROUNDS
from otio_foley.synthesis.shoes import SHOES
from otio_foley.tracks import Tracks
from otio_foley.types import Audio

_ACTIONS = ("walk", "walk", "walk", "run", "tiptoe", "stairs", "land")


def levels(rng: np.random.Generator, library: Shelf) -> list[tuple[float, float, bool]]:
    """Loudness beside the target (LU) and true peak (dBTP) of each track of one cut, and whether
    the ceiling held it."""
    settings = Settings()
    length_s = int(rng.integers(3, 9))
    clips = tuple(made_clip(n, length_s) for n in range(int(rng.integers(1, 5))))
    timeline = timeline_of(clips)
    with delivery_of_nothing() as (cut, delivery):
        session = session_of(
            cut,
            timeline,
            library,
            floor=str(rng.choice(list(GROUNDS))),
            shoe=str(rng.choice(list(SHOES))),
            space=str(rng.choice(list(SPACES))),
        )
        tracks = Tracks(timeline=timeline, cut=cut, settings=settings.output, delivery=delivery)
        for clip in clips:
            seen = made_up(length_s, int(rng.integers(2**31)), people=int(rng.integers(1, 4)))
            seen = replace(
                seen,
                steppers=tuple(
                    replace(
                        one,
                        actions=(str(rng.choice(_ACTIONS)),) * len(one.actions),
                        silhouette_area=one.silhouette_area * float(rng.uniform(0.3, 3.0)),
                    )
                    for one in seen.steppers
                ),
            )
            shown = Shown(
                clip=clip, spans=(clip.record,), media_start_s=Fraction(0),
                fingerprint=str(rng.integers(2**31)),
            )  # fmt: skip
            cast = cast_clip(shown, seen, session)
            assert cast is not None
            for sounded in sound_clip(cast, session):
                tracks.add(sounded)
        delivered = tracks.deliver()
        found = []
        for number in sorted({stem.track for stem in delivered.stems}):
            own = [stem for stem in delivered.stems if stem.track == number]
            whole = np.zeros((length_s * len(clips) * SAMPLE_RATE_HZ, 1), np.float32)
            for stem in own:
                samples, _ = soundfile.read(
                    delivery.staged(stem.path.name), dtype="float32", always_2d=True
                )
                first = round(stem.in_s * SAMPLE_RATE_HZ)
                count = round(stem.record.duration_s * SAMPLE_RATE_HZ)
                at = round(stem.record.start_s * SAMPLE_RATE_HZ)
                whole[at : at + count] += samples[first : first + count]
            audio = Audio(samples=whole, sample_rate_hz=SAMPLE_RATE_HZ)
            held = any(note.startswith(f"FS {number}:") for note in delivered.notes)
            target = settings.output.track_lufs
            if number > settings.output.principals:
                target += settings.output.background_lu
            found.append((short_term_max_lufs(audio) - target, true_peak_dbtp(audio), held))

    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    library = Shelf(own=OwnLibrary(variants=SHIPPED))
    found = [one for _ in range(given.cuts) for one in levels(rng, library)]
    off = np.array([lu for lu, _, held in found if not held])
    peaks = np.array([peak for _, peak, _ in found])
    print("| cuts | tracks | held by the ceiling | worst off the target LU | highest peak dBTP |")
    print("| --- | --- | --- | --- | --- |")
    print(
        f"| {given.cuts} | {len(found)} | {len(found) - len(off)} | {np.abs(off).max():.2f} "
        f"| {peaks.max():.2f} |"
    )


if __name__ == "__main__":
    main()
