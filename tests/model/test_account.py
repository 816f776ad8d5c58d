"""The plan's figures against the models themselves."""

from __future__ import annotations

import json
from itertools import chain

import pytest
import torch

from neox.cli import main
from neox.config import presets, resolve
from neox.model import LanguageModel, ModelConfig, account
from neox.model.cache import LayerCache, StateCache

SHAPES = [
    ModelConfig(vocab_size=300, d_model=32, layers=3, d_expert=16),
    ModelConfig(
        vocab_size=300,
        d_model=32,
        layers=5,
        d_expert=16,
        experts=1,
        experts_per_token=1,
        state_head=16,
        tied=False,
        activation="swiglu",
        hyper=("step",),
        mixers=("ssd", "mlstm", "fusion", "hyena", "attention"),
    ),
]


@pytest.mark.parametrize("config", SHAPES)
def test_parameters_are_those_of_the_model(config: ModelConfig) -> None:
    count = account.parameters(config)
    model = LanguageModel(config)
    assert count.total == sum(p.numel() for p in model.parameters())
    parts = count.embedding + count.mixers + count.experts + count.head + count.other
    assert parts == count.total
    if config.experts == 4:  # two of four experts: half of their parameters rest
        assert count.total - count.active == count.experts // 2


def test_flops_are_what_torch_counts() -> None:
    """Linear maps by torch's own counter, which does not see attention on a CPU."""
    from torch.utils.flop_counter import FlopCounterMode

    config = SHAPES[0].model_copy(update={"experts": 1, "experts_per_token": 1})
    model, length = LanguageModel(config), 64
    mask = torch.ones(length, length).tril().bool()[None, None]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        hidden = model(torch.randint(2, 300, (1, length)), torch.arange(length)[None], mask)
        model.logits(hidden)
    attention = config.layers * account.mixer_flops(config, "attention", length)
    expected = account.forward_flops(config, length) - attention
    # the router of a single expert is counted but not run
    unused = 2 * config.layers * config.d_model
    assert counter.get_total_flops() / length == pytest.approx(expected - unused, rel=1e-3)


@torch.no_grad()
def test_cache_is_what_decoding_holds() -> None:
    config = SHAPES[1]
    model = LanguageModel(config)
    prompt = torch.randint(2, 300, (1, 20))
    _, _, caches = model.prefill(prompt, torch.zeros(1, 20, dtype=torch.bool), 1, 1)
    held = 0
    for cache in caches:
        if isinstance(cache, LayerCache):
            held += cache.prompt_k.nbytes + cache.prompt_v.nbytes
        elif isinstance(cache, StateCache):
            held += sum(t.nbytes for t in cache.state if t.is_floating_point())
    assert account.cache_bytes(config, 20, width=4) == held


def test_memory_of_a_rank_is_the_documents_formula() -> None:
    config = SHAPES[0]
    total = account.parameters(config).total
    memory = account.rank_memory(config, 4, 128, states=2)
    assert memory.sharded == pytest.approx(2 * total / 4 + 2 * total / 4 + 12 * total / 2)
    assert account.rank_memory(config, 1, 128).gathered == 0
    whole = account.rank_memory(config, 4, 128, checkpointing=False)
    assert whole.activations > memory.activations


@torch.no_grad()
def test_kept_activations_are_close_to_what_autograd_keeps() -> None:
    """Within a third, over all tensors that backward saves (weights apart)."""
    config = SHAPES[0].model_copy(update={"vocab_size": 258, "d_model": 64, "d_expert": 128})
    model, length = LanguageModel(config).train(), 64
    known = {p.data_ptr() for p in chain(model.parameters(), model.buffers())}
    seen: dict[int, int] = {}

    def pack(t: torch.Tensor) -> torch.Tensor:
        if t.untyped_storage().data_ptr() not in known and t.is_floating_point():
            seen[t.untyped_storage().data_ptr()] = t.untyped_storage().nbytes()
        return t

    mask = torch.ones(length, length).tril().bool()[None, None]
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        hidden = model(torch.randint(2, 258, (1, length)), torch.arange(length)[None], mask)
    expected, _ = account.activation_bytes(config, length, width=4)
    del hidden
    assert expected == pytest.approx(sum(seen.values()), rel=0.34)


@pytest.mark.parametrize(
    ("preset", "low", "high"),
    [("small", 30, 60), ("3b", 2700, 3300), ("7b", 6500, 7500), ("13b", 12500, 13500)],
)
def test_presets_have_the_size_of_their_name(preset: str, low: int, high: int) -> None:
    """In millions of parameters, on the meta device."""
    assert low < account.parameters(resolve(preset, []).model).total / 1e6 < high


def test_plan_prints_a_table_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["plan", "--preset", "tiny", "--format", "json", "--world", "4", "model.layers=2"])
        == 0
    )
    report = json.loads(capsys.readouterr().out)
    assert report["world"] == 4
    assert report["model"]["layers"] == 2
    assert (
        report["parameters"]["total"]
        == account.parameters(resolve("tiny", ["model.layers=2"]).model).total
    )
    assert main(["plan", "--preset", "small", "--context", "262144"]) == 0
    out = capsys.readouterr().out
    assert "7 ssd, 1 attention" in out
    assert "M_peak" in out
    assert main(["plan", "--world", "0"]) == 2
    assert "--world 0" in capsys.readouterr().err


def test_every_preset_is_a_configuration() -> None:
    for name in presets():
        resolve(name, [])
