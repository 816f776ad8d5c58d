"""A program with a bit of everything that is common; `Masks.prepare` reads it, in any version."""

from typing import Final

SAMPLE: Final = '''#!/usr/bin/env python
# A comment, "quoted" (and so on).
"""A module: 1.5 items, `names`.

    More text, it's here.
"""
from __future__ import annotations

import os.path as p, sys
from .a.b import (c, d as e,
    f)

LIMIT: int = 0x1F
X, *rest = [1, -2.5, 3e-7, 4j, 1_000], None
TABLE = {"a": (1, 2), 'b': [x ** 2 for x in range(10) if x % 2 and not x >= 3], **rest}
names = {n.lower(): v for n, v in sorted(X.items(), key=lambda k: k[0])}


@decorate(level=1)
class Thing(Base, metaclass=Meta):
    \'\'\'Doc.\'\'\'

    size = 3

    def __init__(self, a, b=None, *args: int, key="x\\n", **kwargs) -> None:
        # blank lines and comments

        self.a, self._b = a, b[1:-1, ::2]
        if not isinstance(a, (str, bytes)) and a is not None or b != 0:
            raise ValueError("bad value %r" % (a,)) from None
        elif a == 1 <= b < 2:
            return
        else:
            pass
        assert len(a) > 0, f"{a!r:>{b}} and {self.a[0]['k']} {{}} {x + 1}"

    async def run(self):
        async with self.lock as l, open(p.join("a", r'\\d+'), 'rb') as file:
            await file.read(10); yield
        total += sum(i * j // 2 for i in self if i) | 0b1 & ~1 ^ 2 << 3
        for i, (j, k) in enumerate(zip(a, b)):
            while True:
                try:
                    del x[i], y.z
                    continue
                except (KeyError, OSError) as error:
                    print(f'{error}', file=sys.stderr, end="")
                    break
                finally:
                    global G
                    G = i if j else k
        return self.run(*args, **{'x': b'\\x00'}) or "a" 'b' + \\
            """c""" @ rf"{d}"


if __name__ == "__main__":
	main([], {}, ())
'''
