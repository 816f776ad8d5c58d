"""The shape of a model. Knows nothing of training, tokens' meaning or files."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


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

    @model_validator(mode="after")
    def _divisible(self) -> ModelConfig:
        if self.d_model % self.heads:
            raise ValueError(f"d_model {self.d_model} is not a multiple of heads {self.heads}")
        if self.head_dim % 2:
            raise ValueError(f"d_model / heads is {self.head_dim}; RoPE needs an even number")
        if self.heads % self.kv_heads:
            raise ValueError(f"heads {self.heads} is not a multiple of kv_heads {self.kv_heads}")
        if self.experts_per_token > self.experts:
            raise ValueError(f"experts_per_token exceeds experts {self.experts}")
        return self

    @property
    def head_dim(self) -> int:
        return self.d_model // self.heads
