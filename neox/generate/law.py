"""The law of the next token: penalties, masks, temperature, top-k, top-p, min-p, row by row.

Rows may follow different laws. The order is that of Hugging Face's generate: penalties and bias,
then what is not allowed, then temperature and the cuts. Knows nothing about models or text.

Shapes: R rows, V vocabulary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

NEVER = float("-inf")
_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Law:
    """How the next token is drawn. The defaults change nothing; temperature 0 is greedy.

    min_p drops tokens less likely than min_p times the likeliest (arXiv 2407.01082).
    repetition_penalty divides positive and multiplies negative logits of every token seen, prompt
    included (CTRL, arXiv 1909.05858). presence and frequency lower the logits of tokens that were
    generated, once or by their count; bias is added to the logits of single tokens.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    bias: Mapping[int, float] | None = None

    def __post_init__(self) -> None:
        if not self.temperature >= 0 or self.top_k < 0:
            raise ValueError("temperature and top_k must not be negative")
        if not 0 < self.top_p <= 1 or not 0 <= self.min_p <= 1:
            raise ValueError("top_p must lie in (0, 1] and min_p in [0, 1]")
        if not self.repetition_penalty > 0:
            raise ValueError("repetition_penalty must be positive")

    @property
    def looks_back(self) -> bool:
        penalties = self.presence_penalty or self.frequency_penalty
        return bool(self.repetition_penalty != 1 or penalties or self.bias)

    @property
    def narrows(self) -> bool:
        return self.top_k > 0 or self.top_p < 1 or self.min_p > 0


GREEDY = Law(temperature=0.0)


def adjusted(logits_V: Tensor, law: Law, prompt: Sequence[int], made: Sequence[int]) -> Tensor:
    """Logits of one row after penalties and bias."""
    x = logits_V.clone()
    if law.repetition_penalty != 1:
        seen = torch.tensor(sorted({*prompt, *made}), device=x.device)
        old = x[seen]
        x[seen] = torch.where(old > 0, old / law.repetition_penalty, old * law.repetition_penalty)
    if (law.presence_penalty or law.frequency_penalty) and made:
        counts = Counter(made)
        ids = torch.tensor(list(counts), device=x.device)
        often = torch.tensor(list(counts.values()), dtype=x.dtype, device=x.device)
        x[ids] -= law.presence_penalty + law.frequency_penalty * often
    for token, bias in (law.bias or {}).items():
        x[token] += bias
    return x


def probabilities(
    logits_RV: Tensor, laws: Sequence[Law], allowed_RV: Tensor | None = None
) -> Tensor:
    """The law of each row [R, V]; greedy rows put everything on one token, the first of equals.

    allowed_RV: False where a token may not come; every row must allow one.
    """
    x = logits_RV.float()
    if allowed_RV is not None:
        x = x.masked_fill(~allowed_RV, NEVER)
    greedy = [law.temperature == 0 for law in laws]
    heat = [1.0 if cold else law.temperature for law, cold in zip(laws, greedy, strict=True)]
    if any(h != 1.0 for h in heat):
        x = x / torch.tensor(heat, device=x.device)[:, None]
    narrow = [i for i, law in enumerate(laws) if law.narrows and not greedy[i]]
    if narrow:
        x = x.clone() if x is logits_RV else x
        x[narrow] = _narrowed(x[narrow], [laws[i] for i in narrow])
    p = x.softmax(dim=-1)
    if any(greedy):
        rows = torch.tensor([i for i, cold in enumerate(greedy) if cold], device=p.device)
        best = x[rows].argmax(dim=-1)
        p[rows] = 0.0
        p[rows, best] = 1.0
    return p


def _narrowed(x: Tensor, laws: Sequence[Law]) -> Tensor:
    """Top-k, then the nucleus of what is left, then min-p; the likeliest token always stays."""
    ranked, order = x.sort(dim=-1, descending=True, stable=True)
    size = x.shape[-1]
    k = torch.tensor([law.top_k or size for law in laws], device=x.device)[:, None]
    outside = torch.arange(size, device=x.device) >= k
    mass = ranked.masked_fill(outside, NEVER).softmax(dim=-1)
    top_p = torch.tensor([law.top_p for law in laws], device=x.device)[:, None]
    outside |= (top_p < 1) & (mass.cumsum(dim=-1) - mass >= top_p)
    min_p = torch.tensor([law.min_p for law in laws], device=x.device)[:, None]
    outside |= mass < min_p * mass[:, :1]
    return x.masked_fill(torch.zeros_like(outside).scatter(-1, order, outside), NEVER)


def draw(p_RV: Tensor, uniform_R: Sequence[float]) -> Tensor:
    """Token ids [R]: the inverse of each row's cumulative distribution at a number in [0, 1)."""
    cumulative = p_RV.cumsum(dim=-1)
    u = torch.tensor(uniform_R, dtype=p_RV.dtype, device=p_RV.device)[:, None]
    # just below the total: rounding must not lead behind the last token that may come
    u = torch.minimum(u * cumulative[:, -1:], cumulative[:, -1:] * (1 - 1e-6))
    return torch.searchsorted(cumulative, u, right=True)[:, 0]


def uniform(seed: int, index: int, attempt: int = 0) -> float:
    """A number in [0, 1) that depends on its arguments alone (splitmix64)."""
    z = (seed + 0x9E3779B97F4A7C15 * (index + 1) + 0xD1B54A32D192ED03 * attempt) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((z ^ (z >> 31)) >> 11) / (1 << 53)
