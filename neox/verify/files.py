"""Which files a run reads, and the cache of what was found in them, by content."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neox import __version__
from neox.errors import InputError
from neox.verify.settings import Settings

try:
    from _blake2 import blake2b  # hashlib would load OpenSSL as well: start-up counts
except ImportError:
    from hashlib import blake2b

_SKIPPED = frozenset({"__pycache__", "node_modules", "build", "dist", "venv", "site-packages"})


def find(paths: list[str], settings: Settings) -> Iterator[Path]:
    """Files as they are named, folders walked in order; hidden and installed folders are not."""
    for name in paths:
        path = Path(name)
        if path.is_dir():
            yield from (f for f in _walk(path) if not settings.excludes(f))
        elif path.exists() or path.is_symlink():
            yield path
        else:
            raise InputError(
                f"{path} does not exist", path, remedy="name a Python file or a folder"
            )


def _walk(folder: Path) -> Iterator[Path]:
    for base, folders, files in os.walk(folder):  # does not follow links, so it ends
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in _SKIPPED)
        for name in sorted(files):
            if name.endswith(".py"):
                yield Path(base, name)


def content(path: Path) -> bytes:
    """The bytes of a regular file; InputError for anything else, so that no pipe can hold us up."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError("not a regular file", path)
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path) from None


class Cache:
    """One JSON file per content and version of the analyser. Unusable entries are made anew."""

    def __init__(self, enabled: bool = True) -> None:
        home = os.environ.get("NEOX_CACHE_DIR") or Path(
            os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "neox"
        )
        self.folder = Path(home, "verify")
        self.enabled = enabled
        self.version = _fingerprint() if enabled else ""
        self.hits = 0

    def key(self, data: bytes, options: str) -> str:
        return blake2b(f"{self.version} {options} ".encode() + data).hexdigest()[:64]

    def get(self, key: str) -> dict[str, Any] | None:
        if not self.enabled:
            return None
        import json

        try:
            value = json.loads((self.folder / key[:2] / f"{key}.json").read_bytes())
        except (OSError, ValueError):
            return None
        if not (isinstance(value, dict) and {"functions", "findings", "failed"} <= value.keys()):
            return None
        self.hits += 1
        return value

    def put(self, key: str, value: dict[str, Any]) -> None:
        """Written beside and moved into place; a folder that cannot be written is no error."""
        if not self.enabled:
            return
        import json

        place = self.folder / key[:2]
        try:
            place.mkdir(parents=True, exist_ok=True)
            name = place / f"{key}.{os.getpid()}.tmp"
            with open(name, "w", encoding="utf-8") as file:
                json.dump(value, file)
            os.replace(name, place / f"{key}.json")
        except OSError:
            self.enabled = False


def _fingerprint() -> str:
    """Changes whenever the analyser's files do."""
    here = Path(__file__).resolve().parent
    folders = [here, here.parent / "compiler", here.parent / "compiler" / "complexity"]
    folders.append(here.parent / "compiler" / "complexity" / "sketch")
    parts = [__version__]
    for folder in folders:
        for entry in sorted(os.scandir(folder), key=lambda e: e.name):
            if entry.name.endswith((".py", ".so")):
                info = entry.stat()
                parts.append(f"{entry.name} {info.st_size} {info.st_mtime_ns}")
    return blake2b("\n".join(parts).encode()).hexdigest()[:64]
