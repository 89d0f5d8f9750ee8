"""The fetching service: pages read in a process of its own, for `URLFetcherClient`.

Run it with `python -m reference.services.url_fetcher`. It calls the fetcher of the bot, so the same address rules hold.
Routes: `POST /fetch` with `{"url": ...}`, `POST /fetch/batch` with `{"urls": [...]}`, both with an optional `timeout`
in seconds, and `GET /health`. Requests must be JSON and say so, which a stranger's page cannot make a browser do.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from aiohttp import web

from reference.services.running import Service, end_gently
from reference.utils.web.results import fetch_result, fetch_results

PORT = 8081
LARGEST_REQUEST = 64 * 1024
"""Bytes."""

LARGEST_BATCH = 20
LONGEST_TIMEOUT = 60.0
"""Seconds; what a request may ask for at most, and what it gets if it does not ask."""

REQUESTS_AT_ONCE = 32
"""Further requests are told to come again."""

_BUSY = web.AppKey("busy", list[int])


def make_app() -> web.Application:
    """Make the application; nothing listens yet."""
    app = web.Application(client_max_size=LARGEST_REQUEST, middlewares=[_limit])
    app[_BUSY] = [0]
    app.add_routes(
        [web.post("/fetch", _fetch), web.post("/fetch/batch", _fetch_batch), web.get("/health", _health)],
    )
    return app


@web.middleware
async def _limit(request: web.Request, handler: Any) -> web.StreamResponse:
    busy = request.app[_BUSY]
    if busy[0] >= REQUESTS_AT_ONCE:
        return web.json_response({"error": "the service is busy"}, status=503, headers={"Retry-After": "1"})
    busy[0] += 1
    try:
        response: web.StreamResponse = await handler(request)
        return response
    finally:
        busy[0] -= 1


async def _health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _fetch(request: web.Request) -> web.Response:
    question = await _question(request)
    url = question.get("url")
    if not isinstance(url, str):
        raise _bad("`url` must be a string")
    return web.json_response(await fetch_result(url, _timeout(question)))


async def _fetch_batch(request: web.Request) -> web.Response:
    question = await _question(request)
    urls = question.get("urls")
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls) or len(urls) > LARGEST_BATCH:
        raise _bad(f"`urls` must be a list of at most {LARGEST_BATCH} strings")
    return web.json_response({"results": await fetch_results(urls, _timeout(question))})


async def _question(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise _bad("the request must be application/json", web.HTTPUnsupportedMediaType)
    try:
        question = await request.json()
    except ValueError:
        question = None
    if not isinstance(question, dict):
        raise _bad("the request must be a JSON object")
    return question


def _timeout(question: dict[str, Any]) -> float:
    seconds = question.get("timeout", LONGEST_TIMEOUT)
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not seconds > 0:
        raise _bad("`timeout` must be a number of seconds above 0")
    return min(float(seconds), LONGEST_TIMEOUT)


def _bad(sentence: str, kind: type[web.HTTPClientError] = web.HTTPBadRequest) -> web.HTTPClientError:
    return kind(text=json.dumps({"error": sentence}), content_type="application/json")


SERVICE = Service("fetching service", "reference.services.url_fetcher", PORT, lambda _host: make_app())
main = SERVICE.main

if __name__ == "__main__":
    end_gently()
    sys.exit(main())
