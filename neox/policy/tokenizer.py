"""Byte-level BPE whose merges may cross spaces, lossless on any bytes.

Bytes are first written as 256 printable characters (the table of GPT-2's byte-level BPE), so even
bytes that are no UTF-8 survive. Words are lines: a merge may span blanks and end with a newline,
but digits stay alone, so that numbers keep a regular spelling. Knows nothing about models.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import Sequence as Steps
from tokenizers.pre_tokenizers import Split
from tokenizers.trainers import BpeTrainer

PAD, EOS = "<pad>", "<eos>"


def _alphabet() -> list[str]:
    """Character for each byte: itself where printable, otherwise a letter from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    spare = iter(range(0x100, 0x200))
    return [chr(b) if b in printable else chr(next(spare)) for b in range(256)]


ALPHABET = _alphabet()
_TO_CHARS = {b: c for b, c in enumerate(ALPHABET)}
_TO_BYTES = {ord(c): b for b, c in enumerate(ALPHABET)}
_NEWLINE = ALPHABET[0x0A]


def _spell(text: str | bytes) -> str:
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return raw.decode("latin-1").translate(_TO_CHARS)


class BytePairTokenizer:
    """Text or bytes to ids and back. `pad` and `eos` are ids that no text encodes to."""

    def __init__(self, core: Tokenizer) -> None:
        self._core = core
        self._tokens: list[str] = sorted(core.get_vocab(), key=core.get_vocab().__getitem__)
        self.pad: int = self._tokens.index(PAD)
        self.eos: int = self._tokens.index(EOS)

    @classmethod
    def train(cls, texts: Iterable[str], vocab_size: int) -> BytePairTokenizer:
        """Learn `vocab_size` tokens (258 at least) from the texts, deterministically."""
        core = Tokenizer(BPE())
        core.pre_tokenizer = Steps(
            [
                Split(Regex("[0-9]"), "isolated"),
                Split(Regex(_NEWLINE), "merged_with_previous"),
            ]
        )
        trainer = BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=[PAD, EOS],
            initial_alphabet=ALPHABET,
            show_progress=False,
        )
        core.train_from_iterator((_spell(t) for t in texts), trainer)
        return cls(_without_specials(core))

    def __len__(self) -> int:
        return len(self._tokens)

    def encode(self, text: str | bytes) -> tuple[int, ...]:
        return tuple(self._core.encode(_spell(text)).ids)

    def encode_batch(self, texts: Sequence[str], *, begin: bool = True) -> list[tuple[int, ...]]:
        return [tuple(e.ids) for e in self._core.encode_batch([_spell(t) for t in texts])]

    def encode_chat(self, messages: Sequence[Mapping[str, str]]) -> tuple[int, ...]:
        """This vocabulary has no roles: the contents, one after the other."""
        return self.encode("".join(f"{m['content']}\n" for m in messages))

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The exact bytes; specials give nothing."""
        text = "".join(self._tokens[i] for i in ids if i not in (self.pad, self.eos))
        return text.translate(_TO_BYTES).encode("latin-1")

    def decode(self, ids: Iterable[int]) -> str:
        """Text; bytes that are no UTF-8 become U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", "replace")

    def save(self, path: Path) -> None:
        self._core.save(str(path))

    @classmethod
    def load(cls, path: Path) -> BytePairTokenizer:
        return cls(Tokenizer.from_file(str(path)))


def _without_specials(core: Tokenizer) -> Tokenizer:
    """The same vocabulary, but text that spells "<eos>" must not become the special token."""
    import json

    data = json.loads(core.to_str())
    data["added_tokens"] = []
    return Tokenizer.from_str(json.dumps(data))
