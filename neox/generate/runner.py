"""What decoding needs of a model: rows of kept state that can be fed, copied and rewound.

A slot holds what one text has left in the model; slots are independent, so texts of any length run
side by side. Knows nothing about probabilities, text or requests.

Shapes: R rows, T tokens per row (the longest), k siblings, d width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, cast

from torch import Tensor

from neox.errors import InputError
from neox.policy.base import Policy, Tokens

if TYPE_CHECKING:
    from neox.policy.hf import HFPolicy


class Runner(Protocol):
    """A model with a fixed number of slots."""

    slots: int
    max_length: int

    @property
    def lengths(self) -> list[int]:
        """Tokens kept, by slot."""
        ...

    @property
    def tokenizer(self) -> Tokens: ...

    @property
    def stops(self) -> frozenset[int]:
        """The tokens that end a text."""
        ...

    def feed(self, slots: Sequence[int], tokens: Sequence[Sequence[int]]) -> Tensor:
        """Append tokens to some slots; the hidden state behind each, [R, T, d]. Rows with fewer
        tokens are padded at the end with states that mean nothing."""
        ...

    def peek(self, slots: Sequence[int], siblings: Sequence[Sequence[int]]) -> Tensor:
        """Hidden states [R, k, d] of k alternatives for each slot's next token; nothing is kept."""
        ...

    def commit(self, choices: Sequence[int]) -> None:
        """Keep one of the siblings that were peeked at last, for each slot."""
        ...

    def rewind(self, slot: int, length: int) -> None:
        """Forget all but the first `length` tokens of a slot."""
        ...

    def copy(self, sources: Sequence[int], targets: Sequence[int]) -> None:
        """All at once: slot targets[i] becomes what sources[i] was."""
        ...

    def logits(self, hidden: Tensor) -> Tensor:
        """[..., d] -> [..., V]."""
        ...


def runner(policy: Policy, slots: int) -> Runner:
    """A runner for a policy: kept keys and values where all layers are attention of our own."""
    from neox.generate.native import NativeRunner
    from neox.generate.reread import HFReread, NativeReread
    from neox.policy.native import NativePolicy

    if isinstance(policy, NativePolicy):
        config = policy.model.config
        plain = set(config.mixers) == {"attention"} and not config.hyper
        return NativeRunner(policy, slots) if plain else NativeReread(policy, slots)
    if hasattr(policy, "scorer"):
        return HFReread(cast("HFPolicy", policy), slots)
    raise InputError(f"no decoding by slots for {type(policy).__name__}")
