"""The client of OpenAI-compatible services, against a real server that misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from reference.cogs.ai import openai_client
from reference.cogs.ai.chat import ChatMessage, ChatRequest, Completion, Role, Usage
from reference.cogs.ai.config import AIEndpoint, AISettings
from reference.cogs.ai.errors import InvalidRequestError, ModelError, ModelRefusedError, ModelUnavailableError
from reference.cogs.ai.openai_client import OpenAIModel
from tests.ai.service import KEY, Service, dropping, failing, raw, replied, streamed, whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

REQUEST = ChatRequest(
    (ChatMessage(Role.SYSTEM, "Be brief."), ChatMessage(Role.USER, "Hi", "Mali"), ChatMessage(Role.ASSISTANT, "Yes?")),
    max_tokens=50,
    temperature=0.5,
)
PIECE = b'data: {"choices": [{"delta": {"content": "Hi"}}]}\n\n'


@pytest.fixture
async def model(service: Service) -> AsyncIterator[OpenAIModel]:
    """A model behind the service."""
    model = OpenAIModel(service.endpoint(), stall_seconds=30.0)
    yield model
    await model.close()


async def ask(model: OpenAIModel) -> tuple[str, Completion]:
    """Return the text and the end of an answer."""
    pieces: list[str] = []
    completion = await model.answer(REQUEST, pieces.append)
    return "".join(pieces), completion


async def test_a_streamed_answer_comes_in_pieces_with_its_usage(service: Service, model: OpenAIModel) -> None:
    """The pieces make the text; the usage is what the service says; the request says who spoke."""
    pieces: list[str] = []
    service.plan.append(streamed("Hel", "lo", " สวัสดี"))
    assert await model.answer(REQUEST, pieces.append) == Completion(Usage(11, 7), "stop")
    assert pieces == ["Hel", "lo", " สวัสดี"]
    assert service.keys == [f"Bearer {KEY}"]
    sent = service.requests[0]
    assert [message["content"] for message in sent["messages"]] == ["Be brief.", "Mali: Hi", "Yes?"]
    assert (sent["model"], sent["max_tokens"], sent["temperature"]) == ("test-model", 50, 0.5)
    assert sent["stream_options"] == {"include_usage": True}


async def test_an_answer_that_is_not_streamed_is_taken_whole(service: Service, model: OpenAIModel) -> None:
    """A service that answers in one piece of JSON is understood, with or without usage."""
    service.plan += [whole("All of it"), whole("Again", usage=None)]
    assert await ask(model) == ("All of it", Completion(Usage(11, 7)))
    assert await ask(model) == ("Again", Completion(None))


async def test_peculiar_services_are_asked_as_they_wish(service: Service) -> None:
    """The limit's name and the wish for usage follow the settings; without a temperature none is sent."""
    model = OpenAIModel(service.endpoint(limit_field="max_completion_tokens", asks_usage=False))
    await model.answer(ChatRequest(REQUEST.messages, 9), lambda _piece: None)
    await model.close()
    sent = service.requests[0]
    assert sent["max_completion_tokens"] == 9
    assert not {"max_tokens", "stream_options", "temperature"} & sent.keys()


@pytest.mark.parametrize(
    ("stream", "text"),
    [
        (b": hello\n\n" + PIECE + b"data: [DONE]\n\n" + PIECE, "Hi"),
        (PIECE + b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}', "Hi"),
        (PIECE + b'data: {"choices": [{"delta": null, "finish_reason": "stop"}], "usage": null}\n\n', "Hi"),
        (b'data: {"choices": [{"delta": {"refusal": "No."}, "finish_reason": "stop"}], "usage": {"x": 1}}\n\n', "No."),
        (PIECE + b'data: {"choices": [{"delta": "?"}], "usage": {"prompt_tokens": -1}}\n\ndata: [DONE]\n\n', "Hi"),
    ],
    ids=["comment-and-done", "no-done", "nulls", "refusal", "odd-shapes"],
)
async def test_odd_but_whole_streams_are_read(service: Service, model: OpenAIModel, stream: bytes, text: str) -> None:
    """Comments, missing ends, nulls and what follows the end do no harm."""
    service.plan.append(raw(*(stream[place : place + 7] for place in range(0, len(stream), 7))))
    said, completion = await ask(model)
    assert said == text
    assert completion.usage is None


async def test_thoughts_are_not_shown(service: Service, model: OpenAIModel) -> None:
    """What a reasoning model thinks aloud is left out; an answer of thoughts alone is none."""
    service.plan += [streamed("<thi", "nk>Hm.</think>", "\n\nYes."), streamed("<think>Hm")]
    assert (await ask(model))[0] == "Yes."
    with pytest.raises(ModelUnavailableError, match="empty"):
        await ask(model)


async def test_an_answer_at_its_limit_is_marked(service: Service, model: OpenAIModel) -> None:
    """The reason of the end is the service's own."""
    service.plan.append(streamed("cut", reason="length"))
    assert (await ask(model))[1].reason == "length"


async def test_an_endless_answer_is_cut_off(
    service: Service, model: OpenAIModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that goes on beyond all measure ends as one at its limit."""
    monkeypatch.setattr(openai_client, "LONGEST_ANSWER", 10)
    service.plan.append(service.stalling("x" * 11))
    assert await ask(model) == ("x" * 11, Completion(None, "length"))


@pytest.mark.parametrize(
    ("stream", "sentence"),
    [
        (PIECE, "broke off"),
        (b"", "broke off"),
        (PIECE + b'data: {"error": {"message": "overloaded"}}\n\n', "broke off: overloaded"),
        (PIECE + b'data: {"error": "plain"}\n\n', "broke off: plain"),
        (PIECE + b"data: {broken\n\n", "no JSON object"),
        (PIECE + b"data: [1, 2]\n\n", "no JSON object"),
        (b'data: {"choices": ["x"]}\n\n', "a shape that nobody knows"),
        (b"data: [DONE]\n\n", "empty"),
        (b'data: {"choices": [{"delta": {"content": " \\n"}}]}\n\ndata: [DONE]\n\n', "empty"),
        (b"data: " + b"x" * 1_100_000, "longer than"),
        (b"<html>not the service</html>", "broke off"),
    ],
    ids=[
        "cut",
        "nothing",
        "error",
        "plain-error",
        "no-json",
        "no-object",
        "shape",
        "empty",
        "blank",
        "endless",
        "html",
    ],
)
async def test_a_broken_stream_may_work_at_the_next_try(
    service: Service, model: OpenAIModel, stream: bytes, sentence: str
) -> None:
    """Whatever breaks within an answer is told in a sentence, and is worth another try."""
    service.plan.append(raw(stream))
    with pytest.raises(ModelUnavailableError, match=sentence):
        await ask(model)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequestError),
        (401, ModelRefusedError),
        (403, ModelRefusedError),
        (404, ModelRefusedError),
        (422, InvalidRequestError),
        (307, ModelUnavailableError),
        (429, ModelUnavailableError),
        (500, ModelUnavailableError),
        (529, ModelUnavailableError),
    ],
)
async def test_a_status_tells_what_to_do(
    service: Service, model: OpenAIModel, status: int, kind: type[ModelError]
) -> None:
    """The kind of error follows the status; status and wait are kept, and the key is not repeated."""
    service.plan.append(failing(status, f"wrong key {KEY}", {"Retry-After": "7", "Location": "http://127.0.0.1:9/"}))
    with pytest.raises(kind, match="wrong key") as caught:
        await ask(model)
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.retry_after) == (status, "7")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Bad gateway</html>", b"[]", b'{"error": {}}', b'{"message": null}', b"x" * 3_000_000],
    ids=["empty", "html", "list", "no-message", "null", "huge"],
)
async def test_an_error_of_any_shape_is_an_error(service: Service, model: OpenAIModel, body: bytes) -> None:
    """A status that is no success needs no body that makes sense."""

    async def behave(request: Any) -> Any:
        response = web.StreamResponse(status=502)
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            await response.write(body)
        return response

    service.plan.append(behave)
    with pytest.raises(ModelUnavailableError, match="answered 502"):
        await ask(model)


async def test_a_huge_whole_answer_is_refused(service: Service, model: OpenAIModel) -> None:
    """An answer in one piece is bounded in bytes."""
    service.plan.append(replied({"choices": [{"message": {"content": "x" * 3_000_000}}]}))
    with pytest.raises(ModelUnavailableError, match="larger than"):
        await ask(model)


async def test_a_silent_service_is_given_up(service: Service) -> None:
    """A service that says nothing, at all or any more, is not waited for beyond the limit."""
    model = OpenAIModel(service.endpoint(), stall_seconds=0.2)
    service.plan += [service.stalling(), service.stalling("Hi")]
    for _ in range(2):
        with pytest.raises(ModelUnavailableError, match="in time"):
            await ask(model)
    await model.close()


async def test_a_connection_that_drops_is_told(service: Service, model: OpenAIModel) -> None:
    """A connection that is cut in the middle of an answer is an error, and the model can be asked again."""
    service.plan.append(dropping("Hi"))
    with pytest.raises(ModelUnavailableError, match="connection failed"):
        await ask(model)
    assert (await ask(model))[0] == "Hello world"


async def test_nobody_there_is_told() -> None:
    """An address where nobody listens is an error that may pass."""
    model = OpenAIModel(AIEndpoint(base_url="http://127.0.0.1:1/v1", model="m"))
    with pytest.raises(ModelUnavailableError, match="connection failed"):
        await ask(model)
    await model.close()
    await model.close()
    assert repr(model) == "<OpenAIModel 'm'>"


async def test_a_cancelled_question_leaves_nothing_open(service: Service, model: OpenAIModel) -> None:
    """A caller that gives up in the middle of a stream takes the connection with it."""
    service.plan.append(service.stalling("Hi"))
    task = asyncio.create_task(ask(model))
    await service.arrival(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await ask(model))[0] == "Hello world"


@pytest.mark.parametrize("url", ["ftp://a/v1", "a.example", "http://key@a/v1", "http://:key@a/v1", "http://a/v1?key=1"])
def test_an_address_that_would_show_a_secret_is_refused(url: str) -> None:
    """An address is HTTP and holds no key; a slash at its end does no harm."""
    with pytest.raises(ValidationError, match="give the"):
        AIEndpoint(base_url=url, model="m")
    assert AIEndpoint(base_url="http://a/v1/", model="m").base_url == "http://a/v1"


def test_settings_do_not_show_the_key(service: Service) -> None:
    """The key is in no text that is made of the settings."""
    settings = AISettings(endpoint=service.endpoint())
    assert KEY not in repr(settings) + settings.model_dump_json()
