"""What is on the foot, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from otio_foley.synthesis.friction import Creak


@dataclass(frozen=True, slots=True, kw_only=True)
class Shoe:
    """A shoe.

    `contact_ms` is how long its heel stays compressed on a rigid floor (a soft sole is slow and
    dull), `brightness_hz` the corner of the noise that its sole makes, `scuff` how readily it
    rubs (1 = leather), `weight` the heft of the thump below 120 Hz (1 = leather),
    `modes_hz` the resonances of sole and heel with `modes_t60_s` and `modes_db` (relative to the
    floor's own, which are about 0); `creak` what leather and rubber say under load.
    """

    name: str
    contact_ms: float
    brightness_hz: float
    scuff: float
    weight: float
    modes_hz: tuple[float, ...]
    modes_t60_s: tuple[float, ...]
    modes_db: tuple[float, ...]
    creak: Creak | None = None


_TABLE = (
    Shoe(name="sneaker", contact_ms=3.2, brightness_hz=2600, scuff=1.3, weight=0.9,
         modes_hz=(185, 430, 890), modes_t60_s=(0.060, 0.035, 0.020), modes_db=(-4, -7, -10),
         creak=Creak(chance=0.12, level_db=-17, jumps_hz=(420, 900), length_s=(0.02, 0.06),
                     modes=((1250, 0.010, 0), (2300, 0.008, -4)))),
    Shoe(name="leather", contact_ms=1.6, brightness_hz=4800, scuff=1.0, weight=1.0,
         modes_hz=(240, 610, 1350), modes_t60_s=(0.060, 0.040, 0.025), modes_db=(-4, -4, -6),
         creak=Creak(chance=0.25, level_db=-20, jumps_hz=(70, 190), length_s=(0.05, 0.16),
                     modes=((620, 0.012, 0), (1400, 0.008, -3), (2900, 0.005, -8)))),
    Shoe(name="heel", contact_ms=0.7, brightness_hz=7500, scuff=0.6, weight=0.6,
         modes_hz=(420, 1150, 2400), modes_t60_s=(0.050, 0.040, 0.030), modes_db=(-6, -2, -2)),
    Shoe(name="boot", contact_ms=2.2, brightness_hz=3600, scuff=1.1, weight=1.6,
         modes_hz=(130, 320, 760), modes_t60_s=(0.080, 0.060, 0.035), modes_db=(-2, -4, -8),
         creak=Creak(chance=0.35, level_db=-18, jumps_hz=(50, 140), length_s=(0.06, 0.20),
                     modes=((420, 0.015, 0), (980, 0.010, -3), (2100, 0.006, -8)))),
    Shoe(name="barefoot", contact_ms=5.5, brightness_hz=1700, scuff=0.7, weight=0.8,
         modes_hz=(110, 290, 640), modes_t60_s=(0.050, 0.030, 0.015), modes_db=(-3, -6, -12)),
)  # fmt: skip

SHOES: Final[Mapping[str, Shoe]] = MappingProxyType({shoe.name: shoe for shoe in _TABLE})


def shoe(name: str) -> Shoe:
    """The shoe of that name; raises ValueError naming those that exist."""
    try:
        return SHOES[name]
    except KeyError:
        raise ValueError(f"no shoe {name!r}; there are {', '.join(SHOES)}") from None
