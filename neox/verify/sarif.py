"""SARIF 2.1.0 (OASIS), the form in which code hosts take findings."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

from neox import __version__
from neox.verify.findings import RULES, Finding

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_WARNINGS = {"NX002", "NX003", "NX004", "NX101", "NX102", "NX103"}


def sarif(findings: list[Finding]) -> str:
    order = list(RULES)
    results = [
        {
            "ruleId": f.code,
            "ruleIndex": order.index(f.code),
            "level": "warning" if f.code in _WARNINGS else "error",
            "message": {"text": f.message},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": _uri(f.path)},
                        "region": {"startLine": f.line, "startColumn": f.column},
                    }
                }
            ],
        }
        for f in findings
    ]
    rules = [
        {"id": code, "shortDescription": {"text": text}, "fullDescription": {"text": text}}
        for code, text in RULES.items()
    ]
    driver = {"name": "neox", "version": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "results": results, "columnKind": "unicodeCodePoints"}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _uri(path: str) -> str:
    """Relative to the folder the run was started in, where it lies below."""
    place = Path(path)
    if place.is_absolute():
        try:
            place = place.relative_to(Path.cwd())
        except ValueError:
            return place.as_uri()
    return quote(place.as_posix())
