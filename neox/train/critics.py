"""The two critics: the value head of the actor-critic, and the Wasserstein critic.

The value head reads hidden states that were recorded while sampling, so it costs no pass through
the model and sends no gradient into it. The Wasserstein critic judges token sequences, given as
(soft) one-hot rows so that gradients reach the sampler.

Shapes: N samples, T tokens, V vocabulary, d width of the policy, W width of the critic.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ValueHead(nn.Module):
    """Expected reward from a state [..., d], given what its siblings earned [...]: -> [...].

    It starts as the siblings' mean itself and learns what the state adds: where that is nothing,
    the actor-critic is no worse than a leave-one-out baseline.
    """

    def __init__(self, d_model: int, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(d_model + 1, width), nn.GELU(), nn.Linear(width, 1))
        last = self.net[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, hidden: Tensor, siblings: Tensor) -> Tensor:
        change: Tensor = self.net(torch.cat([hidden, siblings[..., None]], dim=-1))
        return siblings + change.squeeze(-1)


class Encoder(nn.Module):
    """1-D convolution, then attention over the tokens, then their mean (NEOX 5.5).

    probabilities [N, T, V] and mask [N, T] -> [N, W].
    """

    def __init__(self, vocab_size: int, width: int, heads: int = 4) -> None:
        super().__init__()
        self.embed = nn.Linear(vocab_size, width, bias=False)
        self.conv = nn.Conv1d(width, width, kernel_size=5, padding=2)
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        nn.init.normal_(self.embed.weight, std=1.0)

    def forward(self, probabilities: Tensor, mask: Tensor) -> Tensor:
        keep = mask[..., None].to(probabilities.dtype)
        x = self.embed(probabilities) * keep
        x = F.gelu(self.conv(x.transpose(1, 2)).transpose(1, 2)) * keep
        q, k, v = self.qkv(x).unflatten(-1, (3 * self.heads, -1)).transpose(1, 2).chunk(3, dim=1)
        # written out: the gradient penalty differentiates twice, which fused attention does not
        score = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        score = score.masked_fill(~mask[:, None, None], -1e9)
        x = x + (score.softmax(dim=-1) @ v).transpose(1, 2).flatten(-2)
        pooled: Tensor = (x * keep).sum(dim=1) / keep.sum(dim=1).clamp_min(1.0)
        return pooled


class WassersteinCritic(nn.Module):
    """Scores [N] whose mean difference between real and sampled programs estimates W1."""

    def __init__(self, vocab_size: int, width: int) -> None:
        super().__init__()
        self.encoder = Encoder(vocab_size, width)
        self.net = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, 1))

    def forward(self, probabilities: Tensor, mask: Tensor) -> Tensor:
        score: Tensor = self.net(self.encoder(probabilities, mask))
        return score.squeeze(-1)


def critic_loss(
    critic: WassersteinCritic,
    real: Tensor,
    real_mask: Tensor,
    fake: Tensor,
    fake_mask: Tensor,
    penalty: float,
    generator: torch.Generator,
) -> Tensor:
    """-(critic(real) - critic(fake)) + penalty * (|gradient| - 1)^2 at random mixtures.

    WGAN-GP (Gulrajani et al., arXiv 1704.00028). real and fake are [N, T, V] with equal shapes.
    """
    gap = critic(real, real_mask).mean() - critic(fake, fake_mask).mean()
    share = torch.rand(len(real), 1, 1, generator=generator)
    mixed = (share * real + (1 - share) * fake).requires_grad_(True)
    score = critic(mixed, real_mask | fake_mask)
    (gradient,) = torch.autograd.grad(score.sum(), mixed, create_graph=True)
    norm = gradient.flatten(1).square().sum(dim=1).add(1e-12).sqrt()
    loss: Tensor = -gap + penalty * (norm - 1).square().mean()
    return loss


def straight_through(logits: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """One-hot Gumbel-softmax samples whose gradient is that of the soft ones (arXiv 1611.01144)."""
    uniform = torch.rand(logits.shape, generator=generator).clamp_(1e-9, 1 - 1e-7)
    soft = ((logits - (-uniform.log()).log()) / temperature).softmax(dim=-1)
    hard = F.one_hot(soft.argmax(dim=-1), soft.shape[-1]).to(soft.dtype)
    return hard + soft - soft.detach()
