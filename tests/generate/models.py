"""Small random models whose texts are varied, for the tests of decoding."""

from __future__ import annotations

from functools import cache

import torch

from neox.model import LanguageModel, ModelConfig
from neox.policy.native import NativePolicy
from neox.policy.tokenizer import BytePairTokenizer

CODE = "def f(a: list[int]) -> int:\n    return sum(v for v in a if v % 2 == 0)\n"


@cache
def tokenizer(size: int = 300) -> BytePairTokenizer:
    return BytePairTokenizer.train([CODE] * 4 + ["x = {'a': [1, 2], 'b': (3, 4)}\n"], size)


@cache
def recurrent(seed: int = 0) -> NativePolicy:
    """Attention and state-space layers in turn."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    config = ModelConfig(
        vocab_size=300,
        d_model=32,
        layers=2,
        heads=4,
        kv_heads=2,
        experts=2,
        d_expert=32,
        mixers=("ssd", "attention"),
        state_head=16,
    )
    model = LanguageModel(config, max_length=96)
    with torch.no_grad():
        model.embedding.weight.normal_(std=0.4)
        for name, p in model.named_parameters():
            if name.endswith(("out.weight", "moe.down")):
                p.normal_(std=4 * p.shape[-1] ** -0.5)
    return NativePolicy(model.eval(), tokenizer())


@cache
def policy(seed: int = 0, length: int = 192) -> NativePolicy:
    """Every matrix is random, those that start at zero too; logits spread by about 2."""
    torch.set_num_threads(1)  # so small that a second thread only waits
    torch.manual_seed(seed)
    config = ModelConfig(
        vocab_size=300, d_model=32, layers=2, heads=4, kv_heads=2, experts=2, d_expert=32
    )
    model = LanguageModel(config, max_length=length)
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.normal_(std=p.shape[-1] ** -0.5)
            if name.endswith(("out.weight", "moe.down")):
                p.mul_(4.0)  # or the tied embedding would repeat its token for ever
        model.embedding.weight.mul_(2.0)
    return NativePolicy(model.eval(), tokenizer())
