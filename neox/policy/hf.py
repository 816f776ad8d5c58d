"""Any causal language model of transformers as a policy: a local folder or a name on the hub.

Sampling reads each prompt once for its group and drops finished rows, or goes through transformers'
`generate`. With LoRA only the adapter is trained and checkpointed; a finished run also leaves the
merged weights, which `AutoModelForCausalLM` loads like any other model's. Knows nothing about tasks
or rewards.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from neox.errors import InputError

try:
    import transformers
    from transformers.cache_utils import DynamicCache
except ImportError:
    raise InputError(
        "a Hugging Face model needs the packages transformers and peft",
        remedy="pip install 'neox[hf]'",
    ) from None

from neox.generate.sampling import draw
from neox.policy import hf_cache
from neox.policy.base import Completion, Group, Ids, OnFinish, Sampling, Scores
from neox.policy.held import Lora, Settings
from neox.policy.hf_decode import LeanDecoder
from neox.policy.hf_generate import by_transformers
from neox.policy.hf_score import Scorer
from neox.policy.hf_tokens import HFTokens
from neox.policy.noise import Noise, noise
from neox.policy.rows import Rows

COMPACT_BELOW = 0.85  # share of live rows below which the finished ones are dropped
NOTE = "neox-hf.json"  # beside the weights: what this module needs to know about them


class HFPolicy:
    def __init__(self, model: Any, tokenizer: HFTokens, settings: Settings | None = None) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.settings = settings or Settings()
        self.scorer = Scorer(model, tokenizer.pad, self.settings.checkpointing)
        if self.settings.checkpointing:
            core = self.scorer.core
            named = "activation_checkpointing_enable"  # 5.24's name for it
            enable = getattr(core, named, None) or core.gradient_checkpointing_enable
            enable({"use_reentrant": False})

    @property
    def module(self) -> nn.Module:
        module: nn.Module = self.model
        return module

    def blocks(self) -> list[nn.Module]:
        """The layers, each a unit of sharding."""
        names = set(getattr(self.scorer.core, "_no_split_modules", None) or ())
        return [m for m in self.module.modules() if type(m).__name__ in names]

    def root(self) -> nn.Module:
        return self.scorer

    # Sampling -----------------------------------------------------------------------------------

    @torch.no_grad()
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
        self._check(prompts, sampling)
        self.model.eval()
        tokens, seen = hf_cache.left_pad(list(prompts), self.tokenizer.pad)
        tokens, seen = tokens.to(self.device), seen.to(self.device)
        rows = Rows(len(prompts), samples, sampling.max_new_tokens, self.tokenizer.stops, on_finish)
        if self.settings.engine == "transformers" or not self.scorer.shares_prompts:
            by_transformers(self.scorer, tokens, seen, sampling, noise(generator), rows)
            drawn = rows.completions()
            return self._with_hidden(prompts, drawn) if keep_hidden else drawn
        self._decode(tokens, seen, sampling, noise(generator), rows, keep_hidden)
        return rows.completions()

    def _with_hidden(self, prompts: Sequence[Ids], drawn: list[Completion]) -> list[Completion]:
        """Hidden states by reading every completion once more; `generate` hands out none."""
        samples, found = len(drawn) // len(prompts), []
        for i, prompt in enumerate(prompts):
            own = drawn[i * samples : (i + 1) * samples]
            hidden = self.score([Group(prompt, tuple(c.ids for c in own))]).hidden
            found += [replace(c, hidden=h[: len(c.ids)]) for c, h in zip(own, hidden, strict=True)]
        return found

    def _decode(
        self,
        tokens: Tensor,
        seen: Tensor,
        sampling: Sampling,
        numbers: Noise,
        rows: Rows,
        keep_hidden: bool,
    ) -> None:
        scorer, samples = self.scorer, rows.samples
        cache = DynamicCache(config=scorer.core.config)
        where = hf_cache.positions(seen)
        hidden = scorer.trunk(tokens, cache, attention_mask=seen, position_ids=where)[:, -1]
        steps = sampling.max_new_tokens
        hidden = hidden.repeat_interleave(samples, dim=0)
        if scorer.lean:
            trunk = getattr(scorer.core, scorer.trunk_name)
            lean = LeanDecoder(trunk, cache, seen, samples, steps)
            for t in range(steps):
                token = self._next(hidden, sampling, numbers, rows, t, keep_hidden)
                if not rows.any_live or t + 1 == steps:
                    return
                if rows.live_share < COMPACT_BELOW:
                    kept = rows.compact().to(self.device)
                    lean.keep(kept)
                    token = token[kept]
                hidden = lean.step(token, t)
        cache = hf_cache.grouped(cache, samples, steps)
        next_position = seen.sum(dim=1).repeat_interleave(samples)
        visible = torch.cat([seen, seen.new_ones(len(seen), steps)], dim=1)
        visible = visible.repeat_interleave(samples, dim=0)
        for t in range(steps):
            token = self._next(hidden, sampling, numbers, rows, t, keep_hidden)
            if not rows.any_live or t + 1 == steps:
                break
            if rows.live_share < COMPACT_BELOW:
                kept = rows.compact().to(self.device)
                hf_cache.select(cache, kept)
                token, next_position, visible = token[kept], next_position[kept], visible[kept]
            hidden = scorer.trunk(
                token[:, None],
                cache,
                attention_mask=visible[:, : tokens.shape[1] + t + 1],
                position_ids=(next_position + t)[:, None],
            )[:, -1]

    def _next(
        self,
        hidden: Tensor,
        sampling: Sampling,
        numbers: Noise,
        rows: Rows,
        t: int,
        keep_hidden: bool,
    ) -> Tensor:
        """Draw and note the token after these states of the live rows."""
        uniform = None if sampling.temperature == 0 else numbers.uniform(rows.slots, t)
        token, logprob = draw(self.scorer.logits(hidden), sampling, None, uniform)
        rows.add(token, logprob, hidden if keep_hidden else None)
        return token

    def _check(self, prompts: Sequence[Ids], sampling: Sampling) -> None:
        if not prompts or not all(prompts):
            raise ValueError("generate needs at least one prompt, and no empty one")
        width, limit = max(map(len, prompts)), self.max_length
        if limit is not None and width + sampling.max_new_tokens > limit:
            raise ValueError(
                f"a prompt of {width} tokens and {sampling.max_new_tokens} new ones exceed the "
                f"model's {limit} positions"
            )

    # The rest of the protocol -------------------------------------------------------------------

    def score(self, groups: Sequence[Group], temperature: float = 1.0) -> Scores:
        scores: Scores = self.scorer(groups, temperature)
        return scores

    @property
    def device(self) -> torch.device:
        device: torch.device = self.scorer.core.device
        return device

    @property
    def max_length(self) -> int | None:
        return getattr(self.scorer.core.config, "max_position_embeddings", None)

    def width(self) -> int:
        return int(self.scorer.head.weight.shape[1])

    def vocab_size(self) -> int:
        return int(self.scorer.head.weight.shape[0])

    def token_logits(self, hidden: Tensor) -> Tensor:
        return self.scorer.logits(hidden)

    def set_uniform_routing(self, uniform: bool) -> None:
        pass

    def after_step(self) -> dict[str, float]:
        return {}

    # Files --------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """A standard Hugging Face folder; of a LoRA model the adapter alone, with its base's name.

        safetensors only, so loading runs no code.
        """
        self.model.save_pretrained(folder)
        self.tokenizer.save(folder)
        note = {"stops": self.tokenizer.stops, "settings": asdict(self.settings)}
        (folder / NOTE).write_text(json.dumps(note))

    def export(self, root: Path) -> None:
        """Write root/model: the weights to use, an adapter merged into its base.

        The policy is of no further use for training.
        """
        model = self.model
        if hasattr(model, "peft_config"):
            model = model.merge_and_unload()
        folder = root / "model"
        folder.mkdir(exist_ok=True)
        HFPolicy(model, self.tokenizer, replace(self.settings, checkpointing=False)).save(folder)

    @classmethod
    def load(
        cls, name: str | Path, settings: Settings | None = None, lora: Lora | None = None
    ) -> HFPolicy:
        """A folder or a name on the hub; a new adapter where `lora` asks for one.

        InputError for a name that is not found or a model that is no causal LM.
        """
        folder = Path(name)
        adapted = (folder / "adapter_config.json").is_file()
        if (folder / NOTE).is_file() and settings is None:
            settings = Settings(**json.loads((folder / NOTE).read_text())["settings"])
        settings = settings or Settings()
        base: str | Path = name
        if adapted:
            base = json.loads((folder / "adapter_config.json").read_text())[
                "base_model_name_or_path"
            ]
        transformers.utils.logging.disable_progress_bar()  # the run has its own view
        try:
            core = transformers.AutoTokenizer.from_pretrained(name)
            model = transformers.AutoModelForCausalLM.from_pretrained(
                base,
                dtype=getattr(torch, settings.dtype),
                attn_implementation=settings.attention,
            )
        except (OSError, ValueError) as error:
            raise InputError(
                f"transformers cannot load {base} as a causal LM: {str(error).splitlines()[0]}",
                remedy="name a folder with config.json, model.safetensors and a tokenizer, "
                "or a model of the hub as OWNER/NAME",
            ) from None
        if torch.cuda.is_available():  # each rank has chosen its own
            model = model.to("cuda")
        stops = _listed(model.generation_config.eos_token_id)
        if adapted or lora is not None:
            model = _adapted(model, folder if adapted else None, lora)
        return cls(model, HFTokens(core, stops), settings)


def _adapted(model: Any, folder: Path | None, lora: Lora | None) -> Any:
    """The model with the adapter of a folder, or with a new one."""
    try:
        import peft
    except ImportError:
        raise InputError("LoRA needs the package peft", remedy="pip install 'neox[hf]'") from None
    if folder is not None:
        return peft.PeftModel.from_pretrained(model, folder, is_trainable=True)
    assert lora is not None
    whole = lora.targets == ("all-linear",)
    settings = peft.LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        target_modules="all-linear" if whole else list(lora.targets),
        task_type="CAUSAL_LM",
    )
    return peft.get_peft_model(model, settings)


def _listed(value: int | list[int] | None) -> list[int]:
    if value is None:
        return []
    return [value] if isinstance(value, int) else list(value)
