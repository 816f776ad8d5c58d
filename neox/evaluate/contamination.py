"""Do training tasks overlap a benchmark? By words, by solutions, and by what the functions do.

* statements: a run of ten words and numbers, at least five of them words, stands in both (as GPT-3
  did with 13, Brown et al. 2020, arXiv 2005.14165, appendix C).
* solutions: the references are the same code up to layout, comments, docstrings and names.
* behaviours: the references give the same outputs on the forge's 64 fixed inputs of some type. The
  references run in the sandbox, except the forge's own, whose outputs are known.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from typing import Any

from neox.compiler import emit, nodes, parse, tokenize, walk
from neox.datasets.forge import behaviour
from neox.datasets.forge.grammar import DICT, INT, LIST, NAT, SMALL, STR, WORDS
from neox.datasets.task import Task
from neox.sandbox import Evaluate, Limits, Sandbox
from neox.sandbox.codec import decode

GRAM, LEAST_WORDS = 10, 5
LEAST_OTHERS = 4  # of 64 outputs, other than the commonest
KINDS = (SMALL, NAT, INT, LIST, STR, WORDS, DICT)
EXTRAS = (None, "k", "b")
LIMITS = Limits(cpu_s=2, wall_s=6)
_WORD = re.compile(r"[^\W\d_]+|\d+")
_KEPT = frozenset(keyword.kwlist) | frozenset(dir(builtins))
_PROBE = """

def neox_probe(signatures):
    import signal

    def late(*_):
        raise TimeoutError

    signal.signal(signal.SIGVTALRM, late)
    found = []
    for inputs in signatures:
        outputs = None
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0.05)
            outputs = [{entry}(*i) for i in inputs]
            repr(outputs)  # endless digits, endless depth
        except Exception:
            outputs = None
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        found.append(outputs)
    return found
"""

Signature = tuple[str, str | None]  # the type of the first parameter, the second parameter
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is compared of a task or problem; `known` holds behaviours that need not be run."""

    id: str
    statement: str
    code: str = ""
    entry: str | None = None
    known: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Overlap:
    """Pairs of a training task and a benchmark's problem, one for each problem, by kind."""

    tasks: int
    statements: Mapping[str, str]
    solutions: Mapping[str, str]
    behaviours: Mapping[str, str]
    compared: int
    """Problems whose behaviour could be compared at all."""

    def to_json(self) -> dict[str, Any]:
        return {
            "training_tasks": self.tasks,
            "statements": dict(self.statements),
            "solutions": dict(self.solutions),
            "behaviours": dict(self.behaviours),
            "behaviours_compared": self.compared,
        }


def subject(task: Task) -> Subject:
    """A training task, or the task behind a problem."""
    code = task.program(task.reference) if task.reference is not None else ""
    own = task.meta.get("behaviour")
    return Subject(
        task.task_id,
        task.prompt,
        code,
        task.entry_point,
        frozenset([own]) if isinstance(own, str) else frozenset(),
    )


def overlap(
    training: Sequence[Subject], problems: Sequence[Subject], workers: int, progress: Progress
) -> Overlap:
    """What `training` has in common with `problems`; `progress` counts references that are run."""
    by_gram = {gram: s.id for s in training for gram in grams(s.statement)}
    by_code = {text: s.id for s in training if (text := normal(s))}
    unknown = [s for s in training if not s.known and s.code and s.entry]
    asked = [s for s in problems if s.code and s.entry]
    with Sandbox(workers=workers) as box:
        shown = behaviours([*asked, *unknown], box, progress)
    by_behaviour = {key: s.id for s in training for key in s.known}
    by_behaviour |= {
        key: s.id for s, keys in zip(unknown, shown[len(asked) :], strict=True) for key in keys
    }
    theirs = dict(zip((s.id for s in asked), shown, strict=False))
    return Overlap(
        len(training),
        _hits(problems, lambda s: grams(s.statement), by_gram),
        _hits(problems, lambda s: {normal(s)}, by_code),
        _hits(asked, lambda s: theirs[s.id], by_behaviour),
        sum(bool(theirs[s.id]) for s in asked),
    )


def _hits(
    problems: Sequence[Subject], of: Callable[[Subject], Collection[Any]], known: Mapping[Any, str]
) -> dict[str, str]:
    found = {}
    for problem in problems:
        both = next((known[key] for key in of(problem) if key in known), None)
        if both is not None:
            found[problem.id] = both
    return found


def grams(text: str) -> set[tuple[str, ...]]:
    """The runs of GRAM words and numbers in which LEAST_WORDS or more are words."""
    words = _WORD.findall(text.lower())
    runs = (tuple(words[at : at + GRAM]) for at in range(len(words) - GRAM + 1))
    return {run for run in runs if sum(not word.isdigit() for word in run) >= LEAST_WORDS}


def normal(subject: Subject) -> str | None:
    """The body of the entry point, names replaced in the order they come; None where there is none.

    >>> normal(Subject("", "", "def f(a):\\n    'doc'\\n    return len( a )", "f"))
    'return len ( 0 )'
    """
    program = parse(subject.code)
    if program.diagnostics:
        return None
    for node in walk(program.tree):
        match node:
            case nodes.FunctionDef(name=name, body=body) if name == subject.entry:
                lines = [emit(statement) for statement in body if not _is_string(statement)]
                return _renamed("\n".join(lines), name)
    return None


def _is_string(statement: Any) -> bool:
    match statement:
        case nodes.Expr(value=nodes.Constant(value=str())):
            return True
    return False


def _renamed(text: str, entry: str) -> str:
    names: dict[str, str] = {entry: "f"}
    found = []
    before = ""
    for kind, word in tokenize(text):
        named = kind == "name" and word not in _KEPT and before != "."
        found.append(names.setdefault(word, str(len(names) - 1)) if named else word)
        before = word
    return " ".join(word for word in found if word.strip())


def behaviours(
    subjects: Sequence[Subject], box: Sandbox, progress: Progress
) -> list[frozenset[str]]:
    """For each subject the forge's keys of what it does, one for every type it answers on.

    All types are tried in one process, which gives each of them a twentieth of a second.
    """
    tried = [tuple(_signatures(one)) for one in subjects]
    jobs = [_probe(one, some) for one, some in zip(subjects, tried, strict=True)]
    found: list[frozenset[str]] = []
    for signatures, outcome in zip(tried, box.map(jobs), strict=True):
        done = outcome.verdict == "pass"
        found.append(frozenset(_keys(signatures, outcome.claim) if done else ()))
        progress(len(found), len(jobs))
    return found


def _probe(one: Subject, signatures: Sequence[Signature]) -> Evaluate:
    code = one.code + _PROBE.format(entry=one.entry)
    return Evaluate(code, "neox_probe", [list(map(_inputs, signatures))], LIMITS)


def _inputs(signature: Signature) -> list[list[Any]]:
    kind, extra = signature
    inputs = [[value] for value in behaviour.probes(kind)]
    if extra is not None:
        inputs = [[*i, k] for i, k in zip(inputs, behaviour.extras(extra), strict=True)]
    return inputs


def _keys(signatures: Sequence[Signature], claim: bytes) -> set[str]:
    try:
        told = decode(claim)
        return {
            key(kind, extra, outputs)
            for (kind, extra), outputs in zip(signatures, told, strict=True)
            if outputs is not None and not _dull(kind, outputs)
        }
    except (ValueError, TypeError):  # not plain, not what was asked for, or endless digits
        return set()


def _signatures(one: Subject) -> Iterator[Signature]:
    """Types and second parameters that the entry point's parameters allow."""
    for node in walk(parse(one.code).tree):
        match node:
            case nodes.FunctionDef(name=name, args=arguments) if name == one.entry:
                most = len(arguments.posonlyargs) + len(arguments.args)
                least = most - len(arguments.defaults)
                for kind, extra in product(KINDS, EXTRAS):
                    if least <= (1 if extra is None else 2) <= most:
                        yield kind, extra
                return


def key(kind: str, extra: str | None, outputs: Any) -> str:
    """`forge.behaviour.key` of a function that is not the forge's."""
    if outputs and isinstance(outputs[0], dict):
        outputs = [sorted(value.items()) for value in outputs]
    return sha256(f"{kind},{extra}:{outputs!r}".encode()).hexdigest()


def _dull(kind: str, outputs: Any) -> bool:
    """The identity says nothing, nor does what is nearly constant."""
    written = [repr(output) for output in outputs]
    (_, most), *_ = Counter(written).most_common(1)
    return len(written) - most < LEAST_OTHERS or written == list(map(repr, behaviour.probes(kind)))
