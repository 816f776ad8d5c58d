"""Mixture of experts: each token goes to the top k of n small feed-forward networks.

Selection uses score + bias, mixing uses the scores alone; after each optimizer step the bias moves
against the load (auxiliary-loss-free balancing, Wang et al. 2024, arXiv 2408.15664). A balancing
loss (Fedus et al. 2021, arXiv 2101.03961) can be added, routes can be sampled, recorded and
replayed (`routing`). No token is dropped. Knows nothing about sequences: tokens come as rows.

Shapes: N tokens, E experts, k experts per token, d width, F expert width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neox.model.config import ModelConfig
from neox.model.routing import Routes, gumbel_top_k


def activate(x: Tensor, kind: str) -> Tensor:
    """relu2: [.., F] -> [.., F]; swiglu: gate and value [.., 2 F] -> [.., F]."""
    if kind == "relu2":
        return F.relu(x).square()
    gate, value = x.chunk(2, dim=-1)
    return F.silu(gate) * value


def grouped(x: Tensor, weight: Tensor, ends: Tensor) -> Tensor:
    """Rows up to ends[e] by weight[e]: x [M, d], weight [E, d, F], ends [E] int32 -> [M, F]."""
    if hasattr(F, "grouped_mm"):
        return F.grouped_mm(x, weight, offs=ends)
    sizes = torch.diff(ends, prepend=ends.new_zeros(1)).tolist()
    return torch.cat([p @ w for p, w in zip(x.split(sizes), weight, strict=True)])


class MixtureOfExperts(nn.Module):
    bias: Tensor
    load: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.experts, self.k = config.experts, config.experts_per_token
        self.balance_rate, self.balance_loss = config.balance_rate, config.balance_loss
        self.activation = config.activation
        self.sampled = config.router == "gumbel"
        self.uniform = False  # every expert, equal weights: the exploration phase of NeuroFlux 5.1
        self.record: Routes | None = None  # where to write routes; sampled ones if so configured
        self.replay: Tensor | None = None  # [N, k], used instead of choosing
        self.auxiliary: Tensor | None = None  # the balancing loss of the last training pass
        self.router = nn.Linear(config.d_model, config.experts, bias=False)
        hidden = config.d_expert * (2 if config.activation == "swiglu" else 1)
        self.up = nn.Parameter(torch.empty(config.experts, config.d_model, hidden))
        self.down = nn.Parameter(torch.empty(config.experts, config.d_expert, config.d_model))
        self.register_buffer("bias", torch.zeros(config.experts))
        self.register_buffer("load", torch.zeros(config.experts), persistent=False)

    def route(self, x_Nd: Tensor, temperature: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Weights and indices of the chosen experts, [N, k] each; the weights of a token add up to
        1.
        """
        if self.uniform:
            every = torch.arange(self.experts, device=x_Nd.device).expand(len(x_Nd), -1)
            return x_Nd.new_full(every.shape, 1.0 / self.experts), every
        logits = self.router(x_Nd)
        if temperature is not None:
            logits = logits / temperature
        score = logits.softmax(dim=-1)
        chosen = self._choose(logits, score)
        if self.record is not None:
            self.record.add(logits, chosen)
        if self.training and self.balance_loss:
            share = F.one_hot(chosen, self.experts).float().mean((0, 1))
            self.auxiliary = self.balance_loss * self.experts * (share * score.mean(0)).sum()
        weight = score.gather(-1, chosen)
        return weight / weight.sum(dim=-1, keepdim=True), chosen

    def _choose(self, logits: Tensor, score: Tensor) -> Tensor:
        if self.replay is not None:
            return self.replay
        if self.record is not None and self.sampled:
            return gumbel_top_k(logits.detach(), self.k)
        return (score.detach() + self.bias).topk(self.k, dim=-1).indices

    def forward(self, x_Nd: Tensor, temperature: Tensor | None = None) -> Tensor:
        """[N, d] -> [N, d]; temperature [N, 1] of the gate."""
        if self.experts == 1:
            return activate(x_Nd @ self.up[0], self.activation) @ self.down[0]
        weight, chosen = self.route(x_Nd, temperature)
        if len(x_Nd) == 1 and not self.training:
            return self._one(x_Nd, weight[0], chosen[0].tolist())
        k = chosen.shape[-1]
        order = chosen.flatten().argsort(stable=True)  # (token, choice) pairs sorted by expert
        token = order // k
        count = torch.bincount(chosen.flatten(), minlength=self.experts)
        if self.training:
            self.load += count
        ends = count.cumsum(0).to(torch.int32)
        hidden = activate(grouped(x_Nd[token], self.up, ends), self.activation)
        mixed = grouped(hidden, self.down, ends) * weight.flatten()[order, None]
        return torch.zeros_like(x_Nd).index_add(0, token, mixed)

    def _one(self, x_1d: Tensor, weight: Tensor, chosen: list[int]) -> Tensor:
        """A single token, without sorting: the same products, summed in the same order."""
        parts = []
        for i in sorted(range(len(chosen)), key=chosen.__getitem__):
            hidden = activate(x_1d @ self.up[chosen[i]], self.activation)
            parts.append(hidden @ self.down[chosen[i]] * weight[i])
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total

    @torch.no_grad()
    def balance(self) -> float:
        """Move the bias towards equal load; returns MaxVio = max load / mean load - 1 since the
        last call.
        """
        mean = self.load.mean()
        if mean == 0:
            return 0.0
        violation = float(self.load.max() / mean - 1)
        self.bias += self.balance_rate * (mean - self.load).sign()
        self.load.zero_()
        return violation
