"""The decimal digits of a number that is not negative: loops that take digits off, and texts of
digits.
"""

from neox.datasets.forge.grammar import BOOL, INT, LIST, NAT, SMALL, Family, Op, register

_FOLD = (
    "t = {B}\nwhile n > 0:\n    v = n % 10\n    if {P}:\n        t = t * 2 + {E}\n    n //= 10\nt"
)
_LOOP = "t = {B}\nwhile n > 0:\n    v = n % 10\n    if {P}:\n        t += {E}\n    n //= 10\nt"

register(
    Family(
        "digit",
        (
            Op(
                "digit sum",
                NAT,
                NAT,
                "sum(int(c) for c in str(n))",
                ("the sum of its digits", "the digit sum"),
                wrong="len(str(n))",
            ),
            Op(
                "loop digits",
                NAT,
                INT,
                _LOOP,
                ("the sum of {the digits}", "the total of {the digits}"),
                wrong=_LOOP.replace("t +=", "t -="),
                grows=True,
            ),
            Op(
                "fold digits",
                NAT,
                INT,
                _FOLD,
                (
                    "the fold r = 2 * r + v from {B} over {the digits} from the right",
                    "the last r of r = 2 * r + v from {B} over {the digits}, last first",
                ),
                wrong=_FOLD.replace("t * 2 + {E}", "t + 2 * {E}"),
                grows=True,
            ),
            Op(
                "digit count",
                NAT,
                SMALL,
                "len(str(n))",
                ("the number of its digits", "the digit count"),
                wrong="len(str(n)) - 1",
            ),
            Op(
                "reverse digits",
                NAT,
                NAT,
                "int(str(n)[::-1])",
                ("reverse its digits", "read its digits backwards"),
                wrong="int(str(n)[-1])",
            ),
            Op(
                "largest digit",
                NAT,
                SMALL,
                "int(max(str(n)))",
                ("the largest digit", "the highest of its digits"),
                wrong="int(min(str(n)))",
            ),
            Op(
                "smallest digit",
                NAT,
                SMALL,
                "int(min(str(n)))",
                ("the smallest digit", "the lowest of its digits"),
                wrong="int(max(str(n)))",
            ),
            Op(
                "digits",
                NAT,
                LIST,
                "[int(c) for c in str(n)]",
                ("list its digits", "split it into its digits"),
                wrong="[int(c) for c in str(n)[1:]]",
            ),
            Op(
                "digits from right",
                NAT,
                LIST,
                "[int(c) for c in str(n)[::-1]]",
                ("list its digits from the right", "split it into its digits, last first"),
                wrong="[int(c) for c in str(n)[:0:-1]]",
            ),
            Op(
                "last digit",
                NAT,
                SMALL,
                "n % 10",
                ("the last digit", "the units digit"),
                wrong="n // 10",
                cost="1",
            ),
            Op(
                "drop digit",
                NAT,
                NAT,
                "n // 10",
                ("drop its last digit", "remove the units digit"),
                wrong="n % 10",
                cost="1",
            ),
            Op(
                "first digit",
                NAT,
                SMALL,
                "while n > 9:\n    n //= 10\nn",
                ("the first digit", "the leading digit"),
                wrong="while n > 9:\n    n //= 100\nn",
            ),
            Op(
                "sort digits",
                NAT,
                NAT,
                'int("".join(sorted(str(n))))',
                ("sort its digits ascending", "put its digits in ascending order"),
                wrong='int("".join(sorted(str(n), reverse=True)))',
                cost="n log n",
            ),
            Op(
                "digital root",
                NAT,
                SMALL,
                "while n > 9:\n    n = sum(int(c) for c in str(n))\nn",
                ("the repeated digit sum down to one digit", "the digital root"),
                wrong="if n > 9:\n    n = sum(int(c) for c in str(n))\nn",
            ),
            Op(
                "digit count of",
                NAT,
                SMALL,
                "str(n).count(str({c}))",
                ("the number of digits equal to {c}", "the count of the digit {c}"),
                wrong="str(n).find(str({c})) + 1",
                consts=(0, 1, 2, 7, 9),
            ),
            Op(
                "palindrome number",
                NAT,
                BOOL,
                "str(n) == str(n)[::-1]",
                ("whether its digits read the same backwards", "whether it is a palindrome"),
                wrong="str(n)[0] == str(n)[-1]",
            ),
        ),
    )
)
