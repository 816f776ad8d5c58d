"""Masks of a 32,000-token vocabulary: NEOX beside xgrammar and llguidance.

Trains a byte-level BPE on `../shared/corpora` (or reads `--tokenizer FILE`), then takes the mask at
each token of two texts, one token after another as in decoding: standard library files that the
tokenizer has not seen (NEOX alone, whole Python), and programs of a small subset of Python whose
grammar, with the indentation unrolled to depth 4, the peers can be given. A mask counts until it
lies in a buffer; moving on by the token is counted apart. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from neox.compiler import viable

CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"
DEPTH = 4
PROGRAMS = """
def gcd(a, b):
    while b != 0:
        a, b = b, a % b
    return a

def primes(limit):
    found = []
    for number in range(2, limit + 1):
        prime = True
        for other in found:
            if number % other == 0:
                prime = False
                break
        if prime:
            found.append(number)
    return found

def count_words(lines):
    counts = {}
    for line in lines:
        for word in line.lower().split():
            if word in counts:
                counts[word] += 1
            else:
                counts[word] = 1
    return counts

def search(items, wanted):
    low = 0
    high = len(items) - 1
    while low <= high:
        middle = (low + high) // 2
        if items[middle] == wanted:
            return middle
        elif items[middle] < wanted:
            low = middle + 1
        else:
            high = middle - 1
    return -1

def describe(name, size):
    if not NAME or size < 0:
        raise ValueError("bad name", name)
    text = "name: " + name.strip() + ", size: " + str(size)
    print(text, size * 2.5, [1, 2, 3][0:2])
    return text
""".lstrip()


def subset() -> list[tuple[str, str]]:
    """Rules of the subset, right sides in the notation that both peers read."""
    rules = [
        ("start", "(stmt0 | nl)*"),
        ("nl", r'"\n"'),
        ("list", '"[" (expr (", " expr)*)? "]"'),
        ("atom", 'NAME | NUMBER | STRING | list | "(" exprs ")" | "{}"'),
        ("index", 'expr (":" expr)?'),
        ("trailer", '"." NAME | "(" exprs? ")" | "[" index "]"'),
        ("unary", '("-" | "not ")* atom trailer*'),
        ("op", '" " ("+" | "-" | "*" | "/" | "//" | "%" | "**") " "'),
        ("rel", '" " ("==" | "!=" | "<" | ">" | "<=" | ">=" | "in" | "and" | "or") " "'),
        ("expr", "unary ((op | rel) unary)*"),
        ("exprs", 'expr (", " expr)*'),
        ("assign", '" " ("=" | "+=" | "-=" | "*=") " "'),
        ("simple", '"return" (" " exprs)? | "break" | "continue" | "pass" | "raise " expr'),
        ("line", "(simple | exprs (assign exprs)?) nl"),
    ]
    for depth in range(DEPTH + 1):
        blanks = f'"{" " * 4 * depth}" ' if depth else ""
        rules.append((f"stmt{depth}", f"{blanks}line"))
        if depth == DEPTH:
            continue
        block = f'":" nl (nl* stmt{depth + 1})+'
        heads = [
            f'"if " expr {block} ({blanks}"elif " expr {block})* ({blanks}"else" {block})?',
            f'"while " expr {block}',
            f'"for " NAME (", " NAME)* " in " expr {block}',
            f'"def " NAME "(" (NAME (", " NAME)*)? ")" {block}',
        ]
        rules[-1] = (f"stmt{depth}", f"{blanks}(line | " + " | ".join(heads) + ")")
    return rules


WORDS = [
    ("NAME", "[a-zA-Z_] [a-zA-Z0-9_]*", "/[a-zA-Z_][a-zA-Z0-9_]*/"),
    ("NUMBER", '[0-9]+ ("." [0-9]+)?', r"/[0-9]+(\.[0-9]+)?/"),
    ("STRING", r'"\"" [^"\\\n]* "\""', r'/"[^"\\\n]*"/'),
]


def ebnf() -> str:
    """For xgrammar, which reads characters."""
    rules = [("root", "start"), *subset(), *((name, body) for name, body, _ in WORDS)]
    return "\n".join(f"{name} ::= {body}" for name, body in rules)


def lark() -> str:
    """For llguidance, which reads words."""
    rules = [*subset(), *((name, body) for name, _, body in WORDS)]
    return "\n".join(f"{name}: {body}" for name, body in rules)


def trained(path: Path | None):  # type: ignore[no-untyped-def]
    """The tokenizer of that file, or one trained here."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    if path is not None and path.exists():
        return Tokenizer.from_file(str(path))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=32_000,
        special_tokens=["<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = []
    for file in sorted(CORPORA.rglob("*.py*")):
        try:
            texts.append(file.read_text("utf-8"))
        except UnicodeDecodeError:
            continue
    tokenizer.train_from_iterator(texts, trainer)
    if path is not None:
        tokenizer.save(str(path))
    return tokenizer


class Clock:
    """Microseconds of each mask and of each step: CPU time of this thread, for busy machines."""

    def __init__(self) -> None:
        self.masks: list[float] = []
        self.steps: list[float] = []

    def time(self, into: list[float], call: Callable[[], object]) -> object:
        before = time.thread_time_ns()
        result = call()
        into.append((time.thread_time_ns() - before) / 1000)
        return result

    def row(self, name: str, ready: float) -> str:
        masks, steps = sorted(self.masks), sorted(self.steps)
        n = len(masks)
        figures = [masks[n // 2], masks[n * 9 // 10], masks[n * 99 // 100], masks[-1]]
        cells = [f"{ready:.2f}", str(n), f"{sum(masks) / n:.1f}", *(f"{x:.1f}" for x in figures)]
        return f"| {name} | {' | '.join(cells)} | {steps[len(steps) // 2]:.1f} |"


HEAD = """| engine, text | ready s | masks | mean | median | p90 | p99 | max | step |
|---|---|---|---|---|---|---|---|---|"""


def neox_masks(masks: viable.Masks, tokens: list[int], clock: Clock, buffer: bytearray) -> None:
    state: viable.State | None = masks.start()
    for token in tokens:
        here = state
        assert here is not None
        clock.time(clock.masks, lambda: masks.fill(here, buffer))  # noqa: B023 - called at once
        assert buffer[token >> 3] >> (token & 7) & 1, "a token of a valid program is masked out"
        state = clock.time(clock.steps, lambda: masks.advance(here, token))  # type: ignore[assignment]  # noqa: B023


def xgrammar_masks(tokenizer, vocabulary: list[str], tokens: list[int], rounds: int) -> None:  # type: ignore[no-untyped-def]
    import xgrammar as xgr

    info = xgr.TokenizerInfo(vocabulary, vocab_type=xgr.VocabType.BYTE_LEVEL, stop_token_ids=[0])
    before = time.process_time()
    compiled = xgr.GrammarCompiler(info, max_threads=1).compile_grammar(ebnf())
    ready, clock = time.process_time() - before, Clock()
    bitmask = xgr.allocate_token_bitmask(1, len(vocabulary))
    for _ in range(rounds):
        matcher = xgr.GrammarMatcher(compiled)
        for token in tokens:
            clock.time(clock.masks, lambda: matcher.fill_next_token_bitmask(bitmask))  # noqa: B023
            ok = clock.time(clock.steps, lambda: matcher.accept_token(token))  # noqa: B023
            assert ok, "the subset's grammar does not read its programs"
    print(clock.row(f"xgrammar {metadata.version('xgrammar')}, subset", ready))


def llguidance_masks(tokenizer, tokens: list[int], rounds: int) -> None:  # type: ignore[no-untyped-def]
    import llguidance
    import llguidance.numpy as guidance

    wrapped = llguidance.LLTokenizer(tokenizer.to_str(), eos_token=0)
    before = time.process_time()
    first = llguidance.LLMatcher(wrapped, llguidance.grammar_from("lark", lark()))
    ready, clock = time.process_time() - before, Clock()
    bitmask = guidance.allocate_token_bitmask(1, wrapped.vocab_size)
    for _ in range(rounds):
        matcher = first.deep_copy()
        for token in tokens:
            clock.time(
                clock.masks,
                lambda: guidance.fill_next_token_bitmask(matcher, bitmask, 0),  # noqa: B023
            )
            ok = clock.time(clock.steps, lambda: matcher.consume_token(token))  # noqa: B023
            assert ok, "the subset's grammar does not read its programs"
    print(clock.row(f"llguidance {metadata.version('llguidance')}, subset", ready))


def held_out(tokenizer, count: int, seed: int) -> list[list[int]]:  # type: ignore[no-untyped-def]
    """Tokens of standard library files."""
    files = sorted(Path(random.__file__).parent.glob("*.py"))
    random.Random(seed).shuffle(files)
    texts: list[list[int]] = []
    for file in files:
        try:
            texts.append(tokenizer.encode(file.read_text("utf-8")).ids)
        except UnicodeDecodeError:
            continue
        if sum(map(len, texts)) >= count:
            break
    return texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokenizer", type=Path, help="a tokenizer.json to read, or to write")
    parser.add_argument("--masks", type=int, default=20_000, help="standard library tokens")
    parser.add_argument("--rounds", type=int, default=5, help="over the subset's programs")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--peers", default="xgrammar,llguidance")
    arguments = parser.parse_args()
    tokenizer = trained(arguments.tokenizer)
    strings = [tokenizer.id_to_token(number) for number in range(tokenizer.get_vocab_size())]
    before = time.process_time()
    vocabulary = viable.Vocabulary.byte_level(strings, end=[0], special=[0])
    masks = viable.Masks(vocabulary, (3, 14))
    masks.prepare()
    ready = time.process_time() - before
    buffer = bytearray(vocabulary.row_bytes)
    print(f"{viable.masks.__file__}\n\n{HEAD}")
    texts = held_out(tokenizer, arguments.masks, arguments.seed)
    clock = Clock()
    for text in texts:
        neox_masks(masks, text, clock, buffer)
    print(clock.row("NEOX, standard library, first time", ready), flush=True)
    clock = Clock()
    for text in texts:
        neox_masks(masks, text, clock, buffer)
    print(clock.row("NEOX, the same again", 0), flush=True)
    tokens = tokenizer.encode(PROGRAMS).ids
    clock = Clock()
    for _ in range(arguments.rounds):
        neox_masks(masks, tokens, clock, buffer)
    print(clock.row("NEOX, subset", 0), flush=True)
    if "xgrammar" in arguments.peers:
        xgrammar_masks(tokenizer, strings, tokens, arguments.rounds)
    if "llguidance" in arguments.peers:
        llguidance_masks(tokenizer, tokens, arguments.rounds)


if __name__ == "__main__":
    main()
