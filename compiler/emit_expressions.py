"""Tree to text: expressions and patterns, with no more parentheses than needed.

Levels of precedence, low to high; an operand below the level its place asks for is put in
parentheses.
"""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler.quoting import Unquotable, fits, free, raw_string
from neox.compiler.walk import walk

(NAMED, TEST, OR, AND, NOT, COMPARE, BIT_OR, XOR, BIT_AND, SHIFT, SUM, PRODUCT, UNARY, POWER, AWAIT,
 ATOM) = range(16)  # fmt: skip

_BINARY = {
    "BitOr": ("|", BIT_OR), "BitXor": ("^", XOR), "BitAnd": ("&", BIT_AND),
    "LShift": ("<<", SHIFT), "RShift": (">>", SHIFT), "Add": ("+", SUM), "Sub": ("-", SUM),
    "Mult": ("*", PRODUCT), "Div": ("/", PRODUCT), "FloorDiv": ("//", PRODUCT),
    "Mod": ("%", PRODUCT), "MatMult": ("@", PRODUCT), "Pow": ("**", POWER),
}  # fmt: skip
_COMPARE = {
    "Lt": "<", "Gt": ">", "Eq": "==", "NotEq": "!=", "LtE": "<=", "GtE": ">=", "In": "in",
    "NotIn": "not in", "Is": "is", "IsNot": "is not",
}  # fmt: skip
_LITERAL, _SPEC, _FIELD = range(3)  # pieces of an f-string
_UNARY = {"USub": "-", "UAdd": "+", "Invert": "~"}


def _is_power(node: n.expr) -> bool:
    return isinstance(node, n.BinOp) and node.op == "Pow"


class Expressions:
    original = ""  # the text that was read, for what could not be understood
    before_pep_701 = False  # must Python before 3.12 be able to read what is written?
    around: list[str]  # if so: the quotes of the f-strings whose fields are being written

    def symbol(self, op: str) -> str:
        return _BINARY[op][0]

    def text_of(self, node: n.expr, level: int = TEST) -> str:
        """The text of an expression where at least this level of precedence is asked for."""
        method = getattr(self, "e_" + type(node).__name__)
        text, own = method(node)
        return f"({text})" if own < level else text

    def bare(self, node: n.expr) -> str:
        """At statement level: tuples and yields need no parentheses."""
        if isinstance(node, n.Tuple) and node.elts:
            return self._items(node.elts)
        if isinstance(node, (n.Yield, n.YieldFrom, n.Starred)):
            return self._raw(node)
        return self.text_of(node)

    def _raw(self, node: n.expr) -> str:
        text, _ = getattr(self, "e_" + type(node).__name__)(node)
        return str(text)

    def _items(self, items: list[n.expr]) -> str:
        text = ", ".join(self._item(i) for i in items)
        return text + "," if len(items) == 1 else text

    def _item(self, node: n.expr) -> str:
        return self._raw(node) if isinstance(node, n.Starred) else self.text_of(node)

    # Expressions: each gives its text and its own level ------------------------------------------

    def e_ErrorExpr(self, node: n.ErrorExpr) -> tuple[str, int]:
        return self.original[node.start : node.end], ATOM

    def e_Name(self, node: n.Name) -> tuple[str, int]:
        return node.id, ATOM

    def e_Constant(self, node: n.Constant) -> tuple[str, int]:
        value = node.value
        if value is ...:
            return "...", ATOM
        if type(value) is int and value.bit_length() > 10_000:
            return hex(value), ATOM  # decimal digits beyond 4300 cannot be read
        if isinstance(value, (float, complex)):
            text = repr(value).strip("()").replace("inf", "1e309")
            if isinstance(value, complex) and value.real:
                return text, SUM
            return text, ATOM
        if self.around and isinstance(value, str):
            return raw_string("u" if node.kind == "u" else "", value, self.around), ATOM
        if self.around and isinstance(value, bytes):
            if not (value.isascii() and b"\\" not in value):
                raise Unquotable
            return raw_string("b", value.decode("ascii"), self.around), ATOM
        if isinstance(value, str):
            return ("u" if node.kind == "u" else "") + repr(value), ATOM
        return repr(value), ATOM

    def e_NamedExpr(self, node: n.NamedExpr) -> tuple[str, int]:
        return f"{self.text_of(node.target)} := {self.text_of(node.value)}", NAMED

    def e_IfExp(self, node: n.IfExp) -> tuple[str, int]:
        parts = []
        one: n.expr = node
        while isinstance(one, n.IfExp):
            parts.append(f"{self.text_of(one.body, OR)} if {self.text_of(one.test, OR)} else ")
            one = one.orelse
        return "".join(parts) + self.text_of(one), TEST

    def e_Lambda(self, node: n.Lambda) -> tuple[str, int]:
        parts = []
        one: n.expr = node
        while isinstance(one, n.Lambda):
            parameters = self.parameters(one.args)
            parts.append(f"lambda {parameters}: " if parameters else "lambda: ")
            one = one.body
        return "".join(parts) + self.text_of(one), TEST

    def e_BoolOp(self, node: n.BoolOp) -> tuple[str, int]:
        own, word = (OR, " or ") if node.op == "Or" else (AND, " and ")
        return word.join([self.text_of(v, own + 1) for v in node.values]), own

    def e_UnaryOp(self, node: n.UnaryOp) -> tuple[str, int]:
        prefix = []
        one: n.expr = node
        level = NOT if node.op == "Not" else UNARY
        while isinstance(one, n.UnaryOp) and (one.op == "Not") == (node.op == "Not"):
            prefix.append("not " if one.op == "Not" else _UNARY[one.op])
            one = one.operand
        return "".join(prefix) + self.text_of(one, level), level

    def e_Compare(self, node: n.Compare) -> tuple[str, int]:
        parts = [self.text_of(node.left, BIT_OR)]
        for op, right in zip(node.ops, node.comparators, strict=True):
            parts.append(f"{_COMPARE[op]} {self.text_of(right, BIT_OR)}")
        return " ".join(parts), COMPARE

    def e_BinOp(self, node: n.BinOp) -> tuple[str, int]:
        own = _BINARY[node.op][1]
        if node.op == "Pow":
            return self._power(node), POWER
        rest = []
        one: n.expr = node
        while isinstance(one, n.BinOp) and one.op != "Pow" and _BINARY[one.op][1] == own:
            rest.append(f"{_BINARY[one.op][0]} {self.text_of(one.right, own + 1)}")
            one = one.left
        return " ".join([self.text_of(one, own), *reversed(rest)]), own

    def _power(self, node: n.expr) -> str:
        """A chain of `**` and signs, which nests to the right, without recursion."""
        parts = []
        one = node
        while True:
            if isinstance(one, n.BinOp) and one.op == "Pow":
                parts.append(self.text_of(one.left, AWAIT) + " ** ")
                one = one.right
            elif isinstance(one, n.UnaryOp) and one.op != "Not":
                parts.append(_UNARY[one.op])
                one = one.operand
                if not isinstance(one, n.UnaryOp) and not _is_power(one):
                    return "".join(parts) + self.text_of(one, UNARY)
            else:
                return "".join(parts) + self.text_of(one, UNARY)

    def e_Await(self, node: n.Await) -> tuple[str, int]:
        return f"await {self.text_of(node.value, ATOM)}", AWAIT

    def e_Yield(self, node: n.Yield) -> tuple[str, int]:
        return "yield" + (f" {self.bare(node.value)}" if node.value is not None else ""), NAMED - 1

    def e_YieldFrom(self, node: n.YieldFrom) -> tuple[str, int]:
        return f"yield from {self.text_of(node.value)}", NAMED - 1

    def e_Starred(self, node: n.Starred) -> tuple[str, int]:
        return f"*{self.text_of(node.value, BIT_OR)}", ATOM

    def _chain(self, node: n.expr) -> tuple[str, int]:
        """Calls, subscripts and attributes, from the inside out without recursion."""
        tails = []
        while True:
            if isinstance(node, n.Attribute):
                tails.append("." + node.attr)
                node = node.value
            elif isinstance(node, n.Subscript):
                tails.append(f"[{self._index(node.slice)}]")
                node = node.value
            elif isinstance(node, n.Call):
                tails.append(f"({self._arguments(node)})")
                node = node.func
            else:
                break
        text = self.text_of(node, ATOM)
        if isinstance(node, n.Constant) and type(node.value) is int and tails[-1][0] == ".":
            text = f"({text})"
        return text + "".join(reversed(tails)), ATOM

    def e_Attribute(self, node: n.Attribute) -> tuple[str, int]:
        return self._chain(node)

    def e_Subscript(self, node: n.Subscript) -> tuple[str, int]:
        return self._chain(node)

    def e_Call(self, node: n.Call) -> tuple[str, int]:
        return self._chain(node)

    def _arguments(self, node: n.Call) -> str:
        if len(node.args) == 1 and not node.keywords and isinstance(node.args[0], n.GeneratorExp):
            return self._raw(node.args[0])[1:-1]
        parts = [self._call_item(a) for a in node.args]
        return ", ".join(parts + [self.keyword(k) for k in node.keywords])

    def _call_item(self, node: n.expr) -> str:
        if isinstance(node, n.Starred):
            return f"*{self.text_of(node.value)}"
        return self.text_of(node)

    def keyword(self, node: n.keyword) -> str:
        value = self.text_of(node.value)
        return f"**{value}" if node.arg is None else f"{node.arg}={value}"

    def _index(self, node: n.expr) -> str:
        if isinstance(node, n.Tuple) and node.elts:
            text = ", ".join(self._slice_item(e) for e in node.elts)
            alone = len(node.elts) == 1 and not isinstance(node.elts[0], n.Starred)
            return text + "," if alone else text
        return self._slice_item(node)

    def _slice_item(self, node: n.expr) -> str:
        return self._raw(node) if isinstance(node, (n.Slice, n.Starred)) else self.text_of(node)

    def e_Slice(self, node: n.Slice) -> tuple[str, int]:
        lower = self.text_of(node.lower) if node.lower is not None else ""
        upper = self.text_of(node.upper) if node.upper is not None else ""
        step = f":{self.text_of(node.step)}" if node.step is not None else ""
        return f"{lower}:{upper}{step}", ATOM

    def e_Tuple(self, node: n.Tuple) -> tuple[str, int]:
        return f"({self._items(node.elts)})" if node.elts else "()", ATOM

    def e_List(self, node: n.List) -> tuple[str, int]:
        return f"[{', '.join(self._item(e) for e in node.elts)}]", ATOM

    def e_Set(self, node: n.Set) -> tuple[str, int]:
        return f"{{{', '.join(self._item(e) for e in node.elts)}}}", ATOM

    def e_Dict(self, node: n.Dict) -> tuple[str, int]:
        parts = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                parts.append(f"**{self.text_of(value, BIT_OR)}")
            else:
                parts.append(f"{self.text_of(key)}: {self.text_of(value)}")
        return f"{{{', '.join(parts)}}}", ATOM

    def _generators(self, generators: list[n.comprehension]) -> str:
        parts = []
        for one in generators:
            word = "async for" if one.is_async else "for"
            parts.append(f" {word} {self.bare(one.target)} in {self.text_of(one.iter, OR)}")
            parts += [f" if {self.text_of(test, OR)}" for test in one.ifs]
        return "".join(parts)

    def e_ListComp(self, node: n.ListComp) -> tuple[str, int]:
        return f"[{self.text_of(node.elt)}{self._generators(node.generators)}]", ATOM

    def e_SetComp(self, node: n.SetComp) -> tuple[str, int]:
        return f"{{{self.text_of(node.elt)}{self._generators(node.generators)}}}", ATOM

    def e_GeneratorExp(self, node: n.GeneratorExp) -> tuple[str, int]:
        return f"({self.text_of(node.elt)}{self._generators(node.generators)})", ATOM

    def e_DictComp(self, node: n.DictComp) -> tuple[str, int]:
        pair = f"{self.text_of(node.key)}: {self.text_of(node.value)}"
        return f"{{{pair}{self._generators(node.generators)}}}", ATOM

    # f-strings ----------------------------------------------------------------------------------

    def e_JoinedStr(self, node: n.JoinedStr) -> tuple[str, int]:
        return self._formatted("f", node.values), ATOM

    def e_TemplateStr(self, node: n.TemplateStr) -> tuple[str, int]:
        return self._formatted("t", node.values), ATOM

    def _formatted(self, prefix: str, parts: list[n.expr]) -> str:
        """In quotes that no field holds, if there are such: before PEP 701 there had to be."""
        if self.around:
            return self._old(parts)
        if self.before_pep_701:
            try:
                return self._old(parts)
            except Unquotable:
                pass
        pieces: list[tuple[str, int]] = []
        self._pieces(parts, _LITERAL, pieces)
        inside = "".join([text for text, kind in pieces if kind == _FIELD])
        quote = '"'
        if '"' in inside and "\\" not in inside:
            quote = next((q for q in ("'", '"""', "'''") if q not in inside), '"')
        body = [t if k == _FIELD else _literal_part(t, quote, k == _SPEC) for t, k in pieces]
        return f"{prefix}{quote}{''.join(body)}{quote}"

    def _old(self, parts: list[n.expr]) -> str:
        """One f-string that Python before 3.12 reads, or adjacent ones; else `Unquotable`."""
        for quote in free(self.around):
            try:
                return self._old_in(parts, quote)
            except Unquotable:
                continue
        plain = all(isinstance(part, n.Constant) for part in parts)
        quotes = free(self.around)
        if not quotes or (len(parts) < 2 and not plain):
            raise Unquotable
        found = [f"f{quotes[0] * 2}"] if plain else []
        for part in parts:
            if isinstance(part, n.Constant):
                found.append(self.e_Constant(n.Constant(part.value, None, 0, 0))[0])
            else:
                found.append(self._old([part]))
        return " ".join(found)

    def _old_in(self, parts: list[n.expr], quote: str) -> str:
        pieces: list[tuple[str, int]] = []
        self.around.append(quote)
        try:
            self._pieces(parts, _LITERAL, pieces)
        finally:
            self.around.pop()
        inside = "".join([text for text, kind in pieces if kind == _FIELD])
        if "\\" in inside or quote in inside or (len(quote) == 1 and "\n" in inside):
            raise Unquotable
        body = ""
        for text, kind in pieces:
            if kind == _FIELD:
                body += text
            elif not self.around:
                body += _literal_part(text, quote, kind == _SPEC)
            elif kind == _SPEC and ("{" in text or "}" in text):
                raise Unquotable
            else:
                body += text.replace("{", "{{").replace("}", "}}")
        if self.around and not fits(body, quote, self.around):
            raise Unquotable
        return f"f{quote}{body}{quote}"

    def _pieces(self, parts: list[n.expr], kind: int, pieces: list[tuple[str, int]]) -> None:
        """Literal parts, which depend on the quotes, and the text of fields, which does not."""
        for part in parts:
            if isinstance(part, n.Constant):
                pieces.append((str(part.value), kind))
                continue
            assert isinstance(part, (n.FormattedValue, n.Interpolation))
            if isinstance(part, n.Interpolation):
                value = part.str  # the text itself is part of the value
            else:
                value = self.bare(part.value)
                if any(isinstance(one, n.Lambda) for one in walk(part.value)):
                    value = f"({value})"  # its colon would begin the format spec
            if value.startswith("{"):
                value = " " + value
            conversion = f"!{chr(part.conversion)}" if part.conversion != -1 else ""
            pieces.append((f"{{{value}{conversion}", _FIELD))
            if isinstance(part.format_spec, n.JoinedStr):
                pieces.append((":", _FIELD))
                self._pieces(part.format_spec.values, _SPEC, pieces)
            pieces.append(("}", _FIELD))

    # Parameters and patterns ----------------------------------------------------------------------

    def parameters(self, node: n.arguments) -> str:
        positional = node.posonlyargs + node.args
        plain = len(positional) - len(node.defaults)
        parts = []
        for i, one in enumerate(positional):
            default = node.defaults[i - plain] if i >= plain else None
            parts.append(self._parameter(one, default))
            if i + 1 == len(node.posonlyargs):
                parts.append("/")
        if node.vararg is not None:
            parts.append("*" + self._parameter(node.vararg, None))
        elif node.kwonlyargs:
            parts.append("*")
        for one, value in zip(node.kwonlyargs, node.kw_defaults, strict=True):
            parts.append(self._parameter(one, value))
        if node.kwarg is not None:
            parts.append("**" + self._parameter(node.kwarg, None))
        return ", ".join(parts)

    def _parameter(self, node: n.arg, default: n.expr | None) -> str:
        text = node.arg
        if node.annotation is not None:
            text += f": {self._item(node.annotation)}"
        if default is not None:
            equals = " = " if node.annotation is not None else "="
            text += f"{equals}{self.text_of(default)}"
        return text

    def type_parameters(self, found: list[n.type_param]) -> str:
        parts = []
        for one in found:
            if isinstance(one, n.TypeVar):
                bound = f": {self.text_of(one.bound)}" if one.bound is not None else ""
                text = one.name + bound
            elif isinstance(one, n.TypeVarTuple):
                text = "*" + one.name
            else:
                assert isinstance(one, n.ParamSpec)
                text = "**" + one.name
            default = getattr(one, "default_value", None)
            parts.append(text + (f" = {self._item(default)}" if default is not None else ""))
        return f"[{', '.join(parts)}]" if parts else ""

    def pattern(self, node: n.pattern) -> str:
        if isinstance(node, n.MatchValue):
            return self.text_of(node.value)
        if isinstance(node, n.MatchSingleton):
            return repr(node.value)
        if isinstance(node, n.MatchStar):
            return f"*{node.name or '_'}"
        if isinstance(node, n.MatchAs):
            if node.pattern is None:
                return node.name or "_"
            inner = self.pattern(node.pattern)
            return (
                f"{f'({inner})' if isinstance(node.pattern, n.MatchAs) else inner} as {node.name}"
            )
        if isinstance(node, n.MatchOr):
            return " | ".join(self._inner(p) for p in node.patterns)
        if isinstance(node, n.MatchSequence):
            return f"[{', '.join(self._inner(p, False) for p in node.patterns)}]"
        if isinstance(node, n.MatchMapping):
            parts = [
                f"{self.text_of(key)}: {self._inner(p, False)}"
                for key, p in zip(node.keys, node.patterns, strict=True)
                if key is not None
            ]
            parts += [f"**{node.rest}"] if node.rest is not None else []
            return f"{{{', '.join(parts)}}}"
        assert isinstance(node, n.MatchClass)
        parts = [self._inner(p, False) for p in node.patterns]
        parts += [
            f"{name}={self._inner(p, False)}"
            for name, p in zip(node.kwd_attrs, node.kwd_patterns, strict=True)
        ]
        return f"{self.text_of(node.cls)}({', '.join(parts)})"

    def _inner(self, node: n.pattern, in_or: bool = True) -> str:
        text = self.pattern(node)
        bound = isinstance(node, n.MatchAs) and node.pattern is not None
        if (bound and in_or) or (in_or and isinstance(node, n.MatchOr)):
            return f"({text})"
        return text


def _literal_part(value: str, quote: str, in_spec: bool) -> str:
    """The text between the fields of an f-string."""
    # both quotes in front make repr choose single ones and escape them
    text = repr("\"'" + value)[4:-1].replace("\\'", "'").replace(quote[0], "\\" + quote[0])
    if in_spec:
        return text.replace("{", "\\x7b").replace("}", "\\x7d")
    return text.replace("{", "{{").replace("}", "}}")
