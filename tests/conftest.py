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


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Takes made on first use are kept for the session, not in the person's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def canned_analysis(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("otio_foley.jobs.find_steps", canned.find_steps)
    yield
