"""Log-probabilities of tokens from hidden states, in memory that the vocabulary does not grow.

The head's product, softmax, gather and entropy run over chunks of tokens whose logits fit a fixed
buffer; the backward pass makes each chunk's logits again. Only one number per token is kept, so a
vocabulary of 152,000 needs no more than one of 258.

Shapes: M tokens, d width, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neox.kernels.linear_logprob import reference

CHUNK = 1 << 22  # logits at a time: 16 MB in single precision


def token_logprobs(
    hidden: Tensor, weight: Tensor, target: Tensor, temperature: float = 1.0, chunk: int = CHUNK
) -> tuple[Tensor, Tensor]:
    """hidden [M, d], weight [V, d], target [M] -> log p(target) [M] and entropy in nats [M]."""
    if len(hidden) * len(weight) <= chunk // 4 and hidden.dtype == torch.float32:
        return reference(hidden, weight, target, temperature)  # keeping so little costs less
    rows = max(1, chunk // len(weight))
    logprob, entropy = _Chunked.apply(hidden, weight, target, temperature, rows)  # type: ignore[no-untyped-call]
    return logprob, entropy


def _logits(hidden: Tensor, weight: Tensor, temperature: float) -> Tensor:
    return (hidden @ weight.T).float().div_(temperature)


class _Chunked(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, target: Tensor, temperature: float, rows: int
    ) -> tuple[Tensor, Tensor]:
        logprob = hidden.new_empty(len(hidden), dtype=torch.float32)
        entropy, mass = torch.empty_like(logprob), torch.empty_like(logprob)
        for start in range(0, len(hidden), rows):
            part = slice(start, start + rows)
            logits = _logits(hidden[part], weight, temperature)
            mass[part] = logits.logsumexp(dim=-1)
            logits -= mass[part, None]
            logprob[part] = logits.gather(-1, target[part, None])[:, 0]
            entropy[part] = -torch.linalg.vecdot(logits.exp(), logits)
        ctx.save_for_backward(hidden, weight, target, mass, entropy)
        ctx.temperature, ctx.rows = temperature, rows
        ctx.set_materialize_grads(False)
        return logprob, entropy

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """d log p(t) / dz = onehot(t) - p;  dH / dz = -p (log p + H), with z = logits / T."""
        by_logprob, by_entropy = grads
        hidden, weight, target, mass, entropy = ctx.saved_tensors
        to_hidden = torch.zeros_like(hidden) if ctx.needs_input_grad[0] else None
        to_weight = torch.zeros_like(weight) if ctx.needs_input_grad[1] else None
        for start in range(0, len(hidden), ctx.rows):
            part = slice(start, start + ctx.rows)
            logp = _logits(hidden[part], weight, ctx.temperature).sub_(mass[part, None])
            p = logp.exp()
            change = logp.zero_() if by_entropy is None else logp.add_(entropy[part, None])
            if by_entropy is not None:
                change.mul_(p).mul_(-by_entropy[part, None])
            if by_logprob is not None:
                change.sub_(p.mul_(by_logprob[part, None]))
                change.scatter_add_(1, target[part, None], by_logprob[part, None])
            change.div_(ctx.temperature)
            change = change.to(hidden.dtype)
            if to_hidden is not None:
                to_hidden[part] = change @ weight
            if to_weight is not None:
                to_weight.addmm_(change.T, hidden[part])
        return to_hidden, to_weight, None, None, None
