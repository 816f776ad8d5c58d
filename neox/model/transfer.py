"""Weights from Hugging Face's Llama and Mixtral into the native model, and back.

The native norms have no scale: a norm's scale is a diagonal matrix before the next linear layer and
is multiplied into it, exactly. Going back, scales are one. Needs the package transformers only for
building the Hugging Face side; knows nothing about tokenizers or files.

Shapes: d width, F hidden width of an expert, E experts, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from neox.errors import InputError
from neox.model.config import ModelConfig
from neox.model.lm import LanguageModel

if TYPE_CHECKING:
    from transformers import PreTrainedModel

FAMILIES = ("llama", "mixtral")


def config_from(hf: Any) -> ModelConfig:
    """The native shape of a transformers configuration; InputError for what has no counterpart."""
    kind = getattr(hf, "model_type", None)
    if kind not in FAMILIES:
        raise InputError(f"no weight transfer from {kind!r}", remedy="llama or mixtral")
    unlike = {
        "hidden_act": getattr(hf, "hidden_act", "silu") != "silu",
        "attention_bias": bool(getattr(hf, "attention_bias", False)),
        "mlp_bias": bool(getattr(hf, "mlp_bias", False)),
        "sliding_window": getattr(hf, "sliding_window", None) is not None,
        "head_dim": (getattr(hf, "head_dim", None) or hf.hidden_size // hf.num_attention_heads)
        * hf.num_attention_heads
        != hf.hidden_size,
        "rope scaling": _rope(hf).get("rope_type", "default") != "default",
    }
    if found := [name for name, bad in unlike.items() if bad]:
        raise InputError(
            f"this {kind} has {', '.join(found)} that the native model does not have",
            remedy="use it as a Hugging Face policy instead",
        )
    mixture = kind == "mixtral"
    return ModelConfig(
        vocab_size=hf.vocab_size,
        d_model=hf.hidden_size,
        layers=hf.num_hidden_layers,
        heads=hf.num_attention_heads,
        kv_heads=hf.num_key_value_heads,
        experts=hf.num_local_experts if mixture else 1,
        experts_per_token=hf.num_experts_per_tok if mixture else 1,
        d_expert=hf.intermediate_size,
        rope_base=float(_rope(hf).get("rope_theta") or 10_000.0),
        activation="swiglu",
        norm_eps=hf.rms_norm_eps,
        embedding_norm=False,
        tied=False,  # the last norm's scale is in the head, so it is no longer the embedding
    )


def _rope(hf: Any) -> dict[str, Any]:
    """Rotary settings, wherever this version of transformers keeps them."""
    found = getattr(hf, "rope_parameters", None) or getattr(hf, "rope_scaling", None) or {}
    return {"rope_theta": getattr(hf, "rope_theta", None), **found}


@torch.no_grad()
def from_hf(model: PreTrainedModel) -> LanguageModel:
    """A native model with the same logits (float32 rounding apart)."""
    config = config_from(model.config)
    weights = model.state_dict()
    native = LanguageModel(config, model.config.max_position_embeddings)
    native.embedding.weight.copy_(weights["model.embed_tokens.weight"])
    head = weights.get("lm_head.weight", weights["model.embed_tokens.weight"])
    assert native.head is not None
    native.head.weight.copy_(head * weights["model.norm.weight"])
    for i, block in enumerate(native.layers):
        _fill(block, weights, f"model.layers.{i}.", config)
    return native.eval()


def _fill(block: Any, weights: Mapping[str, Tensor], at: str, config: ModelConfig) -> None:
    scale = weights[at + "input_layernorm.weight"]
    parts = [weights[f"{at}self_attn.{name}_proj.weight"] for name in "qkv"]
    block.attention.qkv.weight.copy_(torch.cat(parts) * scale)
    block.attention.out.weight.copy_(weights[at + "self_attn.o_proj.weight"])
    scale = weights[at + "post_attention_layernorm.weight"]
    if config.experts == 1:
        gate, up, down = (weights[f"{at}mlp.{n}_proj.weight"] for n in ("gate", "up", "down"))
        block.moe.up[0].copy_((torch.cat([gate, up]) * scale).mT)
        block.moe.down[0].copy_(down.mT)
        block.moe.router.weight.zero_()
        return
    router, up, down = _experts(weights, at, config.experts)
    block.moe.router.weight.copy_(router * scale)
    block.moe.up.copy_((up * scale).mT)
    block.moe.down.copy_(down.mT)


def _experts(weights: Mapping[str, Tensor], at: str, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Router [E, d], gate and up [E, 2 F, d], down [E, d, F], fused or one tensor per expert."""
    old = at + "block_sparse_moe."
    base = old if old + "gate.weight" in weights else at + "mlp."
    router = weights[base + "gate.weight"]
    if base + "experts.gate_up_proj" in weights:
        return router, weights[base + "experts.gate_up_proj"], weights[base + "experts.down_proj"]
    each = [[weights[f"{base}experts.{e}.w{n}.weight"] for n in (1, 3, 2)] for e in range(count)]
    up = torch.stack([torch.cat([gate, value]) for gate, value, _ in each])
    return router, up, torch.stack([down for _, _, down in each])


@torch.no_grad()
def to_hf(native: LanguageModel) -> PreTrainedModel:
    """A Llama (one expert) or Mixtral with the same logits.

    InputError where the model has parts that these families do not have; for a Mixtral with
    balancing biases too, since they choose experts there by score alone.
    """
    config = native.config
    _check_exportable(native)
    model = _empty(config, native.max_length)
    weights = model.state_dict()
    weights["model.embed_tokens.weight"].copy_(native.embedding.weight)
    weights["lm_head.weight"].copy_(native.head_weight)
    for i, block in enumerate(native.layers):
        at = f"model.layers.{i}."
        attention: Any = block.attention
        widths = [config.heads * config.head_dim, *[config.kv_heads * config.head_dim] * 2]
        for name, part in zip("qkv", attention.qkv.weight.split(widths), strict=True):
            weights[f"{at}self_attn.{name}_proj.weight"].copy_(part)
        weights[at + "self_attn.o_proj.weight"].copy_(attention.out.weight)
        moe = block.moe
        if config.experts == 1:
            gate, up = moe.up[0].mT.chunk(2)
            for name, part in (("gate", gate), ("up", up), ("down", moe.down[0].mT)):
                weights[f"{at}mlp.{name}_proj.weight"].copy_(part)
        else:
            for target, part in zip(
                _experts(weights, at, config.experts),
                (moe.router.weight, moe.up.mT, moe.down.mT),
                strict=True,
            ):
                target.copy_(part)  # views of the model's own tensors where they are fused
    model.train(False)
    return model


def _check_exportable(native: LanguageModel) -> None:
    config = native.config
    unlike = {
        "mixers other than attention": any(m != "attention" for m in config.mixers),
        "activation relu2": config.activation != "swiglu",
        "embedding_norm": config.embedding_norm,
        "a hypernetwork": bool(config.hyper),
        "balancing biases": any(bool(b.moe.bias.any()) for b in native.layers),
    }
    if found := [name for name, bad in unlike.items() if bad]:
        raise InputError(
            f"no Llama or Mixtral has {', '.join(found)}",
            remedy="train with activation=swiglu, embedding_norm=false, balance_rate=0",
        )


def _empty(config: ModelConfig, length: int) -> PreTrainedModel:
    try:
        from transformers import LlamaConfig, LlamaForCausalLM, MixtralConfig, MixtralForCausalLM
    except ImportError:
        raise InputError("transformers is not installed", remedy="pip install 'neox[hf]'") from None
    shape: dict[str, Any] = {
        "vocab_size": config.vocab_size,
        "hidden_size": config.d_model,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "intermediate_size": config.d_expert,
        "rms_norm_eps": config.norm_eps or torch.finfo(torch.float32).eps,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_base},
        "max_position_embeddings": length,
        "tie_word_embeddings": False,
    }
    if config.experts == 1:
        return LlamaForCausalLM(LlamaConfig(**shape))
    shape |= {"num_local_experts": config.experts, "num_experts_per_tok": config.experts_per_token}
    return MixtralForCausalLM(MixtralConfig(**shape))
