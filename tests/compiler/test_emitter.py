"""emit(): canonical text, minimal parentheses, and a tree that comes back equal."""

from __future__ import annotations

import ast
import json
import os
import random
import sys
import sysconfig
from pathlib import Path

import pytest

from neox.compiler import emit, nodes, parse
from neox.compiler.bridge import mismatch

SHARED = Path(os.environ.get("NEOX_SHARED", Path(__file__).parents[3] / "shared"))


def assert_round_trip(source: str | bytes) -> None:
    program = parse(source)
    assert program.diagnostics == ()
    text = emit(program)
    again = parse(text)
    assert again.diagnostics == (), text
    assert mismatch(program.tree, again.tree) == "", text
    assert emit(again) == text


CANONICAL = [
    "x = (1 + 2) * 3 - (4 - 5)",
    "x = -1 ** 2 + (-1) ** 2 + 2 ** -1 ** 3",
    "x = (a, b), [c], {d: e, **f}, {g, *h}",
    "x = not a and (b or c) and not d == e",
    "x = (a < b) < c",
    "x = a if b else c if d else (e if f else g) + 1",
    "x = (a if b else c) if d else e",
    "x = lambda a, /, b=1, *c, d: lambda: (yield)",
    "x = (1).real + 1.0.real + (a := 5) + (await b).c + await d ** 2",
    "x, *y = *a, b",
    "x[1:2, ::3] = y[*a, b] = z[(a, b):c]",
    "f(a, *b, c=1, **d)",
    "f(x for x in y)",
    "print((yield), (a := 1), *b or c)",
    "del a, b[0], (c, d)",
    "(x): int = 1",
    "x: tuple = 1, 2",
    "x = 1e309 + 2j + 0.1 + 1000000.0",
    "x = b'\\x00' + 'it\\'s \"'",
    "from . import a as b, c",
    "from ..d.e import *",
    "global a, b",
    "assert a, 'b'",
    "raise A from b",
    "return_ = [a for b, c in d if e if f for g in (h if i else j)]",
    "type X[T: int, *Ts = *a, **P] = T",
    'x = f"{a!r:>{w}} {b + 1} {{}} {(lambda: 1)}"',
    "async def f(a: int = 1, *, b: str) -> None:\n    async with a as b, c:\n        await d",
    "if a:\n    b\nelif c:\n    d\nelse:\n    e",
    "try:\n    a\nexcept* (B, C) as d:\n    e\nelse:\n    f\nfinally:\n    g",
    "match a, b:\n    case [1, *_] | {'k': v, **r} as w if x:\n        pass\n"
    "    case A.B(c, d=-1 + 2j) | None:\n        pass",
    '@a.b\nclass A[T](B, c=d):\n    """One.\n\n    Two " three."""\n    x = 1',
    "with (a, b) as c, d:\n    pass",
    "with ((a, b)):\n    pass",
]


@pytest.mark.parametrize("text", CANONICAL)
def test_canonical_text_is_its_own_canonical_text(text: str) -> None:
    assert emit(parse(text)) == text + "\n"
    assert_round_trip(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x=((1))", "x = 1\n"),
        ("x = ((a) + (b))*c", "x = (a + b) * c\n"),
        ("if a : b ; c", "if a:\n    b\n    c\n"),
        ("x = 'a' 'b'", "x = 'ab'\n"),
        ("else_ = (a\n  , b)", "else_ = a, b\n"),
        ("if a:\n  b\nelse:\n  if c: d", "if a:\n    b\nelif c:\n    d\n"),
        ("x = 0xFF", "x = 255\n"),
    ],
)
def test_layout_and_needless_parentheses_go(text: str, expected: str) -> None:
    assert emit(parse(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "f'{a[\"b\"]} it\\'s {c}\\n'",
        'f"""{a[\'b\']} {c["d"]!r:>{e[\'f\']}}"""',
        "f'{f\"{a}\"} {x}'",
        "f'''{f\"{a['b']}\"}'''",
        "f'{x:{y}.{z}}' + f\"{{}}{'a' 'b'}\"",
    ],
)
def test_f_strings_need_no_newer_python_than_they_were_written_for(text: str) -> None:
    program = parse(text, (3, 8))
    assert program.diagnostics == ()
    again = parse(emit(program), (3, 8))
    assert again.diagnostics == (), emit(program)
    assert mismatch(program.tree, again.tree) == ""


def _nested(rng: random.Random, around: str, depth: int) -> str:
    """A string or f-string that Python before 3.12 reads inside these quotes."""
    single = "'" not in around.split() and '"' not in around.split()
    quotes = [q for q in ("'", '"', "'''", '"""') if not any(o in q for o in around.split())]
    quotes = [q for q in quotes if len(q) == 1 or single]
    if not quotes:
        return "x"
    quote = rng.choice(quotes)
    inside = f"{around} {quote}"
    signs = ["a", " ", "\t", "{{", "}}", "\xa0", "é"]
    signs += ["\n"] if len(quote) == 3 else []
    signs += [c for c in "'\"" if c not in inside]
    signs += [] if around else ["\\n", "\\\\", "\\'", '\\"', "\\x00"]
    out = ""
    for _ in range(rng.randrange(1, 4)):
        out += "".join(rng.choices(signs, k=rng.randrange(3)))
        kind = rng.randrange(5)
        value = "x" if kind == 0 or depth == 3 else _nested(rng, inside, depth + 1)
        value += " " + _nested(rng, inside, 3) if kind == 1 and value[-1] in "'\"" else ""
        value = f"d[{value}]" if kind == 2 else f"(lambda: {value})" if kind == 3 else value
        out += "{ " + value + rng.choice(["", "!r", ":>{w}", "!s:^4"]) + "}"
    return f"f{quote}{out}{quote}"


@pytest.mark.parametrize("version", [(3, 8), (3, 11)])
def test_nested_f_strings_are_written_as_their_version_reads_them(version: tuple[int, int]) -> None:
    rng = random.Random(1)
    read = 0
    for _ in range(200):
        text = _nested(rng, "", 0)
        program = parse(text, version)
        read += not program.diagnostics
        if program.diagnostics:
            continue
        emitted = emit(program)
        again = parse(emitted, version)
        assert again.diagnostics == (), (text, emitted)
        assert mismatch(program.tree, again.tree) == "", (text, emitted)
        if sys.version_info < (3, 12):
            assert ast.dump(ast.parse(emitted)) == ast.dump(ast.parse(text)), (text, emitted)
    assert read > 150


@pytest.mark.parametrize(
    "text",
    [
        """f'''{'"' "'"}'''""",
        """f'''{f'"' f"'"}'''""",
        """f'''{f'"{x}' f"{y}'"!r:>{b'"'}}'''""",
        "f'''a{f\"\"\"\nn\"\"\"}{x}'''",
    ],
)
def test_strings_that_no_one_kind_of_quotes_can_hold(text: str) -> None:
    program = parse(text, (3, 11))
    assert program.diagnostics == ()
    again = parse(emit(program), (3, 11))
    assert again.diagnostics == (), emit(program)
    assert mismatch(program.tree, again.tree) == "", emit(program)


def test_newer_versions_keep_their_quotes() -> None:
    assert emit(parse('f"{"\\n"}{f"{x}"}"')) == 'f"{\'\\n\'}{f"{x}"}"\n'


def test_single_nodes() -> None:
    statement = parse("x=1;y = f( 2 )").tree.body[1]
    assert emit(statement) == "y = f(2)\n"
    assert isinstance(statement, nodes.Assign)
    assert emit(statement.value) == "f(2)"
    with pytest.raises(TypeError, match="cannot stand alone"):
        emit(nodes.alias("a", None, 0, 0))


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "-" * 3000 + "1", "x = " + "1 ** " * 3000 + "1", "x = " + "lambda: " * 3000 + "1",
        "x = a" + ".b" * 3000, "x = a" + "()" * 3000, "x = " + "1 + " * 3000 + "1",
        "x = " + "not " * 3000 + "1", "x = " + "a if b else " * 3000 + "c",
        "x = " + "[" * 199 + "]" * 199, "x = " + "f(" * 199 + "1" + ")" * 199,
        "x = 0x" + "f" * 10_000, "x = " + "f'{" * 140 + "1" + "}'" * 140,
    ],
)  # fmt: skip
def test_deep_trees(text: str) -> None:
    assert parse(emit(parse(text))).diagnostics == ()


@pytest.mark.slow
def test_round_trip_of_human_solutions() -> None:
    data = {"humaneval/HumanEval.jsonl": "canonical_solution", "mbpp/mbpp.jsonl": "code"}
    for name, field in data.items():
        path = SHARED / "data" / name
        if not path.exists():
            pytest.skip(f"{path} is not there: set NEOX_SHARED")
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            assert_round_trip(row.get("prompt", "") + row[field])


@pytest.mark.slow
def test_round_trip_of_the_standard_library() -> None:
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[::8]:
        assert_round_trip(path.read_bytes())
