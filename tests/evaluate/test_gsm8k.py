"""The three ways to read an answer, and the gold answers themselves."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from neox.evaluate.benchmarks.gsm8k import INVALID, Gsm8k, flexible, last, strict
from neox.evaluate.judging import canonical, reply
from neox.sandbox import Sandbox


@pytest.mark.parametrize(
    ("text", "official", "lm_eval", "final"),
    [
        ("6 * 7 = 42\n#### 42", "42", "42", "42"),
        ("#### 1,042", "1042", "1042", "1042"),
        ("#### -3", "-3", "-3", "-3"),
        ("she pays $1,042.", INVALID, "1042", INVALID),
        ("#### 5\n\nQuestion: next\nAnswer: #### 9", "5", "9", "9"),
        ("no number", INVALID, INVALID, INVALID),
        ("####42", INVALID, "42", INVALID),
        ("#### 42.", "42.", "42", "42."),
    ],
)
def test_answers_are_read_as_each_harness_reads_them(
    text: str, official: str, lm_eval: str, final: str
) -> None:
    assert (strict(text), flexible(text), last(text)) == (official, lm_eval, final)


def test_every_gold_answer_is_found_both_ways() -> None:
    shipped = resources.files("neox.datasets").joinpath("gsm8k/test.jsonl.gz")
    with resources.as_file(shipped) as path:
        problems = Gsm8k().read(Path(path))
    assert len(problems) == 1319
    assert problems[0].fields["shots"].count("Question:") == 5
    with Sandbox(workers=1, strict=False) as box:
        judged = list(Gsm8k().judge(canonical(problems), box, 1.0))
        wrong = list(Gsm8k().judge([reply(problems[0], "#### 17")], box, 1.0))
    assert all(all(one.passed.values()) for one in judged)
    assert not wrong[0].right
    assert wrong[0].row()["extracted"]["strict"] == "17"
