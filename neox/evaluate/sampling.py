"""Draw replies for a benchmark from a model or from a server that speaks OpenAI's API.

Replies are kept in a file as they are drawn, so that an interrupted evaluation does not draw them
again. Every draw is a function of the seed and the problem alone.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neox.errors import InputError
from neox.evaluate.benchmarks.base import Problem, Replies, Reply
from neox.evaluate.judging import reply
from neox.evaluate.prompts import Preset

Progress = Callable[[int, int], None]
BATCH = 32  # problems per batch of a model
PATIENCE = 600  # seconds for one answer of a server


@dataclass(frozen=True, slots=True)
class Law:
    """How replies are drawn: `count` per problem; temperature 0 is greedy."""

    temperature: float
    count: int
    max_new_tokens: int
    seed: int


class SampleFile:
    """Drawn replies by problem, one problem per line; without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def read(self, settings: dict[str, Any]) -> dict[str, list[str]]:
        """What has been drawn under the same settings. InputError for other settings."""
        if self.path is None:
            return {}
        if not self.path.exists():
            self.path.write_text(json.dumps(settings) + "\n")
            return {}
        whole, _, _ = self.path.read_text().rpartition("\n")  # a line cut short is drawn again
        first, *lines = whole.split("\n") if whole else [""]
        if first != json.dumps(settings):
            raise InputError(
                "these replies were drawn from another model, with other settings or from other "
                "problems",
                self.path,
                1,
                "name another --output, or move this file away",
            )
        with self.path.open("r+") as file:
            file.truncate(len(whole.encode()) + 1)
        found = [json.loads(line) for line in lines]
        return {row["task_id"]: row["completions"] for row in found}

    def append(self, id: str, completions: Sequence[str]) -> None:
        if self.path is not None:
            row = {"task_id": id, "completions": list(completions)}
            with self.path.open("a") as file:
                file.write(json.dumps(row) + "\n")


def from_model(
    model: str,
    problems: Sequence[Problem],
    preset: Preset,
    law: Law,
    kept: SampleFile,
    progress: Progress,
) -> Replies:
    """Replies of a run or model folder."""
    from neox.policy import Sampling, load
    from neox.train.seeding import generator

    policy = load(model)
    sampling = Sampling(law.temperature, max_new_tokens=law.max_new_tokens)
    known = kept.read(_settings(model, preset, law, problems))
    for start in range(0, len(problems), BATCH):
        some = problems[start : start + BATCH]
        if all(p.id in known for p in some):
            continue
        ids = policy.tokenizer.encode_batch([preset.prompt(p.fields) for p in some])
        try:
            drawn = policy.generate(
                ids, law.count, sampling, generator(law.seed, "evaluate", start)
            )
        except ValueError as error:
            raise InputError(
                f"{some[0].id} and the tasks after it do not fit the model: {error}",
                remedy="judge a model with a longer context, or lower --max-new-tokens",
            ) from None
        texts: list[list[str]] = [[] for _ in some]
        for completion in drawn:
            texts[completion.prompt].append(policy.tokenizer.decode(completion.ids))
        for problem, found in zip(some, texts, strict=True):
            if problem.id not in known:
                known[problem.id] = found
                kept.append(problem.id, found)
        progress(min(start + BATCH, len(problems)), len(problems))
    return _cut(problems, known, preset)


def from_server(
    url: str,
    problems: Sequence[Problem],
    preset: Preset,
    law: Law,
    kept: SampleFile,
    progress: Progress,
) -> Replies:
    """Replies of the first model of a server, by /v1/completions, or chat for chat presets.

    The key is read from OPENAI_API_KEY.
    """
    url = url.rstrip("/").removesuffix("/v1")
    model = _ask(f"{url}/v1/models")["data"][0]["id"]
    known = kept.read(_settings(f"{url} {model}", preset, law, problems))
    for number, problem in enumerate(problems):
        if problem.id not in known:
            prompt = preset.prompt(problem.fields)
            found = _complete(url, model, prompt, preset, law, law.seed + number)
            known[problem.id] = found
            kept.append(problem.id, found)
        progress(number + 1, len(problems))
    return _cut(problems, known, preset)


def _complete(url: str, model: str, prompt: str, preset: Preset, law: Law, seed: int) -> list[str]:
    body: dict[str, Any] = {
        "model": model,
        "n": law.count,
        "temperature": law.temperature,
        "max_tokens": law.max_new_tokens,
        "seed": seed,
    }
    if preset.cut == "fence":
        body["messages"] = [{"role": "user", "content": prompt}]
        answer = _ask(f"{url}/v1/chat/completions", body)
        return [choice["message"]["content"] or "" for choice in answer["choices"]]
    # servers take four stops; the rest are cut off here
    answer = _ask(f"{url}/v1/completions", {**body, "prompt": prompt, "stop": preset.stops[:4]})
    return [choice["text"] for choice in answer["choices"]]


def _ask(url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get("OPENAI_API_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    if not url.startswith(("http://", "https://")):
        raise InputError(f"{url} is not an http address", remedy="such as http://127.0.0.1:8000")
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            answer: dict[str, Any] = json.load(response)
    except urllib.error.HTTPError as error:
        told = error.read(300).decode("utf-8", "replace")
        raise InputError(f"{url} answered {error.code}: {told}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{url}: {error}", remedy="is the server running?") from None
    return answer


def _settings(source: str, preset: Preset, law: Law, problems: Sequence[Problem]) -> dict[str, Any]:
    return {
        "source": source,
        "template": preset.template,
        "temperature": law.temperature,
        "n": law.count,
        "max_new_tokens": law.max_new_tokens,
        "seed": law.seed,
        "problems": len(problems),
        "first": problems[0].id if problems else "",
    }


def _cut(problems: Sequence[Problem], known: dict[str, list[str]], preset: Preset) -> list[Reply]:
    """The replies as they are judged: cut at a stop, or taken out of the chat's code block."""
    made = []
    for problem in problems:
        entry = getattr(problem.key, "entry_point", None) or getattr(problem.key, "entry", None)
        for text in known[problem.id]:
            answer = preset.reply(text, entry)
            if preset.cut == "fence":  # a chat's answer is self-contained
                made.append(Reply(problem, answer, answer))
            else:
                made.append(reply(problem, answer))
    return made
