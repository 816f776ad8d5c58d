"""The engine in a thread of its own, and what asyncio code needs to use it.

Tokens are turned to text in the working thread, so a stop string ends a text in the step that makes
it; chunks then cross to the event loop one by one. Knows nothing about HTTP.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from neox.generate.engine import Engine, Listener, Piece, Request, Stream
from neox.generate.text import TextStream
from neox.generate.vocabulary import words
from neox.serve.metrics import Metrics


@dataclass(slots=True)
class Chunk:
    """New text of one choice with its tokens; `finish` with the last."""

    choice: int
    text: str
    pieces: list[Piece] = field(default_factory=list)
    finish: str | None = None
    error: Exception | None = None


class Worker:
    """Runs the engine until closed. `draining` refuses new work and lets the old end."""

    def __init__(self, engine: Engine, metrics: Metrics) -> None:
        self.engine, self.metrics = engine, metrics
        self.words = words(engine.runner.tokenizer)
        self.draining = False
        self.failure: BaseException | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="neox-engine", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing = True
        self.engine.wake()
        self._thread.join()

    def _work(self) -> None:
        while not self._closing:
            try:
                if not self.engine.step():
                    self.engine.wait(0.5)
            except BaseException as error:  # nothing may leave clients waiting for ever
                self.failure = error
                self.engine.fail(error)
                raise

    def submit(self, requests: Sequence[Request], stops: Sequence[str]) -> AsyncGenerator[Chunk]:
        """Queue requests now; gives the chunks of all choices as they come.

        Leaving early cancels what is left. A client that reads slower than the model writes is not
        waited for: chunks are kept for it, and a text is bounded by its length. ValueError,
        QueueFull as `Engine.submit`.
        """
        loop, queue = asyncio.get_running_loop(), asyncio.Queue[Chunk]()

        def listener(choice: _Choice) -> Listener:
            def hear(stream: Stream, pieces: Sequence[Piece]) -> bool:
                chunk = choice.take(pieces, stream, self.words)
                loop.call_soon_threadsafe(queue.put_nowait, chunk)
                return choice.text.stopped

            return hear

        texts = [_Choice(i, TextStream(stops), self.metrics) for i in range(len(requests))]
        streams = self.engine.submit(requests, [listener(text) for text in texts])
        return self._chunks(streams, queue)

    async def _chunks(
        self, streams: Sequence[Stream], queue: asyncio.Queue[Chunk]
    ) -> AsyncGenerator[Chunk]:
        left = len(streams)
        try:
            while left:
                chunk = await queue.get()
                left -= chunk.finish is not None
                yield chunk
        finally:
            for stream in streams:
                if stream.finish is None:
                    self.engine.cancel(stream)


class _Choice:
    def __init__(self, number: int, text: TextStream, metrics: Metrics) -> None:
        self.number, self.text, self.metrics = number, text, metrics
        self._last: float | None = None

    def take(self, pieces: Sequence[Piece], stream: Stream, words: Sequence[bytes]) -> Chunk:
        if stream.finish is not None:
            self.metrics.ended(stream)
            if stream.error is not None:
                return Chunk(self.number, "", finish="error", error=stream.error)
            return Chunk(self.number, self.text.close(), finish=stream.finish)
        new = [p for p in pieces if not p.prompt]
        if new:
            self._last = self.metrics.heard(stream, len(new), self._last)
        shown = "".join([self.text.push(words[p.token]) for p in new])
        return Chunk(self.number, shown, list(pieces))
