"""What can go wrong with Discord, brought about on purpose: in gateway connections, and on the way of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.gateway.codes import Close, Op
from localdiscord.gateway.sessions import drop
from localdiscord.request_faults import Injected, RequestFault, RequestFaults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from localdiscord.gateway.connection import Connection
    from localdiscord.gateway.session import Session
    from localdiscord.model.guild import Guild
    from localdiscord.model.user import User
    from localdiscord.server import LocalDiscord

__all__ = ["Faults", "Injected", "RequestFault"]


class Faults(RequestFaults):
    """Faults, each recorded when it happens.

    Those of requests wait for them; `heal` takes them back. Those of the gateway happen at once, to the connections
    of one bot or of all, and return how many they met.

    Args:
        discord: the server.
    """

    def __init__(self, discord: LocalDiscord) -> None:
        super().__init__()
        self.discord = discord
        self._refused = 0

    def note(self, kind: str, where: str) -> None:
        """Record a fault that happens; who waits for a change may look for it."""
        super().note(kind, where)
        self.discord.notify()

    def heal(self) -> None:
        """Take all faults back that wait."""
        super().heal()
        self._refused = 0

    def drop(self, bot: User | None = None) -> int:
        """Break connections off, as if the cable were cut."""
        return self._each("drop", bot, lambda _session, link: link.sever())

    def half_frame(self, bot: User | None = None) -> int:
        """Break connections off within a frame."""
        return self._each("half_frame", bot, lambda _session, link: link.half_frame())

    def close(self, code: Close | int, bot: User | None = None) -> int:
        """Close connections with a code."""
        return self._each("close", bot, lambda _session, link: link.close(Close(code), "Injected."))

    def reconnect(self, bot: User | None = None) -> int:
        """Ask clients to connect anew and to resume (op 7)."""
        return self._each("reconnect", bot, lambda _session, link: link.say(Op.RECONNECT))

    def invalidate(self, bot: User | None = None, *, resumable: bool = False) -> int:
        """Tell clients that their session is invalid (op 9).

        Args:
            bot: whose; None for all.
            resumable: whether they may resume it all the same.
        """

        def act(session: Session, link: Connection) -> None:
            if not resumable:
                link.session = None
                drop(self.discord, session)
            link.say(Op.INVALID_SESSION, data=resumable)

        return self._each("invalidate", bot, act)

    def poison(self, name: str = "MESSAGE_CREATE", data: Any = None, bot: User | None = None) -> int:
        """Send an event that lacks what it should have."""
        return self._each(
            "poison", bot, lambda session, _link: session.dispatch(name, data if data is not None else {})
        )

    def garble(self, bot: User | None = None) -> int:
        """Send what is no JSON."""
        return self._each("garble", bot, lambda _session, link: link.send_raw(b'{"op": 0, "t": nonsense'))

    def mute(self, bot: User | None = None) -> int:
        """Leave heartbeats unanswered from now on."""
        return self._each("mute", bot, lambda _session, link: setattr(link, "is_mute", True))

    def lag(self, seconds: float, bot: User | None = None) -> int:
        """Let each payload wait before it is sent, from now on."""
        return self._each("lag", bot, lambda _session, link: setattr(link, "delay", seconds))

    def outage(self, guild: Guild) -> None:
        """Let a guild be unavailable, until `restore`."""
        for session in self.discord.sessions.values():
            if guild in session.guilds():
                session.lose(guild.id)
        self.note("outage", guild.name)

    def restore(self, guild: Guild) -> None:
        """Let a guild be available again."""
        for session in self.discord.sessions.values():
            if guild.id in session.away:
                session.arrive(guild.id)
        self.note("restore", guild.name)

    def refuse_connections(self, times: int = 1) -> None:
        """Refuse the next connections to the gateway."""
        self._refused = times

    def refuses_connection(self) -> bool:
        """Tell whether a connection to the gateway that is asked for is refused."""
        if not self._refused:
            return False
        self._refused -= 1
        self.note("refuse_connections", "gateway")
        return True

    def _each(self, kind: str, bot: User | None, act: Callable[[Session, Connection], object]) -> int:
        met = list(self._connected(bot))
        for session, link in met:
            self.note(kind, f"{session.application.name} shard {session.shard}")
            act(session, link)
        return len(met)

    def _connected(self, bot: User | None) -> Iterator[tuple[Session, Connection]]:
        for connection in tuple(self.discord.connections):
            session = connection.session
            if session is not None and (bot is None or session.application.bot is bot):
                yield session, connection
