"""The ways to write a text, by name; each takes requests and gives texts in their order.

To add one: a function here, and a line in STRATEGIES.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from neox.generate.beam import Found, beam_search
from neox.generate.contrastive import contrastive_search
from neox.generate.drafts import PromptLookup
from neox.generate.engine import Engine, Listener, Request
from neox.generate.runner import runner
from neox.policy.base import Policy

SLOTS = 16


@dataclass(frozen=True, slots=True)
class Options:
    """What only some strategies read: beams and their length penalty, k and alpha of contrast."""

    beams: int = 4
    length_penalty: float = 0.0
    k: int = 4
    alpha: float = 0.6


Strategy = Callable[[Policy, Sequence[Request], Options, Listener | None], list[Found]]


def sample(
    policy: Policy, requests: Sequence[Request], options: Options, hear: Listener | None
) -> list[Found]:
    engine = Engine(runner(policy, min(SLOTS, len(requests))))
    streams = engine.run(requests, hear)
    return [Found(tuple(s.ids), tuple(s.logprobs), s.finish or "length", 0.0) for s in streams]


def lookup(
    policy: Policy, requests: Sequence[Request], options: Options, hear: Listener | None
) -> list[Found]:
    """Sampling with guesses from the text itself: the same texts, sooner where text repeats."""
    guessing = [replace(r, drafter=PromptLookup()) for r in requests]
    return sample(policy, guessing, options, hear)


def beam(
    policy: Policy, requests: Sequence[Request], options: Options, hear: Listener | None
) -> list[Found]:
    """The n best texts of one search, where n equal requests ask for them."""
    width = max(options.beams, len(requests))
    found = beam_search(runner(policy, width), requests[0], width, options.length_penalty)
    return found[: len(requests)]


def contrastive(
    policy: Policy, requests: Sequence[Request], options: Options, hear: Listener | None
) -> list[Found]:
    run, found = runner(policy, min(SLOTS, len(requests))), list[Found]()
    for start in range(0, len(requests), run.slots):
        some = requests[start : start + run.slots]
        found += contrastive_search(run, some, options.k, options.alpha)
    return found


STRATEGIES: dict[str, Strategy] = {
    "sample": sample,
    "lookup": lookup,
    "beam": beam,
    "contrastive": contrastive,
}
