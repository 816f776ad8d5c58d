"""Checkpoints that are either whole or not there.

A checkpoint is written into a temporary folder, every file is flushed to disk, a manifest with the
size and sha256 of each file comes last, and a rename makes it visible. Loading verifies the
manifest and falls back to the checkpoint before, saying so. Nothing is unpickled: tensors are
safetensors, the rest is JSON. Knows nothing of what the state means.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from neox.errors import InputError

MANIFEST = "manifest.json"


def save(
    root: Path, step: int, write: Callable[[Path], None], state: Mapping[str, Any], keep: int
) -> Path:
    """Write checkpoints/step-NNNNNN under `root`; `write(folder)` adds files of its own.

    Then older ones are deleted until `keep` are left.
    """
    root.mkdir(parents=True, exist_ok=True)
    for leftover in root.glob("*.tmp"):
        shutil.rmtree(leftover)
    final = root / f"step-{step:06d}"
    folder = root / f"{final.name}.tmp"
    folder.mkdir()
    write(folder)
    (folder / "state.json").write_text(json.dumps({**state, "step": step}))
    files = {}
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        _flush(file)
        files[str(file.relative_to(folder))] = {
            "bytes": file.stat().st_size,
            "sha256": _sha256(file),
        }
    (folder / MANIFEST).write_text(_manifest(files))
    _flush(folder / MANIFEST)
    _flush(folder)
    if final.exists():  # the same step again, after a resume
        shutil.rmtree(final)
    folder.rename(final)
    _flush(root)
    for old in _steps(root)[keep:]:
        shutil.rmtree(old)
    return final


def any_finished(root: Path) -> bool:
    """Whether a checkpoint was ever completed; a half-written first one is none."""
    return bool(_steps(root))


def newest(root: Path, say: Callable[[str], None]) -> tuple[Path, dict[str, Any]]:
    """The newest checkpoint that verifies, and its state; damaged ones are named through `say`."""
    for folder in _steps(root):
        damage = verify(folder)
        if damage is None:
            state: dict[str, Any] = json.loads((folder / "state.json").read_text())
            return folder, state
        say(f"checkpoint {folder.name} is damaged ({damage}); using the one before it")
    raise InputError(f"no usable checkpoint in {root}", root, remedy="start again without --resume")


def verify(folder: Path) -> str | None:
    """What is wrong with a checkpoint, or None."""
    try:
        text = (folder / MANIFEST).read_text()
        files = json.loads(text)["files"]
        if text != _manifest(files):
            return f"{MANIFEST} differs from its sha256"
        for name, expected in files.items():
            file = folder / name
            if not file.is_file():
                return f"{name} is missing"
            if file.stat().st_size != expected["bytes"]:
                return f"{name} has {file.stat().st_size} bytes instead of {expected['bytes']}"
            if _sha256(file) != expected["sha256"]:
                return f"{name} differs from its sha256"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"unreadable {MANIFEST}: {error}"
    return None


def _manifest(files: Mapping[str, Any]) -> str:
    """The text that lists these files: with a hash of its own, and not one byte otherwise."""
    listed = json.dumps(files, indent=1)
    own = hashlib.sha256(listed.encode()).hexdigest()
    return f'{{"sha256": "{own}",\n"files": {listed}}}\n'


def _steps(root: Path) -> list[Path]:
    return sorted((p for p in root.glob("step-*") if p.suffix != ".tmp"), reverse=True)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def save_optimizer(optimizer: torch.optim.Optimizer, file: Path) -> None:
    """Moments and step counters as safetensors; the settings come from the configuration."""
    tensors: dict[str, Tensor] = {}
    for index, slots in optimizer.state_dict()["state"].items():
        for name, value in slots.items():
            tensors[f"{index}.{name}"] = torch.as_tensor(value).contiguous()
    save_file(tensors, file)


def load_optimizer(optimizer: torch.optim.Optimizer, file: Path) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in load_file(file).items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
