"""The frontend against CPython: verdicts, trees, locations, round trips, on every corpus at hand.

    python benchmarks/conformance.py [--versions 3.8,3.11] [--library] [--quick]

Reads the corpora below $NEOX_SHARED (default: the folder `shared` beside the repository) and the
standard library of the running interpreter, and prints a table and every disagreement by name.
`python3.N` on the path, where it is there, adds what its `compile` says about each snippet. Exit
status 1 if a disagreement is none of the EXPLAINED ones.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import warnings
from collections import Counter
from pathlib import Path

from neox.compiler import emit, parse, validate
from neox.compiler.bridge import RUNNING, differences, mismatch

SHARED = Path(os.environ.get("NEOX_SHARED", Path(__file__).resolve().parents[2] / "shared"))
CORPORA = SHARED / "corpora"

# Disagreements with a reason: what in the verdicts is not the grammar of the version.
EXPLAINED: dict[str, str] = {}

ORACLE = """
import json, sys, warnings
warnings.simplefilter("ignore")
for line in sys.stdin:
    code = json.loads(line)
    try:
        compile(code, "<x>", "exec", dont_inherit=True)
        said = "ok"
    except SyntaxError as error:
        said = str(error.msg)
    except Exception as error:
        said = type(error).__name__
    print(json.dumps(said), flush=True)
"""


class Report:
    """Counts by row and column of the table, and the disagreements."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, str]] = {}
        self.unexplained = 0

    def put(self, row: str, version: str, good: int, total: int) -> None:
        share = f"{100 * good / total:.2f} %" if total else "-"
        self.rows.setdefault(row, {})[version] = f"{good}/{total} ({share})"

    def differ(self, version: str, where: str, name: str, what: str) -> None:
        reason = next((r for key, r in EXPLAINED.items() if key in name), "")
        self.unexplained += not reason
        print(f"  {version} {where}: {name}: {what}" + (f"  [{reason}]" if reason else ""))

    def table(self) -> str:
        versions = list(dict.fromkeys(v for row in self.rows.values() for v in row))
        lines = ["| | " + " | ".join(versions) + " |", "|---" * (len(versions) + 1) + "|"]
        for name, row in self.rows.items():
            lines.append(f"| {name} | " + " | ".join(row.get(v, "") for v in versions) + " |")
        return "\n".join(lines)


def corpora(report: Report, minor: int) -> None:
    """Verdicts of the parser and of `compile` on the corpus files; round trips of valid ones."""
    version = f"3.{minor}"
    counts: Counter[str] = Counter()
    verdicts = json.loads((CORPORA / f"verdicts_{version}.json").read_text())
    for name, (parsed, compiled) in verdicts.items():
        data = (CORPORA / name).read_bytes()
        program = parse(data, (3, minor))
        accepted = not program.diagnostics
        counts["lossless"] += program.encoded() == data
        if parsed != "ok":
            counts["invalid"] += 1
            counts["rejected"] += not accepted
            if accepted:
                report.differ(version, "accepted", name, parsed)
            continue
        counts["valid"] += 1
        counts["accepted"] += accepted
        if not accepted:
            report.differ(version, "rejected", name, str(program.diagnostics[0]))
            continue
        wrong = validate(program)
        counts["validated"] += (compiled == "ok") == (not wrong)
        counts["worded"] += compiled != "ok" and bool(wrong) and wrong[0].message in compiled
        counts["uncompiled"] += compiled != "ok"
        if (compiled == "ok") != (not wrong):
            report.differ(version, "compile", name, f"{wrong[:1]}, CPython {compiled}")
        again = parse(emit(program), (3, minor))
        found = str(again.diagnostics[0]) if again.diagnostics else ""
        found = found or mismatch(program.tree, again.tree)
        counts["emitted"] += not found
        if found:
            report.differ(version, "emit", name, found)
    report.put("corpora: valid files accepted", version, counts["accepted"], counts["valid"])
    report.put("corpora: invalid files rejected", version, counts["rejected"], counts["invalid"])
    report.put("corpora: verdict of `compile`", version, counts["validated"], counts["valid"])
    report.put("corpora: its first message", version, counts["worded"], counts["uncompiled"])
    report.put("corpora: parse(emit(t)) == t", version, counts["emitted"], counts["valid"])
    report.put("corpora: byte for byte", version, counts["lossless"], len(verdicts))


def interpreter(version: str) -> str | None:
    """A `python3.N` that runs."""
    found = shutil.which(f"python{version}")
    if found is None:
        return None
    done = subprocess.run([found, "-c", "import sys; print(sys.version_info[1])"], check=False,
                          capture_output=True, text=True)  # fmt: skip
    return found if done.stdout.strip() == version.split(".")[1] else None


def compiled_by(python: str, texts: list[str]) -> list[str]:
    """What `compile` of an interpreter says: "ok" or its message."""
    done = subprocess.run(
        [python, "-c", ORACLE],
        input="".join(json.dumps(text) + "\n" for text in texts),
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def snippets(report: Report, minor: int) -> None:
    """Verdicts on the snippets of CPython's own tests."""
    version = f"3.{minor}"
    lines = (CORPORA / "cpython_snippets.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if version in row["accept"]]
    programs = [parse(row["code"], (3, minor)) for row in rows]
    good = 0
    for row, program in zip(rows, programs, strict=True):
        agrees = (not program.diagnostics) == bool(row["accept"][version])
        good += agrees
        if not agrees:
            said = str(program.diagnostics[0]) if program.diagnostics else "accepted"
            report.differ(version, "snippet", repr(row["code"]), said)
    report.put("snippets: verdict of the parser", version, good, len(rows))
    python = interpreter(version)
    if python is None:
        return
    said = compiled_by(python, [row["code"] for row in rows])
    good = worded = rejected = total = 0
    for row, program, theirs in zip(rows, programs, said, strict=True):
        if not row["accept"][version] or program.diagnostics:
            continue
        ours = validate(program)
        total += 1
        good += (theirs == "ok") == (not ours)
        rejected += theirs != "ok"
        worded += theirs != "ok" and bool(ours) and ours[0].message == theirs
        if (theirs == "ok") != (not ours):
            report.differ(version, "compile", repr(row["code"]), f"{ours[:1]}, CPython {theirs}")
        elif ours and ours[0].message != theirs:
            print(f"  {version} words: {row['code']!r}: {ours[0].message}, CPython {theirs}")
    report.put("snippets: verdict of `compile`", version, good, total)
    report.put("snippets: its first message", version, worded, rejected)


def library_files() -> list[Path]:
    """Every file of the standard library, its tests included."""
    root = Path(sysconfig.get_paths()["stdlib"])
    return [
        p for p in sorted(root.rglob("*.py")) if "site-packages" not in p.relative_to(root).parts
    ]


def same_trees(report: Report, title: str, named: list[tuple[str, bytes]]) -> None:
    """The running interpreter as the oracle: verdicts, trees with locations, round trips."""
    version = f"3.{RUNNING[1]}"
    counts: Counter[str] = Counter()
    for name, data in named:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                tree = ast.parse(data)
            except Exception as error:
                counts["invalid"] += 1
                counts["rejected"] += bool(parse(data, RUNNING).diagnostics)
                if not parse(data, RUNNING).diagnostics:
                    report.differ(version, "accepted", name, repr(error))
                continue
            try:
                compile(data, name, "exec", dont_inherit=True)
                compiled = "ok"
            except Exception as error:
                compiled = str(error)
        counts["valid"] += 1
        found = next(differences(data, tree), "")
        counts["same"] += not found
        if found:
            report.differ(version, "tree", name, found)
            continue
        program = parse(data, RUNNING)
        wrong = validate(program)
        counts["validated"] += (compiled == "ok") == (not wrong)
        if (compiled == "ok") != (not wrong):
            report.differ(version, "compile", name, f"{wrong[:1]}, CPython {compiled}")
        text = emit(program)
        found = mismatch(program.tree, parse(text, RUNNING).tree) or _unread(text, tree)
        counts["emitted"] += not found
        if found:
            report.differ(version, "emit", name, found)
    report.put(f"{title}: trees and locations", version, counts["same"], counts["valid"])
    report.put(f"{title}: invalid files rejected", version, counts["rejected"], counts["invalid"])
    report.put(f"{title}: verdict of `compile`", version, counts["validated"], counts["valid"])
    report.put(f"{title}: emitted text, read by both", version, counts["emitted"], counts["valid"])


def _unread(text: str, tree: ast.AST) -> str:
    """Does CPython read the emitted text as the same tree? Empty if it does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            again = ast.parse(text)
        except SyntaxError as error:
            return f"CPython: {error}"
        for one in (*ast.walk(tree), *ast.walk(again)):
            if isinstance(one, ast.Constant):
                one.kind = None
        same = ast.dump(again) == ast.dump(tree)
    return "" if same else "CPython reads another tree"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--versions", default="3.8,3.9,3.10,3.11,3.12,3.13")
    parser.add_argument("--library", action="store_true", help="the standard library only")
    parser.add_argument("--every", type=int, default=1, help="only every n-th file of the library")
    args = parser.parse_args()
    report = Report()
    if not args.library:
        for version in args.versions.split(","):
            corpora(report, int(version.split(".")[1]))
            snippets(report, int(version.split(".")[1]))
        names = json.loads((CORPORA / "verdicts_3.11.json").read_text())
        same_trees(report, "corpora", [(name, (CORPORA / name).read_bytes()) for name in names])
    files = library_files()[:: args.every]
    same_trees(report, "standard library", [(p.name, p.read_bytes()) for p in files])
    print(report.table())
    print(f"Python {sys.version.split()[0]}; {report.unexplained} disagreements without a reason")
    return int(report.unexplained > 0)


if __name__ == "__main__":
    raise SystemExit(main())
