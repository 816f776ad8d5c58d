"""Tasks as token ids, and what of a reply is the program.

A task whose `meta` holds `messages` is a conversation: it goes through the tokenizer's chat
template, and its reply may wrap the program in a fenced block. Every other prompt is plain text
that the completion continues.
"""

from __future__ import annotations

from collections.abc import Sequence

from neox.datasets.task import Task
from neox.evaluate.prompts import fenced
from neox.policy.base import Ids, Tokens


def encode_prompts(tokens: Tokens, tasks: Sequence[Task]) -> list[Ids]:
    plain = iter(tokens.encode_batch([t.prompt for t in tasks if "messages" not in t.meta]))
    return [
        tokens.encode_chat(t.meta["messages"]) if "messages" in t.meta else next(plain)
        for t in tasks
    ]


def completion(task: Task, text: str) -> str:
    """The part of a reply that `task.program` continues with."""
    return fenced(text, task.entry_point) if "messages" in task.meta else text
