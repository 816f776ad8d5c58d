"""Tree to text: statements. Canonical layout, four blanks, one statement a line.

`parse(emit(tree))` equals the tree. Text that could not be parsed (ErrorStmt) is given back as it
was, so emitting a broken program loses nothing of it.
"""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler.emit_expressions import TEST as TEST_LEVEL
from neox.compiler.emit_expressions import Expressions
from neox.compiler.headroom import Headroom
from neox.compiler.program import Program


def emit(source: Program | n.Node) -> str:
    """Canonical text of a program, a statement, or an expression."""
    try:
        return _written(source)
    except RecursionError:
        with Headroom():
            return _written(source)


def _written(source: Program | n.Node) -> str:
    if isinstance(source, Program):
        writer = Writer(source.text)
        writer.before_pep_701 = source.version < (3, 12)
        writer.body(source.tree.body)
        return "".join(writer.out)
    writer = Writer("")
    if isinstance(source, n.Module):
        writer.body(source.body)
    elif isinstance(source, n.stmt):
        writer.statement(source)
    elif isinstance(source, n.expr):
        return writer.text_of(source)
    else:
        raise TypeError(f"{type(source).__name__} cannot stand alone")
    return "".join(writer.out)


def _documentation(text: str) -> str:
    """A string over several lines, as a docstring is written."""
    lines = [repr("\"'" + line)[4:-1].replace("\\'", "'") for line in text.split("\n")]
    body = "\n".join(lines).replace('"""', '\\"\\"\\"')
    return f'"""{body[:-1]}\\""""' if body.endswith('"') else f'"""{body}"""'


class Writer(Expressions):
    def __init__(self, text: str) -> None:
        self.out: list[str] = []
        self.indent = 0
        self.original = text
        self.around = []

    def line(self, text: str) -> None:
        self.out.append("    " * self.indent + text + "\n")

    def body(self, statements: list[n.stmt]) -> None:
        for one in statements:
            self.statement(one)

    def block(self, head: str, statements: list[n.stmt]) -> None:
        self.line(head + ":")
        self.indent += 1
        self.body(statements)
        self.indent -= 1

    def statement(self, node: n.stmt) -> None:
        method = getattr(self, "s_" + type(node).__name__)
        method(node)

    # Simple statements --------------------------------------------------------------------------

    def s_ErrorStmt(self, node: n.ErrorStmt) -> None:
        text = self.original[node.start : node.end].rstrip("\n")
        self.out.append("    " * self.indent + text + "\n")

    def s_Expr(self, node: n.Expr) -> None:
        value = node.value
        if isinstance(value, n.Constant) and isinstance(value.value, str) and "\n" in value.value:
            self.line(_documentation(value.value))
        else:
            self.line(self.bare(value))

    def s_Assign(self, node: n.Assign) -> None:
        parts = [self.bare(target) for target in node.targets] + [self.bare(node.value)]
        self.line(" = ".join(parts))

    def s_AugAssign(self, node: n.AugAssign) -> None:
        op = self.symbol(node.op)
        self.line(f"{self.text_of(node.target)} {op}= {self.bare(node.value)}")

    def s_AnnAssign(self, node: n.AnnAssign) -> None:
        target = self.text_of(node.target)
        if isinstance(node.target, n.Name) and not node.simple:
            target = f"({target})"
        value = f" = {self.bare(node.value)}" if node.value is not None else ""
        self.line(f"{target}: {self.text_of(node.annotation)}{value}")

    def s_Return(self, node: n.Return) -> None:
        if node.value is None:
            self.line("return")
        elif isinstance(node.value, (n.Yield, n.YieldFrom)):
            self.line(f"return {self.text_of(node.value)}")
        else:
            self.line(f"return {self.bare(node.value)}")

    def s_Raise(self, node: n.Raise) -> None:
        text = "raise"
        if node.exc is not None:
            text += " " + self.text_of(node.exc)
        if node.cause is not None:
            text += " from " + self.text_of(node.cause)
        self.line(text)

    def s_Pass(self, node: n.Pass) -> None:
        self.line("pass")

    def s_Break(self, node: n.Break) -> None:
        self.line("break")

    def s_Continue(self, node: n.Continue) -> None:
        self.line("continue")

    def s_Delete(self, node: n.Delete) -> None:
        self.line("del " + ", ".join(self.text_of(t) for t in node.targets))

    def s_Assert(self, node: n.Assert) -> None:
        message = f", {self.text_of(node.msg)}" if node.msg is not None else ""
        self.line(f"assert {self.text_of(node.test)}{message}")

    def s_Global(self, node: n.Global) -> None:
        self.line("global " + ", ".join(node.names))

    def s_Nonlocal(self, node: n.Nonlocal) -> None:
        self.line("nonlocal " + ", ".join(node.names))

    def s_Import(self, node: n.Import) -> None:
        self.line("import " + ", ".join(self._alias(a) for a in node.names))

    def s_ImportFrom(self, node: n.ImportFrom) -> None:
        names = ", ".join(self._alias(a) for a in node.names)
        self.line(f"from {'.' * (node.level or 0)}{node.module or ''} import {names}")

    def _alias(self, node: n.alias) -> str:
        return f"{node.name} as {node.asname}" if node.asname is not None else node.name

    def s_TypeAlias(self, node: n.TypeAlias) -> None:
        types = self.type_parameters(node.type_params)
        self.line(f"type {self.text_of(node.name)}{types} = {self.text_of(node.value)}")

    # Compound statements ------------------------------------------------------------------------

    def s_If(self, node: n.If) -> None:
        word = "if"
        while True:
            self.block(f"{word} {self.text_of(node.test)}", node.body)
            rest = node.orelse
            if len(rest) == 1 and isinstance(rest[0], n.If):
                node, word = rest[0], "elif"
                continue
            self._else(rest)
            return

    def _else(self, statements: list[n.stmt]) -> None:
        if statements:
            self.block("else", statements)

    def s_While(self, node: n.While) -> None:
        self.block(f"while {self.text_of(node.test)}", node.body)
        self._else(node.orelse)

    def s_For(self, node: n.For | n.AsyncFor, word: str = "for") -> None:
        head = f"{word} {self.bare(node.target)} in {self.bare(node.iter)}"
        self.block(head, node.body)
        self._else(node.orelse)

    def s_AsyncFor(self, node: n.AsyncFor) -> None:
        self.s_For(node, "async for")

    def s_With(self, node: n.With | n.AsyncWith, word: str = "with") -> None:
        items = []
        for item in node.items:
            text = self.text_of(item.context_expr)
            if item.optional_vars is not None:
                text += f" as {self.text_of(item.optional_vars)}"
            items.append(text)
        only = node.items[0]
        if (
            len(items) == 1
            and only.optional_vars is None
            and isinstance(only.context_expr, n.Tuple)
        ):
            items[0] = f"({items[0]})"  # or the tuple's parentheses would hold with-items
        self.block(f"{word} {', '.join(items)}", node.body)

    def s_AsyncWith(self, node: n.AsyncWith) -> None:
        self.s_With(node, "async with")

    def s_Try(self, node: n.Try | n.TryStar, word: str = "except") -> None:
        self.block("try", node.body)
        for handler in node.handlers:
            assert isinstance(handler, n.ExceptHandler)
            head = word
            if handler.type is not None:
                head += " " + self.text_of(handler.type)
            if handler.name is not None:
                head += f" as {handler.name}"
            self.block(head, handler.body)
        self._else(node.orelse)
        if node.finalbody:
            self.block("finally", node.finalbody)

    def s_TryStar(self, node: n.TryStar) -> None:
        self.s_Try(node, "except*")

    def s_FunctionDef(self, node: n.FunctionDef | n.AsyncFunctionDef, word: str = "def") -> None:
        for decorator in node.decorator_list:
            self.line("@" + self.text_of(decorator))
        types = self.type_parameters(node.type_params)
        returns = f" -> {self.text_of(node.returns)}" if node.returns is not None else ""
        head = f"{word} {node.name}{types}({self.parameters(node.args)}){returns}"
        self.block(head, node.body)

    def s_AsyncFunctionDef(self, node: n.AsyncFunctionDef) -> None:
        self.s_FunctionDef(node, "async def")

    def s_ClassDef(self, node: n.ClassDef) -> None:
        for decorator in node.decorator_list:
            self.line("@" + self.text_of(decorator))
        arguments = [self.text_of(b, TEST_LEVEL) for b in node.bases]
        arguments += [self.keyword(k) for k in node.keywords]
        bases = f"({', '.join(arguments)})" if arguments else ""
        self.block(f"class {node.name}{self.type_parameters(node.type_params)}{bases}", node.body)

    def s_Match(self, node: n.Match) -> None:
        self.line(f"match {self.bare(node.subject)}:")
        self.indent += 1
        for case in node.cases:
            guard = f" if {self.text_of(case.guard)}" if case.guard is not None else ""
            self.block(f"case {self.pattern(case.pattern)}{guard}", case.body)
        self.indent -= 1
