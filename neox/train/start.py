"""The policy a run begins with: restored, taken from another run, or new with its own tokenizer."""

from __future__ import annotations

from pathlib import Path

from neox.config import RunConfig
from neox.model import LanguageModel
from neox.policy.base import Policy
from neox.policy.held import Lora, Settings
from neox.policy.load import load
from neox.policy.native import NativePolicy
from neox.policy.tokenizer import BytePairTokenizer
from neox.train.data import Data

# More documents change no merge that matters, and take seconds.
TOKENIZER_DOCUMENTS = 4_000


def _transformers(config: RunConfig, checkpoint: Path | None) -> tuple[Settings, Lora | None]:
    """The settings of a model of transformers; an adapter is new only at the beginning."""
    hf = config.hf
    settings = Settings(hf.dtype, hf.attention, hf.checkpointing, hf.engine)
    new = hf.lora_rank and checkpoint is None
    lora = Lora(hf.lora_rank, hf.lora_alpha, tuple(hf.lora_targets)) if new else None
    return settings, lora


def build_policy(config: RunConfig, data: Data, checkpoint: Path | None) -> Policy:
    source = checkpoint or config.init
    if source is not None:
        return load(source, *_transformers(config, checkpoint))
    documents = data.documents[:TOKENIZER_DOCUMENTS]
    texts = [text for pair in documents for text in pair]
    # a task without a solution still shows how tasks are worded
    texts += [task.prompt for task in data.train[len(documents) : TOKENIZER_DOCUMENTS]]
    tokenizer = BytePairTokenizer.train(texts, config.model.vocab_size)
    shape = config.model.model_copy(update={"vocab_size": len(tokenizer)})
    longest = config.tasks.max_prompt_tokens + config.rollout.max_new_tokens
    return NativePolicy(LanguageModel(shape, max(longest, 256)), tokenizer)
