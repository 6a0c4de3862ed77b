"""The sounds of a run, until it is known how loud each track is; then they are brought to its
target, limited, and delivered.

Sounds wait on the disk: a season's reel does not fit into memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from otio_foley.config import OutputSettings
from otio_foley.delivery import PREVIEW, STEP, TRACK, Delivery, sound_name
from otio_foley.media.sound import BroadcastWave
from otio_foley.mix.limit import limit_true_peak
from otio_foley.mix.loudness import LevelPoint, levelled_blocks
from otio_foley.mix.meters import integrated_lufs, short_term_max_lufs, true_peak_dbtp
from otio_foley.mix.track import (
    Energies,
    clip_energies,
    gain_to_target,
    heard_part,
    integrated_lufs_of,
    track_short_term_max_lufs,
)
from otio_foley.preview import PlacedSound, write_preview
from otio_foley.report import Beside, Step
from otio_foley.sounding import SoundedClip
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.performance import Note, play
from otio_foley.time import samples_from_seconds
from otio_foley.types import Audio, SampleArray, StemClip, Timeline

#: What a step's own file holds before its contact, and how long the longest may be.
_STEP_LEAD_S: Final = 0.05
_STEP_LENGTH_S: Final = 2.5
_EDGE_FADE_S: Final = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """A sound on the disk: how loud the file is, and what is heard of it on the timeline."""

    sounded: SoundedClip
    path: Path
    file: Energies
    heard: Energies
    true_peak_dbtp: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The clips as the timeline gets them, the sounds beside their own (each with what it holds),
    and what a person ought to know."""

    stems: tuple[StemClip, ...]
    files: tuple[Beside, ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class Tracks:
    """All tracks of a cut. Give every clip to `add`, then call `deliver`. `production` is the
    sound of the clips' own media, for a preview."""

    timeline: Timeline
    cut: Path
    settings: OutputSettings
    delivery: Delivery
    production: list[PlacedSound] = field(default_factory=list)
    _waiting: list[_Waiting] = field(default_factory=list)
    _files: list[Beside] = field(default_factory=list)
    _notes: list[str] = field(default_factory=list)

    def add(self, sounded: SoundedClip) -> None:
        """Take a clip's sound. Raises OutputError where the disk does not take it."""
        stem, audio = sounded.stem, sounded.audio
        path = self.delivery.scratch(f"{len(self._waiting)}.npy")
        np.save(path, audio.samples)
        start = samples_from_seconds(stem.record.start_s, SAMPLE_RATE_HZ)
        count, before = _heard_samples(stem), samples_from_seconds(stem.in_s, SAMPLE_RATE_HZ)
        file = clip_energies(audio, start_sample=start - before)
        heard = heard_part(file, start, start + count)
        if stem.automation:
            heard = clip_energies(
                audio, start_sample=start, first=before, count=count, levels=_curve(stem)
            )
        # A copy, for a view of nothing would keep all of the sound.
        nothing = replace(audio, samples=audio.samples[:0].copy())
        self._waiting.append(
            _Waiting(
                sounded=replace(sounded, audio=nothing),
                path=path,
                file=file,
                heard=heard,
                true_peak_dbtp=true_peak_dbtp(audio),
            )
        )

    def deliver(self) -> Delivered:
        """Write all sounds, each track at its target."""
        gains_db = self._gains_db()
        if self.settings.step_files:
            self._step_files(gains_db)
        stems = [self._delivered(one, gains_db[one.sounded.stem.track]) for one in self._waiting]
        if self.settings.track_stems:
            self._whole_tracks(stems)
        if self.settings.preview and stems:
            self._preview(stems)
        return Delivered(
            stems=tuple(stems), files=tuple(self._files), notes=tuple(dict.fromkeys(self._notes))
        )

    def _gains_db(self) -> Mapping[int, float]:
        energies: dict[int, list[Energies]] = defaultdict(list)
        behind: dict[int, bool] = defaultdict(lambda: True)
        for one in self._waiting:
            track = one.sounded.stem.track
            energies[track].append(one.heard)
            behind[track] &= one.sounded.background
        settings = self.settings
        return {
            track: gain_to_target(
                own, settings.track_lufs + (settings.background_lu if behind[track] else 0.0)
            )
            for track, own in energies.items()
        }

    def _delivered(self, one: _Waiting, gain_db: float) -> StemClip:
        stem = one.sounded.stem
        gain_db += one.sounded.level_db
        audio = Audio(samples=np.load(one.path), sample_rate_hz=SAMPLE_RATE_HZ)
        one.path.unlink()
        audio.samples[:] *= np.float32(10 ** (gain_db / 20))
        if one.true_peak_dbtp + gain_db > self.settings.true_peak_dbtp:
            limit_true_peak(audio, self.settings.true_peak_dbtp)
            wave = measured(one.sounded.wave, audio)
            self._notes.append(
                f"FS {stem.track}: steps are held below {self.settings.true_peak_dbtp:g} dBTP, so "
                "that the track may be softer than asked"
            )
        else:
            # A gain alone moves all meters by as much.
            wave = replace(
                one.sounded.wave,
                integrated_lufs=_finite(integrated_lufs_of(one.file) + gain_db),
                short_term_max_lufs=_finite(track_short_term_max_lufs([one.file]) + gain_db),
                true_peak_dbtp=_finite(one.true_peak_dbtp + gain_db),
            )
        self.delivery.add_sound(stem.path.name, audio, wave)
        provenance = {**stem.provenance, "track_gain_db": round(gain_db, 2)}
        return replace(stem, provenance=provenance)

    # ---- beside the clips' own files

    def _step_files(self, gains_db: Mapping[int, float]) -> None:
        """A file for each step, without level curve and room: raw material for an editor."""
        for one in self._waiting:
            stem, number = one.sounded.stem, 0
            start = samples_from_seconds(stem.file_start_s, SAMPLE_RATE_HZ)
            for notes in one.sounded.notes:
                for step in _by_step(notes):
                    number += 1
                    lead = min(step[0].at, round(_STEP_LEAD_S * SAMPLE_RATE_HZ))
                    first = step[0].at - lead
                    audio = _step_audio(step, first)
                    gain_db = gains_db[stem.track] + one.sounded.level_db
                    audio.samples[:] *= np.float32(10 ** (gain_db / 20))
                    limit_true_peak(audio, self.settings.true_peak_dbtp)
                    name = sound_name(
                        f"{STEP} {number:03}", self.cut, f"{stem.track}{stem.clip_id}"
                    )
                    wave = replace(one.sounded.wave, time_reference=start + first)
                    self.delivery.add_sound(name, audio, measured(wave, audio))
                    said = one.sounded.steps[number - 1] if len(one.sounded.notes) == 1 else None
                    self._beside(name, f"step of FS {stem.track}", said)

    def _whole_tracks(self, stems: Sequence[StemClip]) -> None:
        """One file a track from the cut's first frame to its last, level curves laid on."""
        for track in sorted({stem.track for stem in stems}):
            own = [stem for stem in stems if stem.track == track]
            end_s = max(clip.record.end_s for clip in self.timeline.clips)
            length = samples_from_seconds(end_s, SAMPLE_RATE_HZ)
            channels = max(stem.channels for stem in own)
            path = self.delivery.scratch(f"track{track}.f32")
            samples = np.memmap(path, dtype=np.float32, mode="w+", shape=(length, channels))
            for stem in own:
                self._lay(samples, stem)
            audio = Audio(samples=samples, sample_rate_hz=SAMPLE_RATE_HZ)
            name = sound_name(f"{TRACK} {track}", self.cut, f"{track:012}")
            wave = BroadcastWave(
                track_name=f"FS {track}",
                time_reference=samples_from_seconds(self.timeline.start_s, SAMPLE_RATE_HZ),
                description=f"Generated footsteps, track FS {track}",
                project=self.timeline.name or self.cut.stem,
                timecode_rate=f"{self.timeline.frame_rate.numerator}/"
                f"{self.timeline.frame_rate.denominator}",
                timecode_drop_frame=self.timeline.drop_frame,
            )
            self.delivery.add_sound(name, audio, measured(wave, audio))
            self._beside(name, f"all of FS {track}")
            del samples, audio
            path.unlink()

    def _lay(self, samples: SampleArray, stem: StemClip) -> None:
        """Add what the timeline plays of a clip to a track (N, C)."""
        import soundfile

        first = samples_from_seconds(stem.in_s, SAMPLE_RATE_HZ)
        count = _heard_samples(stem)
        read, _ = soundfile.read(
            self.delivery.staged(stem.path.name), start=first, frames=count, dtype="float32",
            always_2d=True,
        )  # fmt: skip
        heard = Audio(samples=read, sample_rate_hz=SAMPLE_RATE_HZ)
        _fade_edges(read)
        at = samples_from_seconds(stem.record.start_s, SAMPLE_RATE_HZ)
        for begin, block in levelled_blocks(heard, _curve(stem), start_s=0.0):
            here = samples[at + begin : at + begin + len(block)]
            here += block[: len(here)]

    def _preview(self, stems: Sequence[StemClip]) -> None:
        """The footsteps as they are heard, over the sound that the cut has."""
        name = sound_name(PREVIEW, self.cut, "0" * 12)
        footsteps = [
            PlacedSound(
                path=self._as_heard(stem, number),
                start_s=float(stem.record.start_s),
                in_s=0.0,
                duration_s=float(stem.record.duration_s),
            )
            for number, stem in enumerate(stems)
        ]
        end_s = max(clip.record.end_s for clip in self.timeline.clips)
        mixed = write_preview(
            self.production,
            footsteps,
            self.delivery.staged(name),
            start_s=0.0,
            duration_s=float(end_s),
        )
        self.delivery.add_written(name)
        for sound in footsteps:
            sound.path.unlink()
        self._notes += [f"not in the preview: {reason}" for reason in mixed.unheard]
        self._beside(name, "a preview with the cut's own sound")

    def _as_heard(self, stem: StemClip, number: int) -> Path:
        """A file of what the timeline plays of a clip, its level ridden and its edges faded."""
        import soundfile

        path = self.delivery.scratch(f"heard{number}.wav")
        samples = np.zeros((_heard_samples(stem), stem.channels), np.float32)
        self._lay(samples, replace(stem, record=replace(stem.record, start_s=Fraction(0))))
        soundfile.write(path, samples, SAMPLE_RATE_HZ, subtype="FLOAT", format="WAV")
        return path

    def _beside(self, name: str, holds: str, step: Step | None = None) -> None:
        if step is not None:
            holds += f": {step.action} {step.foot}, person {step.person}, {step.floor}"
        self._files.append(Beside(path=self.delivery.audio_dir / name, holds=holds))


def _fade_edges(samples: SampleArray) -> None:
    """Fade a clip's first and last 5 ms in place: a tail that is cut off clicks."""
    fade = min(round(_EDGE_FADE_S * SAMPLE_RATE_HZ), len(samples) // 2)
    ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)[:, None]
    samples[:fade] *= ramp
    samples[len(samples) - fade :] *= ramp[::-1]


def measured(wave: BroadcastWave, audio: Audio) -> BroadcastWave:
    """What a file says of itself, with its loudness and peak."""
    return replace(
        wave,
        integrated_lufs=_finite(integrated_lufs(audio)),
        short_term_max_lufs=_finite(short_term_max_lufs(audio)),
        true_peak_dbtp=_finite(true_peak_dbtp(audio)),
    )


def _finite(level: float) -> float | None:
    return level if np.isfinite(level) else None


def _heard_samples(stem: StemClip) -> int:
    first = samples_from_seconds(stem.record.start_s, SAMPLE_RATE_HZ)
    return samples_from_seconds(stem.record.end_s, SAMPLE_RATE_HZ) - first


def _curve(stem: StemClip) -> tuple[LevelPoint, ...]:
    """The level that the host rides, from the clip's first frame on."""
    return tuple(
        LevelPoint(time_s=float(time_s), level_db=level_db) for time_s, level_db in stem.automation
    )


def _by_step(notes: Sequence[Note]) -> list[list[Note]]:
    """Notes of each step, in time order; those of a step follow its first one."""
    steps: dict[int, list[Note]] = defaultdict(list)
    for note in notes:
        steps[note.step].append(note)
    return [steps[number] for number in sorted(steps)]


def _step_audio(notes: Sequence[Note], first: int) -> Audio:
    """The sound of one step alone, from sample `first` of its clip's file on."""
    moved = [replace(note, at=note.at - first) for note in notes]
    audio = play(moved, round(_STEP_LENGTH_S * SAMPLE_RATE_HZ))
    sounding = np.flatnonzero(audio.samples[:, 0])
    end = int(sounding[-1]) + 1 if len(sounding) else 1
    return Audio(samples=audio.samples[:end].copy(), sample_rate_hz=SAMPLE_RATE_HZ)
