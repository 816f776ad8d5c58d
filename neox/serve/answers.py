"""Answers in OpenAI's shapes, whole and as chunks of a stream.

JSON knows no infinity, so log-probabilities have a floor.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Sequence
from typing import Any

from neox.generate.engine import Piece
from neox.serve.host import Host, Job
from neox.serve.worker import Chunk

FLOOR = -9999.0


def finite(value: float) -> float:
    return value if math.isfinite(value) else FLOOR


class Answer:
    """One call's answer as it grows. `chat` chooses the shape."""

    def __init__(self, host: Host, job: Job, chat: bool) -> None:
        self.host, self.job, self.chat = host, job, chat
        self.id = ("chatcmpl-" if chat else "cmpl-") + secrets.token_hex(12)
        self.created = int(time.time())
        self.texts = [""] * len(job.requests)
        self.pieces: list[list[Piece]] = [[] for _ in job.requests]
        self.finish: list[str | None] = [None] * len(job.requests)
        self._offsets = [0] * len(job.requests)
        self._begun = [False] * len(job.requests)
        if job.echo:
            for i, request in enumerate(job.requests):
                self.texts[i] = self._prompt_text(request.prompt)

    def _prompt_text(self, ids: Sequence[int]) -> str:
        return b"".join(self.host.words[i] for i in ids).decode("utf-8", "replace")

    def add(self, chunk: Chunk) -> None:
        self.texts[chunk.choice] += chunk.text
        self.pieces[chunk.choice] += chunk.pieces
        if chunk.finish is not None:
            self.finish[chunk.choice] = chunk.finish

    def whole(self) -> dict[str, Any]:
        choices = []
        for i, text in enumerate(self.texts):
            choice: dict[str, Any] = {"index": i, "finish_reason": self.finish[i]}
            if self.chat:
                choice["message"] = {"role": "assistant", "content": text, "refusal": None}
            else:
                choice["text"] = text
            choice["logprobs"] = self.logprobs(self.pieces[i], 0)
            choices.append(choice)
        kind = "chat.completion" if self.chat else "text_completion"
        return self._head(kind) | {"choices": choices, "usage": self.usage()}

    def usage(self) -> dict[str, int]:
        written = sum(not piece.prompt for pieces in self.pieces for piece in pieces)
        read = self.job.prompt_tokens
        return {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
        }

    def events(self, chunk: Chunk) -> list[dict[str, Any]]:
        """The stream's chunks for some new text; nothing where there is nothing to tell."""
        i, found = chunk.choice, []
        if self.chat and not self._begun[i]:
            found.append(self._chunk(i, {"role": "assistant", "content": ""}, None, None))
        text = chunk.text
        if not self.chat and not self._begun[i] and self.job.echo:
            text = self._prompt_text(self.job.requests[i].prompt) + text
        self._begun[i] = True
        told = self.logprobs(chunk.pieces, self._offsets[i])
        self._offsets[i] += len(text)
        if text or (chunk.pieces and told):
            found.append(self._chunk(i, {"content": text} if self.chat else text, told, None))
        if chunk.finish is not None:
            found.append(self._chunk(i, {} if self.chat else "", None, chunk.finish))
        return found

    def last(self) -> dict[str, Any]:
        """The chunk that holds the usage."""
        kind = "chat.completion.chunk" if self.chat else "text_completion"
        return self._head(kind) | {"choices": [], "usage": self.usage()}

    def _chunk(self, i: int, new: Any, logprobs: Any, finish: str | None) -> dict[str, Any]:
        kind = "chat.completion.chunk" if self.chat else "text_completion"
        key = "delta" if self.chat else "text"
        choice = {"index": i, key: new, "logprobs": logprobs, "finish_reason": finish}
        return self._head(kind) | {"choices": [choice]}

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.host.name}

    def logprobs(self, pieces: Sequence[Piece], offset: int) -> dict[str, Any] | None:
        if self.job.tops is None:
            return None
        return self._chat(pieces) if self.chat else self._legacy(pieces, offset)

    def _legacy(self, pieces: Sequence[Piece], offset: int) -> dict[str, Any]:
        name = self.host.token_text
        offsets = []
        for piece in pieces:
            offsets.append(offset)
            offset += len(self.host.words[piece.token].decode("utf-8", "replace"))
        return {
            "tokens": [name(p.token) for p in pieces],
            "token_logprobs": [None if p.logprob is None else finite(p.logprob) for p in pieces],
            "top_logprobs": [None if p.logprob is None else self._by_text(p) for p in pieces],
            "text_offset": offsets,
        }

    def _by_text(self, piece: Piece) -> dict[str, float]:
        """The likeliest tokens by text; of two with one text the likelier."""
        found: dict[str, float] = {}
        for token, logprob in piece.tops:
            text = self.host.token_text(token)
            found[text] = max(found.get(text, -math.inf), finite(logprob))
        return found

    def _chat(self, pieces: Sequence[Piece]) -> dict[str, Any]:
        def told(token: int, logprob: float | None) -> dict[str, Any]:
            return {
                "token": self.host.token_text(token),
                "logprob": finite(logprob or 0.0),
                "bytes": list(self.host.words[token]),
            }

        wanted = self.job.tops or 0
        return {
            "content": [
                {
                    **told(p.token, p.logprob),
                    "top_logprobs": [told(t, x) for t, x in p.tops[:wanted]],
                }
                for p in pieces
                if not p.prompt
            ],
            "refusal": None,
        }
