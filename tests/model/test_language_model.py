"""The decoder: its fast paths compute what its plain definition says."""

from __future__ import annotations

import pytest
import torch

from neox.errors import InputError
from neox.model import LanguageModel, ModelConfig
from neox.model.mixers.attention import rotary_table, rotate
from neox.model.moe import MixtureOfExperts

SMALL = ModelConfig(
    vocab_size=300, d_model=32, layers=2, heads=4, kv_heads=2, experts=4, d_expert=16
)


def lively(config: ModelConfig = SMALL) -> LanguageModel:
    """A model whose residual branches are not zero, as they are at initialisation."""
    torch.manual_seed(0)
    model = LanguageModel(config)
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


def test_decoding_with_the_group_cache_equals_the_whole_sequence() -> None:
    model = lively()
    prompts = torch.tensor([[0, 0, 5, 6, 7], [9, 10, 11, 12, 13]])
    padding = torch.tensor([[True, True, False, False, False], [False] * 5])
    hidden, rows, caches = model.prefill(prompts, padding, samples=2, max_new=4)
    new = torch.tensor([[20, 21, 22], [30, 31, 32], [40, 41, 42], [50, 51, 52]])
    got = [hidden.repeat_interleave(2, dim=0)]
    for t in range(3):
        got.append(model.decode(new[:, t], 5 + t, caches))
        if t == 0:  # two rows finish: the other two go on in a compacted cache
            kept = torch.tensor([1, 2])
            needed = rows.keep(kept)
            for cache in caches:
                cache.keep(kept, needed)
            new = new[kept]
    for row, slot in ((0, 1), (1, 2)):
        start = 2 if slot < 2 else 0
        tokens = torch.cat([prompts[slot // 2, start:], new[row]])[None]
        position = torch.arange(start, start + tokens.shape[1])[None]
        mask = torch.ones(tokens.shape[1], tokens.shape[1]).tril().bool()[None, None]
        whole = model(tokens, position, mask)[0, -4:]
        mine = torch.stack([got[0][slot], got[1][slot], got[2][row], got[3][row]])
        torch.testing.assert_close(mine, whole, atol=1e-5, rtol=1e-5)


def test_mixture_equals_a_loop_over_tokens_and_experts() -> None:
    torch.manual_seed(1)
    moe = MixtureOfExperts(SMALL)
    for parameter in moe.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    moe.bias.copy_(torch.tensor([0.5, 0.0, -0.5, 0.1]))
    x = torch.randn(7, 32)
    expected = torch.zeros_like(x)
    for n in range(len(x)):
        score = moe.router(x[n]).softmax(-1)
        chosen = (score + moe.bias).topk(2).indices
        weights = score[chosen] / score[chosen].sum()
        for weight, expert in zip(weights, chosen.tolist(), strict=True):
            hidden = (x[n] @ moe.up[expert]).relu() ** 2
            expected[n] += weight * (hidden @ moe.down[expert])
    torch.testing.assert_close(moe(x), expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_single_token_takes_the_short_way_to_the_same_bits() -> None:
    torch.manual_seed(1)
    moe = MixtureOfExperts(ModelConfig())
    for parameter in moe.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    for x in torch.randn(50, 1, 128):
        assert torch.equal(moe.eval()(x), moe.train()(x))


def test_uniform_routing_is_the_mean_of_all_experts() -> None:
    torch.manual_seed(2)
    moe = MixtureOfExperts(SMALL)
    for parameter in moe.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    moe.uniform = True
    x = torch.randn(3, 32)
    each = [(x @ moe.up[e]).relu() ** 2 @ moe.down[e] for e in range(4)]
    torch.testing.assert_close(moe(x), torch.stack(each).mean(0), atol=1e-5, rtol=1e-5)


def test_balancing_moves_load_away_from_the_favourite() -> None:
    torch.manual_seed(3)
    moe = MixtureOfExperts(SMALL.model_copy(update={"balance_rate": 0.02})).train()
    torch.nn.init.normal_(moe.router.weight, std=0.1)
    moe.bias[0] = 1.0
    x = torch.randn(200, 32)
    moe(x)
    first = moe.balance()
    for _ in range(80):
        moe(x)
        last = moe.balance()
    assert first == pytest.approx(1.0)  # every token chose expert 0: twice the mean load
    assert last < 0.4


def test_every_parameter_gets_a_gradient() -> None:
    model = lively().train()
    tokens = torch.randint(2, 300, (3, 12))
    position = torch.arange(12).expand(3, -1)
    mask = torch.ones(12, 12).tril().bool()[None, None]
    model.logits(model(tokens, position, mask)).square().mean().backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


def test_rotation_keeps_length_and_depends_on_distance_only() -> None:
    cos, sin = rotary_table(32, 8, 10_000.0)
    q, k = torch.randn(8), torch.randn(8)

    def score(i: int, j: int) -> float:
        return float(rotate(q, cos[i], sin[i]) @ rotate(k, cos[j], sin[j]))

    assert rotate(q, cos[9], sin[9]).norm() == pytest.approx(float(q.norm()), rel=1e-5)
    assert score(7, 3) == pytest.approx(score(20, 16), abs=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heads": 5}, "not a multiple of heads"),
        ({"kv_heads": 3}, "not a multiple of kv_heads"),
        ({"experts_per_token": 9}, "exceeds experts"),
    ],
)
def test_impossible_shapes_are_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ModelConfig(**{"d_model": 32, **change})


def test_a_folder_without_a_model_names_what_is_missing(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from neox.policy import load

    with pytest.raises(InputError, match=r"no neox\.json"):
        load(tmp_path)
