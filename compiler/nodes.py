"""The syntax tree: one slotted class per kind of node, with CPython's names and fields (`ast`,
Python 3.14).

A node adds to CPython's fields only `start` and `end`, character offsets into the text that was
read; lines and columns are computed from them on demand (`Program.location`). Operators and
contexts are plain strings with the name of CPython's class (`"Add"`, `"NotIn"`, `"Load"`), because
they carry nothing else. `ErrorStmt` and `ErrorExpr` hold what could not be understood, so that
every text has a tree. Nodes know nothing about text, tokens or scopes.
"""

from __future__ import annotations

from types import EllipsisType
from typing import ClassVar

Value = None | bool | int | float | complex | str | bytes | EllipsisType


class Node:
    """Any node. `_fields` names the fields in CPython's order; `start` and `end` are character
    offsets.
    """

    __slots__ = ("end", "start")
    _fields: ClassVar[tuple[str, ...]] = ()

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end


class mod(Node):
    """A whole text."""

    __slots__ = ()


class stmt(Node):
    """A statement."""

    __slots__ = ()


class expr(Node):
    """An expression."""

    __slots__ = ()


class pattern(Node):
    """A pattern of a `case`."""

    __slots__ = ()


class type_param(Node):
    """A type parameter (PEP 695)."""

    __slots__ = ()


class excepthandler(Node):
    """A handler of a `try`."""

    __slots__ = ()


class Module(mod):
    __slots__ = ("body",)
    _fields = ("body",)

    def __init__(self, body: list[stmt], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.body = body


class AnnAssign(stmt):
    __slots__ = ("annotation", "simple", "target", "value")
    _fields = ("target", "annotation", "value", "simple")

    def __init__(
        self, target: expr, annotation: expr, value: expr | None, simple: int, start: int, end: int
    ) -> None:
        self.start = start
        self.end = end
        self.target = target
        self.annotation = annotation
        self.value = value
        self.simple = simple


class Assert(stmt):
    __slots__ = ("msg", "test")
    _fields = ("test", "msg")

    def __init__(self, test: expr, msg: expr | None, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.test = test
        self.msg = msg


class Assign(stmt):
    __slots__ = ("targets", "value")
    _fields = ("targets", "value")

    def __init__(self, targets: list[expr], value: expr, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.targets = targets
        self.value = value


class AsyncFor(stmt):
    __slots__ = ("body", "iter", "orelse", "target")
    _fields = ("target", "iter", "body", "orelse")

    def __init__(
        self, target: expr, iter: expr, body: list[stmt], orelse: list[stmt], start: int, end: int
    ) -> None:
        self.start = start
        self.end = end
        self.target = target
        self.iter = iter
        self.body = body
        self.orelse = orelse


class AsyncFunctionDef(stmt):
    __slots__ = ("args", "body", "decorator_list", "name", "returns", "type_params")
    _fields = ("name", "args", "body", "decorator_list", "returns", "type_params")

    def __init__(
        self,
        name: str,
        args: arguments,
        body: list[stmt],
        decorator_list: list[expr],
        returns: expr | None,
        type_params: list[type_param],
        start: int,
        end: int,
    ) -> None:
        self.start = start
        self.end = end
        self.name = name
        self.args = args
        self.body = body
        self.decorator_list = decorator_list
        self.returns = returns
        self.type_params = type_params


class AsyncWith(stmt):
    __slots__ = ("body", "items")
    _fields = ("items", "body")

    def __init__(self, items: list[withitem], body: list[stmt], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.items = items
        self.body = body


class AugAssign(stmt):
    __slots__ = ("op", "target", "value")
    _fields = ("target", "op", "value")

    def __init__(self, target: expr, op: str, value: expr, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.target = target
        self.op = op
        self.value = value


class Break(stmt):
    __slots__ = ()


class Continue(stmt):
    __slots__ = ()


class Pass(stmt):
    __slots__ = ()


class ClassDef(stmt):
    __slots__ = ("bases", "body", "decorator_list", "keywords", "name", "type_params")
    _fields = ("name", "bases", "keywords", "body", "decorator_list", "type_params")

    def __init__(
        self,
        name: str,
        bases: list[expr],
        keywords: list[keyword],
        body: list[stmt],
        decorator_list: list[expr],
        type_params: list[type_param],
        start: int,
        end: int,
    ) -> None:
        self.start = start
        self.end = end
        self.name = name
        self.bases = bases
        self.keywords = keywords
        self.body = body
        self.decorator_list = decorator_list
        self.type_params = type_params


class Delete(stmt):
    __slots__ = ("targets",)
    _fields = ("targets",)

    def __init__(self, targets: list[expr], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.targets = targets


class ErrorStmt(stmt):
    """Text where a statement was expected but none could be read; `children` are the parts that
    could.
    """

    __slots__ = ("children",)
    _fields = ("children",)

    def __init__(self, children: list[Node], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.children = children


class Expr(stmt):
    __slots__ = ("value",)
    _fields = ("value",)

    def __init__(self, value: expr, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.value = value


class For(stmt):
    __slots__ = ("body", "iter", "orelse", "target")
    _fields = ("target", "iter", "body", "orelse")

    def __init__(
        self, target: expr, iter: expr, body: list[stmt], orelse: list[stmt], start: int, end: int
    ) -> None:
        self.start = start
        self.end = end
        self.target = target
        self.iter = iter
        self.body = body
        self.orelse = orelse


class FunctionDef(stmt):
    __slots__ = ("args", "body", "decorator_list", "name", "returns", "type_params")
    _fields = ("name", "args", "body", "decorator_list", "returns", "type_params")

    def __init__(
        self,
        name: str,
        args: arguments,
        body: list[stmt],
        decorator_list: list[expr],
        returns: expr | None,
        type_params: list[type_param],
        start: int,
        end: int,
    ) -> None:
        self.start = start
        self.end = end
        self.name = name
        self.args = args
        self.body = body
        self.decorator_list = decorator_list
        self.returns = returns
        self.type_params = type_params


class Global(stmt):
    __slots__ = ("names",)
    _fields = ("names",)

    def __init__(self, names: list[str], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.names = names


class If(stmt):
    __slots__ = ("body", "orelse", "test")
    _fields = ("test", "body", "orelse")

    def __init__(
        self, test: expr, body: list[stmt], orelse: list[stmt], start: int, end: int
    ) -> None:
        self.start = start
        self.end = end
        self.test = test
        self.body = body
        self.orelse = orelse


class Import(stmt):
    __slots__ = ("names",)
    _fields = ("names",)

    def __init__(self, names: list[alias], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.names = names


class ImportFrom(stmt):
    __slots__ = ("level", "module", "names")
    _fields = ("module", "names", "level")

    def __init__(
        self, module: str | None, names: list[alias], level: int | None, start: int, end: int
    ) -> None:
        self.start = start
        self.end = end
        self.module = module
        self.names = names
        self.level = level


class Match(stmt):
    __slots__ = ("cases", "subject")
    _fields = ("subject", "cases")

    def __init__(self, subject: expr, cases: list[match_case], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.subject = subject
        self.cases = cases


class Nonlocal(stmt):
    __slots__ = ("names",)
    _fields = ("names",)

    def __init__(self, names: list[str], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.names = names


class Raise(stmt):
    __slots__ = ("cause", "exc")
    _fields = ("exc", "cause")

    def __init__(self, exc: expr | None, cause: expr | None, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.exc = exc
        self.cause = cause


class Return(stmt):
    __slots__ = ("value",)
    _fields = ("value",)

    def __init__(self, value: expr | None, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.value = value


class Try(stmt):
    __slots__ = ("body", "finalbody", "handlers", "orelse")
    _fields = ("body", "handlers", "orelse", "finalbody")

    def __init__(
        self,
        body: list[stmt],
        handlers: list[excepthandler],
        orelse: list[stmt],
        finalbody: list[stmt],
        start: int,
        end: int,
    ) -> None:
        self.start = start
        self.end = end
        self.body = body
        self.handlers = handlers
        self.orelse = orelse
        self.finalbody = finalbody


class TryStar(stmt):
    __slots__ = ("body", "finalbody", "handlers", "orelse")
    _fields = ("body", "handlers", "orelse", "finalbody")

    def __init__(
        self,
        body: list[stmt],
        handlers: list[excepthandler],
        orelse: list[stmt],
        finalbody: list[stmt],
        start: int,
        end: int,
    ) -> None:
        self.start = start
        self.end = end
        self.body = body
        self.handlers = handlers
        self.orelse = orelse
        self.finalbody = finalbody


class TypeAlias(stmt):
    __slots__ = ("name", "type_params", "value")
    _fields = ("name", "type_params", "value")

    def __init__(
        self, name: expr, type_params: list[type_param], value: expr, start: int, end: int
    ) -> None:
        self.start = start
        self.end = end
        self.name = name
        self.type_params = type_params
        self.value = value


class While(stmt):
    __slots__ = ("body", "orelse", "test")
    _fields = ("test", "body", "orelse")

    def __init__(
        self, test: expr, body: list[stmt], orelse: list[stmt], start: int, end: int
    ) -> None:
        self.start = start
        self.end = end
        self.test = test
        self.body = body
        self.orelse = orelse


class With(stmt):
    __slots__ = ("body", "items")
    _fields = ("items", "body")

    def __init__(self, items: list[withitem], body: list[stmt], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.items = items
        self.body = body


class Attribute(expr):
    __slots__ = ("attr", "ctx", "value")
    _fields = ("value", "attr", "ctx")

    def __init__(self, value: expr, attr: str, ctx: str, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.value = value
        self.attr = attr
        self.ctx = ctx


class Await(expr):
    __slots__ = ("value",)
    _fields = ("value",)

    def __init__(self, value: expr, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.value = value


class BinOp(expr):
    __slots__ = ("left", "op", "right")
    _fields = ("left", "op", "right")

    def __init__(self, left: expr, op: str, right: expr, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.left = left
        self.op = op
        self.right = right


class BoolOp(expr):
    __slots__ = ("op", "values")
    _fields = ("op", "values")

    def __init__(self, op: str, values: list[expr], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.op = op
        self.values = values


class Call(expr):
    __slots__ = ("args", "func", "keywords")
    _fields = ("func", "args", "keywords")

    def __init__(
        self, func: expr, args: list[expr], keywords: list[keyword], start: int, end: int
    ) -> None:
        self.start = start
        self.end = end
        self.func = func
        self.args = args
        self.keywords = keywords


class Compare(expr):
    __slots__ = ("comparators", "left", "ops")
    _fields = ("left", "ops", "comparators")

    def __init__(
        self, left: expr, ops: list[str], comparators: list[expr], start: int, end: int
    ) -> None:
        self.start = start
        self.end = end
        self.left = left
        self.ops = ops
        self.comparators = comparators


class Constant(expr):
    __slots__ = ("kind", "value")
    _fields = ("value", "kind")

    def __init__(self, value: Value, kind: str | None, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.value = value
        self.kind = kind


class Dict(expr):
    __slots__ = ("keys", "values")
    _fields = ("keys", "values")

    def __init__(self, keys: list[expr | None], values: list[expr], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.keys = keys
        self.values = values


class DictComp(expr):
    __slots__ = ("generators", "key", "value")
    _fields = ("key", "value", "generators")

    def __init__(
        self, key: expr, value: expr, generators: list[comprehension], start: int, end: int
    ) -> None:
        self.start = start
        self.end = end
        self.key = key
        self.value = value
        self.generators = generators


class ErrorExpr(expr):
    """Text where an expression was expected but none could be read; empty where one is missing."""

    __slots__ = ("children",)
    _fields = ("children",)

    def __init__(self, children: list[Node], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.children = children


class FormattedValue(expr):
    __slots__ = ("conversion", "format_spec", "value")
    _fields = ("value", "conversion", "format_spec")

    def __init__(
        self, value: expr, conversion: int, format_spec: expr | None, start: int, end: int
    ) -> None:
        self.start = start
        self.end = end
        self.value = value
        self.conversion = conversion
        self.format_spec = format_spec


class GeneratorExp(expr):
    __slots__ = ("elt", "generators")
    _fields = ("elt", "generators")

    def __init__(self, elt: expr, generators: list[comprehension], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.elt = elt
        self.generators = generators


class IfExp(expr):
    __slots__ = ("body", "orelse", "test")
    _fields = ("test", "body", "orelse")

    def __init__(self, test: expr, body: expr, orelse: expr, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.test = test
        self.body = body
        self.orelse = orelse


class Interpolation(expr):
    __slots__ = ("conversion", "format_spec", "str", "value")
    _fields = ("value", "str", "conversion", "format_spec")

    def __init__(
        self, value: expr, str: str, conversion: int, format_spec: expr | None, start: int, end: int
    ) -> None:
        self.start = start
        self.end = end
        self.value = value
        self.str = str
        self.conversion = conversion
        self.format_spec = format_spec


class JoinedStr(expr):
    __slots__ = ("values",)
    _fields = ("values",)

    def __init__(self, values: list[expr], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.values = values


class Lambda(expr):
    __slots__ = ("args", "body")
    _fields = ("args", "body")

    def __init__(self, args: arguments, body: expr, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.args = args
        self.body = body


class List(expr):
    __slots__ = ("ctx", "elts")
    _fields = ("elts", "ctx")

    def __init__(self, elts: list[expr], ctx: str, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.elts = elts
        self.ctx = ctx


class ListComp(expr):
    __slots__ = ("elt", "generators")
    _fields = ("elt", "generators")

    def __init__(self, elt: expr, generators: list[comprehension], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.elt = elt
        self.generators = generators


class Name(expr):
    __slots__ = ("ctx", "id")
    _fields = ("id", "ctx")

    def __init__(self, id: str, ctx: str, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.id = id
        self.ctx = ctx


class NamedExpr(expr):
    __slots__ = ("target", "value")
    _fields = ("target", "value")

    def __init__(self, target: expr, value: expr, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.target = target
        self.value = value


class Set(expr):
    __slots__ = ("elts",)
    _fields = ("elts",)

    def __init__(self, elts: list[expr], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.elts = elts


class SetComp(expr):
    __slots__ = ("elt", "generators")
    _fields = ("elt", "generators")

    def __init__(self, elt: expr, generators: list[comprehension], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.elt = elt
        self.generators = generators


class Slice(expr):
    __slots__ = ("lower", "step", "upper")
    _fields = ("lower", "upper", "step")

    def __init__(
        self, lower: expr | None, upper: expr | None, step: expr | None, start: int, end: int
    ) -> None:
        self.start = start
        self.end = end
        self.lower = lower
        self.upper = upper
        self.step = step


class Starred(expr):
    __slots__ = ("ctx", "value")
    _fields = ("value", "ctx")

    def __init__(self, value: expr, ctx: str, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.value = value
        self.ctx = ctx


class Subscript(expr):
    __slots__ = ("ctx", "slice", "value")
    _fields = ("value", "slice", "ctx")

    def __init__(self, value: expr, slice: expr, ctx: str, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.value = value
        self.slice = slice
        self.ctx = ctx


class TemplateStr(expr):
    __slots__ = ("values",)
    _fields = ("values",)

    def __init__(self, values: list[expr], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.values = values


class Tuple(expr):
    __slots__ = ("ctx", "elts")
    _fields = ("elts", "ctx")

    def __init__(self, elts: list[expr], ctx: str, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.elts = elts
        self.ctx = ctx


class UnaryOp(expr):
    __slots__ = ("op", "operand")
    _fields = ("op", "operand")

    def __init__(self, op: str, operand: expr, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.op = op
        self.operand = operand


class Yield(expr):
    __slots__ = ("value",)
    _fields = ("value",)

    def __init__(self, value: expr | None, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.value = value


class YieldFrom(expr):
    __slots__ = ("value",)
    _fields = ("value",)

    def __init__(self, value: expr, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.value = value


class MatchAs(pattern):
    __slots__ = ("name", "pattern")
    _fields = ("pattern", "name")

    def __init__(self, pattern: pattern | None, name: str | None, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.pattern = pattern
        self.name = name


class MatchClass(pattern):
    __slots__ = ("cls", "kwd_attrs", "kwd_patterns", "patterns")
    _fields = ("cls", "patterns", "kwd_attrs", "kwd_patterns")

    def __init__(
        self,
        cls: expr,
        patterns: list[pattern],
        kwd_attrs: list[str],
        kwd_patterns: list[pattern],
        start: int,
        end: int,
    ) -> None:
        self.start = start
        self.end = end
        self.cls = cls
        self.patterns = patterns
        self.kwd_attrs = kwd_attrs
        self.kwd_patterns = kwd_patterns


class MatchMapping(pattern):
    __slots__ = ("keys", "patterns", "rest")
    _fields = ("keys", "patterns", "rest")

    def __init__(
        self,
        keys: list[expr | None],
        patterns: list[pattern],
        rest: str | None,
        start: int,
        end: int,
    ) -> None:
        self.start = start
        self.end = end
        self.keys = keys
        self.patterns = patterns
        self.rest = rest


class MatchOr(pattern):
    __slots__ = ("patterns",)
    _fields = ("patterns",)

    def __init__(self, patterns: list[pattern], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.patterns = patterns


class MatchSequence(pattern):
    __slots__ = ("patterns",)
    _fields = ("patterns",)

    def __init__(self, patterns: list[pattern], start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.patterns = patterns


class MatchSingleton(pattern):
    __slots__ = ("value",)
    _fields = ("value",)

    def __init__(self, value: Value, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.value = value


class MatchStar(pattern):
    __slots__ = ("name",)
    _fields = ("name",)

    def __init__(self, name: str | None, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.name = name


class MatchValue(pattern):
    __slots__ = ("value",)
    _fields = ("value",)

    def __init__(self, value: expr, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.value = value


class ParamSpec(type_param):
    __slots__ = ("default_value", "name")
    _fields = ("name", "default_value")

    def __init__(self, name: str, default_value: expr | None, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.name = name
        self.default_value = default_value


class TypeVar(type_param):
    __slots__ = ("bound", "default_value", "name")
    _fields = ("name", "bound", "default_value")

    def __init__(
        self, name: str, bound: expr | None, default_value: expr | None, start: int, end: int
    ) -> None:
        self.start = start
        self.end = end
        self.name = name
        self.bound = bound
        self.default_value = default_value


class TypeVarTuple(type_param):
    __slots__ = ("default_value", "name")
    _fields = ("name", "default_value")

    def __init__(self, name: str, default_value: expr | None, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.name = name
        self.default_value = default_value


class ExceptHandler(excepthandler):
    __slots__ = ("body", "name", "type")
    _fields = ("type", "name", "body")

    def __init__(
        self, type: expr | None, name: str | None, body: list[stmt], start: int, end: int
    ) -> None:
        self.start = start
        self.end = end
        self.type = type
        self.name = name
        self.body = body


class alias(Node):
    __slots__ = ("asname", "name")
    _fields = ("name", "asname")

    def __init__(self, name: str, asname: str | None, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.name = name
        self.asname = asname


class arg(Node):
    __slots__ = ("annotation", "arg")
    _fields = ("arg", "annotation")

    def __init__(self, arg: str, annotation: expr | None, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.arg = arg
        self.annotation = annotation


class arguments(Node):
    __slots__ = ("args", "defaults", "kw_defaults", "kwarg", "kwonlyargs", "posonlyargs", "vararg")
    _fields = ("posonlyargs", "args", "vararg", "kwonlyargs", "kw_defaults", "kwarg", "defaults")

    def __init__(
        self,
        posonlyargs: list[arg],
        args: list[arg],
        vararg: arg | None,
        kwonlyargs: list[arg],
        kw_defaults: list[expr | None],
        kwarg: arg | None,
        defaults: list[expr],
        start: int,
        end: int,
    ) -> None:
        self.start = start
        self.end = end
        self.posonlyargs = posonlyargs
        self.args = args
        self.vararg = vararg
        self.kwonlyargs = kwonlyargs
        self.kw_defaults = kw_defaults
        self.kwarg = kwarg
        self.defaults = defaults


class comprehension(Node):
    __slots__ = ("ifs", "is_async", "iter", "target")
    _fields = ("target", "iter", "ifs", "is_async")

    def __init__(
        self, target: expr, iter: expr, ifs: list[expr], is_async: int, start: int, end: int
    ) -> None:
        self.start = start
        self.end = end
        self.target = target
        self.iter = iter
        self.ifs = ifs
        self.is_async = is_async


class keyword(Node):
    __slots__ = ("arg", "value")
    _fields = ("arg", "value")

    def __init__(self, arg: str | None, value: expr, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.arg = arg
        self.value = value


class match_case(Node):
    __slots__ = ("body", "guard", "pattern")
    _fields = ("pattern", "guard", "body")

    def __init__(
        self, pattern: pattern, guard: expr | None, body: list[stmt], start: int, end: int
    ) -> None:
        self.start = start
        self.end = end
        self.pattern = pattern
        self.guard = guard
        self.body = body


class withitem(Node):
    __slots__ = ("context_expr", "optional_vars")
    _fields = ("context_expr", "optional_vars")

    def __init__(
        self, context_expr: expr, optional_vars: expr | None, start: int, end: int
    ) -> None:
        self.start = start
        self.end = end
        self.context_expr = context_expr
        self.optional_vars = optional_vars
