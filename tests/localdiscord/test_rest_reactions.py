"""Reactions, pins and polls over REST."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from localdiscord.actions import polls
from localdiscord.errors import DiscordError
from localdiscord.permissions import Permissions
from tests.localdiscord.rest_peer import Peer, data_uri, peer, picture

READ = Permissions.VIEW_CHANNEL | Permissions.READ_MESSAGE_HISTORY


async def test_reactions_come_and_go() -> None:
    """A reaction is told, counted, listed, and taken away one by one, by emoji, and all at once."""
    async with peer() as bot:
        message = bot.say("x")
        path = f"{bot.here}/messages/{message.id}"
        thumb, heart = quote("👍"), quote("❤️")
        await bot.ask("PUT", f"{path}/reactions/{thumb}/@me")
        await bot.ask("PUT", f"{path}/reactions/{thumb}/@me")
        bot.discord.person(bot.carol.user).react(message, "👍")
        (shown,) = (await bot.ask("GET", path))["reactions"]
        assert (shown["count"], shown["me"]) == (2, True)
        assert len(bot.told("MESSAGE_REACTION_ADD")) == 2
        listed = await bot.ask("GET", f"{path}/reactions/{thumb}")
        assert {user["username"] for user in listed} == {"carol", bot.bot.username}
        assert len(await bot.ask("GET", f"{path}/reactions/{thumb}?after={listed[0]['id']}&limit=1")) == 1
        assert await bot.ask("GET", f"{path}/reactions/{heart}") == []
        await bot.ask("DELETE", f"{path}/reactions/{thumb}/@me")
        await bot.ask("DELETE", f"{path}/reactions/{thumb}/{bot.carol.user.id}")
        assert len(bot.told("MESSAGE_REACTION_REMOVE")) == 2
        assert await bot.refused("DELETE", f"{path}/reactions/{thumb}/@me") == (404, 10014)
        for emoji in (thumb, heart):
            await bot.ask("PUT", f"{path}/reactions/{emoji}/@me")
        await bot.ask("DELETE", f"{path}/reactions/{thumb}")
        await bot.ask("DELETE", f"{path}/reactions")
        assert message.reactions == {}
        assert len(bot.told("MESSAGE_REACTION_REMOVE_EMOJI")) == len(bot.told("MESSAGE_REACTION_REMOVE_ALL")) == 1


async def test_emojis_have_forms() -> None:
    """An emoji is a character, or the name and id of one that exists; a word is none."""
    async with peer() as bot:
        path = f"{bot.here}/messages/{bot.say('x').id}/reactions"
        made = await bot.ask("POST", f"{bot.home}/emojis", {"name": "em", "image": data_uri(picture())})
        for right in (f"em:{made['id']}", quote("1️⃣"), quote("🇹🇭")):
            await bot.ask("PUT", f"{path}/{right}/@me")
        for wrong in ("thumbsup", "em:123456789012345678", quote("hello world")):
            assert await bot.refused("PUT", f"{path}/{wrong}/@me") == (404, 10014)


async def test_reacting_needs_permission() -> None:
    """A new emoji needs the right to add reactions; one that is there needs only the right to read."""
    async with peer() as bot:
        message = bot.say("x")
        bot.discord.person(bot.carol.user).react(message, "👍")
        path = f"{bot.here}/messages/{message.id}/reactions"
        bot.may_only(READ)
        await bot.ask("PUT", f"{path}/{quote('👍')}/@me")
        assert await bot.refused("PUT", f"{path}/{quote('👎')}/@me") == (403, 50013)
        assert await bot.refused("DELETE", f"{path}/{quote('👍')}/{bot.carol.user.id}") == (403, 50013)
        bot.may_only(Permissions.VIEW_CHANNEL)
        assert await bot.refused("PUT", f"{path}/{quote('👍')}/@me") == (403, 50013)


async def test_reactions_have_limits() -> None:
    """There are twenty different reactions at most, and those whom the author blocks add none."""
    async with peer() as bot:
        message = bot.say("x")
        path = f"{bot.here}/messages/{message.id}/reactions"
        for number in range(20):
            await bot.ask("PUT", f"{path}/{quote(chr(0x1F600 + number))}/@me")
        assert await bot.refused("PUT", f"{path}/{quote('👍')}/@me") == (400, 30010)
        other = bot.say("y")
        bot.carol.user.blocked.add(bot.bot.id)
        assert await bot.refused("PUT", f"{bot.here}/messages/{other.id}/reactions/{quote('👍')}/@me") == (403, 90001)


# -- pins --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pins", ["pins", "messages/pins"])
async def test_messages_are_pinned(pins: str) -> None:
    """Both paths pin, list and unpin; the channel tells it, in an event and in a message of its own."""
    async with peer() as bot:
        first, second = bot.say("a"), bot.say("b")
        for message in (first, second, second):
            await bot.ask("PUT", f"{bot.here}/{pins}/{message.id}", reason="good")
        answer = await bot.ask("GET", f"{bot.here}/{pins}")
        listed = [each.get("message", each)["content"] for each in (answer if pins == "pins" else answer["items"])]
        assert listed == ["b", "a"]
        assert (bot.noted()["action_type"], bot.noted()["reason"]) == (74, "good")
        assert [message.type for message in bot.general.messages.values()] == [0, 0, 6, 6]
        await bot.ask("DELETE", f"{bot.here}/{pins}/{first.id}")
        assert len(bot.told("CHANNEL_PINS_UPDATE")) == 3
        bot.may_only(READ | Permissions.MANAGE_MESSAGES)
        assert await bot.refused("PUT", f"{bot.here}/{pins}/{first.id}") == (403, 50013)
        bot.may_only(Permissions.VIEW_CHANNEL)
        answer = await bot.ask("GET", f"{bot.here}/messages/pins?limit=1")
        assert answer == {"items": [], "has_more": False}


async def test_pins_are_listed_in_parts() -> None:
    """The newer path gives pins before a moment, and says whether there are more."""
    async with peer() as bot:
        for text in "abc":
            await bot.ask("PUT", f"{bot.here}/pins/{bot.say(text).id}")
        page = await bot.ask("GET", f"{bot.here}/messages/pins?limit=2")
        assert (len(page["items"]), page["has_more"]) == (2, True)
        before = quote(page["items"][1]["pinned_at"])
        page = await bot.ask("GET", f"{bot.here}/messages/pins?before={before}")
        assert ([each["message"]["content"] for each in page["items"]], page["has_more"]) == (["a"], False)


# -- polls -------------------------------------------------------------------------------------------------------


async def asked(bot: Peer, **changes: Any) -> Any:
    """Have the bot write a poll."""
    answers = [{"poll_media": {"text": "A", "emoji": {"name": "👍"}}}, {"poll_media": {"text": "B"}}]
    poll = {"question": {"text": "Which?"}, "answers": answers} | changes
    return await bot.ask("POST", f"{bot.here}/messages", {"poll": poll})


async def test_a_poll_is_voted_in_and_ended() -> None:
    """Votes are told and counted; the end tells the winner in a message of its own."""
    async with peer() as bot:
        made = await asked(bot)
        message = bot.general.messages[int(made["id"])]
        carol, owner = bot.carol.user, bot.town.owner
        polls.vote(bot.world, message, carol, [1])
        polls.vote(bot.world, message, carol, [2])
        polls.vote(bot.world, message, owner, [2])
        assert len(bot.told("MESSAGE_POLL_VOTE_ADD")) == 3
        assert len(bot.told("MESSAGE_POLL_VOTE_REMOVE")) == 1
        voters = await bot.ask("GET", f"{bot.here}/polls/{made['id']}/answers/2?limit=1")
        assert len(voters["users"]) == 1
        with pytest.raises(DiscordError):
            polls.vote(bot.world, message, owner, [1, 2])
        ended = await bot.ask("POST", f"{bot.here}/polls/{made['id']}/expire")
        assert ended["poll"]["results"]["is_finalized"]
        result = next(reversed(bot.general.messages.values()))
        told = {field["name"]: field["value"] for field in result.embeds[0]["fields"]}
        assert (told["victor_answer_text"], told["total_votes"]) == ("B", "2")
        assert await bot.refused("POST", f"{bot.here}/polls/{made['id']}/expire") == (400, 520001)
        with pytest.raises(DiscordError, match="Poll expired"):
            polls.vote(bot.world, message, owner, [])


async def test_what_polls_may_not_say() -> None:
    """A poll has a question, and one to ten answers that say something."""
    async with peer() as bot:
        question = {"text": "Q"}
        for poll, problem in (
            ({"question": question, "answers": []}, {"poll.answers": "BASE_TYPE_BAD_LENGTH"}),
            ({"question": {"text": ""}, "answers": []}, {"poll.question.text": "BASE_TYPE_REQUIRED"}),
            (
                {"question": question, "answers": [{"poll_media": {}}]},
                {"poll.answers.0.poll_media": "BASE_TYPE_REQUIRED"},
            ),
        ):
            found = await bot.invalid("POST", f"{bot.here}/messages", {"poll": poll})
            assert problem.items() <= found.items()
        said = bot.say("no poll")
        assert await bot.refused("POST", f"{bot.here}/polls/{said.id}/expire") == (400, 520006)
