"""Presets ask and cut as the harness they are named after."""

from __future__ import annotations

import pytest

from neox.evaluate.prompts import GSM8K, HUMANEVAL, MBPP, fenced

PROMPT = '\nfrom x import y\n\ndef f(a):\n    """{not a field}"""\n'


def test_each_preset_trims_the_prompt_its_own_way() -> None:
    asked = {name: p.prompt({"prompt": PROMPT}) for name, p in HUMANEVAL.items()}
    assert asked["human-eval"] == asked["lm-eval"] == PROMPT
    assert asked["evalplus-base"] == PROMPT.strip() + "\n"
    assert asked["bigcode"] == PROMPT.strip()
    assert asked["evalplus-chat"].endswith(f"\n```\n{PROMPT.strip()}\n```\n")


def test_a_reply_ends_before_the_first_stop() -> None:
    text = "    return 1\n\nprint(f(2))\ndef g(): pass"
    assert HUMANEVAL["human-eval"].reply(text) == "    return 1\n"
    assert HUMANEVAL["lm-eval"].reply(text) == "    return 1\n"
    assert HUMANEVAL["evalplus-base"].reply("    return 2") == "    return 2"


def test_mbpp_is_asked_with_its_first_assert_or_all_of_them() -> None:
    fields = {
        "prompt": '"""\nAdd.\nassert f(1) == 2\n"""\n',
        "text": "Add.",
        "first_test": "assert f(1) == 2",
        "tests": "assert f(1) == 2\nassert f(2) == 3",
        "shots": "SHOT ",
    }
    assert MBPP["bigcode"].prompt(fields) == fields["prompt"]
    assert MBPP["lm-eval"].prompt(fields) == (
        "SHOT You are an expert Python programmer, and here is your task: Add. Your code should "
        "pass these tests:\n\nassert f(1) == 2\nassert f(2) == 3\n[BEGIN]\n"
    )


def test_gsm8k_is_asked_after_its_examples() -> None:
    asked = GSM8K["gsm8k-lm-eval"].prompt({"question": "How many?", "shots": "E\n\n"})
    assert asked == "E\n\nQuestion: How many?\nAnswer:"
    assert GSM8K["gsm8k-lm-eval"].reply(" 5 #### 5\nQuestion: x") == " 5 #### 5\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Sure:\n```python\ndef f(a):\n    return a\n```\nDone.", "def f(a):\n    return a"),
        ("```\nx = 1\n```\n```py\ndef f(a): return 2\n```", "def f(a): return 2"),
        ("```\nx = 1\n```", "x = 1"),
        ("```python\ndef f(a): return 3", "def f(a): return 3"),
        ("def f(a): return 4", "def f(a): return 4"),
    ],
)
def test_a_chat_reply_gives_the_block_that_defines_the_function(text: str, code: str) -> None:
    assert fenced(text, "f") == code
