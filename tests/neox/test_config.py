"""Configuration: typed, with the nearest key named on a mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from neox import config
from neox.errors import InputError


def test_every_preset_is_valid_and_survives_a_round_trip(tmp_path: Path) -> None:
    for name in config.presets():
        one = config.resolve(name, [])
        config.write(one, tmp_path / "c.yaml")
        assert config.read(tmp_path / "c.yaml") == one


def test_overrides_are_yaml_values_under_dotted_keys() -> None:
    one = config.resolve("tiny", ["update.steps=3", "tasks.levels=[0, 2]", "rewards.syntax=0.5"])
    assert (one.update.steps, one.tasks.levels, one.rewards.syntax) == (3, [0, 2], 0.5)


@pytest.mark.parametrize(
    ("preset", "override", "message"),
    [
        ("tinny", "", "no preset 'tinny'; perhaps you meant tiny"),
        ("tiny", "update.step=3", "unknown key update.step; perhaps you meant update.steps"),
        ("tiny", "updates.learning_rate=3", "perhaps you meant "),
        ("tiny", "update.steps=many", "update.steps: "),
        ("tiny", "update.steps", "is not of the form key.sub=value"),
        ("tiny", "update.algorithm=ppo2", "update.algorithm: "),
        ("tiny", "rollout.samples=1", "grpo compares samples"),
        ("tiny", "model.heads=3", "not a multiple of heads"),
        ("tiny", "seed.x=1", "seed"),
    ],
)
def test_mistakes_are_explained(preset: str, override: str, message: str) -> None:
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        config.resolve(preset, [override] if override else [])


def test_a_broken_file_names_itself_and_its_line(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("seed: 1\nmodel: {\n")
    with pytest.raises(InputError, match=r"config\.yaml:\d"):
        config.read(file)
