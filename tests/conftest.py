from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import canned
import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real material beside the project; tests that want it skip without it."""
    if not SHARED.is_dir():
        pytest.skip("the folder `shared` with real cuts and shots is not beside the project")
    return SHARED


@pytest.fixture
def canned_analysis(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("otio_foley.pipeline.find_steps", canned.find_steps)
    yield
