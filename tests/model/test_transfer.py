"""Weights to and from Hugging Face: the same logits, with scales, groups and experts."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from neox.errors import InputError
from neox.model import LanguageModel, ModelConfig
from neox.model.transfer import config_from, from_hf, to_hf

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

SHAPE = {
    "vocab_size": 300,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
}
EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}


def random_model(family: str) -> Any:
    """Random weights, norm scales and a rotary base that are not the defaults."""
    torch.manual_seed(0)
    rope = {"rope_parameters": {"rope_type": "default", "rope_theta": 5e3}}
    if family == "llama":
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**SHAPE, **rope))
    else:
        config = transformers.MixtralConfig(**SHAPE, **EXPERTS, **rope)
        model = transformers.MixtralForCausalLM(config)
    for name, parameter in model.named_parameters():
        if "norm" in name:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
        else:
            torch.nn.init.normal_(parameter, std=0.3 if "gate" in name else 0.15)
    return model.eval()


def native_logits(model: LanguageModel, tokens: torch.Tensor) -> torch.Tensor:
    batch, length = tokens.shape
    mask = torch.ones(length, length).tril().bool()[None, None]
    return model.logits(model(tokens, torch.arange(length).expand(batch, -1), mask))


@pytest.mark.parametrize("family", ["llama", "mixtral"])
@torch.no_grad()
def test_same_logits_there_and_back(family: str) -> None:
    source = random_model(family)
    tokens = torch.randint(300, (2, 17), generator=torch.Generator().manual_seed(1))
    expected = source(tokens).logits
    native = from_hf(source)
    torch.testing.assert_close(native_logits(native, tokens), expected, atol=1e-4, rtol=1e-4)
    back = to_hf(native)
    assert type(back) is type(source)
    torch.testing.assert_close(back(tokens).logits, expected, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_changed_scale_changes_the_logits() -> None:
    """The comparison above can fail: the scales do reach the logits."""
    source = random_model("llama")
    native = from_hf(source)
    tokens = torch.arange(9)[None]
    source.model.layers[1].input_layernorm.weight[3] += 0.5
    assert (native_logits(native, tokens) - source(tokens).logits).abs().max() > 1e-3


def test_what_has_no_counterpart_is_named() -> None:
    config = transformers.LlamaConfig(
        **SHAPE, attention_bias=True, rope_parameters={"rope_type": "linear", "factor": 2.0}
    )
    with pytest.raises(InputError, match="attention_bias, rope scaling"):
        config_from(config)
    with pytest.raises(InputError, match="no weight transfer from 'gpt2'"):
        config_from(transformers.GPT2Config())
    with pytest.raises(InputError, match="mixers other than attention, activation relu2"):
        to_hf(
            LanguageModel(ModelConfig(vocab_size=300, d_model=32, state_head=32, mixers=("ssd",)))
        )
