"""OpenAI's own client against the server: every endpoint, stream, error and cancellation."""

from __future__ import annotations

import ast
import asyncio
import json
import time
import urllib.request
import warnings
from typing import Any

import pytest

from neox.generate.engine import Engine, Request
from neox.generate.law import GREEDY
from neox.generate.runner import runner
from neox.policy import Group, Sampling

openai = pytest.importorskip("openai", reason="the openai client is not installed")

PROMPTS = ["def f(a", "x = {", "return sum(v for v", "# Sum.\n"]


@pytest.fixture(scope="module")
def client(running: Any) -> Any:
    with openai.OpenAI(base_url=f"{running.url}/v1", api_key="secret", max_retries=0) as client:
        yield client


def ask(client: Any, **more: Any) -> Any:
    return client.completions.create(
        **{"model": "small", "prompt": PROMPTS[0], "max_tokens": 12, "temperature": 0, **more}
    )


def say(client: Any, **more: Any) -> Any:
    messages = [{"role": "user", "content": "def f(a):"}]
    return client.chat.completions.create(
        **{"model": "small", "messages": messages, "max_tokens": 12, "temperature": 0, **more}
    )


def expected(policy: Any, prompt: str, steps: int = 12) -> str:
    ids = policy.tokenizer.encode(prompt)
    run = Engine(runner(policy, 1)).run([Request(ids, GREEDY, steps)])[0]
    return str(policy.tokenizer.decode(run.ids))


def test_models(client: Any) -> None:
    assert [m.id for m in client.models.list()] == ["small"]
    assert client.models.retrieve("small").owned_by == "neox"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("large")


def test_a_completion_is_the_models_greedy_text_with_real_usage(client: Any, policy: Any) -> None:
    answer = ask(client)
    choice, ids = answer.choices[0], policy.tokenizer.encode(PROMPTS[0])
    assert choice.text == expected(policy, PROMPTS[0])
    assert choice.finish_reason == "length"
    assert answer.usage.prompt_tokens == len(ids)
    assert answer.usage.completion_tokens == 12
    assert ask(client, prompt=list(ids)).choices[0].text == choice.text
    by_policy = policy.generate([ids], 1, Sampling(0.0, max_new_tokens=12), None)[0].ids
    assert choice.text == policy.tokenizer.decode(by_policy)


def test_many_prompts_and_choices_come_in_order(client: Any, policy: Any) -> None:
    answer = ask(client, prompt=PROMPTS, n=2)
    assert [c.index for c in answer.choices] == list(range(8))
    assert [c.text for c in answer.choices[::2]] == [expected(policy, p) for p in PROMPTS]
    assert [c.text for c in answer.choices[1::2]] == [c.text for c in answer.choices[::2]]


def test_a_stream_is_the_same_text(client: Any) -> None:
    whole = ask(client, n=2, prompt=PROMPTS[:2])
    chunks = list(
        ask(client, n=2, prompt=PROMPTS[:2], stream=True, stream_options={"include_usage": True})
    )
    for i, choice in enumerate(whole.choices):
        parts = [c.choices[0] for c in chunks if c.choices and c.choices[0].index == i]
        assert "".join(p.text for p in parts) == choice.text
        assert [p.finish_reason for p in parts if p.finish_reason] == [choice.finish_reason]
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert len(chunks) > 20


def test_chat_whole_and_streamed(client: Any, policy: Any) -> None:
    answer = say(client, logprobs=True, top_logprobs=2)
    text = answer.choices[0].message.content
    assert text == expected(policy, "def f(a):\n")
    told = answer.choices[0].logprobs.content
    assert b"".join(bytes(t.bytes) for t in told).decode("utf-8", "replace") == text
    assert all(len(t.top_logprobs) == 2 for t in told)
    assert all(t.logprob == t.top_logprobs[0].logprob for t in told)  # greedy: the likeliest
    chunks = list(say(client, stream=True))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == text
    assert chunks[-1].choices[0].finish_reason == "length"
    parts = [{"type": "text", "text": "def f(a):"}]
    assert say(client, messages=[{"role": "user", "content": parts}]).choices[
        0
    ].message.content == (text)


def test_seeds_repeat_and_temperature_varies(client: Any) -> None:
    def draw(seed: int | None) -> list[str]:
        answer = ask(client, n=3, temperature=1.0, seed=seed)
        return [c.text for c in answer.choices]

    assert draw(7) == draw(7)
    assert draw(7) != draw(8)
    assert draw(None) != draw(None)
    assert len(set(draw(7))) == 3


def test_a_stop_ends_the_text_and_is_not_shown(client: Any) -> None:
    text = ask(client).choices[0].text
    stop = text[4:6]
    answer = ask(client, stop=[stop, "never"])
    assert answer.choices[0].text == text[: text.index(stop)]
    assert answer.choices[0].finish_reason == "stop"
    streamed = list(ask(client, stop=stop, stream=True))
    assert "".join(c.choices[0].text for c in streamed) == text[: text.index(stop)]
    assert streamed[-1].choices[0].finish_reason == "stop"


def test_echo_with_the_prompts_log_probabilities(client: Any, policy: Any) -> None:
    """What lm-eval sends: ids, one token, echo. Scores equal those of training's forward."""
    ids = list(policy.tokenizer.encode(PROMPTS[2]))
    answer = ask(client, prompt=[ids, ids], max_tokens=1, logprobs=1, echo=True, seed=1234)
    told = answer.choices[1].logprobs
    assert len(told.tokens) == len(ids) + 1
    assert told.token_logprobs[0] is None
    assert told.top_logprobs[0] is None
    scores = policy.score([Group(tuple(ids[:1]), (tuple(ids[1:]),))]).logprobs[0].tolist()
    assert told.token_logprobs[1:-1] == pytest.approx(scores, abs=1e-4)
    for token, logprob, tops in list(
        zip(told.tokens, told.token_logprobs, told.top_logprobs, strict=True)
    )[1:]:
        assert tops[token] >= logprob
    assert answer.choices[0].text.startswith(PROMPTS[2])
    only = ask(client, prompt=ids, max_tokens=0, logprobs=0, echo=True).choices[0]
    assert (only.text, len(only.logprobs.tokens)) == (PROMPTS[2], len(ids))


def test_python_and_json_formats(client: Any) -> None:
    form = {"type": "python"}
    answer = ask(
        client, prompt=PROMPTS[3], n=4, temperature=1.5, extra_body={"response_format": form}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for choice in answer.choices:
            ast.parse(PROMPTS[3] + choice.text)
    schema = {"type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"]}
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    for choice in say(client, n=2, max_tokens=20, temperature=2, response_format=form).choices:
        assert json.loads(choice.message.content)["n"] in (1, 2)
    anything = say(client, max_tokens=40, temperature=1, response_format={"type": "json_object"})
    assert isinstance(json.loads(anything.choices[0].message.content), dict)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 1000}, "max_tokens"),
        ({"max_tokens": 192}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": [[1, 100_000]]}, "prompt"),
        ({"prompt": [[True]]}, "prompt"),
        ({"n": 0}, "n"),
        ({"stop": [1]}, "stop"),
        ({"logprobs": 99}, "logprobs"),
        ({"seed": 1.5}, "seed"),
        ({"logit_bias": {"x": 1}}, "logit_bias"),
        ({"suffix": "end"}, "suffix"),
        ({"best_of": 5}, "best_of"),
        ({"stream_options": 3}, "stream_options"),
        ({"extra_body": {"response_format": {"type": "xml"}}}, "response_format"),
        ({"extra_body": {"response_format": {"type": "python"}}, "prompt": "say hi"},
         "response_format"),
        ({"extra_body": {"tools": [{"type": "function"}]}}, "tools"),
        ({"extra_body": {"top_k": -3}}, "top_k"),
    ],
)  # fmt: skip
def test_a_bad_value_is_a_400_that_names_it(
    client: Any, fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, **fields)
    assert caught.value.param == param
    assert caught.value.code


def test_keys_models_routes_and_bodies(client: Any, running: Any) -> None:
    stranger = openai.OpenAI(base_url=f"{running.url}/v1", api_key="wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        ask(stranger)
    assert ask(openai.OpenAI(base_url=f"{running.url}/v1", api_key="other")).choices
    with pytest.raises(openai.NotFoundError) as caught:
        ask(client, model="gpt-4o")
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="small", input="x")
    with pytest.raises(openai.APIStatusError) as large:
        ask(client, prompt="x" * 30_000)
    assert large.value.status_code == 413


def post(running: Any, path: str, body: bytes) -> tuple[int, Any]:
    headers = {"Authorization": "Bearer secret", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{running.url}{path}", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff", b"[" * 5000, b'{"model": "small"}', b'{"model": 3}'],
)
def test_garbage_is_a_400(running: Any, body: bytes) -> None:
    for path in ("/v1/completions", "/v1/chat/completions"):
        status, answer = post(running, path, body)
        assert status == 400
        assert set(answer["error"]) == {"message", "type", "param", "code"}


def test_a_full_queue_is_a_429(running: Any, client: Any) -> None:
    async def flood() -> list[Any]:
        async with openai.AsyncOpenAI(
            base_url=f"{running.url}/v1", api_key="secret", max_retries=0
        ) as many:
            calls = [
                many.completions.create(model="small", prompt="a = ", max_tokens=150, temperature=1)
                for _ in range(40)
            ]
            return await asyncio.gather(*calls, return_exceptions=True)

    answers = asyncio.run(flood())
    refused = [a for a in answers if isinstance(a, openai.RateLimitError)]
    assert refused
    assert refused[0].response.headers["retry-after"] == "1"
    assert all(a.choices for a in answers if a not in refused)


def test_leaving_frees_the_slot(running: Any, client: Any) -> None:
    """Streams that are closed, and calls that time out, cost nothing more."""
    engine = running.host.engine
    stream = say(client, max_tokens=170, stream=True, n=4)
    next(iter(stream))
    stream.close()
    quiet(engine)
    with pytest.raises(openai.APITimeoutError):
        ask(client.with_options(timeout=0.05), prompt=["a = "] * 8, max_tokens=180, temperature=1)
    quiet(engine)
    assert ask(client).choices


def quiet(engine: Any) -> None:
    for _ in range(1000):
        if engine.running == engine.waiting == 0:
            return
        time.sleep(0.01)
    raise AssertionError(f"{engine.running} texts are still running")


def test_concurrent_streams_equal_the_texts_one_at_a_time(running: Any, policy: Any) -> None:
    async def all_at_once() -> list[str]:
        async with openai.AsyncOpenAI(
            base_url=f"{running.url}/v1", api_key="secret", max_retries=9
        ) as many:

            async def one(prompt: str) -> str:
                stream = await many.completions.create(
                    model="small", prompt=prompt, max_tokens=12, temperature=0, stream=True
                )
                return "".join([c.choices[0].text async for c in stream])

            return await asyncio.gather(*[one(p) for p in PROMPTS * 3])

    assert asyncio.run(all_at_once()) == [expected(policy, p) for p in PROMPTS] * 3
