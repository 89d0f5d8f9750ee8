"""The music of all guilds: a session for each, made when it is needed, restored after a restart, closed at the end."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

import discord

from reference.guilds import Feature
from reference.refusals import Refused
from reference.utils.monitoring.metrics import metrics
from reference.utils.monitoring.structured_logger import get_logger

from .access import Channel, people_in
from .markup import shown
from .neighbours import Listener
from .panel import Panel
from .player import Player
from .requirements import missing_parts
from .session import Session, hang_up, is_there, step_up
from .sound import FRAME_SECONDS, workers
from .track import Kind
from .track_queue import Limits, QueueFullError, UserLimitError
from .voice import VoiceClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reference.bot import Bot
    from reference.utils.media.ytdl_player import YTDLSource

    from .config import MusicSettings
    from .errors import MusicError
    from .resolver import Resolver
    from .store import PlayerStore, Snapshot
    from .track import Track

__all__ = ["Jukebox"]

log = get_logger(__name__)

CONNECT_SECONDS = 20.0
FILES_SECONDS = 30.0


class Jukebox(Listener):
    """Keeps the sessions.

    Args:
        bot: the bot.
        store: where players are kept.
        resolver: finds and opens tracks.
        settings: of music.
        view: makes the buttons below what is played.

    Attributes:
        sleep: waits for seconds before an empty channel is left; a test may put its own clock here.
    """

    def __init__(
        self,
        bot: Bot,
        store: PlayerStore,
        resolver: Resolver,
        settings: MusicSettings,
        view: Callable[[Player], discord.ui.View],
    ) -> None:
        self.bot = bot
        self.store = store
        self.resolver = resolver
        self.sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
        self._settings = settings
        self._limits = Limits(settings.queue_limit, settings.user_limit)
        self._view = view
        self._sessions: dict[int, Session] = {}
        self._opening: dict[int, asyncio.Task[Session]] = {}
        self._is_closed = False

    # Sessions

    @property
    def sessions(self) -> list[Session]:
        """The sessions that there are."""
        return list(self._sessions.values())

    def known(self, guild_id: int) -> Session | None:
        """Return the session of a guild, if it has one already."""
        return self._sessions.get(guild_id)

    async def session(self, guild: discord.Guild) -> Session:
        """Return the session of a guild, made of what was saved by the first who asks."""
        known = self._sessions.get(guild.id)
        if known is not None:
            return known
        opening = self._opening.get(guild.id)
        if opening is None:
            opening = self._opening[guild.id] = self.bot.spawn(self._opened(guild), "music session")
            opening.add_done_callback(lambda _: self._opening.pop(guild.id, None))
        return await asyncio.shield(opening)

    async def _opened(self, guild: discord.Guild) -> Session:
        saved = await self.store.load(guild.id)
        config = await self.bot.guild_config(guild.id)
        if self._is_closed:
            raise Refused("shutdown.soon")
        player = Player(
            saved,
            open_track=partial(self._open, guild.id),
            save=self._save,
            save_position=self.store.save_position,
            listener=self,
            volume=config.music_volume,
            tick_frames=max(1, round(self._settings.save_seconds / FRAME_SECONDS)),
        )
        panel = Panel(self.bot, player, self._view, lambda: self._save(player.snapshot()))
        session = self._sessions[guild.id] = Session(self.bot, guild.id, player, panel, uploads=_uploads(saved))
        return session

    async def _open(self, guild_id: int, track: Track, start: float, volume: float) -> YTDLSource:
        """Open a track, as loud as the guild wants it by now."""
        wanted = (await self.bot.guild_config(guild_id)).music_volume
        session = self._sessions.get(guild_id)
        if session is not None and wanted != volume:
            session.player.volume = wanted
        return await self.resolver.open(track, start, wanted)

    async def _save(self, snapshot: Snapshot) -> None:
        """Keep a player, and delete the uploads that it needed before and does not need any more."""
        await self.store.save(snapshot)
        session = self._sessions.get(snapshot.guild_id)
        if session is None:
            return
        before, session.uploads = session.uploads, _uploads(snapshot)
        if gone := before - session.uploads:
            await workers.run(self.resolver.uploads.drop, gone, deadline=FILES_SECONDS)

    # Channels

    def require_voice(self, channel: Channel) -> None:
        """Refuse what cannot be joined.

        Raises:
            Refused: something is not installed, or a permission is missing.
        """
        if missing := missing_parts():
            raise Refused("music.no_voice", missing=", ".join(missing))
        allowed = channel.permissions_for(channel.guild.me)
        if not (allowed.connect and allowed.speak and allowed.view_channel):
            raise Refused("common.bot_no_permission", permission="connect, speak")

    async def join(self, session: Session, channel: Channel) -> None:
        """Play into a voice channel from now on.

        Raises:
            Refused: it cannot be joined.
        """
        self.require_voice(channel)
        async with session.joining:
            voice = session.voice
            if voice is None or not is_there(voice, channel.guild):
                await hang_up(voice, channel.guild)
                voice = await self._connected(channel)
            if isinstance(channel, discord.StageChannel):
                await step_up(channel)
            await session.player.attach(voice, voice.channel.id)
        self._watch(session)

    async def _connected(self, channel: Channel) -> discord.VoiceClient:
        try:
            return await channel.connect(timeout=CONNECT_SECONDS, self_deaf=True, cls=VoiceClient)
        except (TimeoutError, OSError, discord.ClientException) as error:
            log.warning("a voice channel cannot be joined", guild=channel.guild.id, error=repr(error))
            await hang_up(channel.guild.voice_client, channel.guild)
            raise Refused("music.cannot_join", channel=channel.mention) from error

    async def leave(self, session: Session) -> None:
        """Leave the voice channel; queue and position stay."""
        async with session.joining:
            await session.player.detach()
            await hang_up(session.voice, session.guild)
        self._watch(session)

    async def follow(self, session: Session) -> None:
        """Bring a player in line with where the bot is by now: moved or thrown out by somebody, or by discord.py.

        To make a lost connection anew, discord.py leaves the channel and enters it again. What has happened meanwhile
        does not matter, only where that led: so the state of now is looked at, and not what an event told.
        """
        async with session.joining:
            player, voice, guild = session.player, session.voice, session.guild
            state = guild.me.voice if guild is not None else None
            channel_id = state.channel.id if state is not None and state.channel is not None else None
            if channel_id is None:
                if player.voice is not None:
                    await player.detach()
            elif voice is not None and (player.voice is not voice or player.voice_channel_id != channel_id):
                await player.attach(voice, channel_id)
        self._watch(session)

    def heard_by(self, session: Session) -> None:
        """Take note that somebody came or went."""
        self._watch(session)

    def _watch(self, session: Session) -> None:
        """Leave after a while if nobody is there or nothing is played; stay if that changes before."""
        channel = session.channel
        is_needed = channel is not None and bool(people_in(channel)) and session.player.queue.current is not None
        if channel is None or is_needed:
            if session.waiting is not None and session.waiting is not asyncio.current_task():
                session.waiting.cancel()
            session.waiting = None
        elif session.waiting is None and not self._is_closed:
            session.waiting = self.bot.spawn(self._leave_later(session), "leave an empty voice channel")

    async def _leave_later(self, session: Session) -> None:
        config = await self.bot.guild_config(session.guild_id)
        if not config.mode_247:
            await self.sleep(config.auto_disconnect_delay)
        session.waiting = None
        if config.mode_247:
            return
        is_alone = session.channel is not None and not people_in(session.channel)
        await self.leave(session)
        await self._tell(session, "music.left_alone" if is_alone else "music.left_idle")

    # The queue

    async def add(self, session: Session, track: Track) -> int:
        """Put a track into the queue.

        Returns:
            Its position; 0 if it is the one that is played now.

        Raises:
            Refused: there is no room.
        """
        player = session.player
        try:
            queue = player.queue.add([track], self._limits)
        except QueueFullError:
            raise Refused("music.queue_full", count=self._limits.queue) from None
        except UserLimitError:
            raise Refused("music.user_full", count=self._limits.user) from None
        await player.arrange(queue)
        self._watch(session)
        log.info("a track was added", guild=session.guild_id, user=track.requester_id, kind=track.kind.value)
        return len(queue.upcoming) if player.queue.current is not track else 0

    async def show_in(self, session: Session, channel_id: int, message_id: int | None = None) -> None:
        """Tell in a text channel what is played from now on.

        Args:
            session: of the guild.
            channel_id: the channel.
            message_id: a message that shows it already.
        """
        player = session.player
        if player.text_channel_id == channel_id and message_id is None:
            return
        old = _message(self.bot, player.text_channel_id, player.message_id)
        player.text_channel_id, player.message_id = channel_id, message_id
        await player.save()
        if old is not None:
            with contextlib.suppress(discord.HTTPException):
                await old.delete()

    # What players tell

    def changed(self, player: Player, /) -> None:
        """Show what has changed."""
        session = self._sessions.get(player.guild_id)
        if session is None or self._is_closed:
            return
        session.panel.refresh()
        self._watch(session)
        metrics.set("queue_length", sum(len(each.player.queue.upcoming) for each in self.sessions))
        metrics.set("voice_connections", len(self.bot.voice_clients))

    def progressed(self, player: Player, /) -> None:
        """Move the position on that is shown."""
        session = self._sessions.get(player.guild_id)
        if session is not None:
            session.panel.progress()

    def failed(self, player: Player, track: Track, error: MusicError, /) -> None:
        """Tell that a track could not be played."""
        log.warning("a track could not be played", guild=player.guild_id, kind=track.kind.value, error=str(error))
        metrics.increment_errors(error)
        self._spawn_tell(player, "music.failed_next", title=shown(track.title), reason=error)

    def gave_up(self, player: Player, /) -> None:
        """Tell that the player stands still."""
        self._spawn_tell(player, "music.gave_up")

    def _spawn_tell(self, player: Player, key: str, **values: Any) -> None:
        session = self._sessions.get(player.guild_id)
        if session is not None:
            self.bot.spawn(self._tell(session, key, **values), "news of the music")

    async def _tell(self, session: Session, key: str, **values: Any) -> None:
        channel: Any = self.bot.get_channel(session.player.text_channel_id or 0)
        if channel is None:
            return
        if isinstance(reason := values.get("reason"), Refused):
            values["reason"] = await self.bot.text(session.guild, reason.answer.key, **reason.answer.values)
        with contextlib.suppress(discord.HTTPException):
            none = discord.AllowedMentions.none()
            await channel.send(await self.bot.text(session.guild, key, **values), allowed_mentions=none)

    # Begin and end

    async def restore(self) -> None:
        """Go back to the voice channels in which people wait, and play on from where it was."""
        needed = await self.store.uploads()
        await workers.run(self.resolver.uploads.sweep, needed, deadline=FILES_SECONDS)
        for saved in await self.store.load_all():
            guild = self.bot.get_guild(saved.guild_id)
            if guild is not None and saved.voice_channel_id is not None:
                try:
                    await self._restore(guild, saved.voice_channel_id)
                except Refused as error:
                    log.warning("music is not taken up again", guild=guild.id, reason=str(error))

    async def _restore(self, guild: discord.Guild, channel_id: int) -> None:
        session = await self.session(guild)
        if session.voice is not None and is_there(session.voice, guild):
            return
        channel = guild.get_channel(channel_id)
        config = await self.bot.guild_config(guild.id)
        is_wanted = session.player.queue.current is not None and config.enabled(Feature.MUSIC)
        if isinstance(channel, Channel) and people_in(channel) and is_wanted:
            await self.join(session, channel)
            log.info("music is taken up again", guild=guild.id, position=session.player.position)
        else:
            await session.player.detach()

    async def forget_guild(self, guild_id: int) -> None:
        """Forget everything of a guild that the bot is no member of any more."""
        session = self._sessions.pop(guild_id, None)
        if session is not None:
            await self._end(session)
            await workers.run(self.resolver.uploads.drop, session.uploads, deadline=FILES_SECONDS)
        await self.store.forget_guild(guild_id)

    async def forget_user(self, user_id: int) -> int:
        """Forget the tracks that a person asked for, those that are played and files included; return how many."""
        needed = await self.store.uploads()
        count = 0
        for session in self.sessions:
            before = session.player.queue
            after = before.without_user(user_id)
            count += len(before.tracks) - len(after.tracks)
            if after.current != before.current:
                await session.player.go(after)
            elif after != before:
                await session.player.arrange(after)
        count += await self.store.forget_user(user_id)
        await workers.run(self.resolver.uploads.drop, needed - await self.store.uploads(), deadline=FILES_SECONDS)
        return count

    async def close(self) -> None:
        """End all sounds, save where they were, and leave all voice channels; it may be called again."""
        self._is_closed = True
        sessions, self._sessions = self.sessions, {}
        await asyncio.gather(*map(self._end, sessions))

    async def _end(self, session: Session) -> None:
        if session.waiting is not None:
            session.waiting.cancel()
        await session.panel.close()
        await session.player.close()
        await hang_up(session.voice, session.guild)


def _uploads(snapshot: Snapshot) -> frozenset[str]:
    return frozenset(track.location for track in snapshot.queue.tracks if track.kind is Kind.UPLOAD)


def _message(bot: Bot, channel_id: int | None, message_id: int | None) -> discord.PartialMessage | None:
    channel: Any = bot.get_channel(channel_id or 0)
    return channel.get_partial_message(message_id) if channel is not None and message_id is not None else None
