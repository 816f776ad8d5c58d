"""A Hugging Face tokenizer behind the `Tokens` protocol.

Only prompts and documents are encoded; sampled ids are decoded for the rewards to read, and never
encoded again. Knows nothing about models.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from neox.errors import InputError
from neox.policy.base import Ids, Message


class HFTokens:
    """`stops` are the ids that end a completion: the tokenizer's and those of the model's own
    generation settings (a chat model often has two)."""

    def __init__(self, core: Any, stops: Iterable[int] = ()) -> None:
        self.core = core
        known = {i for i in (*stops, core.eos_token_id) if i is not None}
        if not known:
            raise InputError(
                "the tokenizer has no end-of-text token, so no completion could end",
                remedy="set eos_token in its tokenizer_config.json",
            )
        self.stops: Ids = tuple(sorted(known))
        self.eos: int = self.stops[0] if core.eos_token_id is None else core.eos_token_id
        self.pad: int = self.eos if core.pad_token_id is None else core.pad_token_id

    def encode(self, text: str | bytes) -> Ids:
        plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return self.encode_batch([plain])[0]

    def encode_batch(self, texts: Sequence[str], *, begin: bool = True) -> list[Ids]:
        if not texts:
            return []
        ids = self.core(list(texts), add_special_tokens=begin)["input_ids"]
        if begin:  # some tokenizers close what they open; a prompt is to be continued
            last = {self.eos, self.core.sep_token_id}
            ids = [row[:-1] if len(row) > 1 and row[-1] in last else row for row in ids]
        return [tuple(row) for row in ids]

    def encode_chat(self, messages: Sequence[Message]) -> Ids:
        """Through the tokenizer's own template. InputError where it has none."""
        if not getattr(self.core, "chat_template", None):
            raise InputError(
                "these tasks are conversations, and the tokenizer has no chat template",
                remedy="use an instruct model, or give `prompt` as text",
            )
        text = self.core.apply_chat_template(
            [dict(m) for m in messages], tokenize=False, add_generation_prompt=True
        )
        # the template writes the begin-of-text token itself
        return self.encode_batch([text], begin=False)[0]

    def decode(self, ids: Iterable[int]) -> str:
        text: str = self.core.decode(
            list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    def save(self, folder: Path) -> None:
        self.core.save_pretrained(folder)
