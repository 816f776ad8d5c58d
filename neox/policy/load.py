"""Find a policy by name: a run folder, a model folder, or the newest run."""

from __future__ import annotations

from pathlib import Path

from neox.errors import InputError
from neox.policy.base import Policy
from neox.policy.native import NativePolicy


def load(name: str | Path) -> Policy:
    """The policy of a run (its final weights, else its newest checkpoint) or of a model folder."""
    folder = Path(name)
    if not folder.is_dir():
        raise InputError(
            f"no model or run folder at {folder}",
            folder,
            remedy="name a folder that `neox train` wrote, such as runs/tiny-0",
        )
    if (folder / "neox.json").is_file():
        return NativePolicy.load(folder)
    checkpoints = sorted((folder / "checkpoints").glob("*/neox.json"))
    final = folder / "checkpoints" / "final"
    if (final / "neox.json").is_file():
        return NativePolicy.load(final)
    if checkpoints:
        return NativePolicy.load(checkpoints[-1].parent)
    raise InputError(
        f"{folder} is neither a NEOX run nor a NEOX model: no neox.json in it or its checkpoints",
        folder,
    )
