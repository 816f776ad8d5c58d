"""Prompt presets as data: how each public harness asks, and where it cuts the reply.

A score means something only beside the preset that made it, so results name it. Sources: evalplus,
bigcode-evaluation-harness and lm-evaluation-harness (`humaneval`, `mbpp`, `gsm8k`, `gsm8k_cot`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Trim = Literal["", "strip", "strip+newline"]
Cut = Literal["stop", "fence"]


@dataclass(frozen=True, slots=True)
class Preset:
    """template: over the problem's fields; trim: of the field `prompt` before that; stops: the
    reply ends before the first of them; cut: `fence` takes the code block that defines the entry
    point out of a chat reply."""

    template: str
    stops: tuple[str, ...] = ()
    trim: Trim = ""
    max_new_tokens: int = 512
    cut: Cut = "stop"
    shots: int = 0

    def prompt(self, fields: Mapping[str, str]) -> str:
        """The text a model continues."""
        given = dict(fields)
        if self.trim:
            given["prompt"] = given["prompt"].strip() + "\n" * (self.trim == "strip+newline")
        return _FIELD.sub(lambda match: given[match[1]], self.template)

    def reply(self, text: str, entry: str | None = None) -> str:
        """What of a model's text is the answer."""
        if self.cut == "fence":
            return fenced(text, entry)
        ends = [at for stop in self.stops if (at := text.find(stop)) >= 0]
        return text[: min(ends)] if ends else text


_FIELD = re.compile(r"\{(\w+)\}")
_BLOCK = re.compile(r"```[^\n`]*\n(.*?)(?:\n```|\Z)", re.DOTALL)


def fenced(text: str, entry: str | None) -> str:
    """The last fenced block that defines `entry`, else the first block, else the text as it is."""
    blocks: list[str] = _BLOCK.findall(text)
    for block in reversed(blocks):
        if entry is not None and re.search(rf"^\s*(?:async\s+)?def\s+{entry}\b", block, re.M):
            return block
    return blocks[0] if blocks else text


_EVALPLUS = ("<|endoftext|>", "<|endofmask|>", "</s>", "\nif __name__", "\ndef main(", "\nprint(")
_EVALPLUS_BASE = (*_EVALPLUS, "\ndef ", "\nclass ", "\nimport ", "\nfrom ", "\nassert ")
_BIGCODE = ("\nclass", "\ndef", "\n#", "\n@", "\nprint", "\nif", "\n```", "<file_sep>")
_LM_EVAL = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")
_GSM8K = ("Question:", "</s>", "<|im_end|>")

HUMANEVAL: Mapping[str, Preset] = {
    "human-eval": Preset("{prompt}", _EVALPLUS_BASE),
    "evalplus-base": Preset("{prompt}", _EVALPLUS_BASE, "strip+newline", 768),
    "evalplus-chat": Preset(
        "Please provide a self-contained Python script that solves the following problem in a "
        "markdown code block:\n```\n{prompt}\n```\n",
        trim="strip",
        max_new_tokens=768,
        cut="fence",
    ),
    "bigcode": Preset("{prompt}", _BIGCODE, "strip"),
    "bigcode-unstripped": Preset("{prompt}", _BIGCODE),
    "lm-eval": Preset("{prompt}", _LM_EVAL, max_new_tokens=1024),
}
MBPP: Mapping[str, Preset] = {
    "evalplus-base": Preset(
        "{prompt}", (*_EVALPLUS, '\n"""', "\nassert"), "strip+newline", max_new_tokens=768
    ),
    "bigcode": Preset(
        '"""\n{text}\n{first_test}\n"""\n',
        ("\nclass", "\nassert", '\n"""', "\nprint", "\nif", "\n<|/", "\n```"),
    ),
    "lm-eval": Preset(
        "{shots}You are an expert Python programmer, and here is your task: {text} Your code "
        "should pass these tests:\n\n{tests}\n[BEGIN]\n",
        ("[DONE]",),
        shots=3,
    ),
}
GSM8K: Mapping[str, Preset] = {
    "gsm8k-lm-eval": Preset(
        "{shots}Question: {question}\nAnswer:", _GSM8K, max_new_tokens=256, shots=5
    ),
    "gsm8k-cot-zeroshot": Preset(
        "Q: {question}\nA: Let's think step by step.", ("Q:", *_GSM8K[1:]), max_new_tokens=512
    ),
}
CRUXEVAL: Mapping[str, Preset] = {
    "output": Preset("{code}\nassert f({input}) ==", ("\n",), max_new_tokens=128),
}
