"""What moderators do to members, through the local Discord: the good path of every command, and its refusals."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from localdiscord.actions import bans, members, roles
from localdiscord.driver.errors import HumanlyImpossibleError
from localdiscord.permissions import Permissions
from tests.bot.court import Court, court, settings

if TYPE_CHECKING:
    from tests.bot.conftest import Stage

__all__ = ["court", "settings"]

HOSTILE = "@everyone <@&1> **bold** [here](https://evil.example) \u202e\u200bx" + "y" * 2000


async def test_a_warning_is_a_case_that_everybody_concerned_hears_of(court: Court) -> None:
    """`/warn` answers the moderator, tells the member, the mod-log and the audit log, and is case 1."""
    answer = await court.use(court.bob, "warn", member=court.carol.user, reason="be kind")
    assert answer == "Carol was warned: case 1."
    assert [message.content for message in court.direct(court.carol.user)] == ["You were warned in Local Town: be kind"]
    (embed,) = court.logged()
    assert embed["title"] == "Case 1 · Warning"
    assert embed["description"] == "be kind"
    (entry,) = await court.audited("warn")
    assert (entry["user_id"], entry["target_id"]) == (court.bob.user.id, court.carol.user.id)


async def test_a_member_is_not_offered_what_moderators_do(court: Court) -> None:
    """Discord offers no command of moderators to a member."""
    for command in ("warn", "timeout", "kick", "ban", "unban", "purge", "slowmode", "lock", "case", "cases", "note"):
        with pytest.raises(HumanlyImpossibleError, match=f"is offered no /{command}"):
            court.carol.slash(court.general, command)


@pytest.mark.parametrize("text", ["!warn {carol} x", "!ban {carol} x", "!purge 3", "!lock", "!case 1", "!automod"])
async def test_a_member_is_refused_by_text_commands_too(court: Court, text: str) -> None:
    """What Discord does not hide, the bot refuses, and says which permission it takes."""
    said = court.somchai.say(court.general, text.format(carol=court.carol.user.mention))
    answer = await court.somchai.expect(court.general, lambda message: message.author.bot, after=said.id)
    assert "You need the permission" in answer.content
    assert await court.case(1) is None


async def test_a_text_command_does_what_a_slash_command_does(court: Court) -> None:
    """`!ban @Carol 7d spam` bans for seven days, with the rest as the reason."""
    court.bob.say(court.general, f"!ban {court.carol.user.mention} 7d spam")
    await court.stage.discord.until(lambda: court.carol.user.id in court.guild.bans)
    await court.stage.discord.until(court.logged)
    case = await court.case(1)
    assert case.draft.reason == "spam"
    assert timedelta(days=6) < case.draft.expires_at - datetime.now(UTC) <= timedelta(days=7)


async def test_a_text_ban_without_a_duration_is_for_good(court: Court) -> None:
    """`!ban @Carol rude words` bans for ever, with all the words as the reason."""
    court.bob.say(court.general, f"!ban {court.carol.user.mention} rude words")
    await court.stage.discord.until(court.logged)
    case = await court.case(1)
    assert (case.draft.reason, case.draft.expires_at) == ("rude words", None)


async def test_a_timeout_lasts_as_long_as_it_says(court: Court) -> None:
    """`/timeout` sets the end, tells when it is, and `/untimeout` takes it back."""
    answer = await court.use(court.bob, "timeout", member=court.carol.user, duration="1h30m", reason="calm down")
    assert answer.startswith("Carol is in time-out, which ends <t:")
    member = court.guild.member(court.carol.user.id)
    assert member.timed_out_until is not None
    assert timedelta(minutes=89) < member.timed_out_until - datetime.now(UTC) <= timedelta(minutes=90)
    assert await court.use(court.bob, "untimeout", member=court.carol.user) == "The time-out of Carol is over: case 2."
    assert not member.is_timed_out()
    assert await court.use(court.bob, "untimeout", member=court.carol.user) == "Carol is not in time-out."


@pytest.mark.parametrize("duration", ["soon", "29d", "0s"])
async def test_a_wrong_duration_is_explained(court: Court, duration: str) -> None:
    """What is no duration, or too long a one, is refused with an example, and nothing happens."""
    answer = await court.use(court.bob, "timeout", member=court.carol.user, duration=duration)
    assert answer == f"I do not understand the duration {duration}. Write it as 10m, 1h30m or 7d, up to 4w."
    assert await court.case(1) is None


async def test_a_kicked_member_is_told_before_and_gone_after(court: Court) -> None:
    """`/kick` writes to the member first, puts them out, and leaves its case in Discord's audit log as well."""
    assert await court.use(court.bob, "kick", member=court.carol.user, reason="spam") == "Carol was kicked: case 1."
    assert court.carol.user.id not in court.guild.members
    assert [message.content for message in court.direct(court.carol.user)] == ["You were removed from Local Town: spam"]
    entry = court.guild.audit_log[-1]
    assert entry.reason == "bob: spam [#1]"


async def test_closed_messages_keep_nobody_from_a_ban(court: Court) -> None:
    """`/ban` deletes messages, works where the member cannot be told, and says so; `/unban` lifts it."""
    court.carol.say(court.general, "spam spam")
    court.carol.user.accepts_messages = False
    answer = await court.use(court.bob, "ban", user=court.carol.user, reason="spam", delete_days=1)
    assert answer == "Carol was banned: case 1.\nThey could not be told: their direct messages are closed."
    assert court.carol.user.id in court.guild.bans
    assert "spam spam" not in [message.content for message in court.general.messages.values()]
    assert await court.use(court.bob, "unban", user=court.carol.user) == "The ban of Carol was lifted: case 2."
    assert court.carol.user.id not in court.guild.bans
    assert await court.use(court.bob, "unban", user=court.carol.user) == "Carol is not banned here."
    assert await court.case(3) is None


async def test_somebody_who_is_not_here_can_be_banned(court: Court) -> None:
    """A ban by id keeps out whoever has not come yet."""
    stranger = court.world.add_user("Mallory")
    assert await court.use(court.bob, "ban", user=stranger) == (
        "Mallory was banned: case 1.\nThey could not be told: their direct messages are closed."
    )
    assert stranger.id in court.guild.bans


@pytest.mark.parametrize("command", ["warn", "timeout", "kick", "ban"])
async def test_nobody_reaches_above_themselves(court: Court, command: str) -> None:
    """Oneself, the bot, the owner and whoever stands as high are out of reach, in a kind sentence each."""
    more: dict[str, Any] = {"warn": {"reason": "x"}, "timeout": {"duration": "1m"}}.get(command, {})
    name = "user" if command == "ban" else "member"
    equal = court.world.add_user("Dave")
    court.world.add_member(court.guild, equal, court.guild.roles[court.guild.member(court.bob.user.id).roles[0]])
    members.announce(court.world, court.guild, court.guild.member(equal.id))
    answers = [
        await court.use(court.bob, command, **{name: target}, **more)
        for target in (court.bob.user, court.stage.town.application.bot, court.alice.user, equal)
    ]
    assert answers == [
        "You cannot do that to yourself.",
        "I would rather not do that to myself.",
        "Alice owns this server and is out of everybody's reach.",
        "Dave stands as high as you or higher, so it is not yours to do.",
    ]
    assert await court.case(1) is None


async def test_a_thai_moderator_is_answered_in_thai(court: Court) -> None:
    """Somebody whose client is Thai reads Thai, good news and refusals alike."""
    role = court.guild.roles[court.guild.member(court.bob.user.id).roles[0]]
    roles_of = court.guild.member(court.somchai.user.id)
    members.add_role(court.world, court.guild, court.alice.user, roles_of, role.id)
    await court.stage.settled()
    assert await court.use(court.somchai, "warn", member=court.carol.user, reason="x") == "ตักเตือน Carol แล้ว: เคส 1"
    assert await court.use(court.somchai, "kick", member=court.alice.user) == "Alice เป็นเจ้าของเซิร์ฟเวอร์ จึงไม่มีใครทำอะไรได้"


async def test_what_discord_refuses_leaves_no_case(court: Court) -> None:
    """Where the bot lost its permission meanwhile, the moderator hears so, and neither case nor message stays."""
    bot_member = court.bot.get_guild(court.guild.id).me  # type: ignore[union-attr]  # the bot is in the town
    role = next(role for role in court.guild.roles.values() if role.managed)
    answers = []
    role.permissions = Permissions.EMBED_LINKS | Permissions.VIEW_CHANNEL | Permissions.SEND_MESSAGES
    assert bot_member.guild_permissions.administrator, "the bot has not heard of it"
    answers.append(await court.use(court.bob, "kick", member=court.carol.user))
    answers.append(await court.use(court.bob, "timeout", member=court.carol.user, duration="1m"))
    assert all(answer.startswith("Discord does not let me do that to Carol") for answer in answers)
    assert court.direct(court.carol.user) == []
    assert await court.acts.store.pending(court.guild.id) == []
    assert await court.case(1) is None
    assert court.logged() == []


async def test_a_bot_without_the_permission_says_which(court: Court) -> None:
    """Where the bot knows that it may not, it names the permission that it needs."""
    managed = next(role for role in court.guild.roles.values() if role.managed)
    roles.change(court.world, court.guild, court.alice.user, managed, {"permissions": Permissions.SEND_MESSAGES})
    await court.stage.settled()
    assert await court.use(court.bob, "kick", member=court.carol.user) == "I need the permission kick members for that."


async def test_a_hostile_reason_stays_harmless(court: Court) -> None:
    """A reason with mentions, markdown, invisible characters and two thousand letters is shown as text everywhere."""
    await court.use(court.bob, "ban", user=court.carol.user, reason=HOSTILE)
    case = await court.case(1)
    assert len(case.draft.reason) == 1000
    assert "\u202e" not in case.draft.reason
    (embed,) = court.logged()
    for text in (embed["description"], court.direct(court.carol.user)[0].content):
        assert "@everyone" not in text
        assert "\\*\\*bold" in text
        assert "\\[here" in text
    assert all(not message.mention_everyone for message in court.log.messages.values())
    assert len(court.guild.audit_log[-1].reason or "") <= 512


async def test_what_is_done_by_hand_is_a_case_too(court: Court) -> None:
    """What moderators do in Discord's own menus makes cases, told once each; the bot's own acts are not doubled."""
    dave, eve = (court.world.add_user(name) for name in ("Dave", "Eve"))
    for user in (dave, eve):
        members.join(court.world, court.guild, user)
    guild, bob, world = court.guild, court.bob.user, court.world
    until = datetime.now(UTC) + timedelta(hours=1)
    carol = guild.member(court.carol.user.id)
    members.change(world, guild, bob, carol, {"communication_disabled_until": until}, "loud")
    members.change(world, guild, bob, carol, {"communication_disabled_until": None}, "quiet again")
    members.kick(world, guild, bob, dave, "rude")
    bans.ban(world, guild, bob, eve, "worse")
    bans.unban(world, guild, bob, eve.id)
    await court.use(court.bob, "kick", member=court.carol.user)
    await court.stage.discord.until(lambda: len(court.logged()) == 6)
    found = [await court.case(number) for number in range(1, 7)]
    assert sorted(case.draft.action for case in found) == ["ban", "kick", "kick", "timeout", "unban", "untimeout"]
    assert {case.draft.moderator_id for case in found} == {bob.id}
    await court.stage.settled()
    assert await court.case(7) is None


async def test_a_note_is_for_moderators_only(court: Court) -> None:
    """`/note` is a case that neither the member nor the mod-log hears of; an empty one is refused."""
    answer = await court.use(court.bob, "note", user=court.carol.user, text="watch this one")
    assert answer == "The note about Carol is case 1."
    assert not court.direct(court.carol.user)
    assert not court.logged()
    assert await court.use(court.bob, "note", user=court.carol.user, text="\u200b") == "The note is empty."


async def test_a_note_is_not_shown_to_everybody(court: Court) -> None:
    """Text commands, whose answers everybody sees, leave notes out and refuse to show one."""
    await court.use(court.bob, "note", user=court.carol.user, text="secret")
    said = court.bob.say(court.general, "!case 1")
    answer = await court.bob.expect(court.general, lambda message: message.author.bot, after=said.id)
    assert answer.content.startswith("Case 1 is a note for moderators")
    said = court.bob.say(court.general, f"!cases {court.carol.user.mention}")
    page = await court.bob.expect(court.general, lambda message: bool(message.embeds), after=said.id)
    assert page.embeds[0]["title"] == "0 cases"
    assert "secret" not in str(page.embeds)


async def test_cases_are_looked_up_and_turned_over(court: Court) -> None:
    """`/case` shows one, `/cases` those of a member page by page, and pages are turned by moderators only."""
    for number in range(7):
        await court.use(court.bob, "note", user=court.carol.user, text=f"note {number}")
    shown = await court.bob.reply(court.bob.slash(court.general, "case", number=3))
    assert shown.embeds[0]["description"] == "note 2"
    assert await court.use(court.bob, "case", number=99) == "There is no case 99 here."
    page = await court.bob.reply(court.bob.slash(court.general, "cases", user=court.carol.user))
    assert page.embeds[0]["title"] == "7 cases"
    assert page.embeds[0]["footer"]["text"] == "Page 1 of 2"
    await court.bob.reply(court.bob.click(page, "▶"))
    assert [field["name"] for field in page.embeds[0]["fields"]] == ["Case 2 · Note", "Case 1 · Note"]
    nobody = await court.bob.reply(court.bob.slash(court.general, "cases", user=court.alice.user))
    assert nobody.embeds[0]["description"].endswith("Nothing is known.")
    assert nobody.components == []


async def test_pages_are_turned_by_moderators_only(court: Court) -> None:
    """Somebody else who sees the buttons is refused kindly."""
    for number in range(6):
        await court.use(court.bob, "warn", member=court.carol.user, reason=f"reason {number}")
    said = court.bob.say(court.general, f"!cases {court.carol.user.mention}")
    page = await court.bob.expect(court.general, lambda message: bool(message.embeds), after=said.id)
    answer = await court.carol.reply(court.carol.click(page, "▶"))
    assert answer.content == "You need the permission moderate members for that."
    assert answer.is_ephemeral


async def test_a_reason_can_be_changed(court: Court) -> None:
    """`/reason` changes the case and its entry in the mod-log; a case that is not there is named."""
    await court.use(court.bob, "warn", member=court.carol.user, reason="x")
    assert await court.use(court.bob, "reason", number=1, text="better") == "Case 1 has its new reason."
    assert court.logged()[0]["description"] == "better"
    assert (await court.case(1)).draft.reason == "better"
    assert await court.use(court.bob, "reason", number=2, text="x") == "There is no case 2 here."
    court.log.messages.clear()
    assert await court.use(court.bob, "reason", number=1, text="best") == "Case 1 has its new reason."


async def test_a_guild_without_a_modlog_is_moderated_too(stage: Stage) -> None:
    """Where no channel was chosen, or it is closed to the bot, everything else happens as usual."""
    court = Court(stage)
    assert await court.use(court.bob, "warn", member=court.carol.user, reason="x") == "Carol was warned: case 1."
    await court.bot.guild_configs.save(court.guild.id, log_channel_id=1)
    assert await court.use(court.bob, "warn", member=court.carol.user, reason="x") == "Carol was warned: case 2."


async def test_the_menu_of_a_member_warns(court: Court) -> None:
    """*Warn* in a member's menu asks why, and warns; who is out of reach is refused before the form opens."""
    asked = court.bob.use_on_user(court.general, court.carol.user, "Warn")
    form = await court.bob.form(asked)
    assert form["title"] == "Warn Carol"
    court.carol.user.accepts_messages = False
    sent = court.bob.submit(asked, reason="from the menu")
    assert (await court.bob.reply(sent)).content == (
        "Carol was warned: case 1.\nThey could not be told: their direct messages are closed."
    )
    refused = await court.bob.reply(court.bob.use_on_user(court.general, court.alice.user, "Warn"))
    assert refused.content == "Alice owns this server and is out of everybody's reach."
    with pytest.raises(HumanlyImpossibleError):
        court.carol.use_on_user(court.general, court.somchai.user, "Warn")


async def test_a_form_that_nobody_sends_ends_with_the_bot(court: Court) -> None:
    """A form that was opened and left ends with the bot: nothing waits a quarter of an hour for its time-out."""
    await court.bob.form(court.bob.use_on_user(court.general, court.carol.user, "Warn"))
    await court.stage.discord.settled()
    timers = [task for task in asyncio.all_tasks() if "timeout_task" in getattr(task.get_coro(), "__qualname__", "")]
    assert len(timers) == 1
    await court.bot.close()
    _, waiting = await asyncio.wait(timers, timeout=30)
    assert not waiting


async def test_any_member_can_report_a_message(court: Court) -> None:
    """*Report message* asks why and tells the moderators, with the message as harmless text."""
    said = court.bob.say(court.general, "@everyone **rude**")
    asked = court.carol.use_on_message(said, "Report message")
    await court.carol.form(asked)
    answer = await court.carol.reply(court.carol.submit(asked, reason="that hurts"))
    assert answer.content == "Thank you. The moderators were told."
    (embed,) = court.logged()
    assert "\\*\\*rude" in embed["description"]
    assert embed["fields"][1]["value"] == "that hurts"
    own = court.carol.say(court.general, "mine")
    refused = await court.carol.reply(court.carol.use_on_message(own, "Report message"))
    assert refused.content == "That message is your own: you can delete it yourself."


async def test_without_a_modlog_reports_are_refused(stage: Stage) -> None:
    """Where nobody would read a report, the member is told to write to a moderator."""
    said = stage.owner.say(stage.channels["general"], "hm")
    answer = await stage.thai.reply(stage.thai.use_on_message(said, "Report message"))
    assert answer.content == "เซิร์ฟเวอร์นี้ยังไม่มีช่องสำหรับรับรายงาน โปรดติดต่อผู้ดูแลโดยตรง"


async def test_commands_have_a_cooldown(court: Court) -> None:
    """A moderator who uses one command too often is asked to wait."""
    answers = [await court.use(court.bob, "case", number=9) for _ in range(11)]
    assert set(answers[:10]) == {"There is no case 9 here."}
    assert answers[10].startswith("Please wait")
