"""The fields of a request body, read one by one with their limits.

A field that would change the answer and is not supported is refused by name; unknown ones are
ignored and logged once. Knows nothing about models.
"""

from __future__ import annotations

import logging
from typing import Any

from neox.generate.law import Law
from neox.serve.errors import bad

MOST_CHOICES, MOST_STOPS, MOST_TOPS, MOST_PROMPTS = 128, 16, 20, 256
SHARED = {
    "model", "max_tokens", "n", "stop", "seed", "temperature", "top_p", "top_k", "min_p",
    "repetition_penalty", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs",
    "stream", "stream_options", "response_format", "user", "metadata", "store", "service_tier",
    "speculate",
}  # fmt: skip
COMPLETION = {*SHARED, "prompt", "echo"}
CHAT = {*SHARED, "messages", "max_completion_tokens", "top_logprobs"}
# what these ask for would be missing from the answer; the value is the one that asks for nothing
REFUSED: dict[str, Any] = {
    "tools": [], "tool_choice": "none", "functions": [], "function_call": "none", "audio": None,
    "modalities": ["text"], "suffix": None, "best_of": None, "prediction": None,
    "web_search_options": None, "reasoning_effort": None,
}  # fmt: skip

log = logging.getLogger(__name__)
_told: set[str] = set()


class Fields:
    def __init__(self, body: Any, known: set[str]) -> None:
        if not isinstance(body, dict):
            raise bad("the body must be a JSON object", "body")
        self._body = body
        for name, value in body.items():
            if name in REFUSED and value is not None and value != REFUSED[name]:
                if name == "best_of" and value == body.get("n", 1):
                    continue
                raise bad(f"{name} is not supported by this server", name, "unsupported_parameter")
            if name not in known and name not in REFUSED and name not in _told:
                _told.add(name)
                log.warning("unknown request field %r is ignored", name[:80])

    def raw(self, name: str) -> Any:
        return self._body.get(name)

    def number(self, name: str, default: float, low: float, high: float) -> float:
        value = self._body.get(name)
        if value is None:
            return default
        # `not in range` also catches NaN, which Python's JSON reader accepts
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            raise bad(f"{name} must be a number from {low:g} to {high:g}", name)
        return float(value)

    def whole(self, name: str, default: int | None, low: int, high: int) -> int | None:
        value = self._body.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise bad(f"{name} must be a whole number from {low} to {high}", name)
        return value

    def count(self, name: str, default: int, low: int, high: int) -> int:
        found = self.whole(name, default, low, high)
        return default if found is None else found

    def flag(self, name: str) -> bool:
        value = self._body.get(name)
        if value is not None and not isinstance(value, bool):
            raise bad(f"{name} must be true or false", name)
        return bool(value)

    def text(self, name: str) -> str | None:
        value = self._body.get(name)
        if value is not None and not isinstance(value, str):
            raise bad(f"{name} must be a text", name)
        return value

    def stops(self) -> list[str]:
        value = self._body.get("stop")
        listed = [] if value is None else [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(s, str) for s in listed):
            raise bad("stop must be a text or a list of texts", "stop")
        if len(listed) > MOST_STOPS:
            raise bad(f"stop must hold at most {MOST_STOPS} texts", "stop")
        return [s for s in listed if s]

    def law(self, vocabulary: int) -> Law:
        bias = self._body.get("logit_bias") or {}
        if not isinstance(bias, dict):
            raise bad("logit_bias must map token ids to numbers", "logit_bias")
        biases: dict[int, float] = {}
        for key, value in bias.items():
            valid = str(key).isdecimal() and int(key) < vocabulary
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not valid or not number or not -100 <= value <= 100:
                raise bad("logit_bias must map token ids to numbers in [-100, 100]", "logit_bias")
            biases[int(key)] = float(value)
        top_p = self.number("top_p", 1.0, 0.0, 1.0)
        return Law(
            temperature=self.number("temperature", 1.0, 0.0, 2.0),
            top_k=self.count("top_k", 0, -1, 1 << 30) if self.raw("top_k") != -1 else 0,
            top_p=max(top_p, 1e-9),  # 0 means the likeliest alone
            min_p=self.number("min_p", 0.0, 0.0, 1.0),
            repetition_penalty=self.number("repetition_penalty", 1.0, 0.01, 100.0),
            presence_penalty=self.number("presence_penalty", 0.0, -2.0, 2.0),
            frequency_penalty=self.number("frequency_penalty", 0.0, -2.0, 2.0),
            bias=biases or None,
        )

    def wants_usage(self) -> bool:
        options = self._body.get("stream_options")
        if options is None:
            return False
        if not isinstance(options, dict):
            raise bad("stream_options must be an object", "stream_options")
        return bool(options.get("include_usage"))
