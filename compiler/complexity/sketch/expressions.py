"""Evaluates expressions in ranks and adds up what they cost."""

from __future__ import annotations

from fractions import Fraction

from neox.compiler import nodes as n
from neox.compiler.complexity.sketch import library
from neox.compiler.complexity.sketch.rank import EXP, ONE, N, Rank
from neox.compiler.complexity.sketch.values import Scope, Val, container, joined, number
from neox.compiler.complexity.unit import dotted

MAX_STEPS = 60_000


class TooMuch(Exception):
    """The program is too large to be sketched."""


class Expressions:
    """`bill` is the cost of the statements of the present loop body so far."""

    def __init__(self, imports: dict[str, str]) -> None:
        self.imports = imports
        self.bill = ONE
        self.steps = 0
        self.scope = Scope()
        self.trips: list[Rank] = []  # of the loops around, outermost first
        self.born: dict[int, int] = {}  # how many loops were around a container at its birth
        self.doubts: set[str] = set()

    def charge(self, cost: Rank) -> None:
        self.bill = self.bill + cost

    def call_user(self, target: Val, args: list[Val], node: n.Call) -> Val:
        raise NotImplementedError

    def comprehension(self, node: n.expr) -> Val:
        raise NotImplementedError

    def value(self, node: n.Node | None) -> Val:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise TooMuch
        if node is None:
            return Val()
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is not None:
            found: Val = method(node)
            return found
        return Val()

    def _constant(self, node: n.Constant) -> Val:
        if isinstance(node.value, str):
            return container("str", ONE)
        result = number(ONE)
        if isinstance(node.value, int) and abs(int(node.value)) < 99:
            result.attrs["value"] = Val(mag=Rank(0, Fraction(int(node.value))))
        return result

    def _name(self, node: n.Name) -> Val:
        return self.scope.get(node.id) or Val()

    def _tuple(self, node: n.Tuple) -> Val:
        return self._display("tuple", node.elts)

    def _list(self, node: n.List) -> Val:
        return self._display("list", node.elts)

    def _set(self, node: n.Set) -> Val:
        return self._display("set", node.elts)

    def _display(self, kind: str, elts: list[n.expr]) -> Val:
        items = [self.value(e) for e in elts]
        starred = [v for e, v in zip(elts, items, strict=True) if isinstance(e, n.Starred)]
        length = max((v.len for v in starred), default=ONE)
        elem = None
        for v in items:
            elem = joined(elem, v)
        result = container(kind, length, elem, items if not starred else None)
        self.born[id(result)] = len(self.trips)
        return result

    def _dict(self, node: n.Dict) -> Val:
        elem = None
        for key in node.keys:
            self.value(key)
        for part in node.values:
            elem = joined(elem, self.value(part))
        result = container("dict", ONE, elem)
        self.born[id(result)] = len(self.trips)
        return result

    def _starred(self, node: n.Starred) -> Val:
        return self.value(node.value)

    def _namedexpr(self, node: n.NamedExpr) -> Val:
        value = self.value(node.value)
        if isinstance(node.target, n.Name):
            self.scope.put(node.target.id, value)
        return value

    def _joinedstr(self, node: n.JoinedStr) -> Val:
        for part in node.values:
            self.value(part)
        return container("str", ONE)

    def _formattedvalue(self, node: n.FormattedValue) -> Val:
        return self.value(node.value)

    def _unaryop(self, node: n.UnaryOp) -> Val:
        inner = self.value(node.operand)
        result = number(inner.mag)
        if node.op == "USub" and "value" in inner.attrs:
            result.attrs["value"] = Val(mag=Rank(0, -inner.attrs["value"].mag.power))
        return result

    def _binop(self, node: n.BinOp) -> Val:
        a, b = self.value(node.left), self.value(node.right)
        kinds = {"list", "str", "tuple", "deque"}
        if node.op == "Add" and (a.kind in kinds or b.kind in kinds):
            self.charge(max(a.len, b.len))
            kind = a.kind if a.kind in kinds else b.kind
            return container(kind, max(a.len, b.len), a.elem or b.elem)
        if node.op == "Mult" and (a.kind in kinds or b.kind in kinds):
            box, count = (a, b) if a.kind in kinds else (b, a)
            self.charge(box.len * count.mag)
            return container(box.kind, box.len * count.mag, box.elem)
        if a.kind in {"set", "dict"} and b.kind in {"set", "dict"}:
            self.charge(max(a.len, b.len))
            return container(a.kind, max(a.len, b.len), a.elem)
        result = number(self._magnitude(node, a, b))
        result.geometric = a.geometric or b.geometric
        return result

    def _magnitude(self, node: n.BinOp, a: Val, b: Val) -> Rank:
        if node.op == "Mult":
            return a.mag * b.mag
        if node.op == "Pow":
            return self._power(node, a, b)
        if node.op == "LShift":
            return EXP if b.mag.power else a.mag
        if node.op == "RShift" and b.mag.power:
            return ONE
        if node.op == "Mod":
            return min(a.mag, b.mag) if b.mag != ONE else ONE
        if node.op in {"FloorDiv", "Div"} and b.mag != ONE and not a.mag.exp:
            return Rank(0, max(Fraction(0), a.mag.power - b.mag.power), a.mag.log)
        if node.op in {"BitAnd"}:
            return min(a.mag, b.mag)
        return max(a.mag, b.mag)

    def _power(self, node: n.BinOp, a: Val, b: Val) -> Rank:
        if isinstance(node.right, n.Constant) and isinstance(node.right.value, (int, float)):
            exponent = node.right.value
            if exponent == 0.5:
                return a.mag.root(2)
            if 0 < exponent <= 8 and not a.mag.exp:
                return Rank(0, a.mag.power * Fraction(exponent), a.mag.log)
        return EXP if b.mag.power else a.mag

    def _boolop(self, node: n.BoolOp) -> Val:
        result = None
        for part in node.values:
            result = joined(result, self.value(part))
        return result or Val()

    def _compare(self, node: n.Compare) -> Val:
        left = self.value(node.left)
        for op, part in zip(node.ops, node.comparators, strict=True):
            right = self.value(part)
            if op in {"In", "NotIn"}:
                if right.kind not in {"set", "dict", "range"}:
                    self.charge(right.len)
            elif {left.kind, right.kind} <= {"str", "list", "tuple"} and left.kind:
                self.charge(min(left.len, right.len))
            left = right
        return Val("num")

    def _ifexp(self, node: n.IfExp) -> Val:
        self.value(node.test)
        return joined(self.value(node.body), self.value(node.orelse))

    def _lambda(self, node: n.Lambda) -> Val:
        return Val("function", code=node, scope=self.scope)

    def _attribute(self, node: n.Attribute) -> Val:
        base = self.value(node.value)
        if node.attr in base.attrs:
            return base.attrs[node.attr]
        if base.kind == "object":
            return Val()
        return Val(mag=base.mag, len=base.len, path=True)

    def _subscript(self, node: n.Subscript) -> Val:
        base = self.value(node.value)
        if isinstance(node.slice, n.Slice):
            ends = [self.value(e) for e in (node.slice.lower, node.slice.upper) if e is not None]
            length = base.len
            small = all(v.mag == ONE for v in ends) and node.slice.upper is not None
            if small and not _negative(node.slice.upper):
                length = ONE
            if not base.read:
                self.charge(length)
            return Val(base.kind, ONE, length, base.elem, read=base.read)
        index = self.value(node.slice)
        if base.items is not None and "value" in index.attrs:
            at = int(index.attrs["value"].mag.power)
            if -len(base.items) <= at < len(base.items):
                return base.items[at]
        return base.item()

    def _yield(self, node: n.Yield) -> Val:
        self.value(node.value)
        return Val()

    def _await(self, node: n.Await) -> Val:
        return self.value(node.value)

    def _listcomp(self, node: n.expr) -> Val:
        return self.comprehension(node)

    _setcomp = _dictcomp = _generatorexp = _listcomp

    # calls

    def _call(self, node: n.Call) -> Val:
        func = node.func
        args = [self.value(a) for a in node.args]
        given = {k.arg: self.value(k.value) for k in node.keywords}
        if isinstance(func, n.Name):
            target = self.scope.get(func.id)
            if target is not None and target.code is not None:
                return self.call_user(target, args, node)
            if target is not None and target.kind == "reader":
                return library.call_function("input", [], self.charge) or Val()
        name = self._qualified(func)
        if name == "map" and node.args:
            return self._map(node.args[0], args)
        if "repeat" in given:
            args.append(Val("repeat", given["repeat"].mag))
        if "key" in given and given["key"].code is not None and args:
            self._per_item(given["key"], args[0])
        if isinstance(func, n.Attribute) and name.partition(".")[0] not in self._modules():
            return self._method(node, func, args)
        if name == "filter" and len(args) > 1 and args[0].code is not None:
            self._per_item(args[0], args[1])
        if name.endswith("heappush") and args:
            self._grow(node.args[0], args[0])
        found = library.call_function(name, args, self.charge)
        if found is None:
            self.doubts.add(f"unknown function {name}")
            return Val()
        if found.kind in {"list", "set", "dict", "deque", "str"} and id(found) not in self.born:
            self.born[id(found)] = len(self.trips)
        return found

    def _modules(self) -> set[str]:
        return {asname.partition(".")[0] for asname in self.imports}

    def _qualified(self, func: n.expr) -> str:
        text = dotted(func)
        head, _, rest = text.partition(".")
        if head in self.imports:
            head = self.imports[head]
        return f"{head}.{rest}" if rest else head

    def _map(self, func: n.expr, args: list[Val]) -> Val:
        source = args[1] if len(args) > 1 else Val()
        item = source.item()
        known = dotted(func)
        if known in {"int", "float", "str"}:
            size = N if source.read else item.mag
            elem = Val("num", size) if known != "str" else Val("str", size, size.logarithm())
            return Val("iter", ONE, source.len, elem, read=source.read)
        if args[0].code is not None:
            per, result = self.per_call(args[0], [item])
            return Val("iter", ONE, source.len, result, per=per)
        found = library.call_function(self._qualified(func), [item], lambda cost: None)
        bill: list[Rank] = [ONE]
        library.call_function(self._qualified(func), [item], bill.append)
        return Val("iter", ONE, source.len, found, per=max(bill), read=source.read)

    def _per_item(self, function: Val, over: Val) -> None:
        per, _ = self.per_call(function, [over.item()])
        self.charge(over.len * per)

    def per_call(self, function: Val, args: list[Val]) -> tuple[Rank, Val]:
        """Cost and value of one call of a function value, not charged."""
        bill, self.bill = self.bill, ONE
        node = n.Call(n.Name("", "Load", 0, 0), [], [], 0, 0)
        result = self.call_user(function, args, node)
        cost, self.bill = self.bill, bill
        return cost, result

    def _method(self, node: n.Call, func: n.Attribute, args: list[Val]) -> Val:
        me = self.value(func.value)
        if me.kind == "object" and me.code is not None:
            method = me.attrs.get(func.attr)
            if method is not None and method.code is not None:
                return self.call_user(method, [me, *args], node)
            for part in me.code.body if isinstance(me.code, n.ClassDef) else []:
                if isinstance(part, n.FunctionDef) and part.name == func.attr:
                    static = any(dotted(d) == "staticmethod" for d in part.decorator_list)
                    mine = args if static else [me, *args]
                    return self.call_user(Val("function", code=part, scope=me.scope), mine, node)
        if func.attr in {"append", "appendleft", "add", "insert", "push"}:
            self._grow(func.value, me)
        found = library.call_method(func.attr, me, args, self.charge)
        if found is None:
            self.doubts.add(f"unknown method .{func.attr}")
            return Val()
        return found

    def _grow(self, where: n.expr, me: Val) -> None:
        """One more item in each round of the loops since the container's birth."""
        if isinstance(where, n.Subscript) and not isinstance(where.slice, n.Constant):
            return  # one of many lists that are filled here and there: short on average
        length = ONE
        for trips in self.trips[self.born.get(id(me), 0) :]:
            length = length * trips
        me.len = max(me.len, length)


def _negative(node: n.expr | None) -> bool:
    return isinstance(node, n.UnaryOp)
