"""The policy: what generates completions and gives their log-probabilities.

Everything is token ids in and token ids out; a sampled completion is never decoded and encoded
again. Samples of one prompt stay together as a `Group`, so that a policy may read the prompt once.
Knows nothing about tasks, rewards or optimisation.

Shapes: N samples (all groups in order), T tokens of the longest completion, d width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import torch
from torch import Tensor

from neox.policy.noise import Noise

Ids = tuple[int, ...]
Message = Mapping[str, str]  # role and content
Finish = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to draw tokens. Temperature 0 is greedy; top_k 0 and top_p 1 leave the law unchanged."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    max_new_tokens: int = 64


@dataclass(frozen=True, slots=True)
class Completion:
    """One sampled continuation of prompt number `prompt`.

    ids end with the end-of-text token when `finish` is "stop". logprobs [len(ids)] are those of the
    sampling law at its temperature, before top-k and top-p. hidden [len(ids), d] is the last hidden
    state before each token, where it was asked for.
    """

    prompt: int
    ids: Ids
    logprobs: Tensor
    finish: Finish
    hidden: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A prompt and some continuations of it, as token ids."""

    prompt: Ids
    completions: tuple[Ids, ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """Per token of each continuation, [N, T], zero where `mask` [N, T] is False.

    logits_of(mask-selected rows) are not kept: `hidden` [N, T, d] before the token is.
    """

    logprobs: Tensor
    entropy: Tensor
    hidden: Tensor
    mask: Tensor


class Tokens(Protocol):
    """A tokenizer: text to ids and back."""

    @property
    def eos(self) -> int: ...

    def encode(self, text: str | bytes) -> Ids: ...
    def encode_batch(self, texts: Sequence[str], *, begin: bool = True) -> list[Ids]:
        """`begin`: the texts open a sequence, so a begin-of-text token belongs before them."""
        ...

    def encode_chat(self, messages: Sequence[Message]) -> Ids:
        """A conversation up to where the assistant's answer begins."""
        ...

    def decode(self, ids: Iterable[int]) -> str: ...


OnFinish = Callable[[int, Ids], None]


class Policy(Protocol):
    """A language model with its tokenizer."""

    @property
    def tokenizer(self) -> Tokens: ...

    @property
    def module(self) -> torch.nn.Module:
        """The trainable module; its parameters are what the optimizer updates."""
        ...

    def blocks(self) -> list[torch.nn.Module]:
        """The layers, each a unit that sharding gathers by itself."""
        ...

    def root(self) -> torch.nn.Module:
        """The module whose forward pass `score` calls; sharding wraps it last."""
        ...

    def generate(
        self,
        prompts: Sequence[Ids],
        samples: int,
        sampling: Sampling,
        generator: torch.Generator | Noise,
        *,
        on_finish: OnFinish | None = None,
        keep_hidden: bool = False,
    ) -> list[Completion]:
        """`samples` continuations of each prompt, in prompt order.

        `on_finish(index, ids)` is called as soon as number `index` of the result is complete.
        """
        ...

    def score(self, groups: Sequence[Group], temperature: float = 1.0) -> Scores:
        """Differentiable log-probabilities and entropies of the groups' continuations."""
        ...

    def width(self) -> int:
        """d, the width of hidden states."""
        ...

    def vocab_size(self) -> int: ...

    def token_logits(self, hidden: Tensor) -> Tensor:
        """Logits [..., V] of hidden states [..., d]."""
        ...

    def set_uniform_routing(self, uniform: bool) -> None:
        """Spread tokens over all experts evenly; no effect on a model without experts."""
        ...

    def after_step(self) -> dict[str, float]:
        """Work due after an optimizer step (expert balancing); returns metrics to log."""
        ...

    def save(self, folder: Path) -> None:
        """Write weights and tokenizer so that `load(folder)` gives this policy back."""
        ...

    def export(self, root: Path) -> None:
        """At the end of a run: write root/model where other programs need more than `save`."""
        ...
