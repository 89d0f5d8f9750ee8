"""Members that a client asks for (op 8), in chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.gateway.codes import Close, ClosedError
from localdiscord.gateway.guilds import presences
from localdiscord.intents import Intents

if TYPE_CHECKING:
    from localdiscord.gateway.session import Session
    from localdiscord.model.guild import Guild
    from localdiscord.model.member import Member

__all__ = ["asked_members"]

CHUNK = 1000
MOST_IDS = 100
LONGEST_NONCE = 32
"""Bytes; a longer one is not sent back."""


def asked_members(session: Session, data: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the chunks that a client asked for.

    Args:
        session: the session of the client.
        data: guild_id, and either query with limit, or user_ids; ids as text or numbers.

    Raises:
        ClosedError: all members are asked for without the intent for it.
        KeyError: something is missing.
        TypeError: something is of the wrong type.
        ValueError: something is no number.
    """
    guild_id = data["guild_id"][0] if isinstance(data["guild_id"], list) else data["guild_id"]
    guild = next((each for each in session.guilds() if each.id == int(guild_id)), None)
    if guild is None:
        return []
    ids = data.get("user_ids")
    if ids is not None:
        wanted = [int(each) for each in (ids if isinstance(ids, list) else [ids])][:MOST_IDS]
        found = [guild.members[each] for each in wanted if each in guild.members]
        missing = [str(each) for each in wanted if each not in guild.members]
        return _chunks(session, guild, found, data, missing)
    if not data["query"] and not data["limit"] and Intents.GUILD_MEMBERS not in session.intents:
        raise ClosedError(Close.DISALLOWED_INTENTS, "All members are told with the intent GUILD_MEMBERS only.")
    return _chunks(session, guild, _matching(guild, data["query"], int(data["limit"])), data, [])


def _matching(guild: Guild, query: str, limit: int) -> list[Member]:
    beginning = query.casefold()
    found = [
        member
        for member in guild.members.values()
        if not beginning
        or any(name.casefold().startswith(beginning) for name in (member.user.username, member.display_name))
    ]
    most = 100 if query and not limit else limit
    return found[:most] if most else found


def _chunks(
    session: Session, guild: Guild, members: list[Member], data: dict[str, Any], missing: list[str]
) -> list[dict[str, Any]]:
    parts = [members[start : start + CHUNK] for start in range(0, len(members), CHUNK)] or [[]]
    chunks: list[dict[str, Any]] = []
    for index, part in enumerate(parts):
        chunk: dict[str, Any] = {
            "guild_id": str(guild.id),
            "members": [member.payload() for member in part],
            "chunk_index": index,
            "chunk_count": len(parts),
            "not_found": missing,
        }
        if data.get("presences") and Intents.GUILD_PRESENCES in session.intents:
            chunk["presences"] = presences(guild, part)
        nonce = data.get("nonce")
        if isinstance(nonce, str) and len(nonce.encode()) <= LONGEST_NONCE:
            chunk["nonce"] = nonce
        chunks.append(chunk)
    return chunks
