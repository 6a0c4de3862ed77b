"""The floors, as a table: what each is made of and how loud it is.

Every floor is a mixture of at most three things: a solid that rings, grains that crumble, a
liquid that splashes. `*_db` of a part is its share of a step's energy. A new floor is a new value
here and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from otio_foley.synthesis.aggregate import Grains
from otio_foley.synthesis.friction import Creak
from otio_foley.synthesis.liquid import Splash
from otio_foley.synthesis.solid import Solid


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A floor.

    `level_db` is how much softer (negative) than an ordinary hard floor a walk on it is;
    `calibration_db` brings a walk to -38 LUFS + `level_db` (short-term maximum) and is what
    `calibration.calibrate` returns; `tail_s` how long it sounds after the force has gone.
    """

    name: str
    level_db: float
    calibration_db: float
    tail_s: float
    solid: Solid | None = None
    solid_db: float = 0.0
    grains: Grains | None = None
    grains_db: float = 0.0
    liquid: Splash | None = None
    liquid_db: float = 0.0
    creak: Creak | None = None

    @property
    def roll_db(self) -> float:
        """How much softer than the heel's strike the rest of the step is: on a solid the forefoot
        comes down with a tenth of the energy, grains break all through the roll."""
        shares = [
            (self.solid, self.solid_db, _ROLL_SHARE_SOLID),
            (self.grains, self.grains_db, _ROLL_SHARE_GRAINS),
            (self.liquid, self.liquid_db, _ROLL_SHARE_LIQUID),
        ]
        parts = [(10 ** (db / 10), share) for part, db, share in shares if part is not None]
        whole = sum(power for power, _ in parts)
        rolled = sum(power * share for power, share in parts) / whole
        return 10 * math.log10(rolled / (1 - rolled))


# Of a walking step's energy, what comes after the heel's strike: from walks rendered whole.
_ROLL_SHARE_SOLID: Final = 0.12
_ROLL_SHARE_GRAINS: Final = 0.50
_ROLL_SHARE_LIQUID: Final = 0.35

_TABLE = (
    # Stiff and massive: it hardly rings, what sounds is the shoe; a little grit.
    Ground(
        name="concrete", level_db=0.0, calibration_db=3.18, tail_s=0.15,
        solid=Solid(
            contact_ms=0.5, brightness_hz=4200, contact_db=-1, thump_db=-9,
            modes=((165, 0.070, -2), (340, 0.055, -1), (720, 0.040, -4), (1480, 0.022, -8),
                   (2900, 0.012, -12)),
        ),
        grains=Grains(
            rate_hz=500, system_decay_s=0.015, grain_decay_s=0.0004,
            resonances=((3200, 1.5, 0), (6000, 1.5, -4)), spread=0.3, roll=0.15, size_spread=0.8,
        ),
        grains_db=-17,
    ),
    # Boards over joists: panel modes between 80 and 400 Hz that ring, some creak above.
    Ground(
        name="wood", level_db=0.0, calibration_db=3.06, tail_s=0.30,
        solid=Solid(
            contact_ms=1.4, brightness_hz=3200, contact_db=-7, thump_db=-9,
            modes=((92, 0.20, -1), (138, 0.18, 0), (205, 0.16, 0), (287, 0.13, -2),
                   (390, 0.11, -4), (610, 0.08, -8), (930, 0.06, -11), (1500, 0.04, -16)),
        ),
    ),
    # Thin, hard, bonded: bright clicks above 1 kHz, short body.
    Ground(
        name="tile", level_db=0.0, calibration_db=2.76, tail_s=0.20,
        solid=Solid(
            contact_ms=0.3, brightness_hz=9000, contact_db=-3, thump_db=-12,
            modes=((270, 0.060, -6), (560, 0.060, -4), (1120, 0.060, -1), (1870, 0.055, 0),
                   (2740, 0.045, -2), (3900, 0.035, -5), (5600, 0.022, -9)),
        ),
    ),
    # Everything above the thump is swallowed; pile brushes.
    Ground(
        name="carpet", level_db=-3.0, calibration_db=0.92, tail_s=0.12,
        solid=Solid(
            contact_ms=6.0, brightness_hz=900, contact_db=-14, thump_db=-1,
            modes=((88, 0.060, 0), (150, 0.045, -1), (260, 0.030, -6), (480, 0.018, -13)),
        ),
        grains=Grains(
            rate_hz=6000, system_decay_s=0.030, grain_decay_s=0.0012,
            resonances=((700, 0.8, 0), (1600, 0.8, -6)), spread=0.3, roll=0.25, size_spread=0.5,
        ),
        grains_db=-17,
    ),
    # Stones of a centimetre shift and click against one another.
    Ground(
        name="gravel", level_db=0.0, calibration_db=2.31, tail_s=0.30,
        solid=Solid(
            contact_ms=3.0, brightness_hz=2500, contact_db=-8, thump_db=-2,
            modes=((110, 0.06, 0), (230, 0.05, -3), (480, 0.03, -6)),
        ),
        solid_db=-7,
        grains=Grains(
            rate_hz=2200, system_decay_s=0.070, grain_decay_s=0.0012,
            resonances=((1300, 2.5, 0), (2600, 3.0, -1), (4800, 3.0, -5)),
            spread=0.30, roll=0.9, size_spread=1.0,
        ),
    ),
    # Blades brush past the shoe over soft soil.
    Ground(
        name="grass", level_db=-3.0, calibration_db=-0.55, tail_s=0.25,
        solid=Solid(
            contact_ms=8.0, brightness_hz=900, contact_db=-12, thump_db=0,
            modes=((80, 0.07, 0), (140, 0.05, -2), (260, 0.03, -6)),
        ),
        solid_db=-5,
        grains=Grains(
            rate_hz=5000, system_decay_s=0.060, grain_decay_s=0.0022,
            resonances=((1300, 0.8, 0), (3000, 0.9, -2)), spread=0.35, roll=0.9, size_spread=0.7,
        ),
    ),
    # Fine grains squeeze and slide.
    Ground(
        name="sand", level_db=-2.0, calibration_db=0.63, tail_s=0.20,
        solid=Solid(
            contact_ms=9.0, brightness_hz=1200, contact_db=-8, thump_db=-2,
            modes=((95, 0.05, 0), (190, 0.04, -2), (380, 0.03, -5)),
        ),
        solid_db=-19,
        grains=Grains(
            rate_hz=9000, system_decay_s=0.045, grain_decay_s=0.0010,
            resonances=((560, 1.0, 0), (1130, 1.2, 0), (2200, 1.0, -10)),
            spread=0.2, roll=0.7, size_spread=0.5,
        ),
    ),
    # Crystals break all through the roll; low groan of compaction.
    Ground(
        name="snow", level_db=-2.0, calibration_db=1.02, tail_s=0.20,
        solid=Solid(
            contact_ms=12.0, brightness_hz=700, contact_db=-10, thump_db=3,
            modes=((85, 0.08, 0), (150, 0.07, -1), (250, 0.05, -2), (420, 0.04, -5)),
        ),
        solid_db=-4,
        grains=Grains(
            rate_hz=2600, system_decay_s=0.080, grain_decay_s=0.0030,
            resonances=((210, 1.2, 0), (450, 1.5, -3), (1100, 1.5, -18), (3000, 1.0, -22)),
            spread=0.3, roll=1.6, size_spread=0.9,
        ),
    ),
    # Plate: long inharmonic ring.
    Ground(
        name="metal", level_db=0.0, calibration_db=2.99, tail_s=0.60,
        solid=Solid(
            contact_ms=0.6, brightness_hz=6000, contact_db=-3, thump_db=-12,
            modes=((118, 0.35, -2), (211, 0.40, -1), (347, 0.45, 0), (522, 0.42, -1),
                   (768, 0.36, -2), (1090, 0.30, -4), (1610, 0.24, -6), (2390, 0.18, -9),
                   (3480, 0.12, -13)),
        ),
    ),
    # Concrete's brother, rougher and a little softer.
    Ground(
        name="asphalt", level_db=0.0, calibration_db=3.17, tail_s=0.15,
        solid=Solid(
            contact_ms=0.9, brightness_hz=3200, contact_db=0, thump_db=-8,
            modes=((150, 0.055, -1), (310, 0.045, -2), (640, 0.030, -6), (1250, 0.018, -10)),
        ),
        grains=Grains(
            rate_hz=1500, system_decay_s=0.025, grain_decay_s=0.0005,
            resonances=((2300, 1.5, 0), (4500, 1.5, -3)), spread=0.3, roll=0.3, size_spread=0.9,
        ),
        grains_db=-13,
    ),
    # Polished slab: like tile, lower and longer.
    Ground(
        name="marble", level_db=0.0, calibration_db=3.00, tail_s=0.25,
        solid=Solid(
            contact_ms=0.25, brightness_hz=8000, contact_db=-6, thump_db=-9,
            modes=((210, 0.080, -4), (430, 0.085, -2), (870, 0.080, 0), (1500, 0.075, -1),
                   (2350, 0.060, -4), (3600, 0.045, -8), (5100, 0.030, -12)),
        ),
    ),
    # Packed soil: dull thud, loose crumbs.
    Ground(
        name="dirt", level_db=-1.0, calibration_db=2.18, tail_s=0.18,
        solid=Solid(
            contact_ms=4.5, brightness_hz=1400, contact_db=-9, thump_db=0,
            modes=((90, 0.07, 0), (160, 0.06, -1), (300, 0.04, -4), (560, 0.025, -9)),
        ),
        solid_db=-2,
        grains=Grains(
            rate_hz=2500, system_decay_s=0.040, grain_decay_s=0.0009,
            resonances=((1100, 1.2, 0), (2600, 1.2, -5)), spread=0.35, roll=0.6, size_spread=1.0,
        ),
        grains_db=-6,
    ),
    # Dry leaves: sparse, sharp, bright crackle.
    Ground(
        name="leaves", level_db=-1.0, calibration_db=1.27, tail_s=0.30,
        solid=Solid(
            contact_ms=8.0, brightness_hz=1200, contact_db=-10, thump_db=-1,
            modes=((85, 0.06, 0), (170, 0.05, -3)),
        ),
        solid_db=-9,
        grains=Grains(
            rate_hz=1300, system_decay_s=0.075, grain_decay_s=0.0018,
            resonances=((1700, 1.0, -1), (3700, 1.2, 0), (6800, 1.2, -5)),
            spread=0.35, roll=1.4, size_spread=1.2,
        ),
    ),
    # A puddle over hard ground.
    Ground(
        name="water", level_db=0.0, calibration_db=2.57, tail_s=0.90,
        solid=Solid(
            contact_ms=5.0, brightness_hz=1500, contact_db=-8, thump_db=-2,
            modes=((120, 0.05, 0), (260, 0.04, -2), (520, 0.03, -5)),
        ),
        solid_db=-16,
        liquid=Splash(
            sheet_hz=(450, 2300), sheet_decay_s=0.09, bubbles=90, radius_mm=(0.9, 6.0),
            spray_s=0.22, bubbles_db=-2,
        ),
    ),
    # A film of water over stone: the shoe's click stays, a flat short slap and small drops.
    Ground(
        name="puddle", level_db=0.0, calibration_db=2.33, tail_s=0.35,
        solid=Solid(
            contact_ms=1.2, brightness_hz=3600, contact_db=-3, thump_db=-8,
            modes=((170, 0.055, -1), (350, 0.045, -2), (760, 0.030, -5), (1500, 0.018, -9)),
        ),
        solid_db=-5,
        liquid=Splash(
            sheet_hz=(1100, 5200), sheet_decay_s=0.035, bubbles=45, radius_mm=(0.5, 2.0),
            spray_s=0.12, bubbles_db=-8,
        ),
    ),
    # Thick ice: hard, glassy, crystals split under the sole.
    Ground(
        name="ice", level_db=0.0, calibration_db=2.19, tail_s=0.25,
        solid=Solid(
            contact_ms=0.6, brightness_hz=7000, contact_db=-6, thump_db=-11,
            modes=((240, 0.050, -5), (690, 0.050, -4), (1650, 0.045, -2), (3100, 0.035, -3),
                   (4700, 0.022, -6)),
        ),
        solid_db=-5,
        grains=Grains(
            rate_hz=1800, system_decay_s=0.050, grain_decay_s=0.0007,
            resonances=((1900, 2.5, 0), (3400, 3.0, -2), (6200, 2.5, -7)),
            spread=0.30, roll=0.7, size_spread=1.2,
        ),
    ),
    # A stage: thin boards over a hollow that booms at its own low note.
    Ground(
        name="stage", level_db=1.0, calibration_db=4.96, tail_s=0.45,
        solid=Solid(
            contact_ms=1.6, brightness_hz=2800, contact_db=-9, thump_db=-4,
            modes=((58, 0.34, 2), (79, 0.30, 3), (116, 0.24, 1), (171, 0.20, -1), (242, 0.16, -4),
                   (350, 0.12, -8), (560, 0.08, -12), (1100, 0.05, -17)),
        ),
    ),
    # Old parquet: glued blocks, tight and higher than boards, and every other one squeaks.
    Ground(
        name="parquet", level_db=0.0, calibration_db=2.98, tail_s=0.25,
        solid=Solid(
            contact_ms=1.0, brightness_hz=4600, contact_db=-6, thump_db=-11,
            modes=((155, 0.10, -4), (265, 0.10, -1), (420, 0.09, 0), (640, 0.08, -1),
                   (980, 0.065, -4), (1450, 0.05, -7), (2250, 0.035, -12)),
        ),
        creak=Creak(
            chance=0.45, level_db=-15, jumps_hz=(110, 420), length_s=(0.05, 0.18),
            modes=((830, 0.020, -2), (1520, 0.022, 0), (2480, 0.016, -3), (3900, 0.010, -9)),
        ),
    ),
    # A rug over boards: no contact to hear, the boards' panels answer underneath.
    Ground(
        name="rug", level_db=-2.0, calibration_db=1.53, tail_s=0.28,
        solid=Solid(
            contact_ms=4.5, brightness_hz=1300, contact_db=-12, thump_db=-3,
            modes=((90, 0.20, 2), (136, 0.18, 2), (202, 0.15, 0), (284, 0.12, -3),
                   (385, 0.09, -7), (600, 0.05, -14)),
        ),
        grains=Grains(
            rate_hz=5000, system_decay_s=0.030, grain_decay_s=0.0012,
            resonances=((800, 0.8, 0), (1900, 0.8, -5)), spread=0.3, roll=0.25, size_spread=0.5,
        ),
        grains_db=-19,
    ),
)  # fmt: skip

GROUNDS: Final[Mapping[str, Ground]] = MappingProxyType({one.name: one for one in _TABLE})


def ground(name: str) -> Ground:
    """The floor of that name; raises ValueError naming those that exist."""
    try:
        return GROUNDS[name]
    except KeyError:
        raise ValueError(f"no floor {name!r}; there are {', '.join(GROUNDS)}") from None
