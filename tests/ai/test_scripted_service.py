"""The scripted model behind an OpenAI-compatible address, asked by the bot's own client and by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from reference.cogs.ai.chat import ChatMessage, ChatRequest, Role
from reference.cogs.ai.config import AIEndpoint
from reference.cogs.ai.openai_client import OpenAIModel
from reference.services import scripted_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATH = "/v1/chat/completions"


@pytest.fixture
async def client() -> AsyncIterator[TestClient[Any, Any]]:
    """A client of the service."""
    async with TestClient(TestServer(scripted_model.make_app(), host="127.0.0.1")) as client:
        yield client


@pytest.mark.parametrize("asks_usage", [True, False])
async def test_the_bots_client_is_answered(client: TestClient[Any, Any], asks_usage: bool) -> None:
    """The script reads who speaks out of the request, and answers in a stream, with usage where it is asked for."""
    endpoint = AIEndpoint(base_url=str(client.make_url("/v1")), model="scripted-model", asks_usage=asks_usage)
    model = OpenAIModel(endpoint)
    pieces: list[str] = []
    completion = await model.answer(ChatRequest([ChatMessage(Role.USER, "hello", "Mali")], 500), pieces.append)
    await model.close()
    assert "".join(pieces).startswith("Hello, Mali! I am a scripted model")
    assert (completion.usage is not None, completion.reason) == (asks_usage, "stop")


async def test_other_clients_are_answered_whole(client: TestClient[Any, Any]) -> None:
    """Without a stream the answer comes in one piece; the limit, under either name, cuts it off."""
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "my name is Ploy"},
        {"role": "assistant", "content": "Nice to meet you."},
        {"role": "user", "content": "what is my name?"},
    ]
    whole = await (await client.post(PATH, json={"messages": messages})).json()
    assert whole["choices"][0]["message"]["content"] == "Your name is Ploy."
    assert whole["usage"]["total_tokens"] > 10
    for name in ("max_tokens", "max_completion_tokens"):
        cut = await (await client.post(PATH, json={"messages": messages, name: 2})).json()
        assert cut["choices"][0] == {
            "index": 0,
            "message": {"role": "assistant", "content": "Your nam"},
            "finish_reason": "length",
        }
    models = await (await client.get("/v1/models")).json()
    assert [model["id"] for model in models["data"]] == ["scripted-model"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", "body"),
        (b"{}", "messages"),
        (b'{"messages": []}', "messages"),
        (b'{"messages": [{"role": 1}]}', "messages.0.role"),
    ],
)
async def test_a_wrong_request_is_told(client: TestClient[Any, Any], body: bytes, param: str) -> None:
    """What is no request is refused in the words of the protocol."""
    async with client.post(PATH, data=body) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["param"] == param
