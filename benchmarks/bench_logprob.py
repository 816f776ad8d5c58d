"""Memory and CPU time of log-probabilities and entropies from hidden states, by vocabulary.

    python benchmarks/bench_logprob.py [--tokens 1024] [--width 128]

Each row is a child process: peak resident memory above what it held with hidden states, weights and
both gradients allocated, forward and backward, one thread. `plain` keeps the logits.
"""

from __future__ import annotations

import argparse
import os
import resource
import time

import torch

from neox.kernels.linear_logprob import reference
from neox.objectives.logprob import token_logprobs

VOCABULARIES = (258, 4_096, 32_768, 151_936)


def measure(kind: str, tokens: int, width: int, vocabulary: int) -> tuple[float, float]:
    """Peak MB above the start, and CPU seconds, of one forward and backward pass."""
    read, write = os.pipe()
    if os.fork() == 0:
        torch.set_num_threads(1)
        hidden = torch.randn(tokens, width, requires_grad=True)
        weight = torch.randn(vocabulary, width).mul_(0.02).requires_grad_(True)
        hidden.grad, weight.grad = torch.ones_like(hidden), torch.ones_like(weight)
        target = torch.randint(vocabulary, (tokens,))
        before = resident()
        began = time.process_time()
        function = reference if kind == "plain" else token_logprobs
        logprob, entropy = function(hidden, weight, target, 1.0)
        (logprob.sum() + 0.01 * entropy.sum()).backward()
        seconds = time.process_time() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        os.write(write, f"{peak - before} {seconds}".encode())
        os._exit(0)
    os.wait()
    mb, seconds = os.read(read, 100).decode().split()
    return float(mb), float(seconds)


def resident() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=1024)
    parser.add_argument("--width", type=int, default=128)
    args = parser.parse_args()
    print(f"torch {torch.__version__}, {args.tokens} tokens of width {args.width}")
    print("| vocabulary | plain MB | chunked MB | of it weights' gradient | plain s | chunked s |")
    print("| --- | --- | --- | --- | --- | --- |")
    for vocabulary in VOCABULARIES:
        plain, plain_s = measure("plain", args.tokens, args.width, vocabulary)
        chunked, chunked_s = measure("chunked", args.tokens, args.width, vocabulary)
        gradient = vocabulary * args.width * 4 / 2**20
        print(
            f"| {vocabulary:,} | {plain:.0f} | {chunked:.0f} | {gradient:.0f} | {plain_s:.2f} | "
            f"{chunked_s:.2f} |"
        )


if __name__ == "__main__":
    main()
