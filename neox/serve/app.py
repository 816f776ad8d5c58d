"""The HTTP routes: OpenAI's models, completions and chat, tokenizer, health, metrics and a page.

Every error is JSON in OpenAI's form with the true status. Knows nothing about models; `Host` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from neox.generate.engine import QueueFull
from neox.serve.answers import Answer
from neox.serve.candidates import Chooser
from neox.serve.errors import ApiError, bad
from neox.serve.fields import CHAT, COMPLETION, Fields
from neox.serve.host import Host, Job
from neox.serve.streaming import EventStream, Gone, unless_left

OPEN = {"/", "/health", "/ready", "/metrics"}  # no key is asked for
RETRY = {"Retry-After": "1"}

log = logging.getLogger(__name__)
Work = Callable[[Host, Any], Awaitable[Any]]


@dataclass(slots=True)
class Settings:
    """keys: who may ask; none lets everybody. max_body: bytes of a request."""

    keys: Sequence[str] = ()
    max_body: int = 1 << 20


class Service:
    """The application's state: `host` is None while the model loads."""

    def __init__(self, load: Callable[[], Host], settings: Settings) -> None:
        self.load, self.settings = load, settings
        self.host: Host | None = None
        self.failure: BaseException | None = None
        self.draining = False
        self.chooser = Chooser()

    async def start(self) -> None:
        try:
            self.host = await asyncio.to_thread(self.load)
        except BaseException as error:
            self.failure = error
            raise

    def ready(self) -> Host:
        if self.draining:
            raise ApiError(503, "the server is shutting down", code="draining", headers=RETRY)
        host = self.host
        if host is None:
            raise ApiError(503, "the model is loading", code="loading", headers=RETRY)
        if host.worker.failure is not None:
            raise ApiError(500, "the engine has failed", code="engine_failed")
        return host


def create(load: Callable[[], Host], settings: Settings | None = None) -> FastAPI:
    """The application; `load` makes the host in the background while /health says 503."""
    service = Service(load, settings or Settings())

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.ensure_future(service.start())
        yield
        loading.cancel()
        with contextlib.suppress(BaseException):
            await loading
        if service.host is not None:
            await asyncio.to_thread(service.host.worker.close)
        service.chooser.close()

    app = FastAPI(title="NEOX", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.service = service
    _errors(app)
    _guard(app, service)
    _health(app, service)
    _tokenizer(app, service)
    _openai(app, service)
    _choosing(app, service)
    return app


def _errors(app: FastAPI) -> None:
    def told(error: ApiError) -> JSONResponse:
        return JSONResponse(error.body(), error.status, error.headers)

    @app.exception_handler(ApiError)
    async def _api(_: Request, error: ApiError) -> JSONResponse:
        return told(error)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        where = f"{request.method} {request.url.path}"
        return told(ApiError(error.status_code, f"{where}: {error.detail}", code="bad_route"))

    @app.exception_handler(Exception)
    async def _bug(_: Request, error: Exception) -> JSONResponse:
        return told(ApiError(500, "an internal error", code="internal"))


def _guard(app: FastAPI, service: Service) -> None:
    keys = [key.encode() for key in service.settings.keys]

    @app.middleware("http")
    async def guard(
        request: Request, following: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        path = request.url.path
        if keys and path not in OPEN and not _known(request.headers.get("authorization"), keys):
            error = ApiError(401, "a valid API key is needed", code="invalid_api_key")
            answer: Response = JSONResponse(error.body(), 401, {"WWW-Authenticate": "Bearer"})
        else:
            answer = await following(request)
        if service.host is not None:
            known = any(getattr(r, "path", None) == path for r in app.routes)
            service.host.metrics.answered(path if known else "other", answer.status_code)
        return answer


def _known(header: str | None, keys: Sequence[bytes]) -> bool:
    given = (header or "").removeprefix("Bearer ").encode("utf-8", "surrogateescape")
    return any([hmac.compare_digest(given, key) for key in keys])  # all, whatever matches


def _health(app: FastAPI, service: Service) -> None:
    @app.get("/health")
    async def health() -> JSONResponse:
        """200 once the model is there, also while the last texts are written."""
        host = service.host
        if host is None or host.worker.failure is not None:
            return JSONResponse({"status": "failed" if service.failure else "loading"}, 503)
        return JSONResponse({"status": "ok", "model": host.name})

    @app.get("/ready")
    async def ready() -> JSONResponse:
        service.ready()
        return JSONResponse({"status": "ready"})

    @app.get("/metrics")
    async def metrics() -> PlainTextResponse:
        host = service.host
        text = "" if host is None else host.metrics.text()
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse(resources.files("neox.serve").joinpath("page.html").read_text())


def _tokenizer(app: FastAPI, service: Service) -> None:
    """What lm-eval asks for where it has no tokenizer of its own."""

    @app.get("/tokenizer_info")
    async def info() -> JSONResponse:
        host = service.ready()
        tokenizer: Any = host.policy.tokenizer
        return JSONResponse(
            {
                "eos_token": host.token_text(tokenizer.eos),
                "bos_token": None,
                "pad_token": host.token_text(tokenizer.pad),
                "chat_template": getattr(getattr(tokenizer, "core", None), "chat_template", None),
            }
        )

    @app.post("/tokenize")
    async def tokenize(request: Request) -> JSONResponse:
        host, body = service.ready(), await _body(request, service)
        text = body.get("prompt") if isinstance(body, dict) else None
        if not isinstance(text, str):
            raise bad("prompt must be a text", "prompt")
        special = [i for i, name in host.specials.items() if name == text]
        ids = special or list(host.policy.tokenizer.encode(text))
        return JSONResponse(
            {"tokens": ids, "count": len(ids), "max_model_len": host.runner.max_length}
        )

    @app.post("/detokenize")
    async def detokenize(request: Request) -> JSONResponse:
        host, body = service.ready(), await _body(request, service)
        ids = body.get("tokens") if isinstance(body, dict) else None
        whole = isinstance(ids, list) and all(type(i) is int and 0 <= i < host.size for i in ids)
        if not whole:
            raise bad(f"tokens must be a list of ids below {host.size}", "tokens")
        assert isinstance(ids, list)
        named = b"".join(host.words[i] or host.token_text(i).encode() for i in ids)
        return JSONResponse({"prompt": named.decode("utf-8", "replace")})


def _openai(app: FastAPI, service: Service) -> None:
    @app.get("/v1/models")
    async def models() -> JSONResponse:
        return JSONResponse({"object": "list", "data": [service.ready().card()]})

    @app.get("/v1/models/{name:path}")
    async def model(name: str) -> JSONResponse:
        host = service.ready()
        if name != host.name:
            raise ApiError(
                404, f"the model {name[:100]!r} is not here", param="model", code="model_not_found"
            )
        return JSONResponse(host.card())

    @app.post("/v1/completions")
    async def completions(request: Request) -> Response:
        host, body = service.ready(), await _body(request, service)
        fields = Fields(body, COMPLETION)
        return await _answer(request, host, fields, host.completion(fields), chat=False)

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        host, body = service.ready(), await _body(request, service)
        fields = Fields(body, CHAT)
        return await _answer(request, host, fields, host.chat(fields), chat=True)


def _choosing(app: FastAPI, service: Service) -> None:
    @app.post("/v1/neox/candidates")
    async def candidates(request: Request) -> Response:
        """n candidates of one prompt in clusters by behaviour, the best first."""
        host, body = service.ready(), await _body(request, service)
        fields = Fields(body, COMPLETION | {"examples"})
        job = host.completion(fields)

        async def work() -> Any:
            try:
                return await service.chooser.candidates(host, job, fields.raw("examples"))
            except QueueFull as error:
                raise ApiError(
                    429, f"the queue is full: {error}", code="queue_full", headers=RETRY
                ) from None

        try:
            return JSONResponse(await unless_left(request, work))
        except Gone:
            return Response(status_code=499)


async def _answer(request: Request, host: Host, fields: Fields, job: Job, chat: bool) -> Response:
    streamed, usage = fields.flag("stream"), fields.wants_usage()
    answer = Answer(host, job, chat)
    try:
        chunks = host.worker.submit(job.requests, job.stops)
    except QueueFull as error:
        raise ApiError(
            429, f"the queue is full: {error}", code="queue_full", headers=RETRY
        ) from None
    except ValueError as error:
        field = "messages" if chat else "prompt"
        raise bad(str(error), field, "context_length_exceeded") from None
    if streamed:
        return EventStream(_events(answer, chunks, usage))

    async def work() -> None:
        async with contextlib.aclosing(chunks):
            async for chunk in chunks:
                answer.add(chunk)
                if chunk.error is not None:
                    raise ApiError(500, "the text could not be written", code="engine_failed")

    try:
        await unless_left(request, work)
    except Gone:
        return Response(status_code=499)  # nobody hears it; the metrics do
    return JSONResponse(answer.whole())


async def _events(
    answer: Answer, chunks: AsyncIterator[Any], usage: bool
) -> AsyncIterator[dict[str, Any] | str]:
    try:
        async for chunk in chunks:
            answer.add(chunk)
            if chunk.error is not None:
                yield ApiError(500, "the text could not be written", code="engine_failed").body()
                return
            for event in answer.events(chunk):
                yield event
        if usage:
            yield answer.last()
        yield "[DONE]"
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()


async def _body(request: Request, service: Service) -> Any:
    """The body as JSON, read no further than it may be long."""
    most, data = service.settings.max_body, bytearray()
    try:
        async for part in request.stream():
            data += part
            if len(data) > most:
                raise ApiError(413, f"the body exceeds {most} bytes", code="body_too_large")
    except ClientDisconnect:
        raise ApiError(400, "the client left before the body ended", code="left") from None
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise ApiError(400, "the body is not JSON", code="invalid_json") from None
