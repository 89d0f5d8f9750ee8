"""What can go wrong with requests to the API, brought about on purpose."""

from __future__ import annotations

import asyncio
import fnmatch
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from localdiscord.rest.limits import Verdict, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
    Act = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]

__all__ = ["Injected", "RequestFault", "RequestFaults"]


@dataclass(frozen=True)
class Injected:
    """A fault that has happened.

    Attributes:
        kind: the name of the method that asked for it.
        where: the request, or the session's bot and shard.
    """

    kind: str
    where: str


@dataclass(eq=False)
class RequestFault:
    """A fault that waits for requests.

    Attributes:
        kind: the name of the method that asked for it.
        method: the HTTP method, or `*`.
        path: a pattern for the path below `/api/v10`, with `*`: `/channels/*/messages`.
        times: how many requests it meets; None for all, until it is taken back.
        act: what becomes of a request.
        met: how many requests it has met.
    """

    kind: str
    method: str
    path: str
    times: int | None
    act: Act
    met: int = 0
    _open: asyncio.Event = field(default_factory=asyncio.Event)

    def meets(self, method: str, path: str) -> bool:
        """Tell whether it is for a request."""
        is_left = self.times is None or self.met < self.times
        return is_left and fnmatch.fnmatchcase(method, self.method) and fnmatch.fnmatchcase(path, self.path)

    def release(self) -> None:
        """Let requests go on that are held."""
        self._open.set()

    async def wait(self) -> None:
        """Wait until requests that are held may go on."""
        await self._open.wait()


class RequestFaults:
    """Faults of requests: a pattern for the path, one for the method, and how many requests they meet.

    Args:
        sleep: waits seconds; a test with a clock of its own puts that here.

    Attributes:
        log: what has happened, in order.
    """

    def __init__(self, sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep) -> None:
        self.sleep = sleep
        self.log: list[Injected] = []
        self._waiting: list[RequestFault] = []

    @property
    def counts(self) -> Counter[str]:
        """How often each kind has happened."""
        return Counter(injected.kind for injected in self.log)

    def heal(self) -> None:
        """Take all faults back that wait."""
        for fault in self._waiting:
            fault.release()
        self._waiting.clear()

    def note(self, kind: str, where: str) -> None:
        """Record a fault that happens."""
        self.log.append(Injected(kind, where))

    def server_error(
        self, path: str = "*", status: int = 500, *, method: str = "*", times: int | None = 1
    ) -> RequestFault:
        """Answer with an error of Discord's servers: 500, 502, 503, 504."""

        async def act(_request: web.Request, _handler: Handler) -> web.StreamResponse:
            return web.json_response({"message": f"{status}: Server Error", "code": 0}, status=status)

        return self._wait("server_error", method, path, times, act)

    def rate_limit(
        self,
        path: str = "*",
        retry_after: float = 0.1,
        scope: str = "user",
        *,
        method: str = "*",
        times: int | None = 1,
    ) -> RequestFault:
        """Answer that there were too many requests.

        Args:
            path: which requests.
            retry_after: seconds.
            scope: `user` for the bot's bucket, `shared` for one with others, `global` for all that the bot asks.
            method: which method.
            times: how many requests.
        """

        async def act(_request: web.Request, _handler: Handler) -> web.StreamResponse:
            headers = {"X-RateLimit-Global": "true"} if scope == "global" else {"X-RateLimit-Bucket": "injected"}
            return refusal(Verdict(retry_after, scope, headers))

        return self._wait("rate_limit", method, path, times, act)

    def ban(self, path: str = "*", *, method: str = "*", times: int | None = 1) -> RequestFault:
        """Answer as Cloudflare does to who has asked too often: 429 in HTML, without Via."""

        async def act(_request: web.Request, _handler: Handler) -> web.StreamResponse:
            return web.Response(text="<html>error code: 1015</html>", content_type="text/html", status=429)

        return self._wait("ban", method, path, times, act)

    def latency(self, seconds: float, path: str = "*", *, method: str = "*", times: int | None = 1) -> RequestFault:
        """Let requests wait before they are acted on."""

        async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
            await self.sleep(seconds)
            return await handler(request)

        return self._wait("latency", method, path, times, act)

    def hold(self, path: str = "*", *, method: str = "*", times: int | None = 1) -> RequestFault:
        """Let requests wait before they are acted on, until `release` of what is returned."""
        held: list[RequestFault] = []

        async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
            await held[0].wait()
            return await handler(request)

        held.append(self._wait("hold", method, path, times, act))
        return held[0]

    def drop_request(self, path: str = "*", *, method: str = "*", times: int | None = 1) -> RequestFault:
        """Break the connection off before a request is acted on."""

        async def act(request: web.Request, _handler: Handler) -> web.StreamResponse:
            return _cut(request)

        return self._wait("drop_request", method, path, times, act)

    def drop_answer(self, path: str = "*", *, method: str = "*", times: int | None = 1) -> RequestFault:
        """Act on a request, and break the connection off before it is answered."""

        async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
            await handler(request)
            return _cut(request)

        return self._wait("drop_answer", method, path, times, act)

    def truncate(self, path: str = "*", *, method: str = "*", times: int | None = 1) -> RequestFault:
        """Act on a request, answer with half of the body, and break the connection off."""

        async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
            answer = await handler(request)
            body = answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b"{}"
            half = web.StreamResponse(status=answer.status, headers={"Content-Type": "application/json"})
            half.content_length = len(body)
            await half.prepare(request)
            await half.write(body[: len(body) // 2])
            if request.transport is not None:
                request.transport.close()
            return half

        return self._wait("truncate", method, path, times, act)

    def garble_answer(self, path: str = "*", *, method: str = "*", times: int | None = 1) -> RequestFault:
        """Act on a request, and answer with what is no JSON though it says so."""

        async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
            answer = await handler(request)
            return web.Response(body=b'{"id": nonsense', status=answer.status, content_type="application/json")

        return self._wait("garble_answer", method, path, times, act)

    def _wait(
        self,
        kind: str,
        method: str,
        path: str,
        times: int | None,
        act: Act,
    ) -> RequestFault:
        fault = RequestFault(kind, method, path, times, act)
        self._waiting.append(fault)
        return fault

    async def meet(self, request: web.Request, path: str, handler: Handler) -> web.StreamResponse:
        """Let a request meet its fault, if one waits for it.

        Args:
            request: the request.
            path: below `/api/v10`.
            handler: answers it where nothing goes wrong.
        """
        fault = next((each for each in self._waiting if each.meets(request.method, path)), None)
        if fault is None:
            return await handler(request)
        fault.met += 1
        self.note(fault.kind, f"{request.method} {path}")
        return await fault.act(request, handler)


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
