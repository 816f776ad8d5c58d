"""`--diff-base REV`: only what got worse since a revision fails.

A function got worse when its upper bound is of a higher class than before, both known. Functions
are told by name; where their sizes have other names now, all sizes are taken as one.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from neox.compiler import parse
from neox.compiler.complexity import Bound, analyze
from neox.compiler.complexity.exponent import Undecided
from neox.compiler.complexity.whole import single
from neox.errors import InputError
from neox.verify.findings import Finding
from neox.verify.settings import Settings
from neox.verify.study import row_of, shown


class Base:
    """The files of a git revision."""

    def __init__(self, revision: str) -> None:
        if revision.startswith("-"):
            raise InputError(f"no revision {revision!r}", remedy="such as --diff-base origin/main")
        self.revision = revision
        self.root = Path(self._git("rev-parse", "--show-toplevel").decode().strip())
        commit = self._git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        self.commit = commit.decode().strip()
        names = self._git("diff", "--name-only", "-z", self.commit, "--", cwd=self.root)
        self.changed = {self.root / name for name in names.decode().split("\0") if name}

    def _git(self, *arguments: str, cwd: Path | None = None) -> bytes:
        try:
            done = subprocess.run(["git", *arguments], capture_output=True, check=False, cwd=cwd)
        except FileNotFoundError:
            raise InputError("git was not found", remedy="--diff-base needs git") from None
        if done.returncode:
            detail = done.stderr.decode(errors="replace").strip() or f"no revision {arguments[-1]}"
            raise InputError(detail, remedy="--diff-base needs a revision of this repository")
        return done.stdout

    def text(self, path: Path) -> bytes | None:
        """The file at the revision; None where it was not there."""
        try:
            name = path.resolve().relative_to(self.root.resolve()).as_posix()
        except ValueError:
            return None
        done = subprocess.run(
            ["git", "show", f"{self.commit}:{name}"],
            capture_output=True,
            check=False,
            cwd=self.root,
        )
        return done.stdout if done.returncode == 0 else None


def regressions(path: Path, base: Base, settings: Settings) -> list[Finding]:
    if path.resolve() not in {p.resolve() for p in base.changed}:
        return []
    old = base.text(path)
    if old is None:
        return []
    before = {b.function: b for b in analyze(parse(old), count_input=settings.count_input)}
    found = []
    for now in analyze(parse(path.read_bytes()), count_input=settings.count_input):
        then = before.get(now.function)
        if then is not None and worse(then, now):
            was, is_now = shown(row_of(path, then)), shown(row_of(path, now))
            text = f"{now.function} was {was} at {base.revision} and is {is_now}"
            found.append(Finding("NX201", str(path), now.line, 1, text))
    return found


def worse(then: Bound, now: Bound) -> bool:
    """Is the upper bound now of a higher class?"""
    a, b = then.upper.growth, now.upper.growth
    if a is None or b is None:
        return False
    try:
        if b.sizes <= a.sizes or a.sizes <= b.sizes:
            return not b <= a
    except Undecided:
        pass
    return single(b) > single(a)
