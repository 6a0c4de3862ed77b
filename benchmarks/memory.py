"""How much memory a process took at most."""

from __future__ import annotations

import re
import resource
from pathlib import Path


def peak_mib() -> float:
    """Peak resident memory of this process since it was started.

    `ru_maxrss` is not that: Linux keeps in it what the parent held when it began this process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        assert found is not None
        return int(found[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2  # macOS counts bytes
