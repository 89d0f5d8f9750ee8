"""An OpenAI-compatible service on loopback that answers what the test says, faults included."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web
from aiohttp.test_utils import TestServer

from reference.cogs.ai.config import AIEndpoint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]

KEY = "sk-not-to-be-shown"
SSE = {"Content-Type": "text/event-stream; charset=utf-8"}
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


class Service:
    """A service; entered, it listens.

    Attributes:
        requests: the bodies that arrived, in order.
        keys: the `Authorization` of each.
        plan: what is answered, in order; then the usual answer.
        usual: what is answered where nothing is planned.
        released: set, it ends what stalls.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.plan: deque[Behaviour] = deque()
        self.usual: Behaviour = streamed("Hello", " world")
        self.released = asyncio.Event()
        self._arrived = asyncio.Condition()
        self._steps = asyncio.Semaphore(0)
        app = web.Application()
        app.add_routes([web.post("/v1/chat/completions", self._complete)])
        self._server = TestServer(app, host="127.0.0.1")

    async def __aenter__(self) -> Self:
        await self._server.start_server(shutdown_timeout=0.1)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.released.set()
        await self._server.close()

    def endpoint(self, model: str = "test-model", **values: Any) -> AIEndpoint:
        """Describe the service to a bot."""
        return AIEndpoint(base_url=str(self._server.make_url("/v1")), model=model, api_key=KEY, **values)  # type: ignore[arg-type]  # pydantic makes the secret

    async def arrival(self, number: int) -> None:
        """Wait until so many requests arrived."""
        async with asyncio.timeout(5), self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= number)

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        async with self._arrived:
            self.requests.append(await request.json())
            self.keys.append(request.headers.get("Authorization", ""))
            self._arrived.notify_all()
        behaviour = self.plan.popleft() if self.plan else self.usual
        return await behaviour(request)

    # What needs the service itself

    def stalling(self, *pieces: str) -> Behaviour:
        """Send some pieces, and then nothing until the test ends or releases it."""

        async def behave(request: web.Request) -> web.StreamResponse:
            response = await _begun(request)
            for piece in pieces:
                await response.write(_piece(piece))
            await self.released.wait()
            await response.write(_piece(" at last") + b"data: [DONE]\n\n")
            return response

        return behave

    def stepping(self, *pieces: str) -> Behaviour:
        """Send a piece for each `step`, and the end with the last one."""

        async def behave(request: web.Request) -> web.StreamResponse:
            response = await _begun(request)
            for piece in pieces:
                await self._steps.acquire()
                await response.write(_piece(piece))
            await response.write(b"data: [DONE]\n\n")
            return response

        return behave

    def breaking(self, piece: str) -> Behaviour:
        """Send a piece, and cut the connection at the next `step`."""

        async def behave(request: web.Request) -> web.StreamResponse:
            response = await _begun(request)
            await response.write(_piece(piece))
            await self._steps.acquire()
            return _cut(request, response)

        return behave

    def step(self) -> None:
        """Let a piece be sent, or what else waits for it happen."""
        self._steps.release()


def streamed(*pieces: str, usage: Mapping[str, int] | None = USAGE, reason: str = "stop") -> Behaviour:
    """Answer in pieces, as hosted services do."""
    end = json.dumps({"choices": [{"delta": {}, "finish_reason": reason}]})
    tail = f"data: {end}\n\n" + (f'data: {{"choices": [], "usage": {json.dumps(usage)}}}\n\n' if usage else "")
    return raw(b"".join(map(_piece, pieces)) + tail.encode() + b"data: [DONE]\n\n")


def raw(*chunks: bytes, headers: Mapping[str, str] = SSE) -> Behaviour:
    """Send bytes as they are, in chunks."""

    async def behave(request: web.Request) -> web.StreamResponse:
        response = await _begun(request, headers)
        for chunk in chunks:
            await response.write(chunk)
        return response

    return behave


def whole(text: str, usage: Mapping[str, int] | None = USAGE) -> Behaviour:
    """Answer in one piece of JSON."""
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return replied({"choices": [choice], "usage": usage})


def replied(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Behaviour:
    """Answer with JSON."""

    async def behave(_request: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return behave


def failing(status: int, message: str = "no", headers: Mapping[str, str] | None = None) -> Behaviour:
    """Answer with an error."""
    return replied({"error": {"message": message, "type": "test"}}, status, headers)


def dropping(*pieces: str) -> Behaviour:
    """Send some pieces and cut the connection."""

    async def behave(request: web.Request) -> web.StreamResponse:
        response = await _begun(request)
        for piece in pieces:
            await response.write(_piece(piece))
        return _cut(request, response)

    return behave


def _cut(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return response


async def _begun(request: web.Request, headers: Mapping[str, str] = SSE) -> web.StreamResponse:
    response = web.StreamResponse(headers=dict(headers))
    await response.prepare(request)
    return response


def _piece(text: str) -> bytes:
    return f"data: {json.dumps({'choices': [{'delta': {'content': text}, 'finish_reason': None}]})}\n\n".encode()
