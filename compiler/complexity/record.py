"""`dataclass`, `field` and `replace` at a tenth of the start-up cost of the standard ones.

For the analyser's small value classes: a run of `neox verify` makes all of them at start, and the
module `dataclasses` with what it imports costs more than reading and analysing a short file. Type
checkers see the standard library's. Methods are written when they are first used; `frozen` is held
by the type checker alone.
"""

from __future__ import annotations

MYPY = False
if MYPY:
    from dataclasses import dataclass, field, replace
else:

    class _Factory:
        __slots__ = ("make",)

        def __init__(self, make):
            self.make = make

    def field(*, default_factory):
        return _Factory(default_factory)

    def dataclass(cls=None, /, *, frozen=False, slots=False, order=False, eq=True):
        if cls is None:
            return lambda cls: dataclass(cls, frozen=frozen, slots=slots, order=order, eq=eq)
        own = dict(cls.__dict__)
        names = tuple(own.get("__annotations__", ()))
        defaults = {name: own.pop(name) for name in names if name in own}
        for name in ("__dict__", "__weakref__"):
            own.pop(name, None)
        own["__slots__"] = names
        own["__match_args__"] = names
        if order:
            own["__lt__"] = lambda a, b: _getstate(a) < _getstate(b)
            own["__le__"] = lambda a, b: _getstate(a) <= _getstate(b)
            own["__gt__"] = lambda a, b: _getstate(a) > _getstate(b)
            own["__ge__"] = lambda a, b: _getstate(a) >= _getstate(b)
        own["_defaults"] = defaults
        own["__init__"] = _first_init
        own.setdefault("__repr__", _repr)
        if eq and "__eq__" not in own:
            own["__eq__"] = _first_eq
            if own.get("__hash__") is None:
                own["__hash__"] = _first_hash if frozen else None
        own["__getstate__"] = _getstate
        own["__setstate__"] = _setstate
        return type(cls)(cls.__name__, cls.__bases__, own)

    def replace(record, /, **changes):
        return type(record)(
            *[changes[n] if n in changes else getattr(record, n) for n in record.__slots__]
        )

    def _first_init(self, *args, **kwargs):
        cls = type(self)
        space = {"_Factory": _Factory}
        parameters, body = [], []
        for name in cls.__slots__:
            if name not in cls._defaults:
                parameters.append(name)
                body.append(f" self.{name} = {name}")
                continue
            default = cls._defaults[name]
            made = isinstance(default, _Factory)
            space[f"d_{name}"] = default.make if made else default
            parameters.append(f"{name}={'_Factory' if made else f'd_{name}'}")
            value = f"d_{name}() if {name} is _Factory else {name}" if made else name
            body.append(f" self.{name} = {value}")
        _written(cls, "__init__", ["self", *parameters], body, space)(self, *args, **kwargs)

    def _first_eq(self, other):
        cls = type(self)
        mine = "".join(f"self.{name}, " for name in cls.__slots__)
        theirs = "".join(f"other.{name}, " for name in cls.__slots__)
        body = [
            " if self.__class__ is not other.__class__:",
            "  return NotImplemented",
            f" return ({mine}) == ({theirs})",
        ]
        return _written(cls, "__eq__", ["self", "other"], body, {})(self, other)

    def _first_hash(self):
        cls = type(self)
        mine = "".join(f"self.{name}, " for name in cls.__slots__)
        return _written(cls, "__hash__", ["self"], [f" return hash(({mine}))"], {})(self)

    def _written(cls, name, parameters, body, space):
        exec("\n".join([f"def {name}({', '.join(parameters)}):", *(body or [" pass"])]), space)
        setattr(cls, name, space[name])
        return space[name]

    def _repr(self):
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({inside})"

    def _getstate(self):
        return [getattr(self, name) for name in self.__slots__]

    def _setstate(self, state):
        for name, value in zip(self.__slots__, state, strict=True):
            setattr(self, name, value)


__all__ = ["dataclass", "field", "replace"]
