"""The forge: tasks made to measure, from a seed, in three splits that share no behaviour.

`Forge(seed).tasks(split, count)` takes turns over families and levels, so a longer list extends a
shorter one. A task is a plain record with tests; its program is drawn again from its id when
documents are wanted. Knows nothing about models or training.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice

from neox.datasets.forge import families as _families  # noqa: F401  registers every family
from neox.datasets.forge.behaviour import Outputs, arguments, probes
from neox.datasets.forge.documents import Document, write
from neox.datasets.forge.draw import Grammar
from neox.datasets.forge.grammar import FAMILIES, INT, LIST, NAT, SMALL, Program
from neox.datasets.forge.stream import FORGE_VERSION, Candidate, Stream, examine
from neox.datasets.forge.text import body, prompt, right
from neox.datasets.forge.trials import Trial
from neox.datasets.task import CallTest, Task

_NUMBERS = (SMALL, NAT, INT)
LEVELS = (0, 1, 2, 3)
SPLITS = ("train", "validation", "test")
LONGEST_PROMPT = 240
LONGEST_COMPLETION = 220
EXAMPLES = 3


class Forge:
    """All tasks of one seed.

    >>> task = Forge(seed=0).tasks("train", 1)[0]
    >>> task.program(task.reference or "").count("def f(")
    1
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._grammar = Grammar()
        self._streams: dict[tuple[str, int], Stream] = {}
        self._made: dict[str, Candidate] = {}

    def tasks(
        self,
        split: str,
        count: int,
        levels: Sequence[int] = LEVELS,
        families: Sequence[str] | None = None,
    ) -> list[Task]:
        """Up to `count` tasks of `split`, spread evenly over families and levels as far as the
        supply goes.

        Behaviours and prompts are distinct within the list, and the lists of two splits share
        neither. ValueError for an unknown split, family or level.
        """
        names = tuple(FAMILIES) if families is None else tuple(families)
        unknown = [name for name in names if name not in FAMILIES]
        if split not in SPLITS or unknown or not set(levels) <= set(LEVELS):
            raise ValueError(
                f"no forge tasks for split {split!r}, levels {tuple(levels)}, families {names}; "
                f"splits are {', '.join(SPLITS)}, levels 0 to 3, families {', '.join(FAMILIES)}"
            )
        rows = [self._row(name, level, split) for level in levels for name in names]
        behaviours: set[str] = set()
        prompts: set[str] = set()
        made: list[Task] = []
        while rows and len(made) < count:
            for row in tuple(rows):
                task = _fresh(row, behaviours, prompts)
                if task is None:
                    rows.remove(row)
                    continue
                made.append(task)
                if len(made) == count:
                    break
        return made

    def program(self, task_id: str) -> Program:
        """The tree of a task of any seed. ValueError for an id that is not the forge's."""
        return self._candidate(task_id).program

    def documents(
        self,
        tasks: Sequence[Task],
        quality: str = "clean",
        seed: int = 0,
        right_share: float = 0.43,
    ) -> list[Document]:
        """One completion per task: the reference ("clean"), or one in which parts follow their
        habit ("mixed").

        `documents.write` says how often. `right` is found by running the completion's tree on the
        probes.
        """
        made = [self._candidate(task.task_id) for task in tasks]
        return write(
            tasks, [(one.program, one.outputs) for one in made], quality, seed, right_share
        )

    def _stream(self, family: str, level: int) -> Stream:
        place = (family, level)
        if place not in self._streams:
            self._streams[place] = Stream(self._grammar, self.seed, family, level)
        return self._streams[place]

    def _row(self, family: str, level: int, split: str) -> Iterator[tuple[str, Task]]:
        """The tasks of one family and level that belong to `split`, with their behaviours."""
        stream = self._stream(family, level)
        for candidate in stream:
            if candidate.split == split:
                task = _task(stream, candidate)
                if task is not None:
                    self._made[task.task_id] = candidate
                    yield candidate.behaviour, task

    def _candidate(self, task_id: str) -> Candidate:
        if task_id not in self._made:
            self._made[task_id] = self._again(task_id)
        return self._made[task_id]

    def _again(self, task_id: str) -> Candidate:
        match task_id.split("/"):
            case [version, seed, family, level, index] if (
                version == f"forge{FORGE_VERSION}" and family in FAMILIES
            ):
                stream = Stream(self._grammar, int(seed), family, int(level))
                program = stream.draw(int(index))
                candidate = program and examine(program, int(index))
                if candidate:
                    return candidate
        raise ValueError(f"{task_id!r} is not a task of forge version {FORGE_VERSION}")


def parse_name(name: str) -> tuple[tuple[str, ...] | None, tuple[int, ...] | None]:
    """The families and levels that a name asks for, None for all; ValueError for another name.

    >>> parse_name("forge:fold/3"), parse_name("forge"), parse_name("forge:/2")
    ((('fold',), (3,)), (None, None), (None, (2,)))
    """
    head, _, rest = name.partition(":")
    family, _, level = rest.partition("/")
    levels = (int(level),) if level.isdecimal() else None
    wrong_level = level and (levels is None or levels[0] not in LEVELS)
    if head != "forge" or wrong_level or (family and family not in FAMILIES):
        raise ValueError(
            f"{name!r} names no forge tasks; write forge, forge:FAMILY or forge:FAMILY/LEVEL "
            f"with a level from 0 to 3 and a family among {', '.join(FAMILIES)}"
        )
    return ((family,) if family else None), levels


def tasks_from_name(
    name: str, split: str = "train", count: int = 1000, seed: int = 0
) -> list[Task]:
    """Tasks by name, as `parse_name` reads it: "forge", "forge:fold", "forge:fold/3"."""
    families, levels = parse_name(name)
    return Forge(seed).tasks(split, count, levels or LEVELS, families)


def _fresh(row: Iterator[tuple[str, Task]], behaviours: set[str], prompts: set[str]) -> Task | None:
    """The next task of `row` whose behaviour and prompt are both new, or None at its end."""
    for behaviour, task in row:
        if behaviour not in behaviours and task.prompt not in prompts:
            behaviours.add(behaviour)
            prompts.add(task.prompt)
            return task
    return None


def _task(stream: Stream, candidate: Candidate) -> Task | None:
    """The record of a candidate, or None if its mutants cannot be told from it."""
    program = candidate.program
    completion = body(program, right(program))
    if len(completion) > LONGEST_COMPLETION:
        return None
    asked = prompt(program)
    if len(asked) > LONGEST_PROMPT:
        return None
    shown = _examples(program.takes, candidate.outputs)
    hidden = Trial(program, candidate.outputs, shown).hidden_tests()
    if hidden is None:
        return None
    return Task(
        task_id=stream.task_id(candidate.index),
        prompt=asked,
        entry_point="f",
        tests=tuple(CallTest(arguments(program, at), candidate.outputs[at]) for at in hidden),
        examples=tuple(CallTest(arguments(program, at), candidate.outputs[at]) for at in shown),
        starter_code=asked,
        reference=completion,
        contract=contract(program),
        level=stream.level,
        split=candidate.split,
        family=stream.family,
        source="forge",
        license="Apache-2.0",
        meta={"behaviour": candidate.behaviour, "parts": list(program.parts)},
    )


def contract(program: Program) -> str | None:
    """The cost class of the reference in the size of its first input, or None where sizes are no
    longer known.
    """
    order = ("1", "n", "n log n", "n^2")
    worst = 0
    sized = True
    for node in program.nodes:
        cost = order.index(node.op.cost)
        if not sized and cost > 0:
            return None
        worst = max(worst, cost)
        sized = sized and node.op.takes == node.op.gives and node.op.takes not in _NUMBERS
        sized = sized or (node.op.takes == LIST and node.op.gives == LIST)
    if program.takes in _NUMBERS and worst > 0:
        return None
    return f"O({order[worst]})"


def _examples(kind: str, outputs: Outputs) -> tuple[int, ...]:
    """Three probes with short inputs and, where possible, different outputs that are not empty."""
    ranked = _by_length(kind)
    chosen: list[int] = []
    told: list[object] = [[], "", {}]
    for index in ranked:
        if outputs[index] not in told:
            chosen.append(index)
            told.append(outputs[index])
            if len(chosen) == EXAMPLES:
                return tuple(chosen)
    rest = (index for index in ranked if index not in chosen)
    return (*chosen, *islice(rest, EXAMPLES - len(chosen)))


@cache
def _by_length(kind: str) -> tuple[int, ...]:
    """The probes of a type, those of about four elements first, numbers as they stand."""
    values = probes(kind)
    sizes = [abs(len(v) - 4) if hasattr(v, "__len__") else 0 for v in values]
    return tuple(sorted(range(len(values)), key=sizes.__getitem__))
