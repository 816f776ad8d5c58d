"""Every mixer: step by step equals at once, through prompts, padding, packing and hand-over."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from neox.model import LanguageModel, ModelConfig
from neox.model.layout import Tree
from neox.model.mixers import MIXERS
from neox.model.mixers.base import Recurrent
from neox.policy.base import Group, Sampling
from neox.policy.native import NativePolicy
from neox.policy.packing import pack
from neox.policy.tokenizer import BytePairTokenizer

KINDS = [(kind,) for kind in MIXERS] + [("ssd", "attention"), ("fusion", "mlstm", "attention")]
RECURRENT = [kind for kind in MIXERS if kind != "attention"]


def lively(kinds: tuple[str, ...], **change: object) -> LanguageModel:
    """A model whose residual branches are not zero, as they are at initialisation."""
    torch.manual_seed(0)
    config = ModelConfig(
        vocab_size=300,
        d_model=32,
        layers=max(2, len(kinds)),
        experts=2,
        experts_per_token=1,
        d_expert=16,
        state_head=16,
        state_size=4,
        mixers=kinds,
    ).model_copy(update=change)
    model = LanguageModel(config)
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


def whole(model: LanguageModel, tokens: Tensor) -> Tensor:
    """Hidden states of one sequence [T] by the parallel form."""
    length = len(tokens)
    mask = torch.ones(length, length).tril().bool()[None, None]
    return model(tokens[None], torch.arange(length)[None], mask)[0]


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
@torch.no_grad()
def test_decoding_equals_the_whole_sequence(kinds: tuple[str, ...]) -> None:
    """Two prompts of different length, two samples each, long enough to cross a retrieval chunk;
    two rows finish on the way."""
    model = lively(kinds)
    generator = torch.Generator().manual_seed(1)
    long, short = (torch.randint(2, 300, (n,), generator=generator) for n in (30, 26))
    prompts = torch.stack([torch.cat([torch.zeros(4).long(), short]), long])
    padding = torch.zeros(2, 30, dtype=torch.bool)
    padding[0, :4] = True
    hidden, rows, caches = model.prefill(prompts, padding, samples=2, max_new=12)
    new = torch.randint(2, 300, (4, 11), generator=generator)
    got = [hidden.repeat_interleave(2, dim=0)]
    slots = torch.arange(4)
    for t in range(11):
        got.append(model.decode(new[slots, t], 30 + t, caches))
        if t == 4:
            kept = torch.tensor([1, 2])
            needed = rows.keep(kept)
            for cache in caches:
                cache.keep(kept, needed)
            slots = kept
    for row, slot in ((0, 1), (1, 2)):
        prompt = short if slot < 2 else long
        expected = whole(model, torch.cat([prompt, new[slot]]))[-12:]
        mine = torch.stack([g[slot] if len(g) == 4 else g[row] for g in got])
        # rotary positions of a padded prompt are shifted by its padding, which changes nothing
        torch.testing.assert_close(mine, expected, atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
def test_a_packed_group_equals_separate_sequences(kinds: tuple[str, ...]) -> None:
    """Values and gradients: the policy scores what it would have scored one by one."""
    model = lively(kinds)
    groups = [
        Group((5, 6, 7), ((10, 11, 12), (13,), (14, 15))),
        Group((8, 9, 20, 21, 22), ((30, 31), (32, 33, 34, 35))),
    ]
    packed = pack(groups, 0)
    hidden = model(packed.tokens, packed.position, packed.mask).flatten(0, 1)[packed.source]
    cells = packed.cell.tolist()
    parts = []
    for group in groups:
        for ids in group.completions:
            states = whole(model, torch.tensor(group.prompt + ids[:-1]))
            parts.append(states[len(group.prompt) - 1 :])
    expected = torch.cat(parts)
    assert cells == sorted(cells)
    torch.testing.assert_close(hidden, expected, atol=2e-5, rtol=2e-5)
    weight = torch.randn(expected.shape, generator=torch.Generator().manual_seed(2))
    wanted = [p for p in model.parameters() if p.requires_grad]
    mine = torch.autograd.grad((hidden * weight).sum(), wanted, allow_unused=True)
    theirs = torch.autograd.grad((expected * weight).sum(), wanted, allow_unused=True)
    for one, other in zip(mine, theirs, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            torch.testing.assert_close(one, other, atol=2e-4, rtol=2e-4)


@pytest.mark.parametrize("kind", RECURRENT)
@torch.no_grad()
def test_a_text_in_stretches_equals_the_text_at_once(kind: str) -> None:
    model = lively((kind,))
    tokens = torch.randint(2, 300, (1, 75), generator=torch.Generator().manual_seed(3))
    states, out = None, []
    for stretch in tokens.split([1, 31, 3, 40], dim=1):
        hidden, states = model.extend(stretch, states)
        out.append(hidden)
    torch.testing.assert_close(torch.cat(out, 1)[0], whole(model, tokens[0]), atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
def test_nothing_is_seen_before_it_is_written(kinds: tuple[str, ...]) -> None:
    """Changing token t leaves the outputs before t as they were; retrieval included."""
    model = lively(kinds)
    tokens = torch.randint(2, 300, (70,), generator=torch.Generator().manual_seed(4))
    before = whole(model, tokens)
    for t in (1, 33, 64):
        changed = tokens.clone()
        changed[t] = 299 if tokens[t] != 299 else 2
        after = whole(model, changed)
        # an FFT mixes rounding over all positions; everything else is exact
        tolerance = 1e-5 if "hyena" in kinds else 0.0
        torch.testing.assert_close(after[:t], before[:t], atol=tolerance, rtol=tolerance)
        assert not torch.equal(after[t:], before[t:])


@pytest.mark.parametrize("kind", ["ssd", "mlstm", "fusion"])
@torch.no_grad()
def test_states_stay_bounded(kind: str) -> None:
    """Random weights, 10,000 tokens: every decay is at most 1, so nothing grows for ever."""
    torch.manual_seed(5)
    model = lively((kind,), layers=1)
    mixer = model.layers[0].mixer
    assert isinstance(mixer, Recurrent)
    for parameter in mixer.parameters():
        parameter.normal_(std=0.5)
    state, sizes = None, []
    for _ in range(10):
        y, state = mixer.scan(torch.randn(1, 1000, 32), state, None)
        sizes.append(float(state[1].abs().max()))
        assert y.isfinite().all()
    assert sizes[-1] < 5 * max(sizes[:2])


@pytest.mark.parametrize("kinds", [("ssd",), ("fusion", "attention")], ids="-".join)
def test_the_policy_samples_and_scores_alike(kinds: tuple[str, ...]) -> None:
    """Log-probabilities while sampling, by steps and with rows dropped, are those of scoring."""
    tokenizer = BytePairTokenizer.train(["abc"], 258)
    policy = NativePolicy(lively(kinds, vocab_size=258), tokenizer)
    for block in policy.model.layers:
        block.moe.balance_rate = 0.0
    prompts = [tokenizer.encode("ab"), tokenizer.encode("abcabc")]
    sampling = Sampling(1.0, 0, 1.0, 40)
    drawn = policy.generate(prompts, 6, sampling, torch.Generator().manual_seed(0))
    assert len({len(c.ids) for c in drawn}) > 1  # some ended early, so rows were compacted
    groups = [
        Group(p, tuple(c.ids for c in drawn[i * 6 : i * 6 + 6])) for i, p in enumerate(prompts)
    ]
    scores = policy.score(groups)
    for i, completion in enumerate(drawn):
        mine = scores.logprobs[i, : len(completion.ids)].detach()
        torch.testing.assert_close(mine, completion.logprobs, atol=1e-4, rtol=1e-4)


def test_every_parameter_gets_a_gradient() -> None:
    for kind in RECURRENT:
        model = lively((kind,), hyper=("step", "temperature"), experts_per_token=2).train()
        tokens = torch.randint(2, 300, (2, 70), generator=torch.Generator().manual_seed(6))
        mask = torch.ones(70, 70).tril().bool()[None, None]
        hidden = model(tokens, torch.arange(70).expand(2, -1), mask)
        model.logits(hidden).square().mean().backward()
        without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
        assert without == [], kind


def test_the_tree_of_a_packed_mask() -> None:
    packed = pack([Group((1, 2, 3), ((4, 5, 6), (7, 8))), Group((1,), ((2, 3),))], 0)
    tree = Tree.of_mask(packed.mask)
    width = packed.tokens.shape[1]
    assert tree.trunk[~tree.trunk_pad].tolist() == [0, 1, 2, width, width + 1]
    assert tree.owner.tolist() == [0, 0]
    assert tree.branch.tolist() == [[3, 4], [5, 0]]
    assert tree.branch_pad.tolist() == [[False, False], [False, True]]


def test_a_mask_that_is_no_trunk_with_branches_is_refused() -> None:
    mask = torch.ones(6, 6).tril().bool()
    mask[3, 2] = mask[4:, 1:4] = False  # token 3 follows 1, token 4 follows 0
    with pytest.raises(ValueError, match="no trunk with branches"):
        Tree.of_mask(mask[None, None])


def test_an_unknown_mixer_is_named() -> None:
    with pytest.raises(ValueError, match="no mixer 'rwkv'; known: attention, ssd"):
        LanguageModel(ModelConfig(mixers=("rwkv",)))
    with pytest.raises(ValueError, match="state_head"):
        ModelConfig(mixers=("ssd",), state_head=48)
