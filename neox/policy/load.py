"""Find a policy by name: a run folder, a model folder, or a model of the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from neox.errors import InputError
from neox.policy.base import Policy
from neox.policy.held import Lora, Settings
from neox.policy.native import NativePolicy

OURS = "neox.json"
THEIRS = ("config.json", "adapter_config.json")


def load(name: str | Path, settings: Settings | None = None, lora: Lora | None = None) -> Policy:
    """The policy of a run (its final weights, else its newest checkpoint) or of a model.

    `settings` and `lora` are for models of transformers; they take a new adapter where it asks.
    """
    folder = Path(name)
    if not folder.is_dir():
        if is_hub_name(str(name)):
            return _transformers(name, settings, lora)
        raise InputError(
            f"no model or run folder at {folder}",
            folder,
            remedy="name a folder that `neox train` wrote, such as runs/tiny-0, a folder of "
            "transformers, or a model of the hub as OWNER/NAME",
        )
    for found in (folder, folder / "model", *newest_first(folder)):
        if (found / OURS).is_file():
            return NativePolicy.load(found)
        if any((found / name).is_file() for name in THEIRS):
            return _transformers(found, settings, lora)
    raise InputError(
        f"{folder} is neither a NEOX run nor a model: no {OURS} or {THEIRS[0]} in it or its "
        "checkpoints",
        folder,
    )


def newest_first(folder: Path) -> list[Path]:
    """The checkpoints of a run that are whole."""
    found = (folder / "checkpoints").glob("*/manifest.json")
    return sorted((f.parent for f in found if f.parent.suffix != ".tmp"), reverse=True)


def is_hub_name(name: str) -> bool:
    """OWNER/NAME, and no path."""
    owner, slash, rest = name.partition("/")
    return bool(slash and owner and rest) and "/" not in rest and owner[0] not in "./~"


def _transformers(name: str | Path, settings: Settings | None, lora: Lora | None) -> Policy:
    from neox.policy.hf import HFPolicy  # transformers loads only where it is needed

    return HFPolicy.load(name, settings, lora)
