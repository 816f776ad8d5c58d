"""Mixture of experts: each token goes to the top k of n small feed-forward networks.

Selection uses score + bias, mixing uses the scores alone; after each optimizer step the bias moves
against the load (auxiliary-loss-free balancing, Wang et al. 2024, arXiv 2408.15664). No token is
dropped. Knows nothing about
sequences: tokens come as rows.

Shapes: N tokens, E experts, k experts per token, d width, F expert width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neox.model.config import ModelConfig


class MixtureOfExperts(nn.Module):
    bias: Tensor
    load: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.experts, self.k = config.experts, config.experts_per_token
        self.balance_rate = config.balance_rate
        self.uniform = False  # every expert, equal weights: the exploration phase of NeuroFlux 5.1
        self.router = nn.Linear(config.d_model, config.experts, bias=False)
        self.up = nn.Parameter(torch.empty(config.experts, config.d_model, config.d_expert))
        self.down = nn.Parameter(torch.empty(config.experts, config.d_expert, config.d_model))
        self.register_buffer("bias", torch.zeros(config.experts))
        self.register_buffer("load", torch.zeros(config.experts), persistent=False)

    def route(self, x_Nd: Tensor) -> tuple[Tensor, Tensor]:
        """Weights and indices of the chosen experts, [N, k] each; the weights of a token add up to
        1.
        """
        if self.uniform:
            every = torch.arange(self.experts, device=x_Nd.device).expand(len(x_Nd), -1)
            return x_Nd.new_full(every.shape, 1.0 / self.experts), every
        score = self.router(x_Nd).softmax(dim=-1)
        chosen = (score.detach() + self.bias).topk(self.k, dim=-1).indices
        weight = score.gather(-1, chosen)
        return weight / weight.sum(dim=-1, keepdim=True), chosen

    def forward(self, x_Nd: Tensor) -> Tensor:
        """[N, d] -> [N, d]."""
        if self.experts == 1:
            return F.relu(x_Nd @ self.up[0]).square() @ self.down[0]
        weight, chosen = self.route(x_Nd)
        k = chosen.shape[-1]
        order = chosen.flatten().argsort(stable=True)  # (token, choice) pairs sorted by expert
        token = order // k
        count = torch.bincount(chosen.flatten(), minlength=self.experts)
        if self.training:
            self.load += count
        ends = count.cumsum(0).to(torch.int32)
        hidden = F.relu(F.grouped_mm(x_Nd[token], self.up, offs=ends)).square()
        mixed = F.grouped_mm(hidden, self.down, offs=ends) * weight.flatten()[order, None]
        return torch.zeros_like(x_Nd).index_add(0, token, mixed)

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
