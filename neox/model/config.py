"""The shape of a model. Knows nothing of training, tokens' meaning or files."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Hyper = Literal["step", "entropy", "temperature"]


class ModelConfig(BaseModel):
    """Sizes of the decoder; the defaults are the laptop model (1.4M parameters, 0.9M active per
    token).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    vocab_size: int = Field(1024, ge=258, description="tokens; 256 bytes and 2 specials at least")
    d_model: int = Field(128, ge=8, description="width of the residual stream")
    layers: int = Field(4, ge=1)
    heads: int = Field(4, ge=1, description="query heads")
    kv_heads: int = Field(2, ge=1, description="key and value heads (grouped-query attention)")
    experts: int = Field(4, ge=1, description="experts per layer; 1 is a plain feed-forward layer")
    experts_per_token: int = Field(2, ge=1)
    d_expert: int = Field(256, ge=8, description="hidden width of one expert")
    rope_base: float = Field(10_000.0, gt=1.0)
    balance_rate: float = Field(
        1e-3, ge=0.0, description="step of the load-balancing bias; 0 is off"
    )
    balance_loss: float = Field(0.0, ge=0.0, description="weight of the load-balancing loss")
    router: Literal["top-k", "gumbel"] = Field(
        "top-k", description="gumbel: routes of a rollout are sampled, and learnt by reinforcement"
    )
    mixers: tuple[str, ...] = Field(
        ("attention",),
        min_length=1,
        description="mixer of each layer, repeated: attention, ssd, mlstm, fusion, hyena",
    )
    expand: int = Field(2, ge=1, description="inner width of recurrent mixers, in d_model")
    state_size: int = Field(16, ge=1, description="rows of a recurrent head's state")
    state_head: int = Field(64, ge=1, description="columns of a recurrent head's state")
    conv_taps: int = Field(4, ge=2, description="of the short convolutions before the scans")
    memory_cells: int = Field(3, ge=1, description="time scales of the fusion mixer's cells")
    hyper: tuple[Hyper, ...] = Field(
        (), description="what a hypernetwork sets per token: step, entropy, temperature"
    )
    activation: Literal["relu2", "swiglu"] = "relu2"
    norm_eps: float | None = Field(
        None, gt=0, description="of RMSNorm; the type's epsilon if unset"
    )
    embedding_norm: bool = Field(True, description="normalise embeddings before the first layer")
    tied: bool = Field(True, description="the head is the embedding")
    init: Literal["normal", "orthogonal"] = "normal"

    @model_validator(mode="after")
    def _divisible(self) -> ModelConfig:
        if self.d_model % self.heads:
            raise ValueError(f"d_model {self.d_model} is not a multiple of heads {self.heads}")
        if self.head_dim % 2:
            raise ValueError(f"d_model / heads is {self.head_dim}; RoPE needs an even number")
        if self.heads % self.kv_heads:
            raise ValueError(f"heads {self.heads} is not a multiple of kv_heads {self.kv_heads}")
        if any(m != "attention" and m != "hyena" for m in self.mixers) and (
            self.inner % self.state_head
        ):
            raise ValueError(
                f"expand * d_model is {self.inner}, not a multiple of state_head {self.state_head}"
            )
        if self.experts_per_token > self.experts:
            raise ValueError(f"experts_per_token exceeds experts {self.experts}")
        return self

    @property
    def head_dim(self) -> int:
        return self.d_model // self.heads

    @property
    def inner(self) -> int:
        """Width inside the recurrent mixers."""
        return self.expand * self.d_model

    @property
    def state_heads(self) -> int:
        return self.inner // self.state_head

    def mixer(self, layer: int) -> str:
        return self.mixers[layer % len(self.mixers)]
