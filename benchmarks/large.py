"""A made-up FCPXML of many clips: seconds to read, patch and write it, and the memory it takes.

    python benchmarks/large.py [--clips 20000]

A footstep clip with a marker goes on every clip. Making the footstep clips up is not counted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from corpus import test_stems
from memory import peak_mib

from otio_foley.timelines.registry import open_document

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.10">
    <resources>
        <format id="r1" frameDuration="100/2400s" width="1920" height="1080"/>
{assets}
    </resources>
    <library>
        <event name="E">
            <project name="large">
                <sequence format="r1" tcStart="3600s" tcFormat="NDF">
                    <spine>
{clips}
                    </spine>
                </sequence>
            </project>
        </event>
    </library>
</fcpxml>
"""
_ASSET = """        <asset id="a{number}" name="A{number:04}C" start="{start}s" duration="600s" \
hasVideo="1" hasAudio="1" format="r1" audioSources="1" audioChannels="2" audioRate="48000">
            <media-rep kind="original-media" src="file:///Volumes/Media/A{number:04}C.mov"/>
        </asset>"""
_CLIP = """                        <asset-clip ref="a{asset}" name="A{asset:04}C" \
offset="{at}/24s" start="{start}/24s" duration="{length}/24s" audioRole="dialogue" format="r1" \
tcFormat="NDF">
                            <marker start="{marker}/24s" duration="1/24s" value="m{number}"/>
                        </asset-clip>"""


def text(count: int) -> str:
    """A project of clips of 1 to 3 s, twenty to an asset, each with a marker."""
    assets = max(1, count // 20)
    clips = []
    at = 3600 * 24
    for number in range(count):
        asset, length = number % assets, 24 + number % 50
        start = (3600 + asset * 10) * 24 + number % 1000
        clips.append(
            _CLIP.format(
                asset=asset, at=at, start=start, length=length, marker=start + 3, number=number
            )
        )
        at += length
    written = [_ASSET.format(number=n, start=3600 + n * 10) for n in range(assets)]
    return _HEAD.format(assets="\n".join(written), clips="\n".join(clips))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=int, default=20_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "large.fcpxml")
        path.write_text(text(1))
        open_document(path)  # so that no module is loaded for the first time below
        path.write_text(text(given.clips))
        start_s = time.perf_counter()
        document = open_document(path)
        timeline = document.timeline()
        read_s = time.perf_counter() - start_s
        stems = test_stems(timeline)
        start_s = time.perf_counter()
        document.add(stems).save(Path(name, "out.fcpxml"))
        patch_s = time.perf_counter() - start_s
    print(
        f"{len(timeline.clips)} clips: read {read_s:.2f} s, patch and write {patch_s:.2f} s, "
        f"together {read_s + patch_s:.2f} s; at most {peak_mib():.0f} MiB"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
