"""What belongs to a message over REST: mentions, answers, messages passed on, and files."""

from __future__ import annotations

from typing import Any

from localdiscord.permissions import Permissions
from tests.localdiscord.rest_peer import Peer, form, peer, picture

READ = Permissions.VIEW_CHANNEL | Permissions.READ_MESSAGE_HISTORY
WRITE = READ | Permissions.SEND_MESSAGES


# -- mentions ----------------------------------------------------------------------------------------------------


async def mentioned(bot: Peer, content: str, **allowed: Any) -> tuple[list[str], list[str], bool]:
    """Write something; returns the users and roles that are told, and whether everybody is."""
    body: dict[str, Any] = {"content": content}
    if allowed:
        body["allowed_mentions"] = {key: value for key, value in allowed.items() if key != "none"}
    made = await bot.ask("POST", f"{bot.here}/messages", body)
    return [user["username"] for user in made["mentions"]], made["mention_roles"], made["mention_everyone"]


async def test_mentions_are_those_that_are_allowed() -> None:
    """Users, roles and everybody are told where content and author allow it, and never from code."""
    async with peer() as bot:
        moderator = next(role for role in bot.guild.roles.values() if role.name == "Moderator")
        content = f"<@{bot.carol.user.id}> <@&{moderator.id}> @everyone `<@{bot.town.owner.id}>`"
        assert await mentioned(bot, content) == (["carol"], [str(moderator.id)], True)
        assert await mentioned(bot, content, parse=[]) == ([], [], False)
        assert await mentioned(bot, content, parse=["roles"]) == ([], [str(moderator.id)], False)
        assert await mentioned(bot, content, users=[str(bot.carol.user.id)]) == (["carol"], [], False)
        bot.may_only(WRITE)
        assert await mentioned(bot, content) == (["carol"], [], False)


# -- answering and passing on ------------------------------------------------------------------------------------


async def test_an_answer_names_what_it_answers() -> None:
    """An answer is of type 19, carries the other message, and tells its author unless that is not wanted."""
    async with peer() as bot:
        said = bot.say("question")
        body: dict[str, Any] = {"content": "answer", "message_reference": {"message_id": str(said.id)}}
        made = await bot.ask("POST", f"{bot.here}/messages", body)
        assert (made["type"], made["referenced_message"]["content"]) == (19, "question")
        assert [user["username"] for user in made["mentions"]] == ["carol"]
        quiet = await bot.ask("POST", f"{bot.here}/messages", body | {"allowed_mentions": {"replied_user": False}})
        assert quiet["mentions"] == []
        await bot.ask("DELETE", f"{bot.here}/messages/{said.id}")
        assert (await bot.ask("GET", f"{bot.here}/messages/{made['id']}"))["referenced_message"] is None
        body["message_reference"]["fail_if_not_exists"] = False
        lost = await bot.ask("POST", f"{bot.here}/messages", body)
        assert (lost["type"], "referenced_message" in lost) == (0, False)


async def test_an_answer_needs_sight_of_what_was_written() -> None:
    """Without the right to read what was written before, nothing can be answered."""
    async with peer() as bot:
        said = bot.say("question")
        bot.may_only(Permissions.VIEW_CHANNEL | Permissions.SEND_MESSAGES)
        body = {"content": "answer", "message_reference": {"message_id": str(said.id)}}
        assert await bot.refused("POST", f"{bot.here}/messages", body) == (400, 160002)
        other = bot.town.channels["welcome"]
        hidden = bot.discord.person(bot.town.owner).say(other, "x")
        await _hide(bot, other.id)
        body["message_reference"] = {"message_id": str(hidden.id), "channel_id": str(other.id)}
        assert await bot.refused("POST", f"{bot.here}/messages", body) == (403, 50001)


async def _hide(bot: Peer, channel_id: int) -> None:
    bot.role.permissions = Permissions.ADMINISTRATOR
    deny = str(int(Permissions.VIEW_CHANNEL))
    await bot.ask("PUT", f"/channels/{channel_id}/permissions/{bot.guild.id}", {"type": 0, "deny": deny})
    bot.role.permissions = Permissions.VIEW_CHANNEL | Permissions.SEND_MESSAGES


async def test_a_message_is_passed_on() -> None:
    """A forwarded message carries what the other one said at that moment."""
    async with peer() as bot:
        said = bot.say("news")
        body = {"message_reference": {"type": 1, "message_id": str(said.id), "channel_id": str(bot.general.id)}}
        made = await bot.ask("POST", f"/channels/{bot.town.channels['bot'].id}/messages", body)
        assert made["message_snapshots"][0]["message"]["content"] == "news"
        assert made["message_reference"]["type"] == 1


# -- files -------------------------------------------------------------------------------------------------------


async def test_files_are_kept_and_served() -> None:
    """Files come back by their URL; pictures tell their size, and one that an embed shows is not listed."""
    async with peer() as bot:
        payload = """{"embeds": [{"image": {"url": "attachment://a.png"}, "footer": {"text": "f", "icon_url": "https://x/y"}}],
            "attachments": [{"id": 1, "filename": "Ä b.txt", "description": "words"}]}"""
        data = form(payload, files_0=("a.png", picture()), files_1=("x.txt", b"hello"))
        made = await bot.ask("POST", f"{bot.here}/messages", data=data)
        (file,) = made["attachments"]
        assert (file["size"], file["description"], file["content_type"]) == (5, "words", "text/plain")
        assert " " not in file["filename"]
        image = made["embeds"][0]["image"]
        assert (image["width"], image["height"]) == (20, 10)
        async with bot.session.get(file["url"]) as response:
            assert await response.read() == b"hello"
        async with bot.session.get(image["proxy_url"]) as response:
            assert (response.content_type, await response.read()) == ("image/png", picture())


async def test_files_have_limits() -> None:
    """A file of more than 10 MiB is too large, and there are at most ten."""
    async with peer() as bot:
        large = form("{}", files_0=("a.bin", bytes(10 * 1024 * 1024 + 1)))
        assert await bot.refused("POST", f"{bot.here}/messages", data=large) == (413, 40005)
        many = form("{}", **{f"files_{number}": ("a.txt", b"1") for number in range(11)})
        assert await bot.invalid("POST", f"{bot.here}/messages", data=many) == {"files": "BASE_TYPE_MAX_LENGTH"}
