"""What is claimed about small programs, and above all what is not."""

import textwrap

import pytest

from neox.compiler import parse
from neox.compiler.complexity import Bound, analyze


def bound_of(code: str) -> Bound:
    program = parse(textwrap.dedent(code))
    assert not program.diagnostics
    return analyze(program)[-1]


CLAIMED = {
    "a for loop that leaves by its index": (
        "sqrt(n)",
        """
        def f(n):
            for i in range(n):
                if i * i > n:
                    break
        """,
    ),
    "odd down by one, even halved": (
        "log(n)",
        """
        def f(x, n):
            if n == 0:
                return 1
            if n % 2:
                return x * f(x, n - 1)
            h = f(x, n // 2)
            return h * h
        """,
    ),
    "an interval from both ends": (
        "n**2",
        """
        from functools import cache
        @cache
        def f(s, i, j):
            if i >= j:
                return 0
            if s[i] == s[j]:
                return f(s, i + 1, j - 1)
            return 1 + min(f(s, i + 1, j), f(s, i, j - 1))
        """,
    ),
    "binary search by any midpoint name": (
        "log(n)",
        """
        def f(a, x):
            left, right = 0, len(a)
            while left < right:
                probe = (left + right) // 2
                if a[probe] < x:
                    left = probe + 1
                else:
                    right = probe
            return left
        """,
    ),
    "insertion sort": (
        "n**2",
        """
        def f(a):
            for i in range(1, len(a)):
                k = a[i]
                j = i - 1
                while j >= 0 and a[j] > k:
                    a[j + 1] = a[j]
                    j -= 1
                a[j + 1] = k
        """,
    ),
    "halving with a linear body is linear": (
        "n",
        """
        def f(n):
            c = 0
            while n > 0:
                for i in range(n):
                    c += 1
                n //= 2
        """,
    ),
    "sum of powers of two": (
        "2**n",
        """
        def f(n):
            c = 0
            for i in range(n):
                for j in range(2 ** i):
                    c += 1
        """,
    ),
    "squaring": (
        "log(log(n))",
        """
        def f(n):
            i = 2
            while i < n:
                i = i * i
        """,
    ),
    "a call is charged with its argument's size": (
        "n**2",
        """
        def total(a):
            t = 0
            for x in a:
                t += x
            return t
        def f(a):
            for x in a:
                total(a)
        """,
    ),
    "independent sizes stay apart": (
        "m + n",
        """
        def f(a, b):
            for x in a:
                pass
            for y in b:
                pass
        """,
    ),
    "prefix sums by slicing": (
        "n**2",
        """
        def f(a):
            for i in range(len(a)):
                sum(a[:i])
        """,
    ),
    "a memo passed as a parameter": (
        "n",
        """
        def f(n, memo={}):
            if n in memo:
                return memo[n]
            if n < 2:
                return n
            r = f(n - 1, memo) + f(n - 2, memo)
            memo[n] = r
            return r
        """,
    ),
    "Euclid by recursion": (
        "log(n)",
        """
        def f(a, b):
            if b == 0:
                return a
            return f(b, a % b)
        """,
    ),
    "trial division up to the root": (
        "sqrt(n)",
        """
        def f(n):
            for i in range(2, int(n ** 0.5) + 1):
                if n % i == 0:
                    return False
            return True
        """,
    ),
    "exhausting a generator": (
        "n",
        """
        def f(n):
            for i in range(n):
                yield i
        """,
    ),
    "merge sort with a helper": (
        "n*log(n)",
        """
        def merge(x, y):
            out = []
            i = j = 0
            while i < len(x) and j < len(y):
                if x[i] < y[j]:
                    out.append(x[i])
                    i += 1
                else:
                    out.append(y[j])
                    j += 1
            out.extend(x[i:])
            out.extend(y[j:])
            return out
        def f(a):
            if len(a) < 2:
                return a
            h = len(a) // 2
            return merge(f(a[:h]), f(a[h:]))
        """,
    ),
}

NOT_CLAIMED = {
    "a sieve whose table is not full": """
        def f(n):
            s = [True] * (n + 1)
            s[2] = False
            for p in range(2, n + 1):
                if s[p]:
                    for j in range(p * p, n + 1, p):
                        s[j] = False
        """,
    "a sieve that strikes nothing out": """
        def f(n):
            s = [True] * (n + 1)
            for p in range(2, n + 1):
                if s[p]:
                    for j in range(2 * p, n + 1, p):
                        s[j] = True
        """,
    "nodes that are led in a circle": """
        def f(head):
            node = head
            while node:
                node.next = head
                node = node.next
        """,
    "one part of a node visited twice": """
        def f(root):
            if root is None:
                return 0
            return f(root.left) + f(root.left)
        """,
    "a break after five rounds is not linear": """
        def f(n):
            for i in range(n):
                if i == 5:
                    break
        """,
    "remembered in a table the function writes itself": """
        def f(n, table):
            if n <= 2:
                return 1
            if table[n] != -1:
                return table[n]
            table[n] = f(n - 1, table) + f(n - 2, table)
            return table[n]
        """,
    "two arguments, one of them bounded": """
        from functools import cache
        @cache
        def f(i, j):
            if i > j:
                return 0
            return f(i + 1, j + 1) + f(i + 1, j)
        """,
    "away from the base case": """
        def f(n):
            if n == 0:
                return 0
            return f(n + 1)
        """,
    "an odd step that the next level cannot take": """
        def f(n):
            if n <= 0:
                return 1
            if n % 2:
                return f(n - 1) + f(n - 1)
            return 1
        """,
    "a half that keeps the pivot": """
        def f(a):
            if len(a) <= 1:
                return a
            p = a[0]
            return f([x for x in a if x < p]) + f([x for x in a if x >= p])
        """,
    "a pivot that is assigned anew between the filters": """
        def f(a, b):
            if len(a) <= 1:
                return a
            p = a[0]
            low = [x for x in a if x <= p]
            p = b[0]
            return f(low, b) + f([x for x in a if x > p], b)
        """,
    "the root of one": """
        def f(n):
            if n <= 0:
                return 1
            return f(int(n ** 0.5)) + 1
        """,
    "distinct only inside one round": """
        def f(a, n):
            seen = set()
            for i in range(n):
                for x in a:
                    seen.add(x)
            c = 0
            for x in seen:
                for y in seen:
                    c += 1
            return c
        """,
    "membership of what was just added": """
        def f(a):
            seen = set()
            for x in a:
                seen.add(x)
                if x in seen:
                    return True
        """,
    "membership in a set of the same items": """
        def f(a):
            s = set(a)
            for x in a:
                if x not in s:
                    for y in a:
                        pass
        """,
    "an element compared with itself through two names": """
        def f(a):
            for x in a:
                if x >= a[0]:
                    return x
        """,
    "two exits that cannot both be avoided": """
        def f(a, t):
            for x in a:
                if x == t:
                    return 1
                if x != t:
                    return 2
        """,
    "a marker overwritten in the round before": """
        def f(a):
            for i in range(len(a)):
                if a[0] == 1:
                    return i
                a[0] = 1
        """,
    "interval halving that stands still": """
        def f(a, x):
            lo, hi = 0, len(a)
            while lo < hi:
                mid = (lo + hi) // 2
                if a[mid] < x:
                    lo = mid
                else:
                    hi = mid
        """,
    "recursion that steps over its base case": """
        def f(n):
            if n == 0:
                return 0
            return f(n - 2)
        """,
    "recursion rounded up to itself": """
        def f(n):
            if n <= 0:
                return 0
            return f((n + 1) // 2)
        """,
    "a list that doubles": """
        def f(n):
            b = [1]
            for i in range(n):
                b = b + b
            return b
        """,
    "a loop that ends only for other starts": """
        def f(n):
            while n > 0:
                n += 1
        """,
    "a container that grows while it is iterated": """
        def f(a):
            for x in a:
                a.append(x)
        """,
    "a string built letter by letter": """
        def f(n):
            s = ""
            for i in range(n):
                s += "x"
            return s
        """,
    "trial division from 1": """
        def f(n):
            for i in range(1, n):
                if n % i == 0:
                    return i
        """,
    "content that was sorted": """
        def f(a):
            a.sort()
            for i in range(1, len(a)):
                if a[i] < a[i - 1]:
                    for x in a:
                        for y in a:
                            pass
        """,
    "an unknown decorator": """
        @slow
        def f(n):
            return n
        """,
    "an unknown base class method": """
        class A:
            def f(self):
                for x in self:
                    pass
        """,
    "a bounded cache": """
        from functools import lru_cache
        @lru_cache(maxsize=2)
        def f(n):
            if n < 2:
                return n
            return f(n - 1) + f(n - 2)
        """,
}


@pytest.mark.parametrize("name", CLAIMED)
def test_claimed(name: str) -> None:
    theta, code = CLAIMED[name]
    assert bound_of(code).theta == theta


@pytest.mark.parametrize("name", NOT_CLAIMED)
def test_not_claimed(name: str) -> None:
    assert bound_of(NOT_CLAIMED[name]).theta is None


def test_a_lower_bound_needs_an_input_that_pays_it() -> None:
    bound = bound_of(
        "def f(a):\n    if len(a) > 9:\n        return\n    for x in a:\n        pass\n"
    )
    assert (bound.lower.expression, bound.upper.expression) == ("1", "n")


def test_assumptions_are_named_and_lower_the_evidence() -> None:
    bound = bound_of(
        "def f(a):\n    s = set()\n    for x in a:\n        if x not in s:\n            s.add(x)\n"
    )
    assert bound.theta == "n"
    assert bound.status == "assumed"
    assert "hash-O1" in bound.assumptions


def test_renaming_and_constant_work_change_nothing() -> None:
    one = bound_of("def f(n):\n    c = 0\n    for i in range(n):\n        c += i\n    return c\n")
    two = bound_of(
        "def g(k):\n    q = 7\n    z = 0\n    for w in range(k):\n        z += w\n    return z\n"
    )
    assert (one.theta, two.theta) == ("n", "n")


@pytest.mark.parametrize(
    "text",
    ["def f(:\n  x", "def f(n):\n    return (\n", "\x00", "", "def f(n):\n for\n", "class A(:"],
)
def test_broken_text_never_raises(text: str) -> None:
    for bound in analyze(parse(text)):
        assert bound.theta is None


def test_functions_that_parse_are_analysed_beside_broken_ones() -> None:
    bounds = analyze(
        parse("def f(a):\n    for x in a:\n        pass\n\ndef g(n):\n    return n +\n")
    )
    assert {b.function: b.theta for b in bounds}["f"] == "n"


def test_many_paths_are_blended_and_stay_right() -> None:
    lines = [f"    if a[{i}] == x: c += {i}\n    else: d{i} = 1" for i in range(60)]
    code = "def f(a, x):\n    c = 0\n" + "\n".join(lines) + "\n    return c\n"
    assert analyze(parse(code))[0].theta == "1"


def test_deep_nesting_is_unknown_not_a_crash() -> None:
    code = "def f(n):\n    return " + "-" * 3000 + "n\n"
    analyze(parse(code))
