"""The project's own model as a policy.

Generation reads each prompt once for its whole group, keeps keys and values in a static cache and
drops finished rows. Scoring packs a group into one sequence. Knows nothing about tasks or rewards.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from neox.errors import InputError
from neox.generate.sampling import draw
from neox.kernels.linear_logprob import linear_logprob
from neox.model import LanguageModel, ModelConfig
from neox.policy.base import Completion, Finish, Group, Ids, OnFinish, Sampling, Scores
from neox.policy.noise import Noise, noise
from neox.policy.packing import pack
from neox.policy.tokenizer import BytePairTokenizer

# Below this share of live rows the caches are compacted; copying them costs about one decode step.
COMPACT_BELOW = 0.85


class NativePolicy:
    def __init__(self, model: LanguageModel, tokenizer: BytePairTokenizer) -> None:
        self.model, self.tokenizer = model, tokenizer

    @property
    def module(self) -> LanguageModel:
        return self.model

    def blocks(self) -> list[torch.nn.Module]:
        return list(self.model.blocks)

    def root(self) -> torch.nn.Module:
        return self.model

    @torch.inference_mode()
    def generate(
        self,
        prompts: Sequence[Ids],
        samples: int,
        sampling: Sampling,
        generator: torch.Generator | Noise,
        *,
        on_finish: OnFinish | None = None,
        keep_hidden: bool = False,
    ) -> list[Completion]:
        self.model.eval()
        tokens, padding = self._left_pad(prompts, sampling.max_new_tokens)
        steps, total = sampling.max_new_tokens, len(prompts) * samples
        numbers = noise(generator)
        hidden, rows, caches = self.model.prefill(tokens, padding, samples, steps)
        hidden = hidden.repeat_interleave(samples, dim=0)
        ids = torch.zeros(total, steps, dtype=torch.long)
        logprobs = torch.zeros(total, steps)
        states = torch.zeros(total, steps, hidden.shape[-1]) if keep_hidden else None
        length = torch.full((total,), steps)
        live = torch.ones(total, dtype=torch.bool)
        for t in range(steps):
            uniform = None if sampling.temperature == 0 else numbers.uniform(rows.slots, t)
            token, logprob = draw(self.model.logits(hidden), sampling, None, uniform)
            ids[rows.slots, t], logprobs[rows.slots, t] = token, logprob
            if states is not None:
                states[rows.slots, t] = hidden
            done = live & (token == self.tokenizer.eos)
            if done.any():
                live &= ~done
                finished = rows.slots[done]
                length[finished] = t + 1
                if on_finish is not None:
                    for slot in finished.tolist():
                        on_finish(slot, tuple(ids[slot, : t + 1].tolist()))
                if not live.any():
                    break
                if live.float().mean() < COMPACT_BELOW:
                    kept = live.nonzero()[:, 0]
                    needed = rows.keep(kept)
                    for cache in caches:
                        cache.keep(kept, needed)
                    token, live = token[kept], live[kept]
            if t + 1 < steps:
                hidden = self.model.decode(token, tokens.shape[1] + t, caches)
        ended = self._ended(ids, length)
        if on_finish is not None:
            for slot in (~ended).nonzero()[:, 0].tolist():
                on_finish(slot, tuple(ids[slot].tolist()))
        return self._completions(ids, logprobs, states, length, ended, samples)

    def _left_pad(self, prompts: Sequence[Ids], max_new: int) -> tuple[Tensor, Tensor]:
        """Tokens and padding mask [P, L]."""
        if not prompts or not all(prompts):
            raise ValueError("generate needs at least one prompt, and no empty one")
        width = max(map(len, prompts))
        if width + max_new > self.model.max_length:
            raise ValueError(
                f"a prompt of {width} tokens and {max_new} new ones exceed the model's "
                f"{self.model.max_length} positions"
            )
        rows = [(self.tokenizer.pad,) * (width - len(p)) + p for p in prompts]
        padding = torch.tensor([[i < width - len(p) for i in range(width)] for p in prompts])
        return torch.tensor(rows), padding

    def _ended(self, ids: Tensor, length: Tensor) -> Tensor:
        last = ids.gather(1, (length - 1)[:, None])[:, 0]
        return last.eq(self.tokenizer.eos)

    @staticmethod
    def _completions(
        ids: Tensor,
        logprobs: Tensor,
        states: Tensor | None,
        length: Tensor,
        ended: Tensor,
        samples: int,
    ) -> list[Completion]:
        result = []
        for i, (n, stop) in enumerate(zip(length.tolist(), ended.tolist(), strict=True)):
            finish: Finish = "stop" if stop else "length"
            hidden = None if states is None else states[i, :n]
            result.append(
                Completion(
                    i // samples, tuple(ids[i, :n].tolist()), logprobs[i, :n], finish, hidden
                )
            )
        return result

    def score(self, groups: Sequence[Group], temperature: float = 1.0) -> Scores:
        packed = pack(groups, self.tokenizer.pad)
        hidden = self.model(packed.tokens, packed.position, packed.mask)
        hidden = hidden.flatten(0, 1)[packed.source]  # [M, d]
        logprob, entropy = linear_logprob(
            hidden, self.model.head_weight, packed.target, temperature
        )
        shape = (packed.samples, packed.longest)

        def spread(x: Tensor) -> Tensor:
            flat = x.new_zeros(shape[0] * shape[1], *x.shape[1:])
            return flat.index_copy(0, packed.cell, x).view(*shape, *x.shape[1:])

        mask = spread(torch.ones_like(packed.cell)).bool()
        return Scores(spread(logprob), spread(entropy), spread(hidden), mask)

    def width(self) -> int:
        return self.model.config.d_model

    def vocab_size(self) -> int:
        return self.model.config.vocab_size

    def token_logits(self, hidden: Tensor) -> Tensor:
        return self.model.logits(hidden)

    def set_uniform_routing(self, uniform: bool) -> None:
        self.model.set_uniform_routing(uniform)

    def after_step(self) -> dict[str, float]:
        found = {f"hyper/{name}": value for name, value in self.model.hyper_means().items()}
        if self.model.config.experts > 1:
            found["router/max_vio"] = self.model.balance_experts()
        return found

    def save(self, folder: Path) -> None:
        """Write config.json, model.safetensors and tokenizer.json into an existing folder."""
        (folder / "neox.json").write_text(
            json.dumps({"model": self.model.config.model_dump(), "length": self.model.max_length})
        )
        save_file(self.model.state_dict(), folder / "model.safetensors")
        self.tokenizer.save(folder / "tokenizer.json")

    def export(self, root: Path) -> None:
        """The last checkpoint is what `load` reads."""

    @classmethod
    def load(cls, folder: Path) -> NativePolicy:
        for name in ("neox.json", "model.safetensors", "tokenizer.json"):
            if not (folder / name).is_file():
                raise InputError(f"{folder} holds no NEOX model: {name} is missing", folder)
        header = json.loads((folder / "neox.json").read_text())
        model = LanguageModel(ModelConfig(**header["model"]), header["length"])
        model.load_state_dict(load_file(folder / "model.safetensors"))
        return cls(model, BytePairTokenizer.load(folder / "tokenizer.json"))
