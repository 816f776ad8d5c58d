"""What a value is worth: as a number, as a container, as a size; and the budget of an analysis.

The base of the symbolic executor. It owns the function under analysis, the facts about its atoms,
and the heap's allocation; it evaluates nothing.
"""

from __future__ import annotations

import re
from fractions import Fraction

from neox.compiler import nodes as n
from neox.compiler.complexity.affine import Affine, Facts
from neox.compiler.complexity.growth import ONE, Factor, Growth
from neox.compiler.complexity.inputs import MARK
from neox.compiler.complexity.unit import Function, Unit
from neox.compiler.complexity.values import (
    Container,
    Element,
    GaveUp,
    Lazy,
    Magnitude,
    Num,
    Parameter,
    Product,
    Progression,
    Reference,
    Several,
    State,
    Unknown,
    Value,
)

MAX_STEPS = 20_000
_MATRIX = re.compile(r"grid|mat|board|table|image|pixel|cells|maze|field", re.IGNORECASE)


class Views:
    """`facts` holds the bounds of all atoms that the execution introduces."""

    def __init__(self, unit: Unit, root: Function) -> None:
        self.unit = unit
        self.root = root
        self.scope = root
        self.facts = Facts()
        self.steps = 0
        self.rounding: dict[tuple[Affine, Fraction], Affine] = {}
        self.line = 0

    def value(self, node: n.Node | None, st: State) -> Value:
        raise NotImplementedError

    def tick(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise GaveUp("analysis budget exceeded")

    def name(self, name: str, st: State) -> Value:
        if name in st.env:
            return st.env[name]
        if name in self.unit.constants:
            return Num(Affine.number(self.unit.constants[name]))
        if "." in name:
            return Parameter(name)
        if name in self.unit.rebound:
            return Unknown(heavy=self.is_container(name))
        outer = self.scope.parent
        while outer is not None:
            if name in outer.local:
                return Parameter(name)
            outer = outer.parent
        module = self.unit.module
        if module is not None and module is not self.scope and name in module.local:
            return Parameter(name) if name not in self.unit.top else Unknown()
        return Unknown()

    def chosen(self, name: str) -> bool:
        """May the caller choose what this variable holds: a parameter, not a variable outside?"""
        scope: Function | None = self.scope
        if MARK in name:
            return True
        while scope is not None:
            if name in scope.parameters or name.partition(".")[0] == scope.receiver:
                return True
            scope = scope.parent
        return name in self.root.parameters

    def allocate(
        self,
        st: State,
        kind: str,
        length: Affine | None,
        element: Value,
        growth: Growth | None = None,
    ) -> Reference:
        self.facts.count += 1
        key = f"{kind}#{self.facts.count}"
        st.heap[key] = Container(kind, length, element, growth, built=length == Affine())
        return Reference(key)

    def heavy(self, value: Value) -> bool:
        """May this be a container?"""
        return isinstance(value, (Reference, Several)) or (
            isinstance(value, Unknown) and value.heavy
        )

    def number(self, value: Value, st: State) -> Affine | None:
        if isinstance(value, Num):
            return value.value
        if isinstance(value, Parameter) and not self.is_container(value.name):
            return Affine.atom(value.name)
        return None

    def is_container(self, name: str) -> bool:
        if MARK in name:
            return True
        scope: Function | None = self.scope
        while scope is not None:
            if name in scope.containers:
                return True
            scope = scope.parent
        module = self.unit.module
        return module is not None and self.scope is not module and name in module.containers

    def container(self, value: Value, st: State) -> tuple[str, Container] | None:
        """Key and content of a container; a parameter gets its place on the heap when asked."""
        if isinstance(value, Reference):
            return value.key, st.heap[value.key]
        if isinstance(value, Parameter):
            key = f"parameter:{value.name}"
            if key not in st.heap:
                st.heap[key] = Container(
                    "parameter",
                    Affine.atom(f"len({value.name})"),
                    Element(f"{value.name}[]", self.chosen(value.name)),
                )
            return key, st.heap[key]
        return None

    def length(self, value: Value, st: State) -> Affine | None:
        if isinstance(value, Several):
            return Affine.number(len(value.items))
        if isinstance(value, Element):
            if value.path.endswith("[]") and "[][]" not in value.path:
                row = self._row(value)
                if row is not None:
                    return row
            if value.free and value.path.endswith("[]") and "[][]" not in value.path:
                st.assumed_high.add(f"uniform-lengths:{value.path[:-2]}")
                st.assumed_low.add(f"uniform-lengths:{value.path[:-2]}")
                return Affine.atom(f"len({value.path})")
            return None
        if isinstance(value, Progression):
            start, stop = self.number(value.start, st), self.number(value.stop, st)
            unit_step = self.number(value.step, st) == Affine.number(1)
            return stop - start if start is not None and stop is not None and unit_step else None
        if isinstance(value, Lazy):
            lengths = [self.length(p, st) for p in value.parts]
            return lengths[0] if lengths and all(x == lengths[0] for x in lengths) else None
        found = self.container(value, st)
        return None if found is None else found[1].length

    def _row(self, value: Element) -> Affine | None:
        """The length of one row of a ragged container: an atom of its own per index.

        Containers named like matrices keep one length for all rows, under an assumption.
        """
        if value.index is None or len(value.index.terms) != 1 or _MATRIX.search(value.path):
            return None
        index = value.index.atoms[0]
        if not index.startswith("index#") or value.index.const or value.index.terms[0][1] != 1:
            return None
        container = value.path.removesuffix("[]")
        for atom, row in self.facts.rows.items():
            if row == (container, index):
                return Affine.atom(atom)
        row_atom = self.facts.fresh("row", Affine(), Affine.atom(f"len({value.path})"))
        self.facts.rows[row_atom.atoms[0]] = (container, index)
        return row_atom

    def length_growth(self, value: Value, st: State) -> Growth | None:
        """The length as a growth, None where unknown."""
        length = self.length(value, st)
        if length is not None:
            return self.size(length)
        found = self.container(value, st)
        return None if found is None else found[1].growth

    def size(self, value: Affine, factor: Factor | None = None) -> Growth:
        return Growth.size(self.facts.without_noise(value), factor)

    def magnitude(self, value: Value, st: State) -> Growth | None:
        number = self.number(value, st)
        if number is not None:
            return self.size(number)
        if isinstance(value, Magnitude):
            return value.growth
        if isinstance(value, Product):
            result = ONE
            for factor in value.factors:
                result = result * self.size(factor)
            return result
        return None
