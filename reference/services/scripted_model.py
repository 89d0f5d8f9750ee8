"""The scripted model as an OpenAI-compatible service: to try a bot, or any other client, without a key or the internet.

Run it with `python -m reference.services.scripted_model`, and give a bot the address that it prints, with `/v1` behind
it, as `BOT_AI__ENDPOINT__BASE_URL`. Routes: `POST /v1/chat/completions`, streamed or whole, and `GET /v1/models`.
"""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from reference.cogs import FOLDER
from reference.cogs.ai.chat import ChatMessage, ChatRequest, Role
from reference.cogs.ai.scripted_model import SCRIPTED_NAME, ScriptedModel
from reference.services.running import Service, end_gently
from reference.utils.fast_json import json_dumps
from reference.utils.localization import add_locales, get_message

if TYPE_CHECKING:
    from reference.cogs.ai.chat import Completion

PORT = 8083
LARGEST_REQUEST = 1024 * 1024
"""Bytes."""

MODEL = SCRIPTED_NAME.replace(" ", "-")
_AUTHOR = re.compile(r"([^:\n]{1,32}): (.*)", re.DOTALL)
"""How a bot says who speaks."""

_MODEL = web.AppKey("model", ScriptedModel)


class Message(BaseModel):
    """A message of a conversation, as it is sent."""

    role: str
    content: str

    def read(self) -> ChatMessage:
        """Return the message as the script takes it; what a tool or a developer says is none of its business."""
        role = {"assistant": Role.ASSISTANT, "user": Role.USER}.get(self.role, Role.SYSTEM)
        named = _AUTHOR.fullmatch(self.content) if role is Role.USER else None
        return ChatMessage(role, named[2], named[1]) if named else ChatMessage(role, self.content)


class Options(BaseModel):
    """What is said of a stream."""

    include_usage: bool = False


class Question(BaseModel):
    """A request, as far as it matters to a script."""

    messages: list[Message] = Field(min_length=1)
    model: str = MODEL
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    stream: bool = False
    stream_options: Options | None = None

    def read(self) -> ChatRequest:
        """Return the request as the script takes it."""
        limit = self.max_completion_tokens or self.max_tokens or 10_000
        return ChatRequest([message.read() for message in self.messages], limit)


def make_app() -> web.Application:
    """Make the application; nothing listens yet."""
    add_locales(FOLDER / "ai" / "locales")
    app = web.Application(client_max_size=LARGEST_REQUEST)
    app[_MODEL] = ScriptedModel(get_message)
    app.add_routes([web.post("/v1/chat/completions", _complete), web.get("/v1/models", _models)])
    return app


async def _models(_request: web.Request) -> web.Response:
    model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "this machine"}
    return web.json_response({"object": "list", "data": [model]})


async def _complete(request: web.Request) -> web.StreamResponse:
    try:
        question = Question.model_validate_json(await request.read())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        complaint = {"message": f"{where}: {first['msg']}", "type": "invalid_request_error", "param": where}
        return web.json_response({"error": complaint}, status=400)
    return await (_streamed if question.stream else _whole)(request, question)


async def _whole(request: web.Request, question: Question) -> web.StreamResponse:
    pieces: list[str] = []
    completion = await request.app[_MODEL].answer(question.read(), pieces.append)
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "".join(pieces)},
        "finish_reason": completion.reason,
    }
    head = _head(question, "chat.completion")
    return web.json_response({**head, "choices": [choice], "usage": _usage(completion)})


async def _streamed(request: web.Request, question: Question) -> web.StreamResponse:
    """Answer in pieces, as server-sent events."""
    pieces: list[str] = []
    completion = await request.app[_MODEL].answer(question.read(), pieces.append)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    head = _head(question, "chat.completion.chunk")
    events: list[dict[str, Any]] = [
        {**head, "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]} for piece in pieces
    ]
    events.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": completion.reason}]})
    if question.stream_options and question.stream_options.include_usage:
        events.append({**head, "choices": [], "usage": _usage(completion)})
    for event in events:
        await response.write(f"data: {json_dumps(event)}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    return response


def _head(question: Question, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid4().hex}", "object": kind, "created": int(time.time()), "model": question.model}


def _usage(completion: Completion) -> dict[str, int]:
    usage = completion.usage
    sent, given = (usage.input_tokens, usage.output_tokens) if usage else (0, 0)
    return {"prompt_tokens": sent, "completion_tokens": given, "total_tokens": sent + given}


SERVICE = Service("scripted model", "reference.services.scripted_model", PORT, lambda _host: make_app())
main = SERVICE.main

if __name__ == "__main__":
    end_gently()
    sys.exit(main())
