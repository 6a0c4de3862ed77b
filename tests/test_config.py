from __future__ import annotations

from pathlib import Path

import pytest

from otio_foley.config import Settings, load
from otio_foley.errors import InputError


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    return path


def test_a_file_overrides_only_what_it_names(tmp_path: Path) -> None:
    settings = load(written(tmp_path, "[analysis]\ncontext_s = 2\n"))
    assert settings.analysis.context_s == 2.0
    assert settings.sound == Settings().sound
    assert settings.digest != Settings().digest
    assert load(written(tmp_path, "")).digest == Settings().digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sounds]\n", "unknown setting 'sounds'"),
        ("[sound]\nsead = 1\n", "unknown setting 'sead'"),
        ('[sound]\nseed = "x"\n', "sound.seed has to be of type int"),
        ("[output]\nhandle_frames = -1\n", "0 to 1000"),
        ("sound = 3\n", r"write \[sound\]"),
        ("[sound\n", "not TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(written(tmp_path, text))


def test_the_nearest_known_name_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(written(tmp_path, "[sound]\nsead = 1\n"))
    assert "'seed'" in caught.value.hint
