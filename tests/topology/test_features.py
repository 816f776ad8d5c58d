"""The table of features, batches, views, statements of every kind, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import networkx
import numpy as np
import pytest

from neox.compiler import parse
from neox.topology import NoComplex, batch, features, to_networkx
from neox.topology.controlflow import flow_graph, functions
from neox.topology.layers import layered
from neox.topology.table import ASKED, PLAIN, TABLE

SOURCE = """
def walk(items, limit):
    total = 0
    for item in items:
        if item > limit and item % 2:
            total += item
    return total if total else None
"""
DOCS = Path(__file__).parents[2] / "docs" / "topology.md"


def test_known_values() -> None:
    found = features(parse(SOURCE))
    assert found["mccabe/total"] == 5  # for, if, and, ternary
    assert found["c3/b0"] == 1
    assert found["size/functions"] == 1
    assert found["hodge/largest"] == pytest.approx(np.asarray(found["hodge/spectrum0"])[-1])
    assert np.asarray(found["graph/spectrum"])[0] == pytest.approx(0, abs=1e-9)
    two = features(parse("x = a / b - c - d\n"))
    assert (two["operators/division"], two["operators/subtraction"]) == (1, 2)


def test_the_table_names_every_row_and_the_documentation_lists_it() -> None:
    found = features(parse(SOURCE))
    assert tuple(found) == (*PLAIN, *ASKED)
    assert set(found.scalars()) == set(PLAIN)
    assert all(np.isfinite(v) for v in found.scalars().values())
    assert {name for name in found if isinstance(found[name], float)} >= set(PLAIN)
    text = DOCS.read_text()
    for row in TABLE:
        assert re.search(rf"\| `{re.escape(row.name)}` \| {re.escape(row.meaning)} \|", text), row


def test_in_a_batch_a_program_has_the_figures_it_has_alone() -> None:
    codes = [SOURCE, "x = 1\n", "", "class C:\n    def f(self):\n        return self.f()\n"]
    programs = [parse(c) for c in codes]
    for together, program in zip(batch(programs), programs, strict=True):
        assert together.scalars() == pytest.approx(features(program).scalars())
    assert batch([]) == []


def test_a_broken_program_has_no_complex() -> None:
    for ask in (features, to_networkx):
        with pytest.raises(NoComplex, match="line 1"):
            ask(parse("def f(:\n"))


def test_views_are_networkx_graphs() -> None:
    program = parse(SOURCE)
    flow = to_networkx(program)
    assert isinstance(flow, networkx.MultiDiGraph)
    cycles = flow.number_of_edges() - flow.number_of_nodes() + 1
    assert cycles == features(program)["mccabe/total"]
    assert networkx.is_strongly_connected(flow)
    assert to_networkx(program, "C3").number_of_edges() == features(program)["c3/edges"]
    relation = to_networkx(program, "C2")
    assert networkx.is_bipartite(relation)
    assert networkx.number_connected_components(relation) == features(program)["c2/b0"]
    twins = "class A:\n    def f(self): pass\nclass B:\n    def f(self): pass\n"
    assert to_networkx(parse(twins)).number_of_nodes() == 6


STATEMENTS = {
    "loop else": ("for x in y:\n        break\n    else:\n        z", 2),
    "while else": ("while x and y:\n        continue\n    else:\n        z", 3),
    "try else finally": ("try:\n        a\n    except B:\n        c\n    else:\n        d\n"
                         "    finally:\n        e", 2),
    "two handlers": ("try:\n        a\n    except B:\n        return\n    except C:\n        c", 3),
    "except star": ("try:\n        a\n    except* B:\n        c", 2),
    "match": ("match x:\n        case 1:\n            a\n        case y:\n            b", 2),
    "match that may fall through": ("match x:\n        case 1:\n            a", 2),
    "guard": ("match x:\n        case 1 if y:\n            a", 2),
    "with": ("with a if b else c as d:\n        e", 2),
    "comprehension": ("x = [a for b in c if d if e]", 4),
    "lambda": ("x = lambda a: a or b", 2),
    "assert": ("assert x and y", 2),
    "nested function": ("def g():\n        if a:\n            b", 1),
    "nested class": ("class G:\n        if a:\n            b", 1),
    "elif": ("if a:\n        b\n    elif c:\n        d\n    else:\n        e", 3),
    "endless": ("while True:\n        pass", 2),
    "raise": ("if a:\n        raise b\n    return c", 2),
    "unreachable": ("return\n    if a:\n        b", 2),
    "delete, global": ("global x\n    del x", 1),
}  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), STATEMENTS.values(), ids=STATEMENTS)
def test_control_flow_of_every_kind_of_statement(body: str, expected: int) -> None:
    program = parse(f"def f():\n    {body}\n")
    assert not program.diagnostics
    assert flow_graph(functions(program.tree)[0]).betti() == (1, expected)


def test_async_statements_flow_as_their_twins() -> None:
    code = "async def f():\n    async for x in y:\n        async with z:\n            await x\n"
    plain = code.replace("async ", "").replace("await ", "")
    assert features(parse(code))["mccabe/total"] == features(parse(plain))["mccabe/total"] == 2


def test_class_bodies_and_modules_have_graphs_of_their_own() -> None:
    code = "if a:\n    b\nclass C:\n    for x in y:\n        z\n    def f(self): pass\n"
    found = features(parse(code))
    assert (found["mccabe/total"], found["c1/outside"]) == (1, 2)


def test_depth_does_not_matter() -> None:
    deep = "x = " + "-" * 3000 + "1\n"
    assert features(parse(deep))["size/depth"] > 3000


def test_layers_add_the_cycles_that_the_complex_itself_has() -> None:
    code = "def f(a):\n    if a:\n        return f(a - 1)\n    return g(a)\n"
    code += "def g(b):\n    return f(b)\n"
    found = features(parse(code)).scalars()
    complex_, _ = layered(parse(code).tree)
    b1 = [complex_.until(k).betti()[1] for k in range(5)]
    assert found["c3/b1"] == b1[1]
    gains = [found[f"c3/b1_{layer}"] for layer in ("control", "calls", "scopes")]
    assert gains == [b1[2] - b1[1], b1[3] - b1[2], b1[4] - b1[3]]
    assert all(gains)
