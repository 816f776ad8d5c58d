"""Kinds of tokens as small integers, so that the parser compares numbers and never text.

The order carries meaning: everything up to DEDENT is layout, operators follow the literal kinds,
keywords come last; LPAR, LSQB and DOT, which continue an operand, are neighbours. A new operator
or keyword is one constant and one row of its table.
"""

from __future__ import annotations

from typing import Final

END: Final = 0
NEWLINE: Final = 1
INDENT: Final = 2
DEDENT: Final = 3
NAME: Final = 4
NUMBER: Final = 5
STRING: Final = 6
ERROR: Final = 7
FSTART: Final = 8
FMIDDLE: Final = 9
FEND: Final = 10
EXCLAM: Final = 11

LPAR: Final = 12
LSQB: Final = 13
DOT: Final = 14
RPAR: Final = 15
RSQB: Final = 16
LBRACE: Final = 17
RBRACE: Final = 18
COMMA: Final = 19
COLON: Final = 20
SEMI: Final = 21
ELLIPSIS: Final = 22
EQUAL: Final = 23
ARROW: Final = 24
WALRUS: Final = 25
PLUS: Final = 26
MINUS: Final = 27
STAR: Final = 28
SLASH: Final = 29
DOUBLESLASH: Final = 30
PERCENT: Final = 31
AT: Final = 32
AMPER: Final = 33
VBAR: Final = 34
CARET: Final = 35
TILDE: Final = 36
LSHIFT: Final = 37
RSHIFT: Final = 38
DOUBLESTAR: Final = 39
LESS: Final = 40
GREATER: Final = 41
LESSEQUAL: Final = 42
GREATEREQUAL: Final = 43
EQEQUAL: Final = 44
NOTEQUAL: Final = 45
PLUSEQUAL: Final = 46
MINEQUAL: Final = 47
STAREQUAL: Final = 48
SLASHEQUAL: Final = 49
DOUBLESLASHEQUAL: Final = 50
PERCENTEQUAL: Final = 51
ATEQUAL: Final = 52
AMPEREQUAL: Final = 53
VBAREQUAL: Final = 54
CARETEQUAL: Final = 55
LSHIFTEQUAL: Final = 56
RSHIFTEQUAL: Final = 57
DOUBLESTAREQUAL: Final = 58

FALSE: Final = 59
NONE: Final = 60
TRUE: Final = 61
AND: Final = 62
AS: Final = 63
ASSERT: Final = 64
ASYNC: Final = 65
AWAIT: Final = 66
BREAK: Final = 67
CLASS: Final = 68
CONTINUE: Final = 69
DEF: Final = 70
DEL: Final = 71
ELIF: Final = 72
ELSE: Final = 73
EXCEPT: Final = 74
FINALLY: Final = 75
FOR: Final = 76
FROM: Final = 77
GLOBAL: Final = 78
IF: Final = 79
IMPORT: Final = 80
IN: Final = 81
IS: Final = 82
LAMBDA: Final = 83
NONLOCAL: Final = 84
NOT: Final = 85
OR: Final = 86
PASS: Final = 87
RAISE: Final = 88
RETURN: Final = 89
TRY: Final = 90
WHILE: Final = 91
WITH: Final = 92
YIELD: Final = 93

OPERATORS: Final[dict[str, int]] = {
    "(": LPAR,
    "[": LSQB,
    ".": DOT,
    ")": RPAR,
    "]": RSQB,
    "{": LBRACE,
    "}": RBRACE,
    ",": COMMA,
    ":": COLON,
    ";": SEMI,
    "...": ELLIPSIS,
    "=": EQUAL,
    "->": ARROW,
    ":=": WALRUS,
    "+": PLUS,
    "-": MINUS,
    "*": STAR,
    "/": SLASH,
    "//": DOUBLESLASH,
    "%": PERCENT,
    "@": AT,
    "&": AMPER,
    "|": VBAR,
    "^": CARET,
    "~": TILDE,
    "<<": LSHIFT,
    ">>": RSHIFT,
    "**": DOUBLESTAR,
    "<": LESS,
    ">": GREATER,
    "<=": LESSEQUAL,
    ">=": GREATEREQUAL,
    "==": EQEQUAL,
    "!=": NOTEQUAL,
    "+=": PLUSEQUAL,
    "-=": MINEQUAL,
    "*=": STAREQUAL,
    "/=": SLASHEQUAL,
    "//=": DOUBLESLASHEQUAL,
    "%=": PERCENTEQUAL,
    "@=": ATEQUAL,
    "&=": AMPEREQUAL,
    "|=": VBAREQUAL,
    "^=": CARETEQUAL,
    "<<=": LSHIFTEQUAL,
    ">>=": RSHIFTEQUAL,
    "**=": DOUBLESTAREQUAL,
}

KEYWORDS: Final[dict[str, int]] = {
    "False": FALSE,
    "None": NONE,
    "True": TRUE,
    "and": AND,
    "as": AS,
    "assert": ASSERT,
    "async": ASYNC,
    "await": AWAIT,
    "break": BREAK,
    "class": CLASS,
    "continue": CONTINUE,
    "def": DEF,
    "del": DEL,
    "elif": ELIF,
    "else": ELSE,
    "except": EXCEPT,
    "finally": FINALLY,
    "for": FOR,
    "from": FROM,
    "global": GLOBAL,
    "if": IF,
    "import": IMPORT,
    "in": IN,
    "is": IS,
    "lambda": LAMBDA,
    "nonlocal": NONLOCAL,
    "not": NOT,
    "or": OR,
    "pass": PASS,
    "raise": RAISE,
    "return": RETURN,
    "try": TRY,
    "while": WHILE,
    "with": WITH,
    "yield": YIELD,
}

KINDS: Final = 94  # how many kinds there are: the size of a table by kind
NAMES: Final[dict[int, str]] = {
    **{kind: text for text, kind in OPERATORS.items()},
    **{kind: text for text, kind in KEYWORDS.items()},
    END: "end of text",
    NEWLINE: "newline",
    INDENT: "indent",
    DEDENT: "dedent",
    NAME: "name",
    NUMBER: "number",
    STRING: "string",
    FSTART: "f-string start",
    FMIDDLE: "f-string text",
    FEND: "f-string end",
    EXCLAM: "!",
}


class Tokens:
    """The tokens of a text as parallel lists; `messages` explains each ERROR token."""

    __slots__ = ("blocks", "brackets", "ends", "kinds", "messages", "starts")

    def __init__(self) -> None:
        self.kinds: list[int] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.messages: dict[int, str] = {}
        self.brackets = 0  # the deepest nesting of brackets
        self.blocks = 0  # the deepest nesting of blocks

    def add(self, kind: int, start: int, end: int) -> None:
        self.kinds.append(kind)
        self.starts.append(start)
        self.ends.append(end)

    def add_error(self, message: str, start: int, end: int) -> None:
        self.messages[len(self.kinds)] = message
        self.add(ERROR, start, end)

    def truncate(self, size: int) -> None:
        """Forget all tokens from this index on."""
        del self.kinds[size:]
        del self.starts[size:]
        del self.ends[size:]
        while self.messages:  # their indexes rise, so that the last ones are those to forget
            index, message = self.messages.popitem()
            if index < size:
                self.messages[index] = message
                break
