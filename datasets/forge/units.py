"""The small sub-grammars that fill slots: integer expressions in `v` and predicates on `v`.

Mapping and filtering make one operation of each; folds, digit loops and recursions take them as
slots. Constants are small, so that the probe inputs reach both sides of every comparison.
"""

from neox.datasets.forge.grammar import Unit

FEW = (2, 3, 4, 5, 6, 7)

EXPRESSIONS = (
    Unit(
        "add",
        "v + {c}",
        "v - {c}",
        ("{} each plus {c}", "{} each raised by {c}"),
        ("add {c} to {}", "increase {} by {c}"),
        (1, *FEW),
    ),
    Unit(
        "mul",
        "v * {c}",
        "v + {c}",
        ("{} times {c}", "{c} times {}"),
        ("multiply {} by {c}", "scale {} by {c}"),
        FEW,
    ),
    Unit(
        "square",
        "v * v",
        "v + v",
        ("the squares of {}", "{} squared"),
        ("square {}", "multiply {} by itself"),
    ),
    Unit(
        "cube",
        "v ** 3",
        "v * 3",
        ("the cubes of {}", "{} cubed"),
        ("cube {}", "take the third power of {}"),
    ),
    Unit(
        "mod",
        "v % {c}",
        "v // {c}",
        ("{} modulo {c}", "the remainders of {} by {c}"),
        ("replace {} by its remainder by {c}", "reduce {} modulo {c}"),
        FEW,
    ),
    Unit(
        "div",
        "v // {c}",
        "v % {c}",
        ("{} floor-divided by {c}", "the floor quotients of {} by {c}"),
        ("floor-divide {} by {c}", "divide {} by {c} rounding down"),
        FEW,
    ),
    Unit(
        "abs",
        "abs(v)",
        "-v",
        ("the absolute values of {}", "{} without sign"),
        ("take the absolute value of {}", "drop the sign of {}"),
    ),
    Unit(
        "neg",
        "-v",
        "abs(v)",
        ("{} negated", "the negatives of {}"),
        ("negate {}", "flip the sign of {}"),
    ),
    Unit(
        "cap",
        "min(v, {c})",
        "max(v, {c})",
        ("{} capped at {c}", "{} limited to at most {c}"),
        ("cap {} at {c}", "limit {} to at most {c}"),
        (1, *FEW, 9),
    ),
    Unit(
        "floor",
        "max(v, {c})",
        "min(v, {c})",
        ("{} lifted to {c} or more", "{} limited to at least {c}"),
        ("lift {} to {c} or more", "limit {} to at least {c}"),
        (0, 1, *FEW),
    ),
    Unit(
        "from",
        "{c} - v",
        "v - {c}",
        ("{c} minus {}", "{} subtracted from {c}"),
        ("subtract {} from {c}", "replace {} by {c} minus it"),
        (1, *FEW, 9),
    ),
    Unit(
        "distance",
        "abs(v - {c})",
        "v - {c}",
        ("the distances of {} to {c}", "how far {} are from {c}"),
        ("replace {} by its distance to {c}", "take how far {} is from {c}"),
        FEW,
    ),
)

PREDICATES = (
    Unit("even", "v % 2 == 0", "v % 2 == 1", ("that are even", "divisible by two")),
    Unit("odd", "v % 2 == 1", "v % 2 == 0", ("that are odd", "not divisible by two")),
    Unit("above", "v > {c}", "v >= {c}", ("greater than {c}", "above {c}"), consts=(1, *FEW)),
    Unit("below", "v < {c}", "v <= {c}", ("less than {c}", "below {c}"), consts=(1, *FEW)),
    Unit("least", "v >= {c}", "v > {c}", ("of at least {c}", "not below {c}"), consts=FEW),
    Unit("most", "v <= {c}", "v < {c}", ("of at most {c}", "not above {c}"), consts=FEW),
    Unit(
        "multiple",
        "v % {c} == 0",
        "v % {c} == 1",
        ("that {c} divides", "that are multiples of {c}"),
        consts=(3, 4, 5, 6, 7),
    ),
    Unit(
        "indivisible",
        "v % {c} != 0",
        "v % {c} == 0",
        ("that {c} does not divide", "that are not multiples of {c}"),
        consts=(3, 4, 5, 6),
    ),
    Unit("positive", "v > 0", "v >= 0", ("that are positive", "above zero")),
    Unit("negative", "v < 0", "v <= 0", ("that are negative", "below zero")),
    Unit("nonzero", "v != 0", "v > 0", ("that are not zero", "different from zero")),
    Unit("unequal", "v != {c}", "v == {c}", ("other than {c}", "different from {c}"), consts=FEW),
    Unit(
        "within",
        "0 < v < {c}",
        "0 < v <= {c}",
        ("strictly between 0 and {c}", "positive and below {c}"),
        consts=(3, 5, 7, 9),
    ),
)
