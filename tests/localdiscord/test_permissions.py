"""Permissions: roles, overwrites in Discord's order, time-out, ranks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from localdiscord.actions.access import (
    held_in,
    may,
    outranks,
    permissions_in,
    require,
    require_in_guild,
    require_rank,
    require_role_rank,
)
from localdiscord.errors import DiscordError, invalid_forms
from localdiscord.model.channel import Overwrite
from localdiscord.model.town import found
from localdiscord.model.world import World
from localdiscord.permissions import ALL, NONE, Permissions, in_channel, in_guild

SEE, SEND, PIN = Permissions.VIEW_CHANNEL, Permissions.SEND_MESSAGES, Permissions.PIN_MESSAGES


def test_the_owner_and_administrators_may_everything() -> None:
    """Neither overwrites nor time-out bind the owner or an administrator."""
    world = World()
    town = found(world)
    guild, general = town.guild, town.channels["general"]
    general.overwrites.append(Overwrite(guild.id, 0, deny=ALL))
    for user in (town.owner, town.application.bot):
        member = guild.members[user.id]
        member.timed_out_until = datetime.now(UTC) + timedelta(hours=1)
        assert in_guild(guild, member) == in_channel(guild, general, member) == ALL


def test_overwrites_go_from_everybody_to_the_member() -> None:
    """Everyone's overwrite comes first, then what roles deny, then what they allow, then the member's own."""
    world = World()
    town = found(world)
    guild, general, member = town.guild, town.channels["general"], town.guild.members[town.members[0].id]
    roles = [world.add_role(guild, name) for name in "ab"]
    member.roles = [role.id for role in roles]

    def held() -> Permissions:
        return in_channel(guild, general, member) & (SEE | SEND | PIN)

    assert held() == SEE | SEND
    steps = [
        (Overwrite(guild.id, 0, allow=PIN, deny=SEND), SEE | PIN),
        (Overwrite(roles[0].id, 0, deny=PIN), SEE),
        (Overwrite(roles[1].id, 0, allow=PIN | SEND), SEE | PIN | SEND),
        (Overwrite(member.user.id, 1, deny=SEND), SEE | PIN),
        (Overwrite(town.owner.id, 1, deny=SEE), SEE | PIN),
    ]
    for overwrite, left in steps:
        general.overwrites.append(overwrite)
        assert held() == left
    general.overwrites.append(Overwrite(member.user.id, 1, deny=SEE))
    assert in_channel(guild, general, member) == NONE


def test_time_out_leaves_reading() -> None:
    """A member in time-out sees and reads, and nothing else."""
    world = World()
    town = found(world)
    guild, member = town.guild, town.guild.members[town.members[0].id]
    member.timed_out_until = datetime.now(UTC) + timedelta(hours=1)
    assert in_guild(guild, member) == in_channel(guild, town.channels["general"], member)
    assert in_guild(guild, member) == SEE | Permissions.READ_MESSAGE_HISTORY
    member.timed_out_until = datetime.now(UTC) - timedelta(hours=1)
    assert SEND in in_guild(guild, member)


def test_strangers_may_nothing() -> None:
    """Who is no member has no access; among those who write to each other nothing is forbidden."""
    world = World()
    town = found(world)
    stranger, general = world.add_user("Stranger"), town.channels["general"]
    assert permissions_in(world, general, stranger) == NONE
    assert not may(world, general, stranger, SEE)
    for refused in (lambda: held_in(town.guild, stranger), lambda: require(world, general, stranger, SEE)):
        with pytest.raises(DiscordError, match="Missing Access"):
            refused()
    with pytest.raises(DiscordError, match="Missing Permissions"):
        require_in_guild(town.guild, town.members[0], Permissions.BAN_MEMBERS)


def test_ranks_go_by_position_then_by_age() -> None:
    """The higher role stands above; of two at one position the older one; nobody stands above the owner."""
    world = World()
    town = found(world)
    guild, (low, other) = town.guild, town.members
    older, newer = world.add_role(guild, "older"), world.add_role(guild, "newer")
    newer.position = older.position
    guild.members[low.id].roles, guild.members[other.id].roles = [newer.id], [older.id]
    assert outranks(guild, other, low.id)
    assert not outranks(guild, low, other.id)
    assert not outranks(guild, low, low.id)
    assert outranks(guild, town.owner, other.id)
    with pytest.raises(DiscordError, match="Missing Permissions"):
        require_rank(guild, other, town.owner.id)
    require_role_rank(guild, other, newer)
    with pytest.raises(DiscordError, match="Missing Permissions"):
        require_role_rank(guild, other, older)


def test_refusals_nest_as_discord_nests_them() -> None:
    """Problems of several fields stand in one answer, each at its place; an empty path is the form itself."""
    refusal = invalid_forms([("a.0.b", "X", "x"), ("a.1", "Y", "y"), ("", "Z", "z")])
    assert refusal.payload() == {
        "code": 50035,
        "message": "Invalid Form Body",
        "errors": {
            "a": {
                "0": {"b": {"_errors": [{"code": "X", "message": "x"}]}},
                "1": {"_errors": [{"code": "Y", "message": "y"}]},
            },
            "_errors": [{"code": "Z", "message": "z"}],
        },
    }
