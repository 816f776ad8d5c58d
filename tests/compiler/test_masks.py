"""Masks against the acceptor, token by token, and programs that have to end within a budget."""

import random
from functools import lru_cache

import pytest

from neox.compiler.viable import Masks, State, Vocabulary

PIECES = [
    *"x y _ match case type f( ( [ { ) ] } , : = := . ... -> * ** + - ~ @ / | < == != +=".split(),
    *"0 1j 0x1f 1e5 1. 'a' b'c' f'{ {{ }} !r \\ # \\n \\x41 \\N{DIGIT' \"\"\" f\"\"\"".split(),
    *"lambda if else elif for in is not and or await async def class return yield from".split(),
    *"import as with try except finally while pass del global assert True None é if:".split(),
    *(" ", "  ", "\n", "\n ", "\n    ", "\t", "\r", "\f", "\n\n", " \\\n", "):\n"),
]


def vocabulary() -> Vocabulary:
    """All bytes, the pieces, and random runs of two to four of them."""
    rng = random.Random(1)
    tokens = [bytes([byte]) for byte in range(256)] + [piece.encode() for piece in PIECES]
    for _ in range(500):
        tokens.append("".join(rng.choices(PIECES, k=rng.randrange(2, 5))).encode())
    return Vocabulary([None, *dict.fromkeys(tokens), b""], end=[0])


@lru_cache(maxsize=2)
def masks_of(version: tuple[int, int]) -> Masks:
    return Masks(vocabulary(), version)


def allowed(row: bytes, token: int) -> bool:
    return bool(row[token >> 3] >> (token & 7) & 1)


def walk(masks: Masks, rng: random.Random, steps: int) -> State:
    """Random bytes and tokens that are allowed."""
    state = masks.start()
    for _ in range(steps):
        after = masks.advance(state, rng.randrange(1, masks.vocabulary.size))
        state = state if after is None else after
    return state


def expected(masks: Masks, state: State, budget: int | None = None) -> set[int]:
    """Each token tried on its own."""
    found = set(masks.vocabulary.end) if masks.complete(state) else set()
    for token, data in enumerate(masks.vocabulary.tokens):
        after = masks.read(state, data) if data else None
        if after is not None and (budget is None or masks.acceptor.cost(after) < budget):
            found.add(token)
    return found


@pytest.mark.parametrize("version", [(3, 11), (3, 14)])
def test_masks_are_exact(version: tuple[int, int]) -> None:
    masks, rng = masks_of(version), random.Random(2)
    for _ in range(150):
        state = walk(masks, rng, rng.randrange(60))
        row = masks.mask(state)
        found = {token for token in range(masks.vocabulary.size) if allowed(row, token)}
        assert found == expected(masks, state)


@pytest.mark.parametrize(
    "text",
    [
        "if x:\n    if y:\n        z\n    ",
        "try:\n  x\n",
        "f(a,\n\n  ",
        "f'''{x:\n",
        "f'{a[",
        "match x:\n  case 1: pass\n",
        "@a\n",
        "(" * 199,
        "[(" * 98,
        "x = 1 # ",
        "# é"[:-1],
        "if x:\n\ty\n",
        "\\\n",
    ],
)
def test_masks_are_exact_at_corners(text: str) -> None:
    masks = masks_of((3, 14))
    state = masks.read(masks.start(), text.encode())
    assert state is not None
    row = masks.mask(state)
    found = {token for token in range(masks.vocabulary.size) if allowed(row, token)}
    assert found == expected(masks, state)


def test_budgets_are_exact() -> None:
    masks, rng = masks_of((3, 14)), random.Random(3)
    for _ in range(40):
        state = walk(masks, rng, rng.randrange(40))
        for spare in (-1, 0, 1, 5, 30):
            budget = masks.acceptor.cost(state) + spare
            row = masks.mask(state, budget)
            found = {token for token in range(masks.vocabulary.size) if allowed(row, token)}
            assert found == expected(masks, state, budget)


def test_an_ample_budget_changes_nothing() -> None:
    masks, rng = masks_of((3, 14)), random.Random(4)
    for _ in range(60):
        state = walk(masks, rng, rng.randrange(60))
        budget = masks.acceptor.cost(state)
        while not masks.budget.is_ample(state, budget):
            budget += 1
        assert expected(masks, state, budget) == expected(masks, state)


def test_texts_end_within_their_budget() -> None:
    masks, rng = masks_of((3, 14)), random.Random(5)
    for _ in range(25):
        state, budget = masks.start(), rng.randrange(1, 40)
        while budget > 0:
            row = masks.mask(state, budget)
            choices = [t for t in range(1, masks.vocabulary.size) if allowed(row, t)]
            if not choices:
                break
            after = masks.advance(state, rng.choice(choices))
            assert after is not None
            state, budget = after, budget - 1
        assert masks.complete(state)


def test_rows_and_buffers() -> None:
    masks = Masks(Vocabulary([b"x", b"(", b")", b"\n", b"\xc3", None, *[b"y"] * 30], end=[5]))
    opened = masks.read(masks.start(), b"(")
    assert opened is not None
    assert masks.vocabulary.row_bytes == 8

    rows = bytearray(16)
    masks.fill_batch([masks.start(), opened], rows)
    assert rows == masks.mask(masks.start()) + masks.mask(opened)
    row = bytearray(8)
    masks.fill(opened, row)
    assert row == rows[8:]
    with pytest.raises(ValueError, match="a buffer of 9 bytes"):
        masks.fill(opened, bytearray(9))
    with pytest.raises(ValueError, match="for 1 masks"):
        masks.fill_batch([opened], rows)


def test_end_tokens_and_special_ones() -> None:
    masks = Masks(Vocabulary([b"x", b"=", None, b"</s>"], end=[3]))
    state = masks.advance(masks.start(), 0)
    assert state is not None
    assert masks.advance(state, 3) is state
    assert masks.advance(state, 2) is None
    opened = masks.advance(state, 1)
    assert opened is not None
    assert masks.advance(opened, 3) is None
    assert masks.mask(opened) == bytes([0b0011, 0, 0, 0])  # `x==`
    assert masks.mask(state) == bytes([0b1011, 0, 0, 0])
    with pytest.raises(ValueError, match="outside of the vocabulary"):
        Vocabulary([b"x"], end=[1])
    with pytest.raises(ValueError, match="all single bytes"):
        masks.mask(state, 3)


def test_very_long_tokens() -> None:
    masks = Masks(Vocabulary([b"x" * 300, b"(" * 300, b" " * 300, b"'" + b"a" * 300]))
    assert masks.mask(masks.start()) == bytes([0b1101, 0, 0, 0])


def test_the_spelling_of_byte_level_vocabularies() -> None:
    words = Vocabulary.byte_level(["Ġdef", "Ċ", "Ã©", "<s>", "日"], special=[3])
    assert words.tokens == [b" def", b"\n", "é".encode(), b"", b""]


def test_preparing_changes_no_mask() -> None:
    words = Vocabulary([b"x", b" ", b"f(", b"'", b"\n", b"1", b")", b"import", b"# "])
    prepared, plain, rng = Masks(words), Masks(words), random.Random(6)
    prepared.prepare()
    for _ in range(50):
        text = b"".join(rng.choices(words.tokens, k=6))
        state, other = prepared.read(prepared.start(), text), plain.read(plain.start(), text)
        assert (state is None) == (other is None)
        if state is not None and other is not None:
            assert prepared.mask(state) == plain.mask(other)
