"""`--check`: operations counted in the sandbox beside the proof.

A count that grows faster than a bound proved from above is an error of ours (NX301). Agreement is a
field of its own and never makes a proof.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neox.compiler import parse
from neox.compiler.complexity import analyze
from neox.compiler.complexity.unit import read
from neox.rewards.counting import check
from neox.sandbox import Sandbox
from neox.verify.findings import Finding


def check_file(path: Path, rows: list[dict[str, Any]]) -> list[Finding]:
    """Adds `checked` to the rows of top-level functions with a bound from above."""
    code = path.read_text(encoding="utf-8", errors="replace")
    program = parse(code)
    functions = {f.name: f for f in read(program.tree, program.text).functions}
    bounds = {b.function: b for b in analyze(program)}
    findings = []
    with Sandbox(workers=1) as box:
        for row in rows:
            function, bound = functions.get(row["function"]), bounds.get(row["function"])
            if function is None or bound is None or bound.upper.growth is None:
                continue
            if function.family or function.parent is not None:
                continue
            checked = check(box, code, function, bound, bound.upper.growth)
            row["checked"] = checked.to_json()
            if checked.agrees is False:
                text = f"{bound.function}: {checked.to_json()['verdict']}: O({row['upper']})"
                findings.append(Finding("NX301", str(path), bound.line, 1, text))
    return findings
