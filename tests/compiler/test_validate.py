"""validate() rejects what CPython's `compile` rejects, and says the same first thing about it."""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path

import pytest

from neox.compiler import parse, validate
from neox.compiler.program import Version

SHARED = Path(os.environ.get("NEOX_SHARED", Path(__file__).parents[3] / "shared"))
RUNNING = (sys.version_info[0], sys.version_info[1])


def first(text: str, version: Version = RUNNING) -> str:
    """The first message about a text that parses; "ok" if there is none."""
    program = parse(text, version)
    assert program.diagnostics == ()
    return next((d.message for d in validate(program)), "ok")


def compiled(text: str) -> str | None:
    """What `compile` says: "ok", its message, or None where the parser already rejects."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(text, "x", "exec", dont_inherit=True)
        except SyntaxError as error:
            return None if parse(text, RUNNING).diagnostics else error.msg
    return "ok"


CASES = [
    "'a'\n'b'\nfrom __future__ import annotations",
    "'a'\nfrom __future__ import annotations\n'b'\nfrom __future__ import division",
    "from .__future__ import x",
    "x=1\nfrom .__future__ import x",
    "from __future__ import *",
    "f'a'\nfrom __future__ import division",
    "b'a'\nfrom __future__ import division",
    "__debug__=1",
    "del __debug__",
    "a.__debug__=1",
    "del a.__debug__",
    "f(__debug__=1)",
    "import __debug__",
    "import a.__debug__",
    "def __debug__():0",
    "lambda __debug__:0",
    "def f(__debug__):0",
    "class __debug__:0",
    "for __debug__ in a:0",
    "with a as __debug__:0",
    "try:0\nexcept a as __debug__:0",
    "(__debug__:=1)",
    "__debug__+=1",
    "__debug__:int",
    "__debug__:int=1",
    "a.__debug__:int",
    "global __debug__",
    "[0 for __debug__ in a]",
    "match a:\n case __debug__:0",
    "match a:\n case b(__debug__=1):0",
    "from a import __debug__",
    "from a import b as __debug__",
    "class A(__debug__=1):0",
    "def f():\n import x\n global x",
    "def f():\n def x():0\n global x",
    "def f():\n for x in y:0\n nonlocal x",
    "def f(x:(yield)):0",
    "def f():\n x:(yield)=1",
    "def f():\n x:(await y)=1",
    "x:(yield)",
    "x:(await y)",
    "x:(y:=1)",
    "def f(x:(y:=1)):0",
    "from __future__ import annotations\ndef f(x:(y:=1)):0",
    "from __future__ import annotations\nx:(yield)",
    "from __future__ import annotations\nx:(await y)",
    "[x async for x in y]",
    "(x async for x in y)",
    "def f():\n return [x async for x in y]",
    "def f():\n return [await x for x in y]",
    "def f():\n return (await x for x in y)",
    "def f():\n return [[x async for x in y] for z in w]",
    "async def f():\n return [[x async for x in y] for z in w]",
    "async def f():\n return ([x async for x in y] for z in w)",
    "def f():\n return ([x async for x in y] for z in w)",
    "async def f():\n lambda: [x async for x in y]",
    "async def f():\n return {x: [a async for a in b] for x in y}",
    "def f():\n return (x for x in [a async for a in b])",
    "[await x for x in y]",
    "class A:\n [await x for x in y]",
    "class A:\n await x",
    "lambda: await x",
    "lambda: (yield)",
    "class A:\n x = lambda: (yield)",
    "[(yield) for x in y]",
    "def f():\n [(yield) for x in y]",
    "def f():\n (x for x in (yield))",
    "async def f():\n yield from x",
    "async def f():\n return 1\n yield",
    "async def f():\n yield\n return",
    "async def f():\n lambda: (yield)\n return 1",
    "while 1:\n def f(): break",
    "while 1:\n class A: break",
    "for x in y:\n pass\nelse: break",
    "while 1:\n for x in y:0\n else: continue",
    "try:\n continue\nfinally:0",
    "while 1:\n try:0\n finally: continue",
    "try:0\nexcept* A:\n break",
    "for x in y:\n try:0\n except* A:\n  break",
    "for x in y:\n try:0\n except* A:\n  for z in w:\n   break",
    "def f():\n try:0\n except* A:\n  return",
    "def f():\n try:0\n except* A:\n  for x in y: return",
    "def f():\n try:0\n except* A:\n  def g(): return",
    "try:0\nexcept:0\nexcept A:0",
    "try:0\nexcept A:0\nexcept:0",
    "*a",
    "*a=b",
    "*a,=b",
    "*a,*b=c",
    "[*a,*b]=c",
    "(*a,(*b,c))=d",
    "*a,(*b,*c)=d",
    "x=*a",
    "x=*a,",
    "return *a",
    "def f():\n return *a",
    "def f():\n yield *a",
    "for *a in b:0",
    "for *a, in b:0",
    "for x in *a:0",
    "for x in *a,b:0",
    "x+=*a",
    "x:int=*a",
    "a[*b]",
    "a[*b]=1",
    "f'{*a}'",
    "print(*a)",
    "class A(*a):0",
    "def f(*args:*a):0",
    "with a as *b:0",
    "with a as (*b,):0",
    "del [*a]",
    "(*a)",
    "{*a}",
    "match *a,b:\n case c:0",
    "match *a:\n case b:0",
    "def f(a,b,a):0",
    "lambda a,*a:0",
    "def f(a,/,*,a):0",
    "def f(a,**a):0",
    "class A:\n def f(__a,_A__a):0",
    "f(a=1,a=2)",
    "f(a=1,**b,a=2)",
    "class A(a=1,a=2):0",
    "nonlocal x",
    "def f():\n nonlocal x",
    "def f():\n global x\n nonlocal x",
    "def f():\n nonlocal x\n global x",
    "x=1\nglobal x",
    "print(x)\nglobal x",
    "def f(x):\n global x",
    "def f(x):\n nonlocal x",
    "def f():\n x=1\n def g():\n  nonlocal x",
    "def f():\n global x\n def g():\n  nonlocal x",
    "class A:\n x=1\n def f(self):\n  nonlocal x",
    "class A:\n nonlocal x",
    "def f():\n x=1\n class A:\n  nonlocal x",
    "class A:\n def f(self):\n  nonlocal __class__",
    "def f():\n nonlocal __class__",
    "def f():\n x=1\n lambda: (x:=2)",
    "def f():\n x:int\n global x",
    "def f():\n global x\n x:int",
    "def f():\n global x\n (x):int=1",
    "global x\nx:int",
    "def f[T]():\n nonlocal T",
    "def f[T]():\n T=1\n def g():\n  nonlocal T",
    "class A[T]:\n def f(self):\n  nonlocal T",
    "def f[T,T]():0",
    "type A[T,T]=1",
    "def f[T=int,U](): 0",
    "class A[*T=int,U]:0",
    "def f[T=(yield)]():0",
    "def f[T:(yield)]():0",
    "def f[T:(x:=1)]():0",
    "type A=(yield)",
    "type A=(x:=1)",
    "type A=(await b)",
    "class A[T]((x:=1)):0",
    "class A[T]((yield)):0",
    "def f[T](a:(x:=1)):0",
    "def f[T](a=(x:=1)):0",
    "def f[T]()->(yield):0",
    "def f[__classdict__]():0",
    "type A[T:[(x:=1) for y in z]]=1",
    "type A=[(x:=1) for y in z]",
    "class A[T]([(x:=1) for y in z]):0",
    "class A:\n [(x:=1) for y in z]",
    "def f():\n class A:\n  [(x:=1) for y in z]",
    "class A:\n lambda: [(x:=1) for y in z]",
    "[(x:=1) for x in y]",
    "[x for x in y if (x:=1)]",
    "[[(x:=1) for z in w] for x in y]",
    "[(j:=0) for i in y for j in z]",
    "[i for i in y if (j:=0) for j in z]",
    "[x for x in (y:=z)]",
    "[x for x in (lambda: (y:=z))]",
    "[x for x in [a for a in (y:=z)]]",
    "[x for x in y for a in (b:=c)]",
    "[x for x in [a for a in b if (c:=d)]]",
    "def f():\n global x\n [(x:=1) for y in z]",
    "def f():\n [(x:=1) for y in z]\n global x",
    "def f():\n [(x:=1) for y in z]\n nonlocal x",
    "def f():\n x=1\n def g():\n  nonlocal x\n  [(x:=1) for y in z]",
    "[a[x] for a[x] in y if (x:=1)]",
    "class A:\n def f(self):\n  [(__x:=1) for __x in y]",
    "def f():\n from x import *",
    "class A:\n from x import *",
    "from x import *",
    "import x as __y",
    "match a:\n case b:0\n case c:0",
    "match a:\n case _:0\n case c:0",
    "match a:\n case b if c:0\n case d:0",
    "match a:\n case b|c:0",
    "match a:\n case (b|1):0",
    "match a:\n case (1|b)|2:0",
    "match a:\n case [b,b]:0",
    "match a:\n case [b]|c:0",
    "match a:\n case [b]|(b,1):0",
    "match a:\n case {1:a,1:b}:0",
    "match a:\n case {1:a,True:b}:0",
    "match a:\n case {-1:a,-1:b}:0",
    "match a:\n case {'a':a,'a':b}:0",
    "match a:\n case {a.b:c,a.b:d}:0",
    "match a:\n case b(c=1,c=2):0",
    "match a:\n case [*b,*c]:0",
    "match a:\n case [*_,*_]:0",
    "match a:\n case f'x':0",
    "match a:\n case {f'x':1}:0",
    "match a:\n case {'a':b,**b}:0",
    "match a:\n case (b as b):0",
    "match a:\n case (1 as b)|(2 as b):0",
    "match a:\n case b as c:0\n case d:0",
    "match a:\n case _ as c:0\n case d:0",
    "match a:\n case (b):0\n case d:0",
    "match a:\n case 1|_:0\n case d:0",
    "match a:\n case _|1:0",
    "match a:\n case 1+2j:0",
    "match a:\n case {1+2j:0,1+2j:1}:0",
    "match a:\n case _:0",
    "match a:\n case _:0\n case _:0",
    "match a:\n case x:0\n case _:0",
    "match a:\n case [x,y]|[y,x]:0",
    "match a:\n case [x]|[x,y]:0",
    "match a:\n case {'a':None,'a':x}:0",
    "if 1:\n return",
    "class A:\n return",
    "async def f():\n async with a:0",
    "def f():\n async with a:0",
    "async with a:0",
    "async for x in y:0",
    "def f():\n async for x in y:0",
    "async def f():\n def g():\n  await x",
    "async def f():\n await x\n class A:\n  await x",
    "await x",
    "def f():\n await x",
    "async def f(x=await y):0",
    "async def g():\n async def f(x=await y):0",
    "async def g():\n def f(x:(await y)):0",
    "def f(x=(yield)):0",
    "@(yield)\ndef f():0",
    "def f():\n @(yield)\n def g():0",
    "class A((yield)):0",
    "yield",
    "x = yield",
    "lambda x=(yield):0",
    "def f():\n lambda x=(yield):0",
]


def test_the_same_verdict_and_words_as_compile() -> None:
    judged = [(text, compiled(text)) for text in CASES]
    checked = [(text, said) for text, said in judged if said is not None]
    assert len(checked) > 180
    assert [(text, first(text), said) for text, said in checked if first(text) != said] == []


def nested(count: int, head: str, tail: str = "") -> str:
    heads = "".join(" " * i + head + "\n" for i in range(count))
    tails = "".join(" " * i + tail + "\n" for i in range(count - 1, -1, -1) if tail)
    return heads + " " * count + "pass\n" + tails


@pytest.mark.parametrize(
    "head", ["for x in y:", "while 1:", "with a:", "if 1:", "try:|except: 0", "try:|finally: 0"]
)
def test_blocks_nest_as_deeply_as_for_compile(head: str) -> None:
    head, _, tail = head.partition("|")
    for count in range(18, 24):
        text = nested(count, head, tail)
        assert first(text) == compiled(text), count


SINCE = [  # texts that parse in 3.9 to 3.14, and the versions that compile them
    ("async def f():\n return [[x async for x in y] for z in w]", range(11, 15)),
    ("from .__future__ import x", range(13, 15)),
    ("[x for x in y if (x := 1)]", range(0)),
    ("del __debug__", range(9, 10)),
    ("x = *a,", range(9, 15)),
]


@pytest.mark.parametrize(("text", "versions"), SINCE)
def test_rules_by_version(text: str, versions: range) -> None:
    assert [m for m in range(9, 15) if first(text, (3, m)) == "ok"] == list(versions)


@pytest.mark.parametrize("minor", [11, 14])
def test_annotations(minor: int) -> None:
    """Annotations are scopes of their own: from 3.14 on always, before with the future import."""
    future = "from __future__ import annotations\n"
    walrus = "def f(x: (y := 1)): pass"
    assert (first(walrus, (3, minor)) == "ok") == (minor < 14)
    assert first(future + walrus, (3, minor)) != "ok"


def test_a_broken_text_has_diagnostics_of_its_own() -> None:
    assert validate(parse("return (")) == ()


def test_every_violation_is_reported_where_it_is() -> None:
    program = parse("def f(a, a): pass\nbreak\nx = *y\n")
    assert [(d.line, d.column) for d in validate(program)] == [(1, 9), (2, 0), (3, 4)]


def test_deep_trees() -> None:
    for text in ("a" + ".b" * 20_000, "lambda: " * 5000 + "0", "-" * 20_000 + "1"):
        assert first(text) == "ok"


@pytest.mark.slow
def test_corpora() -> None:
    """A part of the files of public test suites, by the rules of every version."""
    wrong = []
    for minor in range(8, 14):
        verdicts = SHARED / "corpora" / f"verdicts_3.{minor}.json"
        if not verdicts.exists():
            pytest.skip(f"{verdicts} is not there: set NEOX_SHARED")
        for name, (parsed, verdict) in list(json.loads(verdicts.read_text()).items())[minor::12]:
            if parsed == "ok":
                program = parse((SHARED / "corpora" / name).read_bytes(), (3, minor))
                if (verdict == "ok") != (not validate(program)):
                    wrong.append((minor, name, verdict))
    assert wrong == []
