"""One tab of the page: what the person in it asks for, and what they are told."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from localdiscord.driver.person import HumanlyImpossibleError, Person
from localdiscord.errors import DiscordError
from localdiscord.web.acts import ACTS, BadRequestError
from localdiscord.web.ear import Ear
from localdiscord.web.kindness import sentence
from localdiscord.web.view import concerns, message_view, town_view

if TYPE_CHECKING:
    from localdiscord.model.user import User
    from localdiscord.model.world import Event
    from localdiscord.server import LocalDiscord
    from localdiscord.web.uploads import Uploads

__all__ = ["Tab"]

logger = logging.getLogger(__name__)

LONGEST_OUTBOX = 5000
"""How many messages may wait for a tab that does not read; then it is closed, and comes again for the present state."""

GATHER_SECONDS = 0.03
"""How long changes of channels and people are gathered before they are told together."""

LISTEN_SECONDS = 1.0
"""How often it is told what the voice server hears."""

WRITTEN = frozenset({"MESSAGE_CREATE", "MESSAGE_UPDATE"})
DELETED = frozenset({"MESSAGE_DELETE", "MESSAGE_DELETE_BULK"})


class Tab:
    """One tab of one person.

    Args:
        discord: the server.
        uploads: the files that were sent ahead of their message.
    """

    def __init__(self, discord: LocalDiscord, uploads: Uploads) -> None:
        self.discord: LocalDiscord = discord
        self.uploads = uploads
        self.socket = web.WebSocketResponse(heartbeat=30, max_msg_size=1024 * 1024, compress=False)
        self._person: Person | None = None
        self._outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refresh: asyncio.TimerHandle | None = None
        self._told: set[str] = set()
        self._ear = Ear(discord.voice)
        self._next_look: asyncio.TimerHandle | None = None

    @property
    def person(self) -> Person:
        """Who the tab's person is.

        Raises:
            BadRequestError: nobody yet.
        """
        if self._person is None:
            raise BadRequestError("Choose first who you are.")
        return self._person

    def enter(self, user: User) -> dict[str, Any]:
        """Become somebody; returns what they see."""
        self._person = self.discord.person(user)
        if self._next_look is None:
            self._look()
        return self._town()

    def leave(self) -> None:
        """Be nobody."""
        self._person = None

    async def run(self, request: web.Request) -> web.WebSocketResponse:
        """Talk with the page until it goes."""
        await self.socket.prepare(request)
        self.discord.world.listeners.append(self._hear)
        writer = asyncio.create_task(self._write(), name="page writer")
        try:
            async for message in self.socket:
                if message.type is WSMsgType.TEXT:
                    self._ask(message.data)
        finally:
            self.discord.world.listeners.remove(self._hear)
            for timer in (self._refresh, self._next_look):
                if timer is not None:
                    timer.cancel()
            for task in (writer, *self._tasks):
                task.cancel()
            await asyncio.gather(writer, *self._tasks, return_exceptions=True)
        return self.socket

    async def close(self) -> None:
        """Say good-bye: the page comes back when the server does."""
        await self.socket.close(code=WSCloseCode.GOING_AWAY, message=b"the server stops")

    async def _write(self) -> None:
        while True:
            item = await self._outbox.get()
            if self._outbox.qsize() > LONGEST_OUTBOX:
                await self.socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=b"too slow")
                return
            await self.socket.send_str(orjson.dumps(item).decode())

    # -- what the person asks for -----------------------------------------------------------------------------------

    def _ask(self, raw: str) -> None:
        task = asyncio.create_task(self._answer(raw), name="page request")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, raw: str) -> None:
        number: Any = None
        try:
            request = orjson.loads(raw)
            number = request["n"]
            answer = {"ok": await ACTS[request["do"]](self, request)}
        except (DiscordError, HumanlyImpossibleError, BadRequestError) as error:
            answer = {"refused": sentence(error)}
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            logger.info("the page asked for what there is not: %r", error, exc_info=True)
            answer = {"refused": "The page and its server do not understand each other: reload the page."}
        self._outbox.put_nowait({"n": number, **answer})

    # -- what the person is told ------------------------------------------------------------------------------------

    def _hear(self, event: Event) -> None:
        if self._person is None or not concerns(self.discord.world, self._person.user, event):
            return
        if event.name in WRITTEN:
            self._tell_message(event.data["channel_id"], event.data["id"])
        elif event.name in DELETED:
            ids = event.data.get("ids") or [event.data["id"]]
            self._outbox.put_nowait({"event": "gone", "channel": event.data["channel_id"], "ids": ids})
        elif event.name.startswith("MESSAGE_"):
            self._tell_message(event.data["channel_id"], event.data["message_id"])
        elif event.name == "CHANNEL_PINS_UPDATE" or event.name.startswith("INTERACTION_"):
            return
        elif event.name == "TYPING_START":
            data = {"channel": event.data["channel_id"], "user": event.data["user_id"]}
            self._outbox.put_nowait({"event": "typing", **data})
        elif self._refresh is None:
            self._refresh = asyncio.get_running_loop().call_later(GATHER_SECONDS, self.tell_town)

    def _tell_message(self, channel_id: str, message_id: str) -> None:
        if channel_id not in self._told:
            self.tell_town()  # of direct messages that somebody began there is no other news
        channel = self.discord.world.channels.get(int(channel_id))
        message = channel.messages.get(int(message_id)) if channel else None
        if message is None or (message.is_ephemeral and message.audience is not self.person.user):
            return
        self._outbox.put_nowait({"event": "message", "message": message_view(message, self.person.user)})

    def tell_town(self) -> None:
        """Tell the person's view of the town as it is now."""
        self._refresh = None
        if self._person is not None:
            self._outbox.put_nowait({"event": "town", "town": self._town()})

    def _town(self) -> dict[str, Any]:
        town = town_view(self.discord.world, self.person.user)
        self._told = {each["id"] for place in town["guilds"] for each in place["channels"]}
        self._told |= {each["id"] for each in town["direct"]}
        return town

    def _look(self) -> None:
        """Tell how much the voice server has heard, as long as there is more."""
        self._next_look = asyncio.get_running_loop().call_later(LISTEN_SECONDS, self._look)
        if self._person is None:
            return
        for guild in self.discord.world.guilds.values():
            if self._person.user.id in guild.members and (heard := self._ear.listen(guild)) is not None:
                self._outbox.put_nowait({"event": "heard", "guild": str(guild.id), "heard": heard})
