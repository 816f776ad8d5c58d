"""Sampling through transformers' own `generate`, for models whose state is more than keys and
values (windows, recurrences), or on request.

Each sample reads its prompt anew. The draw is still ours: a logits processor picks the token, so
that the law, its log-probabilities and the random numbers are those of the native loop.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from neox.generate.sampling import draw
from neox.policy.base import Sampling
from neox.policy.hf_score import Scorer
from neox.policy.noise import Noise
from neox.policy.rows import Rows


class _Draw(LogitsProcessor):  # type: ignore[misc]
    """Draws the token and leaves it as the only possible one."""

    def __init__(self, sampling: Sampling, numbers: Noise, rows: Rows) -> None:
        self._sampling, self._numbers, self._rows, self._t = sampling, numbers, rows, 0

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        greedy = self._sampling.temperature == 0
        uniform = None if greedy else self._numbers.uniform(self._rows.slots, self._t)
        token, logprob = draw(scores.float(), self._sampling, None, uniform)
        self._rows.add(token, logprob)
        self._t += 1
        return torch.full_like(scores, float("-inf")).scatter(1, token[:, None], 0.0)


def by_transformers(
    scorer: Scorer, tokens: Tensor, seen: Tensor, sampling: Sampling, numbers: Noise, rows: Rows
) -> None:
    """Fill `rows` with samples of the left-padded prompts [P, L]."""
    model: Any = scorer.core
    own = model.generation_config  # its penalties and filters would change the law
    settings = GenerationConfig(
        max_new_tokens=sampling.max_new_tokens,
        do_sample=False,
        eos_token_id=rows.stops,
        pad_token_id=scorer.pad,
        bos_token_id=None,
    )
    model.generation_config = settings
    try:
        model.generate(
            input_ids=tokens.repeat_interleave(rows.samples, dim=0),
            attention_mask=seen.repeat_interleave(rows.samples, dim=0),
            logits_processor=LogitsProcessorList([_Draw(sampling, numbers, rows)]),
        )
    finally:
        model.generation_config = own
