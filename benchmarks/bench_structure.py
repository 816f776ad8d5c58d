"""Programs per second of every default feature, parsing included; Hodge matrices beside peers.

    python benchmarks/bench_structure.py [--rounds 3] [--peers | --linear]

512 functions of the standard library of 50 to 500 nodes, drawn with seed 0. CPU seconds, the least
of some rounds; set OMP_NUM_THREADS=1. `--peers` (pip install toponetx xgi hypernetx) sets building
a complex and its three Laplacians from the same simplices beside theirs; `--linear` does ever
larger programs.
"""

from __future__ import annotations

import argparse
import random
import sysconfig
import textwrap
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from neox.compiler import nodes, parse, walk
from neox.topology import batch, features
from neox.topology.complexes import Complex
from neox.topology.hodge import laplacian, laplacians, spectra
from neox.topology.layers import BINDING, flow_graphs, layered, union
from neox.topology.relation import dowker_betti, rows_of
from neox.topology.survey import survey


def corpus(count: int, low: int = 50, high: int = 500) -> list[str]:
    """Texts of top-level functions and methods of so many nodes."""
    found = []
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        program = parse(path.read_bytes())
        for f in walk(program.tree):
            if isinstance(f, nodes.FunctionDef) and low <= sum(1 for _ in walk(f)) <= high:
                start = program.text.rfind("\n", 0, f.start) + 1
                text = textwrap.dedent(program.text[start : f.end]) + "\n"
                if not parse(text).diagnostics:
                    found.append(text)
    return random.Random(0).sample(found, count)


def least(work: Callable[[], object], rounds: int) -> float:
    """CPU seconds, the least of some rounds."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def speed(texts: Sequence[str], rounds: int) -> None:
    programs = [parse(t) for t in texts]
    surveys = [survey(p.tree) for p in programs]
    flows = [flow_graphs(s) for s in surveys]
    sizes = [len(s.nodes) for s in surveys]
    whole = union(surveys, flows)
    part = np.repeat(np.arange(len(sizes)), sizes)
    scopes = [(s, scope) for s in surveys for scope in s.scopes if scope.node in s.functions]
    steps: dict[str, Callable[[], object]] = {
        "parse": lambda: [parse(t) for t in texts],
        "walk": lambda: [survey(p.tree) for p in programs],
        "C1": lambda: [flow_graphs(s) for s in surveys],
        "C2 and its Betti numbers": lambda: [dowker_betti(rows_of(*s)) for s in scopes],
        "C3, five layers": lambda: union(surveys, flows),
        "Betti numbers of C3": lambda: whole.until(BINDING).betti_by(part, len(sizes)),
        "all default features": lambda: batch(programs),
        "all, parsing included": lambda: batch([parse(t) for t in texts]),
        "all, parsing included, one by one": lambda: [features(parse(t)) for t in texts],
        "whole spectra, asked for": lambda: [
            spectra(union([s], until=BINDING)) for s in surveys[::8]
        ],
    }
    where = "plain" if nodes.__file__.endswith(".py") else "compiled frontend"
    told = f"nodes {min(sizes)}-{max(sizes)}, mean {np.mean(sizes):.0f}"
    print(f"{len(texts)} programs, {told}; {where}")
    print("| step | programs/s | ms per program |\n|---|---|---|")
    for name, work in steps.items():
        count = len(texts) / (8 if "asked" in name else 1)
        spent = least(work, rounds)
        print(f"| {name} | {count / spent:.0f} | {1000 * spent / count:.3f} |", flush=True)


def ours(c: Complex) -> list[object]:
    built = Complex.of(c.vertices, c.edges, c.triangles)
    return [*laplacians(built)]


def by_toponetx(c: Complex) -> list[object]:
    import toponetx

    built = toponetx.SimplicialComplex([*c.edges.tolist(), *c.triangles.tolist()])
    return [built.hodge_laplacian_matrix(k) for k in range(3)]


def by_xgi(c: Complex) -> list[object]:
    import xgi

    built = xgi.SimplicialComplex()
    built.add_simplices_from([*c.edges.tolist(), *c.triangles.tolist()])
    return [xgi.hodge_laplacian(built, k) for k in range(3)]


def by_hypernetx(c: Complex) -> list[object]:
    """It has no Laplacians: the Betti numbers it computes from its boundary matrices."""
    import hypernetx
    from hypernetx.algorithms.homology.homology_mod2 import betti_numbers

    simplices = [*c.edges.tolist(), *c.triangles.tolist()]
    built = hypernetx.Hypergraph({i: list(map(str, s)) for i, s in enumerate(simplices)})
    return [betti_numbers(built, k=1)]


def peers(texts: Sequence[str]) -> None:
    warnings.simplefilter("ignore")
    groups = ((50, 100), (100, 200), (200, 350), (350, 500))
    sized = [(layered(parse(t).tree, BINDING)[0]) for t in texts]
    print("| tool | " + " | ".join(f"{a}-{b}" for a, b in groups) + " |")
    print("|---|" + "---|" * len(groups))
    tools: dict[str, Callable[[Complex], list[object]]] = {
        "neox, 3 Laplacians": ours,
        "neox, Betti numbers": lambda c: [Complex.of(c.vertices, c.edges, c.triangles).betti()],
        "neox, 3 spectra": lambda c: [spectra(c)],
        "TopoNetX, 3 Laplacians": by_toponetx,
        "xgi, 3 Laplacians": by_xgi,
        "hypernetx, Betti numbers": by_hypernetx,
    }
    few = [[c for c in sized if a <= c.vertices < b][:4] for a, b in groups]
    for c in few[0][:1]:  # the same matrices, up to the order of simplices and orientation
        mine, theirs = laplacian(c, 0).toarray(), by_toponetx(c)[0]
        same = np.linalg.eigvalsh(mine) - np.linalg.eigvalsh(theirs.toarray().astype(float))  # type: ignore[attr-defined]
        assert abs(same).max() < 1e-4
    for name, tool in tools.items():
        cells = []
        for group in few:
            if name.startswith("hypernetx") and group[0].vertices >= 200:
                cells.append("-")
                continue
            some = group[: 2 if "hyper" in name else 4]
            tool(some[0])  # imports and caches
            spent = least(lambda some=some, tool=tool: [tool(c) for c in some], 2)  # type: ignore[misc]
            cells.append(f"{1000 * spent / len(some):.2f}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def linear(rounds: int) -> None:
    print("| nodes | ms | us per node |\n|---|---|---|")
    body = corpus(64)
    for copies in (1, 4, 16, 64, 256, 1000):
        texts = [body[i % len(body)].replace("def ", f"def n{i}_", 1) for i in range(copies)]
        program = parse("\n".join(texts))
        count = sum(1 for _ in walk(program.tree))
        spent = least(lambda program=program: features(program), rounds)  # type: ignore[misc]
        print(f"| {count} | {1000 * spent:.1f} | {1e6 * spent / count:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--linear", action="store_true")
    args = parser.parse_args()
    if args.linear:
        linear(args.rounds)
    elif args.peers:
        peers(corpus(512))
    else:
        speed(corpus(512), args.rounds)


if __name__ == "__main__":
    main()
