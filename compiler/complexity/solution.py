"""`Solution`: what solving a recursion gives, before it becomes a summary."""

from __future__ import annotations

from neox.compiler.complexity.growth import ONE, Growth
from neox.compiler.complexity.record import dataclass, field


@dataclass(slots=True)
class Solution:
    low: Growth = ONE
    high: Growth | None = None
    assumed_low: set[str] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)
    trace: list[str] = field(default_factory=list)
