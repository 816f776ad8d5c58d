"""A loaded model and how requests for it are made: prompts, seeds, grammars.

Knows the engine and OpenAI's fields, nothing about HTTP.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neox.errors import InputError
from neox.generate.constrained import Constraint
from neox.generate.drafts import PromptLookup
from neox.generate.engine import Engine, Request
from neox.generate.grammars import Grammars
from neox.generate.json_grammar import SchemaError
from neox.generate.runner import runner
from neox.policy.base import Ids, Policy
from neox.serve.errors import ApiError, bad
from neox.serve.fields import MOST_CHOICES, MOST_PROMPTS, MOST_TOPS, Fields
from neox.serve.metrics import Metrics
from neox.serve.worker import Worker
from neox.train.seeding import fold

MOST_SCHEMA = 64_000  # characters


@dataclass(frozen=True, slots=True)
class Job:
    """What one call asks for: `choices` requests per prompt, in order, and what to show."""

    prompts: Sequence[Ids]
    requests: Sequence[Request]
    stops: Sequence[str]
    choices: int
    tops: int | None  # None: no log-probabilities
    echo: bool = False

    @property
    def prompt_tokens(self) -> int:
        return sum(map(len, self.prompts))


class Host:
    def __init__(
        self, policy: Policy, name: str, slots: int, max_waiting: int, step: str = ""
    ) -> None:
        self.policy, self.name, self.step, self.created = policy, name, step, int(time.time())
        self.runner = runner(policy, slots)
        self.engine = Engine(self.runner, max_waiting)
        self.metrics = Metrics(self.engine)
        self.worker = Worker(self.engine, self.metrics)
        self.words = self.worker.words
        self.grammars = Grammars(self.words, self.runner.stops)

    @property
    def size(self) -> int:
        return len(self.words)

    def card(self) -> dict[str, Any]:
        return {
            "id": self.name,
            "object": "model",
            "created": self.created,
            "owned_by": "neox",
            "max_model_len": self.runner.max_length,
            "step": self.step,
        }

    def completion(self, fields: Fields) -> Job:
        self._check_model(fields)
        prompts = self._prompts(fields.raw("prompt"))
        tops = fields.whole("logprobs", None, 0, MOST_TOPS)
        echo = fields.flag("echo")
        most = fields.count("max_tokens", 16, 0, self.runner.max_length)
        if most == 0 and not echo:
            raise bad("max_tokens may be 0 only with echo", "max_tokens")
        return self._job(fields, prompts, most, tops, echo, None)

    def chat(self, fields: Fields) -> Job:
        self._check_model(fields)
        messages = _messages(fields.raw("messages"))
        encode = getattr(self.policy.tokenizer, "encode_chat", None)
        try:
            if encode is not None:
                prompt = encode(messages)
            else:
                prompt = self.policy.tokenizer.encode(
                    "".join(f"{m['content']}\n" for m in messages)
                )
        except InputError as error:
            raise bad(str(error), "messages") from None
        shown = fields.flag("logprobs")
        tops = fields.count("top_logprobs", 0, 0, MOST_TOPS)
        if tops and not shown:
            raise bad("top_logprobs needs logprobs to be true", "top_logprobs")
        room = max(1, self.runner.max_length - len(prompt))
        name = (
            "max_tokens" if fields.raw("max_completion_tokens") is None else "max_completion_tokens"
        )
        most = fields.count(name, min(room, 256), 1, self.runner.max_length)
        # a template makes the answer a text of its own; without one it continues the prompt
        template = getattr(getattr(self.policy.tokenizer, "core", None), "chat_template", None)
        prefix = b"" if template else None
        return self._job(fields, [prompt], most, tops if shown else None, False, prefix)

    def _job(
        self,
        fields: Fields,
        prompts: Sequence[Ids],
        most: int,
        tops: int | None,
        echo: bool,
        prefix: bytes | None,
    ) -> Job:
        n = fields.count("n", 1, 1, MOST_CHOICES)
        if n * len(prompts) > MOST_CHOICES * 4:
            raise bad(f"at most {MOST_CHOICES * 4} texts per call", "n")
        law = fields.law(self.size)
        seed = fields.whole("seed", None, -(1 << 63), 1 << 64)
        seed = secrets.randbits(62) if seed is None else seed
        drafter = PromptLookup() if fields.flag("speculate") else None
        requests = []
        for at, prompt in enumerate(prompts):
            constraint = self._constraint(fields.raw("response_format"), prompt, prefix)
            for choice in range(n):
                requests.append(
                    Request(
                        prompt,
                        law,
                        most,
                        fold(seed, "serve", at * n + choice),
                        constraint,
                        drafter,
                        tops or 0,
                        echo,
                    )
                )
        return Job(prompts, requests, fields.stops(), n, tops, echo)

    def _check_model(self, fields: Fields) -> None:
        name = fields.text("model")
        if name is None:
            raise bad("model is missing", "model", "missing_field")
        if name != self.name:
            raise ApiError(
                404,
                f"the model {name[:100]!r} is not here; this server has {self.name!r}",
                param="model",
                code="model_not_found",
            )

    def _prompts(self, value: Any) -> list[Ids]:
        if isinstance(value, str) or (
            isinstance(value, list) and value and all(_is_id(v) for v in value)
        ):
            value = [value]
        if not isinstance(value, list) or not 0 < len(value) <= MOST_PROMPTS:
            raise bad(f"prompt must hold 1 to {MOST_PROMPTS} texts or lists of token ids", "prompt")
        found: list[Ids] = []
        for one in value:
            if isinstance(one, str):
                found.append(self.policy.tokenizer.encode(one))
            elif isinstance(one, list) and all(_is_id(v) and v < self.size for v in one):
                found.append(tuple(one))
            else:
                raise bad(f"prompt must be texts or lists of token ids below {self.size}", "prompt")
            if not found[-1]:
                raise bad("a prompt is empty", "prompt")
        return found

    def _constraint(self, form: Any, prompt: Ids, prefix: bytes | None) -> Constraint | None:
        if form is None:
            return None
        kind = form.get("type") if isinstance(form, dict) else None
        try:
            if kind == "text":
                return None
            if kind == "python":
                begun = b"".join(self.words[i] for i in prompt) if prefix is None else prefix
                return self.grammars.python(begun)
            if kind == "json_object":
                return self.grammars.json(None)
            if kind == "json_schema":
                inner = form.get("json_schema")
                schema = inner.get("schema") if isinstance(inner, dict) else None
                if schema is None:
                    raise bad("json_schema.schema is missing", "response_format")
                if len(json.dumps(schema)) > MOST_SCHEMA:
                    raise bad(f"a schema may have {MOST_SCHEMA} characters", "response_format")
                return self.grammars.json(schema)
        except (SchemaError, InputError, RecursionError) as error:
            raise bad(str(error) or "the schema is too deep", "response_format") from None
        raise bad(
            "response_format.type must be text, python, json_object or json_schema",
            "response_format",
        )

    def token_text(self, token: int) -> str:
        """The text of one token; specials by their names, so that they can be told apart."""
        if self.words[token]:
            return self.words[token].decode("utf-8", "replace")
        return self.specials.get(token, f"<{token}>")

    @property
    def specials(self) -> Mapping[int, str]:
        core = getattr(self.policy.tokenizer, "core", None)
        if core is not None:
            ids = core.all_special_ids
            return dict(zip(ids, core.convert_ids_to_tokens(ids), strict=True))
        tokenizer: Any = self.policy.tokenizer
        return {tokenizer.eos: "<eos>", tokenizer.pad: "<pad>"}


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _messages(value: Any) -> list[dict[str, str]]:
    if not isinstance(value, list) or not value:
        raise bad("messages must be a list that is not empty", "messages")
    found = []
    for message in value:
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ("system", "developer", "user", "assistant"):
            raise bad("a message needs a role: system, developer, user or assistant", "messages")
        content = message.get("content")
        if isinstance(content, list):  # parts; only text can be read
            kinds = {p.get("type") if isinstance(p, dict) else None for p in content}
            if kinds - {"text"} or not all(isinstance(p.get("text"), str) for p in content):
                raise bad("a message may hold only parts of type text", "messages")
            content = "".join(p["text"] for p in content)
        if not isinstance(content, str):
            raise bad("a message needs a content of text", "messages")
        found.append({"role": role, "content": content})
    return found
