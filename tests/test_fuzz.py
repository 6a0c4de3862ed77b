"""A minute of damaged cuts; `benchmarks/fuzz.py` does 20,000 in a night."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mutations import case, corpus

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = [ROOT / "tests" / "data", ROOT / "samples"]
SHARED = ROOT.parent / "shared" / "timelines"


def test_nothing_but_our_errors_comes_out_of_damaged_cuts() -> None:
    folders = [*FOLDERS, SHARED] if SHARED.is_dir() else FOLDERS
    command = [sys.executable, "benchmarks/fuzz.py", "--seed", "7", "--seconds", "60"]
    done = subprocess.run(
        [*command, *map(str, folders)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 cases" not in done.stdout


def test_a_case_is_the_same_every_time() -> None:
    files = corpus(*FOLDERS)
    assert case(7, 12, files) == case(7, 12, files)
    assert len({case(7, number, files).raw for number in range(40)}) > 35
