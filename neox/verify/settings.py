"""What is asked of a run: options of the command line over `[tool.neox]` of pyproject.toml."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

from neox.errors import InputError
from neox.verify.findings import DEFAULT, RULES


class Settings(NamedTuple):
    """`select` are the rules that fail a run; `exclude` are patterns of paths to pass over."""

    select: frozenset[str] = DEFAULT
    strict: bool = False
    count_input: bool = False
    exclude: tuple[str, ...] = ()
    root: Path = Path()

    def excludes(self, path: Path) -> bool:
        text = path.as_posix()
        return any(
            fnmatch(text, p) or fnmatch(path.name, p) or p in path.parts for p in self.exclude
        )


_KEYS = {"select", "ignore", "strict", "count-input", "exclude"}


def load(start: Path) -> Settings:
    """The settings of the nearest pyproject.toml at or above `start`; defaults without one."""
    folder = start.resolve()
    for place in (folder, *folder.parents):
        file = place / "pyproject.toml"
        if file.is_file():
            return _read(file)
    return Settings()


def _read(file: Path) -> Settings:
    try:
        text = file.read_text(encoding="utf-8")
        if "neox" not in text:  # nothing is asked of us: start-up counts
            return Settings(root=file.parent)
        import tomllib

        table = tomllib.loads(text).get("tool", {}).get("neox", {})
    except (ValueError, OSError) as error:
        raise InputError(f"cannot be read: {error}", file, remedy="mend the file") from None
    for key in table:
        if key not in _KEYS:
            known = ", ".join(sorted(_KEYS))
            raise InputError(f"unknown key {key!r} in [tool.neox]", file, remedy=f"known: {known}")
    select = codes(table.get("select", sorted(DEFAULT)), file) - codes(
        table.get("ignore", []), file
    )
    exclude = _strings(table, "exclude", file)
    flags = {k: _flag(table, k, file) for k in ("strict", "count-input")}
    return Settings(select, flags["strict"], flags["count-input"], exclude, file.parent)


def codes(value: Any, file: Path | None = None) -> frozenset[str]:
    """Rule codes from a list or a comma-separated text; a prefix such as NX1 names its group."""
    words = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(words, (list, tuple)) or not all(isinstance(w, str) for w in words):
        raise InputError("rules must be a list of codes", file, remedy='such as ["NX001", "NX1"]')
    found: set[str] = set()
    for word in words:
        hits = {c for c in RULES if c.startswith(word.upper())}
        if not hits or len(word) < 2:
            raise InputError(f"no rule {word!r}", file, remedy=f"known: {', '.join(RULES)}")
        found |= hits
    return frozenset(found)


def _strings(table: dict[str, Any], key: str, file: Path) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(x, str) for x in value):
        raise InputError(f"{key} in [tool.neox] must be a list of patterns", file)
    return tuple(value)


def _flag(table: dict[str, Any], key: str, file: Path) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise InputError(f"{key} in [tool.neox] must be true or false", file)
    return value


def merged(base: Settings, *, select: str | None, strict: bool, count_input: bool) -> Settings:
    """Options given on the command line win."""
    chosen = base.select if select is None else codes(select) | {"NX900"}
    result = base._replace(select=chosen)
    return result._replace(
        strict=base.strict or strict, count_input=base.count_input or count_input
    )
