"""The bytes of every token of a tokenizer, as grammars and text streams need them."""

from __future__ import annotations

from typing import Any

from neox.errors import InputError
from neox.policy.tokenizer import ALPHABET, BytePairTokenizer

_BYTE = {char: byte for byte, char in enumerate(ALPHABET)}


def words(tokenizer: Any) -> list[bytes]:
    """Bytes by token id; specials have none. InputError for a tokenizer that is not byte-level."""
    if isinstance(tokenizer, BytePairTokenizer):
        return [tokenizer.decode_bytes([token]) for token in range(len(tokenizer))]
    core = getattr(tokenizer, "core", None)
    if core is None:
        raise InputError(f"the bytes of {type(tokenizer).__name__}'s tokens are not known")
    special = set(core.all_special_ids)
    found = []
    for token, name in enumerate(core.convert_ids_to_tokens(list(range(len(core))))):
        if token in special or name is None or any(char not in _BYTE for char in name):
            found.append(b"")
        else:
            found.append(bytes(_BYTE[char] for char in name))
    missing = 256 - len({word for word in found if len(word) == 1})
    if missing:
        raise InputError(f"the tokenizer is not byte-level: {missing} bytes have no token")
    return found


def stops(tokenizer: Any) -> list[int]:
    """The tokens that end a text: some tokenizers have several."""
    return list(getattr(tokenizer, "stops", None) or [tokenizer.eos])
