"""Server-sent events over ASGI, with an eye on the client: one that has left, or does not read for
too long, ends its work.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

STALL = 30.0  # seconds that a client may leave sent data unread
QUIET = 10.0  # seconds after which a comment keeps idle connections open


class Gone(Exception):
    """The client has left."""


class EventStream(Response):
    """Sends each object of `events` as one event; a text as it stands."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[dict[str, Any] | str]) -> None:
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, OSError, TimeoutError):
                    await task
            close = getattr(self._events, "aclose", None)
            if close is not None:
                await close()

    async def _send(self, send: Send) -> None:
        headers = [(k.lower(), v) for k, v in self.raw_headers]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for event in self._events:
            text = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
            body = f"data: {text}\n\n".encode("utf-8", "replace")
            message = {"type": "http.response.body", "body": body, "more_body": True}
            await asyncio.wait_for(send(message), STALL)
        await asyncio.wait_for(send({"type": "http.response.body", "body": b""}), STALL)


async def left(receive: Receive) -> None:
    """Returns when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def unless_left(request: Request, work: Callable[[], Awaitable[Any]]) -> Any:
    """The result of `work`; Gone, and the work cancelled, when the client leaves before."""
    working = asyncio.ensure_future(work())
    leaving = asyncio.ensure_future(left(request.receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Gone
        return working.result()
    finally:
        for task in (working, leaving):
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
