"""A crowd against `neox serve`: streams at once, with clients that stall, vanish and send garbage.

    python benchmarks/load_server.py MODEL [--streams 100] [--seconds 600] [--slots 32]

Starts the server as a process of its own. First one client asks one text after another (the
sequential rate), then STREAMS good clients stream without pause while bad ones come in turn: one
stops reading for three seconds, one leaves in the middle, one sends what is no request. Prints the
table: good requests that failed, tokens per second beside sequential, the gap between the tokens of
a stream, the server's resident memory over time, and whether a stream survives SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neox.datasets.forge import Forge

PORT, NEW = 8765, 48
GARBAGE = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/9.9\r\n\r\n",
    b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nnot json!",
    b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n{",
    b"\x00" * 5000,
)


@dataclass
class Seen:
    good: int = 0
    failed: int = 0
    tokens: int = 0
    gaps: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    bad: int = 0
    errors: list[str] = field(default_factory=list)


def head(body: dict[str, Any]) -> bytes:
    data = json.dumps(body).encode()
    return (
        b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(data)
    ) + data


def ask(prompt: str, seed: int) -> dict[str, Any]:
    return {"model": "m", "prompt": prompt, "max_tokens": NEW, "temperature": 1.0, "seed": seed,
            "stream": True, "stream_options": {"include_usage": True}, "logprobs": 0}  # fmt: skip


async def good(prompt: str, seed: int, seen: Seen) -> None:
    began = last = time.perf_counter()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        writer.write(head(ask(prompt, seed)))
        status = await reader.readline()
        text, usage = b"", 0
        async for line in reader:
            text = line if line.startswith(b"data:") else text
            if b'"tokens": ["' in line:
                now = time.perf_counter()
                (seen.gaps if last != began else seen.first).append(now - last)
                last = now
            if b'"choices": []' in line:
                usage = json.loads(line[6:])["usage"]["completion_tokens"]
        writer.close()
        if b" 200 " not in status or text.strip() != b"data: [DONE]" or not usage:
            raise OSError(f"{status!r} {text[:80]!r}")
        seen.good += 1
        seen.tokens += usage
    except OSError as error:
        seen.failed += 1
        seen.errors.append(str(error))


async def naughty(prompt: str, turn: int, seen: Seen) -> None:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        if turn % 3 == 2:
            writer.write(GARBAGE[turn // 3 % len(GARBAGE)])
            await asyncio.wait_for(reader.read(2000), 2)
        else:
            writer.write(head(ask(prompt, turn)))
            await reader.readline()
            if turn % 3 == 0:
                await asyncio.sleep(3)
        writer.transport.abort()
    except (OSError, TimeoutError):
        pass
    seen.bad += 1


async def crowd(
    prompts: list[str], streams: int, seconds: float, seen: Seen, pid: int
) -> list[int]:
    until, chance, memory = time.monotonic() + seconds, random.Random(0), []

    async def keep_asking(number: int) -> None:
        turn = 0
        while time.monotonic() < until:
            await good(chance.choice(prompts), number * 10_000 + turn, seen)
            turn += 1

    async def keep_teasing(number: int) -> None:
        turn = number
        while time.monotonic() < until:
            await naughty(chance.choice(prompts), turn, seen)
            turn += 1
            await asyncio.sleep(0.2)

    async def watch() -> None:
        while time.monotonic() < until:
            memory.append(resident(pid))
            await asyncio.sleep(max(1.0, seconds / 20))

    tasks = [keep_asking(i) for i in range(streams)] + [keep_teasing(i) for i in range(6)]
    await asyncio.gather(*tasks, watch())
    return memory


def resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // (1 << 20)


def cpu(pid: int) -> float:
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


async def sequential(prompts: list[str], seconds: float, seen: Seen) -> float:
    began, turn = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        await good(prompts[turn % len(prompts)], turn, seen)
        turn += 1
    return seen.tokens / (time.monotonic() - began)


def metric(name: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/metrics") as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
    raise ValueError(name)


def quantile(values: list[float], q: float) -> float:
    return sorted(values)[min(len(values) - 1, int(q * len(values)))] if values else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--slots", type=int, default=32)
    args = parser.parse_args()
    prompts = [task.prompt for task in Forge(0).tasks("test", 100, (0, 1))]
    command = [sys.executable, "-m", "neox", "serve", "--model", args.model, "--name", "m"]
    server = subprocess.Popen([*command, "--port", str(PORT), "--slots", str(args.slots)])
    try:
        for _ in range(1200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/ready").close()
                break
            except (OSError, urllib.error.URLError):
                time.sleep(0.1)
        alone, seen = Seen(), Seen()
        used = cpu(server.pid)
        rate = asyncio.run(sequential(prompts, max(5, args.seconds / 10), alone))
        cost = alone.tokens / (cpu(server.pid) - used)
        used, began = cpu(server.pid), time.monotonic()
        memory = asyncio.run(crowd(prompts, args.streams, args.seconds, seen, server.pid))
        wall = time.monotonic() - began
        crowded = seen.tokens / (cpu(server.pid) - used)
        time.sleep(1)
        busy = metric("neox_requests_running") + metric("neox_requests_waiting")
        p50, p95, p99 = (1e3 * quantile(seen.gaps, q) for q in (0.5, 0.95, 0.99))
        lines = [
            "| what | figure |",
            "| --- | --- |",
            f"| good streams at once, seconds | {args.streams}, {wall:.0f} |",
            f"| good requests that ended well, failed | {seen.good}, {seen.failed} |",
            f"| bad clients (stalled, vanished, garbage) | {seen.bad} |",
            f"| texts left in the server afterwards | {busy:.0f} |",
            f"| tokens/s, sequential and crowd | {rate:.0f}, {seen.tokens / wall:.0f} "
            f"({seen.tokens / wall / rate:.1f} x) |",
            f"| tokens per CPU second of the server | {cost:.0f}, {crowded:.0f} "
            f"({crowded / cost:.1f} x) |",
            f"| between tokens, median, p95, p99 | {p50:.0f}, {p95:.0f}, {p99:.0f} ms |",
            f"| until the first token, median, p95 | {quantile(seen.first, 0.5):.2f}, "
            f"{quantile(seen.first, 0.95):.2f} s |",
            f"| resident MiB over time | {' '.join(map(str, memory))} |",
        ]
        last = Seen()

        async def drained() -> None:
            streams = [asyncio.ensure_future(good(p, i, last)) for i, p in enumerate(prompts[:8])]
            await asyncio.sleep(0.3)
            server.send_signal(signal.SIGTERM)
            await asyncio.gather(*streams)

        asyncio.run(drained())
        status = server.wait(60)
        lines.append(f"| SIGTERM with 8 streams: ended well, exit status | {last.good}, {status} |")
        print("\n".join(lines))
        for error in seen.errors[:5]:
            print("error:", error)
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
