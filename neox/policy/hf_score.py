"""Log-probabilities of groups under a transformers model.

Where the model keeps plain keys and values, a prompt is read once for its group, and gradients flow
through the shared keys and values. Otherwise, and under activation checkpointing, every
continuation is read with its prompt. Both give the same numbers. The head's logits exist in chunks
only, unless the model changes them after its head (soft caps), which is tried at construction.

Shapes: B groups, N samples, L prompt, T longest continuation, M scored tokens, d width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers.cache_utils import DynamicCache

from neox.errors import InputError
from neox.objectives.logprob import token_logprobs
from neox.policy import hf_cache
from neox.policy.base import Group, Scores
from neox.policy.hf_decode import fits


class Scorer(nn.Module):
    """A model with its scoring in one forward pass, so that sharding can wrap all of it."""

    def __init__(self, model: Any, pad: int, checkpointing: bool = False) -> None:
        super().__init__()
        self.model, self.pad, self.checkpointing = model, pad, checkpointing
        core = model.get_base_model() if hasattr(model, "get_base_model") else model
        self.trunk_name = core.base_model_prefix
        self.cache_argument = hf_cache.argument(core)
        self.shares_prompts = hf_cache.plain(core.config) and hasattr(core, self.trunk_name)
        self.lean = self.shares_prompts and self._try_lean()
        self.plain_head = True
        self.plain_head = self._try_head()

    @property
    def core(self) -> Any:
        """The causal LM itself, without an adapter around it."""
        wrapped = hasattr(self.model, "get_base_model")
        return self.model.get_base_model() if wrapped else self.model

    @property
    def head(self) -> Any:
        return self.core.get_output_embeddings()

    def trunk(self, tokens: Tensor, cache: Any = None, **given: Any) -> Tensor:
        """Last hidden states [., ., d]."""
        more = {self.cache_argument: cache} if cache is not None else {}
        trunk = getattr(self.core, self.trunk_name)
        out = trunk(input_ids=tokens, use_cache=cache is not None, **more, **given)
        hidden: Tensor = out.last_hidden_state
        return hidden

    def _try_lean(self) -> bool:
        """Whether the lean decoding step gives this model's numbers."""
        core = self.core
        training = core.training
        core.eval()
        found = fits(getattr(core, self.trunk_name), self.cache_argument, core.config.vocab_size)
        core.train(training)
        return found

    @torch.no_grad()
    def _try_head(self) -> bool:
        """Whether the logits are the head's product alone; InputError if they cannot be had."""
        core = self.core
        if not hasattr(core, self.trunk_name) or self.head is None:
            raise InputError(f"{type(core).__name__} is no causal LM with a trunk and a head")
        training = core.training
        core.eval()
        tokens = torch.arange(1, 5, device=self._device)[None] % self.head.weight.shape[0]
        whole, hidden = core(input_ids=tokens).logits.float(), self.trunk(tokens)
        core.train(training)
        if getattr(self.head, "bias", None) is None and _near(whole, self.head(hidden)):
            return True
        self.plain_head = False
        if not _near(whole, self.logits(hidden)):
            raise InputError(f"{type(core).__name__} changes its logits in a way unknown here")
        return False

    def logits(self, hidden: Tensor) -> Tensor:
        """[..., d] -> [..., V], as the model itself would give them."""
        logits: Tensor = self.head(hidden)
        if not self.plain_head:
            config = self.core.config
            if (cap := getattr(config, "final_logit_softcapping", None)) is not None:
                logits = (logits / cap).tanh() * cap
            if (scale := getattr(config, "logits_scaling", None)) is not None:
                logits = logits / scale
            if (scale := getattr(config, "logit_scale", None)) is not None:
                logits = logits * scale
        return logits.float()

    def forward(self, groups: Sequence[Group], temperature: float) -> Scores:
        counts = [len(g.completions) for g in groups]
        owner = torch.arange(len(groups)).repeat_interleave(torch.tensor(counts))
        rows = [c for g in groups for c in g.completions]
        longest = max(map(len, rows), default=0)
        ids = torch.tensor([c + (self.pad,) * (longest - len(c)) for c in rows]).to(self._device)
        lengths = torch.tensor([len(c) for c in rows])
        mask = (torch.arange(longest)[None] < lengths[:, None]).to(self._device)
        # sharded layers are gathered once per pass: a prompt shared between two would need it twice
        if self.shares_prompts and not self._recomputes and not hasattr(self, "unshard"):
            hidden = self._shared(groups, owner.to(self._device), ids, mask)
        else:
            hidden = self._separate(groups, owner, ids, mask)
        chosen = hidden[mask]
        if self.plain_head:
            logprob, entropy = token_logprobs(chosen, self.head.weight, ids[mask], temperature)
        else:
            law = (self.logits(chosen) / temperature).log_softmax(dim=-1)
            logprob = law.gather(-1, ids[mask][:, None])[:, 0]
            entropy = -(law.exp() * law).sum(dim=-1)
        blank = hidden.new_zeros(mask.shape, dtype=logprob.dtype)
        return Scores(
            blank.masked_scatter(mask, logprob), blank.masked_scatter(mask, entropy), hidden, mask
        )

    @property
    def _device(self) -> torch.device:
        device: torch.device = self.core.device
        return device

    @property
    def _recomputes(self) -> bool:
        return bool(self.checkpointing and self.core.training)

    def _shared(self, groups: Sequence[Group], owner: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
        """Hidden states before each token [N, T, d], every prompt read once."""
        tokens, seen = hf_cache.left_pad([g.prompt for g in groups], self.pad)
        tokens, seen = tokens.to(ids.device), seen.to(ids.device)
        cache = DynamicCache(config=self.core.config)
        where = hf_cache.positions(seen)
        first = self.trunk(tokens, cache, attention_mask=seen, position_ids=where)[:, -1:]
        if ids.shape[1] <= 1:
            return first[owner]
        hf_cache.select(cache, owner)
        visible = torch.cat([seen[owner], mask[:, 1:].long()], dim=1)
        start = seen.sum(dim=1)[owner, None]
        where = start + torch.arange(ids.shape[1] - 1, device=ids.device)[None]
        rest = self.trunk(ids[:, :-1], cache, attention_mask=visible, position_ids=where)
        return torch.cat([first[owner], rest], dim=1)

    def _separate(
        self, groups: Sequence[Group], owner: Tensor, ids: Tensor, mask: Tensor
    ) -> Tensor:
        """The same, every continuation with a copy of its prompt."""
        prompts = [groups[i].prompt for i in owner.tolist()]
        tokens, seen = hf_cache.left_pad(prompts, self.pad)
        tokens = torch.cat([tokens.to(ids.device), ids[:, :-1]], dim=1)
        seen = torch.cat([seen.to(ids.device), mask[:, 1:].long()], dim=1)
        hidden = self.trunk(tokens, attention_mask=seen, position_ids=hf_cache.positions(seen))
        return hidden[:, tokens.shape[1] - ids.shape[1] :]


def _near(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a.float(), b.float(), atol=1e-2, rtol=1e-2)
