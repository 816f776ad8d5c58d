"""`neox doctor`: what this machine offers, and what is missing."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
from typing import Any

from neox import __version__

PACKAGES = (
    "torch numpy tokenizers safetensors pydantic rich networkx gudhi geoopt python-Levenshtein "
    "sympy accelerate transformers triton torchao mamba-ssm"
).split()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(args: argparse.Namespace) -> int:
    report = collect()
    if args.format == "json":
        print(json.dumps(report))
        return 0
    print(f"neox {report['neox']} on Python {report['python']}, {report['system']}")
    print(f"devices: {', '.join(report['devices'])}; {report['cores']} cores")
    for name, version in report["packages"].items():
        print(f"  {name:<20} {version or 'not installed (optional)'}")
    print("sandbox:")
    for name, layer in report["sandbox"].items():
        mark = "on " if layer["active"] else "off"
        print(f"  {mark} {name:<20} {layer['detail']}")
    return 0


def collect() -> dict[str, Any]:
    """Everything `neox doctor` prints, as plain data."""
    return {
        "neox": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "devices": _devices(),
        "packages": {name: _version(name) for name in PACKAGES},
        "sandbox": _layers(),
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _devices() -> list[str]:
    import torch

    found = [f"cpu ({torch.get_num_threads()} threads)"]
    if torch.cuda.is_available():
        found += [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append("mps")
    return found


def _layers() -> dict[str, dict[str, Any]]:
    from neox.sandbox import report

    return {
        name: {"active": layer.active, "detail": layer.detail}
        for name, layer in report().layers.items()
    }
