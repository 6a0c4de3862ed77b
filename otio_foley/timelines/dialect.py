"""Where hosts disagree about one format: for which of them footsteps are written, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from otio_foley.errors import WouldLoseData
from otio_foley.types import Host as Host
from otio_foley.types import LevelRides as LevelRides

#: Where level automation is known to survive the import: a format's own host. Elsewhere it may be
#: dropped without a word (Resolve does so with FCPXML), so the level is baked into the sound.
_RIDES: Mapping[str, frozenset[Host]] = {
    "fcpxml": frozenset({"finalcut"}),
    "fcpxmld": frozenset({"finalcut"}),
    "xmeml": frozenset({"premiere"}),
    "aaf": frozenset({"protools"}),
}

#: Formats that hold no level at all.
_LEVELLESS = frozenset({"edl"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """For which host footsteps are written. `separate`: into a list of their own, where a format
    has no tracks to put them on (EDL); the cut itself then stays as it was."""

    host: Host = "generic"
    separate: bool = False


GENERIC = Dialect()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """A file beside the result for what the format, or its host, does not hold.

    `suffix` is appended to the result's stem (`_foley.edl`); `holds` says in words what is in it.
    """

    suffix: str
    content: bytes
    holds: str


def level_rides(format_name: str, host: Host, asked: LevelRides | None) -> LevelRides:
    """Automation or baked: what was asked for, else what the host keeps.

    Raises WouldLoseData where automation is asked of a format that holds none.
    """
    if asked == "automation" and format_name in _LEVELLESS:
        raise WouldLoseData(
            f"{format_name} holds no level automation",
            hint="leave the level in the sound (--level-rides baked), or export another format",
        )
    if asked is not None:
        return asked
    return "automation" if host in _RIDES.get(format_name, frozenset()) else "baked"
