"""Checkpoints: whole or not there, and damage is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from neox.errors import InputError
from neox.train import checkpoint
from neox.train.metrics import Journal, read


def write(folder: Path) -> None:
    (folder / "weights").write_bytes(bytes(range(256)) * 40)


def two(root: Path) -> None:
    for step in (10, 20):
        checkpoint.save(root, step, write, {"stage": "x", "value": step}, keep=2)


def damage_truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-7])


def damage_flip_a_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))


def damage_remove(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize("name", ["weights", "state.json", "manifest.json"])
@pytest.mark.parametrize("damage", [damage_truncate, damage_flip_a_bit, damage_remove])
def test_a_damaged_checkpoint_is_noticed_and_the_one_before_is_used(
    tmp_path: Path, name: str, damage
) -> None:  # type: ignore[no-untyped-def]
    two(tmp_path)
    damage(tmp_path / "step-000020" / name)
    said: list[str] = []
    folder, state = checkpoint.newest(tmp_path, said.append)
    assert (folder.name, state["value"]) == ("step-000010", 10)
    assert "step-000020 is damaged" in said[0]


def test_a_half_written_one_does_not_count(tmp_path: Path) -> None:
    two(tmp_path)
    (tmp_path / "step-000030.tmp").mkdir()
    folder, _ = checkpoint.newest(tmp_path, lambda _: None)
    assert folder.name == "step-000020"


def test_a_half_written_first_one_is_none(tmp_path: Path) -> None:
    assert not checkpoint.any_finished(tmp_path / "nowhere")
    (tmp_path / "step-000000.tmp").mkdir()
    assert not checkpoint.any_finished(tmp_path)
    two(tmp_path)
    assert checkpoint.any_finished(tmp_path)


def test_old_ones_are_pruned_after_the_new_one_is_whole(tmp_path: Path) -> None:
    two(tmp_path)
    checkpoint.save(tmp_path, 30, write, {}, keep=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-000020", "step-000030"]


def test_without_a_usable_one_the_message_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no usable checkpoint"):
        checkpoint.newest(tmp_path, lambda _: None)


def test_an_optimizer_continues_exactly(tmp_path: Path) -> None:
    def make() -> tuple[torch.nn.Linear, torch.optim.Optimizer]:
        torch.manual_seed(0)
        layer = torch.nn.Linear(4, 3)
        return layer, torch.optim.AdamW(layer.parameters(), lr=0.1)

    def step(layer: torch.nn.Linear, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad()
        layer(torch.ones(2, 4)).square().sum().backward()
        optimizer.step()

    layer, optimizer = make()
    step(layer, optimizer)
    checkpoint.save_optimizer(optimizer, tmp_path / "o")
    other, resumed = make()
    other.load_state_dict(layer.state_dict())
    checkpoint.load_optimizer(resumed, tmp_path / "o")
    step(layer, optimizer)
    step(other, resumed)
    assert torch.equal(layer.weight, other.weight)


def test_a_journal_is_cut_back_to_a_step_and_loses_a_half_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "m.jsonl")
    journal.append([{"step": s, "x": s / 3} for s in range(5)])
    with journal.path.open("a") as stream:
        stream.write('{"step": 5, "x"')
    journal.rewind(2)
    assert [r["step"] for r in read(journal.path)] == [0, 1, 2]


def test_numbers_that_json_lacks_become_null(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "m.jsonl")
    journal.append([{"step": 0, "x": float("nan")}])
    assert read(journal.path)[0]["x"] is None
