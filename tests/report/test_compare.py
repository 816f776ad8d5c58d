"""The page of a comparison: differences by task, failures by cause, code shown and escaped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neox.cli import main
from neox.report.compare import write_comparison


def results(path: Path, *rows: tuple[str, str, str]) -> Path:
    lines = [
        {"task_id": task, "completion": code, "result": told, "passed": told == "passed"}
        for task, code, told in rows
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def pair(tmp_path: Path) -> list[Path]:
    wrong = "failed: error: NameError: name 'x' is not defined"
    return [
        results(tmp_path / "a.jsonl", ("T/0", "return 1", "passed"), ("T/1", "return x<1", wrong)),
        results(tmp_path / "b.jsonl", ("T/0", "loop", "timed out"), ("T/1", "return 2", "passed")),
    ]


def test_the_page_shows_scores_differences_causes_and_code(pair: list[Path]) -> None:
    page = write_comparison(pair, pair[0].with_name("c.html")).read_text()
    assert "pass@1</td><td>50.0% [0.0%, 100.0%]</td><td>50.0%" in page
    assert "+0.0 <small>[-100.0, +100.0]</small></td><td class=n>2</td>" in page
    assert "error: NameError (1)" in page
    assert "timeout (1)" in page
    assert "return x&lt;1" in page


def test_one_file_is_a_page_too(pair: list[Path]) -> None:
    page = write_comparison(pair[:1], pair[0].with_name("c.html")).read_text()
    assert "Against" not in page
    assert "T/1" in page


def test_a_file_that_holds_no_results_is_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.jsonl").write_text('{"task_id": "T/0"}\n')
    output = tmp_path / "c.html"
    assert main(["report", str(tmp_path / "x.jsonl"), "--output", str(output)]) == 2
    assert "the row has no completion, result, passed" in capsys.readouterr().err
    assert not output.exists()
