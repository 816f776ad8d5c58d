"""The policy a run begins with: restored, taken from another run, or new with its own tokenizer."""

from __future__ import annotations

from pathlib import Path

from neox.config import RunConfig
from neox.model import LanguageModel
from neox.policy.base import Policy
from neox.policy.load import load
from neox.policy.native import NativePolicy
from neox.policy.tokenizer import BytePairTokenizer
from neox.train.data import Data

# More documents change no merge that matters, and take seconds.
TOKENIZER_DOCUMENTS = 4_000


def build_policy(config: RunConfig, data: Data, checkpoint: Path | None) -> Policy:
    source = checkpoint or config.init
    if source is not None:
        return load(source)
    documents = data.documents[:TOKENIZER_DOCUMENTS]
    texts = [text for pair in documents for text in pair]
    # a task without a solution still shows how tasks are worded
    texts += [task.prompt for task in data.train[len(documents) : TOKENIZER_DOCUMENTS]]
    tokenizer = BytePairTokenizer.train(texts, config.model.vocab_size)
    shape = config.model.model_copy(update={"vocab_size": len(tokenizer)})
    longest = config.tasks.max_prompt_tokens + config.rollout.max_new_tokens
    return NativePolicy(LanguageModel(shape, max(longest, 256)), tokenizer)
