"""What a model costs, counted from its shape: parameters, FLOPs, activations, caches, per rank.

Parameters are counted on a model built on the meta device, so no memory is taken; the rest follows
from the configuration. One multiply-add is 2 FLOP; normalisations, gates and softmax are left out
(under 2 % at these widths). Knows nothing of devices.

Shapes: L context, d width, D head width, H and K query and key heads, E experts of width F.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from neox.model.config import ModelConfig
from neox.model.lm import LanguageModel
from neox.model.mixers.retrieval import CHUNK as ARCHIVE_CHUNK

SCAN_CHUNK = 32  # of linear_scan on a CPU; 64 on a GPU


@dataclass(frozen=True, slots=True)
class Parameters:
    """Counts. `active` is what one token meets: its k experts, and of the embedding one row."""

    total: int
    active: int
    embedding: int
    mixers: int
    experts: int
    head: int
    other: int


def parameters(config: ModelConfig) -> Parameters:
    """Exact: the sum over the tensors of the model itself, built on the meta device."""
    with torch.device("meta"):
        model = LanguageModel(config, max_length=1)
    size = {name: p.numel() for name, p in model.named_parameters()}
    embedding = size.pop("embedding.weight")
    head = size.pop("head.weight", 0)
    experts = sum(n for name, n in size.items() if name.endswith((".moe.up", ".moe.down")))
    other = sum(n for name, n in size.items() if ".moe.router." in name or ".hyper." in name)
    total = embedding + head + sum(size.values())
    mixers = total - embedding - head - experts - other
    used = experts * config.experts_per_token // config.experts
    read = config.vocab_size * config.d_model if config.tied else head
    active = mixers + other + used + read + (0 if config.tied else config.d_model)
    return Parameters(total, active, embedding, mixers, experts, head, other)


def mixer_flops(config: ModelConfig, kind: str, context: int) -> float:
    """Forward FLOP per token of one layer's mixing beyond its linear maps, averaged over the
    context."""
    n, inner, heads = config.state_size, config.inner, config.state_heads
    if kind == "attention":  # scores and values against (L + 1) / 2 keys on average
        return 4 * config.d_model * (context + 1) / 2
    if kind == "hyena":  # three FFTs of 2 L per channel, 5 N log2 N each, and the filter's
        size = 2 * context
        fft = 5 * size * max(size.bit_length() - 1, 1)
        return config.d_model * 3 * fft / context
    groups = heads if kind == "mlstm" else 1
    half = (SCAN_CHUNK + 1) / 2
    scan = 2 * groups * half * n + 2 * half * inner + 4 * n * inner
    if kind == "fusion":
        cells = config.memory_cells
        recall = 2 * half * n + cells * (2 * half * inner + 4 * n * inner)
        archive = 4 * n * (config.d_model + 1)
        return scan + recall + archive
    return scan


def forward_flops(config: ModelConfig, context: int) -> float:
    """FLOP per token of a forward pass over `context` tokens, the head included."""
    linear = 2.0 * (parameters(config).active - (0 if config.tied else config.d_model))
    mixing = sum(mixer_flops(config, config.mixer(i), context) for i in range(config.layers))
    return linear + mixing


def cache_bytes(config: ModelConfig, context: int, width: int = 2) -> int:
    """One sequence's memory while decoding, `width` bytes a number; states are float32."""
    total = 0
    for layer in range(config.layers):
        kind = config.mixer(layer)
        n, inner, heads, taps = (
            config.state_size,
            config.inner,
            config.state_heads,
            config.conv_taps - 1,
        )
        if kind == "attention":
            total += 2 * config.kv_heads * config.head_dim * context * width
        elif kind == "hyena":
            total += (taps * 3 * config.d_model + context * config.d_model) * width
        elif kind == "ssd":
            total += taps * (inner + 2 * n) * width + (n * inner + heads) * 4
        elif kind == "mlstm":
            total += taps * inner * width + (n * (inner + heads) + heads) * 4
        elif kind == "fusion":
            cells = config.memory_cells
            total += (taps * (inner + 4 * n) + n + inner) * width
            total += ((1 + cells) * (n * inner + heads) + 2 * n * (config.d_model + 1)) * 4
    return total


def activation_bytes(config: ModelConfig, context: int, width: int = 2) -> tuple[int, int]:
    """Of one sequence in training, without logits: all kept, and with a checkpoint per layer.

    Counted are the tensors that backward passes read: the residual stream, inputs and outputs of
    the linear maps, q, k, v and the attention's output (no L x L matrix: SDPA recomputes it), the
    scan's chunk matrices, and the experts' hidden layer for k experts a token.
    """
    d, k = config.d_model, config.experts_per_token
    hidden = config.d_expert * (3 if config.activation == "swiglu" else 2)
    shared = 4 * d + config.experts * 2 + k * (2 * d + hidden)
    layers = []
    for layer in range(config.layers):
        kind = config.mixer(layer)
        n, inner, heads = config.state_size, config.inner, config.state_heads
        if kind == "attention":
            own = 2 * d + (config.heads + 2 * config.kv_heads) * config.head_dim
        elif kind == "hyena":
            own = 8 * d
        else:
            scans = 1 + (config.memory_cells if kind == "fusion" else 0)
            own = 4 * inner + 4 * n + scans * (2 * heads * SCAN_CHUNK + 3 * inner)
            if kind == "fusion":
                own += 3 * d + 2 * n + 2 * n * (d + 1) // ARCHIVE_CHUNK
        layers.append((own + shared) * context * width)
    return sum(layers), config.layers * d * context * width + max(layers)


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes on one rank while training."""

    weights: float
    gradients: float
    optimizer: float
    gathered: float
    activations: float
    logits: float

    @property
    def sharded(self) -> float:
        """M_peak of NEOX 1.1: parameters / W + gradients / W + optimizer states / K."""
        return self.weights + self.gradients + self.optimizer

    @property
    def total(self) -> float:
        return self.sharded + self.gathered + self.activations + self.logits


def rank_memory(
    config: ModelConfig,
    world: int,
    context: int,
    *,
    batch: int = 1,
    states: int | None = None,
    checkpointing: bool = True,
    state_bytes: int = 12,
    logit_tokens: int = 1024,
) -> Memory:
    """Under FSDP over `world` ranks, `batch` sequences of `context` tokens on each.

    Weights and gradients in bfloat16; `state_bytes` per parameter are float32 master weights and
    Adam's two moments, sharded `states` ways (the K of NEOX 1.1; `world` unless said). Gathered are
    two whole layers (one in use, one on its way) or the embedding, whichever is larger. Logits of
    `logit_tokens` tokens are held at a time, as the fused log-probability does.
    """
    count = parameters(config)
    total = count.total
    per_layer = (total - count.embedding - count.head) / config.layers
    whole, checkpointed = activation_bytes(config, context)
    return Memory(
        weights=2 * total / world,
        gradients=2 * total / world,
        optimizer=state_bytes * total / (states or world),
        gathered=0.0 if world == 1 else 2 * max(2 * per_layer, count.embedding),
        activations=batch * (checkpointed if checkpointing else whole),
        logits=2 * 4 * config.vocab_size * min(logit_tokens, batch * context),
    )
