"""A client of OpenAI-compatible chat-completions services: hosted ones, and those that run on one's own machine.

An answer is taken as it comes, in pieces, or whole from a service that does not stream. What goes wrong becomes one of
three errors: the service may work at the next try, somebody has to look after it, or this request is at fault.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import aiohttp

from reference.cogs.ai.chat import Completion, Usage
from reference.cogs.ai.errors import InvalidRequestError, ModelError, ModelRefusedError, ModelUnavailableError
from reference.cogs.ai.sse import EventTooLongError, SSEParser
from reference.cogs.ai.thoughts import ThoughtFilter
from reference.utils.fast_json import json_loads

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from reference.cogs.ai.chat import ChatRequest
    from reference.cogs.ai.config import AIEndpoint

__all__ = ["OpenAIModel"]

LARGEST_BODY = 2 * 1024 * 1024
"""Bytes of an answer that comes whole, or of an error."""

LONGEST_ANSWER = 100_000
"""Characters; a stream that goes on beyond is cut off."""

LONGEST_COMPLAINT = 200
"""Characters of a service's own words that are kept."""

DONE = "[DONE]"

STATUS_ERRORS: dict[int, type[ModelError]] = {
    400: InvalidRequestError,
    401: ModelRefusedError,
    402: ModelRefusedError,
    403: ModelRefusedError,
    404: ModelRefusedError,
    405: ModelRefusedError,
    413: InvalidRequestError,
    422: InvalidRequestError,
}
"""What a status means; any other that is no success may pass by itself."""


class OpenAIModel:
    """A model behind an OpenAI-compatible address.

    It belongs to the event loop in which it is first asked, and is closed there.

    Args:
        endpoint: where it is, and what it is called.
        connect_seconds: how long a connection may take.
        stall_seconds: how long the service may be silent.
    """

    is_scripted = False

    def __init__(self, endpoint: AIEndpoint, *, connect_seconds: float = 10.0, stall_seconds: float = 30.0) -> None:
        self.name = endpoint.model
        self._url = f"{endpoint.base_url}/chat/completions"
        self._limit_field = endpoint.limit_field
        self._asks_usage = endpoint.asks_usage
        self._key = endpoint.api_key.get_secret_value() if endpoint.api_key else ""
        self._timeout = aiohttp.ClientTimeout(total=None, connect=connect_seconds, sock_read=stall_seconds)
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"<OpenAIModel {self.name!r}>"

    async def answer(self, request: ChatRequest, on_text: Callable[[str], object]) -> Completion:
        """Ask the service; see `ChatModel.answer`.

        Raises:
            ModelUnavailableError: it may work at the next try.
            ModelRefusedError: the key is wrong, or there is no such model.
            InvalidRequestError: the service objects to this request.
        """
        try:
            async with self._open().post(self._url, json=self._body(request), allow_redirects=False) as response:
                if response.status != 200:
                    raise await self._refusal(response)
                return await self._read(response, on_text)
        except TimeoutError:
            raise ModelUnavailableError("the service did not answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise ModelUnavailableError(f"the connection failed: {type(error).__name__}") from None

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
            self._session = aiohttp.ClientSession(
                headers=headers, timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            )
        return self._session

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.name,
            "messages": [{"role": message.role.value, "content": message.text} for message in request.messages],
            self._limit_field: request.max_tokens,
            "stream": True,
        }
        if self._asks_usage:
            body["stream_options"] = {"include_usage": True}
        if request.temperature is not None:
            body["temperature"] = request.temperature
        return body

    async def _refusal(self, response: aiohttp.ClientResponse) -> ModelError:
        """Return the error of an answer that is no success, in the service's words as far as it has any."""
        kind = STATUS_ERRORS.get(response.status, ModelUnavailableError)
        with contextlib.suppress(TimeoutError, aiohttp.ClientError, ModelError):
            return self._error(kind, _complaint(_parsed(await _body_of(response))), response)
        return self._error(kind, "", response)

    def _error(self, kind: type[ModelError], complaint: str, response: aiohttp.ClientResponse) -> ModelError:
        words = complaint.replace(self._key, "[key]") if self._key else complaint
        sentence = f"the service answered {response.status}" + (f": {words}" if words else "")
        return kind(sentence, status=response.status, retry_after=response.headers.get("Retry-After"))

    async def _read(self, response: aiohttp.ClientResponse, on_text: Callable[[str], object]) -> Completion:
        answer = _Answer(on_text)
        if response.content_type == "application/json":
            answer.take(_parsed(await _body_of(response)), "message")
        else:
            async with contextlib.aclosing(_events(response)) as events:
                async for data in events:
                    if not answer.goes_on_after(data):
                        break
        return answer.completion()


async def _events(response: aiohttp.ClientResponse) -> AsyncGenerator[str]:
    """Yield the data of a stream's events.

    Raises:
        ModelUnavailableError: an event does not end.
    """
    parser = SSEParser()
    try:
        async for chunk in response.content.iter_any():
            for event in parser.feed(chunk):
                yield event.data
        for event in parser.finish():
            yield event.data
    except EventTooLongError as error:
        raise ModelUnavailableError(f"the stream is broken: {error}") from None


async def _body_of(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise ModelUnavailableError(f"the answer is larger than {LARGEST_BODY} bytes")
    return bytes(body)


def _parsed(text: str | bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ModelUnavailableError: it is none.
    """
    try:
        value = json_loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ModelUnavailableError("the service sent something that is no JSON object")
    return value


def _complaint(value: dict[str, Any]) -> str:
    """Return what a service says of an error, in one short line; it may be of any shape."""
    error = value.get("error", value.get("message", ""))
    message = error.get("message", "") if isinstance(error, dict) else error
    return " ".join(str(message).split())[:LONGEST_COMPLAINT]


class _Answer:
    """What was read of an answer so far.

    Attributes:
        is_done: whether the service said that it was all.
        length: characters of text, thoughts included.
        reason: why it ended; empty while it has not.
    """

    def __init__(self, on_text: Callable[[str], object]) -> None:
        self.is_done = False
        self.length = 0
        self.reason = ""
        self._is_blank = True
        self._usage: Usage | None = None
        self._thoughts = ThoughtFilter()
        self._on_text = on_text

    def goes_on_after(self, data: str) -> bool:
        """Take the data of an event; tell whether more is to be read.

        Raises:
            ModelUnavailableError: it is an error, or has no sense.
        """
        self.is_done = data == DONE
        if self.is_done:
            return False
        self.take(_parsed(data), "delta")
        if self.length <= LONGEST_ANSWER:
            return True
        self.reason = "length"
        return False

    def take(self, value: dict[str, Any], part: str) -> None:
        """Take a piece of a stream (`delta`), or a whole answer (`message`).

        Raises:
            ModelUnavailableError: it is an error, or has no sense.
        """
        if value.get("error"):
            raise ModelUnavailableError(f"the service broke off: {_complaint(value)}")
        self._usage = _usage(value.get("usage")) or self._usage
        choices = value.get("choices") or [{}]
        choice = choices[0] if isinstance(choices, list) and isinstance(choices[0], dict) else None
        if choice is None:
            raise ModelUnavailableError("the service sent an answer of a shape that nobody knows")
        content = choice.get(part) or {}
        self._say(content.get("content") or content.get("refusal") if isinstance(content, dict) else None)
        self.reason = str(choice.get("finish_reason") or self.reason)

    def _say(self, text: object) -> None:
        if isinstance(text, str):
            self.length += len(text)
            self._show(self._thoughts.feed(text))

    def _show(self, text: str) -> None:
        if text:
            self._is_blank = self._is_blank and text.isspace()
            self._on_text(text)

    def completion(self) -> Completion:
        """Return how it ended.

        Raises:
            ModelUnavailableError: it broke off, or there was no text.
        """
        if not (self.is_done or self.reason):
            raise ModelUnavailableError("the answer broke off")
        self._show(self._thoughts.finish())
        if self._is_blank:
            raise ModelUnavailableError("the answer is empty")
        return Completion(self._usage, self.reason or "stop")


def _usage(value: object) -> Usage | None:
    if not isinstance(value, dict):
        return None
    sent, given = value.get("prompt_tokens"), value.get("completion_tokens")
    if not (isinstance(sent, int) and isinstance(given, int) and min(sent, given) >= 0):
        return None
    return Usage(sent, given)
