"""The filters at work on the local Discord: what they remove, whom they punish, and whom they leave alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localdiscord.actions import messages, roles
from localdiscord.actions.drafts import Draft
from localdiscord.driver.errors import HumanlyImpossibleError
from localdiscord.model.files import Upload
from localdiscord.permissions import Permissions
from reference.cogs.moderation.policy import Policy
from reference.guilds import Feature
from tests.bot.court import Court, court, settings

if TYPE_CHECKING:
    from localdiscord.model.message import Message

__all__ = ["court", "settings"]

RULES: dict[str, dict[str, Any]] = {
    "words": {"entries": ["badword", "คำหยาบ"]},
    "invites": {},
    "links": {"entries": ["example.org"]},
    "mentions": {"most": 2},
    "attachments": {},
    "caps": {},
    "spam": {"messages": 4, "seconds": 60, "duplicates": 3},
}


async def filtering(court: Court, *names: str, **more: Any) -> None:
    """Switch some filters on, all of them where none is named."""
    rules = {name: {**RULES[name], "enabled": True, **more} for name in names or RULES}
    await court.acts.policies.save(court.guild.id, Policy.model_validate(rules))
    await court.bot.guild_configs.switch(court.guild.id, {Feature.AUTOMOD: True})


def stands(message: Message) -> bool:
    """Tell whether a message is still there."""
    return message.id in message.channel.messages


@pytest.mark.parametrize(
    ("text", "files", "why"),
    [
        ("b a d w o r d", (), "A word in it is banned here."),
        ("พูดคำหยาบมาก", (), "A word in it is banned here."),
        ("join discord.gg/abc", (), "Invites to other servers are not allowed here."),
        ("see https://evil.example", (), "That link is not on the list of allowed ones."),
        ("{0} {1} {2}", (), "It mentions too many people."),
        ("look", ("tool.exe",), "Files of that kind are not allowed here."),
        ("WHY DOES NOBODY LISTEN TO ME", (), "It shouts: too many capitals."),
    ],
)
async def test_each_filter_removes_what_it_is_there_for(
    court: Court, text: str, files: tuple[str, ...], why: str
) -> None:
    """A message that a filter takes offence at is removed; its author and the mod-log hear why."""
    await filtering(court)
    everybody = [court.alice.user.mention, court.bob.user.mention, court.somchai.user.mention]
    uploads = [Upload(name, "application/octet-stream", b"MZ") for name in files]
    said = court.carol.say(court.general, text.format(*everybody), files=uploads)
    await court.stage.settled()
    assert not stands(said)
    (embed,) = court.logged()
    assert embed["title"] == "A message was removed"
    assert embed["fields"][0]["name"] == why
    (told,) = court.direct(court.carol.user)
    assert told.content == f"Your message in {court.general.mention} of Local Town was removed: {why}"


async def test_harmless_messages_stay(court: Court) -> None:
    """With all filters on, ordinary messages and allowed links stay."""
    await filtering(court)
    said = [court.carol.say(court.general, text) for text in ("Hello!", "see https://example.org", "สวัสดี")]
    await court.stage.settled()
    assert all(map(stands, said))
    assert court.logged() == []


async def test_an_edit_hides_nothing(court: Court) -> None:
    """What is edited into a message is looked at, even where the bot did not know the message; once is enough."""
    await filtering(court)
    said = court.carol.say(court.general, "hello")
    await court.stage.settled()
    court.bot._connection._messages.clear()  # type: ignore[union-attr]  # as after a restart
    court.carol.edit(said, "badword")
    await court.stage.settled()
    assert not stands(said)
    assert len(court.logged()) == 1


async def test_forwarding_and_polls_hide_nothing(court: Court) -> None:
    """What a message forwards, and what its poll asks and offers, is looked at like its own words."""
    await filtering(court, "words")
    source = court.bob.say(court.general, "badword")
    forward = {"type": 1, "message_id": source.id, "channel_id": court.general.id}
    music, world = court.stage.channels["music"], court.world
    answers = [{"poll_media": {"text": text}} for text in ("fine", "b a d w o r d")]
    poll = {
        "question": {"text": "What?"},
        "answers": answers,
        "duration": 24,
        "allow_multiselect": False,
        "layout_type": 1,
    }
    forwarded = messages.send(world, music, court.carol.user, Draft(reference=forward))
    asked = messages.send(world, music, court.carol.user, Draft(poll=poll))
    await court.stage.settled()
    assert not stands(forwarded)
    assert not stands(asked)
    assert stands(source)


async def test_moderators_and_bots_are_left_alone(court: Court) -> None:
    """Whoever looks after the server or the channel, and bots, may write what they like."""
    await filtering(court, "words")
    said = [person.say(court.general, "badword") for person in (court.alice, court.bob)]
    channel: Any = court.bot.get_channel(court.general.id)
    own = await channel.send("badword")
    await court.stage.settled()
    assert all(map(stands, said))
    assert own.id in court.general.messages


async def test_exempt_roles_and_channels_are_left_alone(court: Court) -> None:
    """A role and a channel that are exempt are left alone by that filter; others are not."""
    role = roles.create(court.world, court.guild, court.alice.user, {"name": "Artist"})
    court.alice.give_roles(court.guild, court.carol.user, role)
    await court.stage.settled()
    await filtering(court, "words")
    answer = await court.use(court.alice, "automod exempt", name="words", role=role)
    assert answer == f"<@&{role.id}> is left alone now."
    free = court.carol.say(court.general, "badword")
    music = court.stage.channels["music"]
    answer = await court.use(court.alice, "automod exempt", name="all", channel=music)
    assert answer == f"{music.mention} is left alone now."
    exempt, other = court.somchai.say(music, "badword"), court.somchai.say(court.general, "badword")
    await court.stage.settled()
    assert stands(free)
    assert stands(exempt)
    assert not stands(other)
    answer = await court.use(court.alice, "automod exempt", name="words", channel=music, remove=True)
    assert answer == f"{music.mention} is looked at again."
    again = court.somchai.say(music, "badword")
    await court.stage.settled()
    assert not stands(again)


async def test_the_feature_is_the_main_switch(court: Court) -> None:
    """With the feature off no filter looks, whatever its rule says."""
    await filtering(court, "words")
    await court.bot.guild_configs.switch(court.guild.id, {Feature.AUTOMOD: False})
    said = court.carol.say(court.general, "badword")
    await court.stage.settled()
    assert stands(said)


async def test_a_filter_can_warn(court: Court) -> None:
    """A filter that warns makes a case of the bot's, and tells the member as a moderator would."""
    await filtering(court, "words", action="warn")
    court.carol.say(court.general, "badword")
    await court.stage.settled()
    case = await court.case(1)
    assert (case.draft.action, case.draft.moderator_id) == ("warn", court.stage.town.application.bot.id)
    (told,) = court.direct(court.carol.user)
    assert told.content == "You were warned in Local Town: A word in it is banned here."


async def test_a_filter_can_put_into_time_out(court: Court) -> None:
    """A filter that puts into time-out does so for the guild's minutes."""
    await filtering(court, "words", action="timeout")
    court.carol.say(court.general, "badword")
    await court.stage.settled()
    assert court.guild.member(court.carol.user.id).is_timed_out()
    assert (await court.case(1)).draft.action == "timeout"


async def test_a_flood_is_stopped_with_one_punishment(court: Court) -> None:
    """Messages beyond the limit are removed, all of them, and their author is warned once."""
    await filtering(court, "spam", action="warn")
    said = [court.carol.say(court.general, f"message number {number}") for number in range(10)]
    await court.stage.settled()
    assert sum(map(stands, said)) == 4
    assert (await court.case(1)).draft.action == "warn"
    assert await court.case(2) is None


async def test_repetition_is_spam(court: Court) -> None:
    """The same message a third time, however it is spelled, is removed."""
    await filtering(court, "spam")
    said = []
    for text in ("Buy this now", "buy THIS now", "b\u200buy this now"):
        said.append(court.carol.say(court.general, text))
        await court.stage.settled()
    assert [stands(message) for message in said] == [True, True, False]


async def test_warnings_add_up_to_a_time_out(court: Court) -> None:
    """After as many warnings as the guild wants, by hand or by filter, a time-out follows, and counting begins anew."""
    answer = await court.use(court.alice, "automod escalation", enabled=True, warnings=2, hours=1, minutes=30)
    assert answer == "After 2 warnings within 1 hours: a time-out of 30 minutes."
    await court.use(court.bob, "warn", member=court.carol.user, reason="one")
    assert not court.guild.member(court.carol.user.id).is_timed_out()
    await court.use(court.bob, "warn", member=court.carol.user, reason="two")
    assert court.guild.member(court.carol.user.id).is_timed_out()
    case = await court.case(3)
    assert (case.draft.action, case.draft.reason) == ("timeout", "Warned 2 times.")
    await court.use(court.bob, "warn", member=court.carol.user, reason="three")
    assert await court.case(5) is None


async def test_whoever_is_out_of_reach_keeps_their_voice(court: Court) -> None:
    """A member above the bot loses the message and nothing else."""
    await filtering(court, "words", action="timeout")
    role = roles.create(court.world, court.guild, court.alice.user, {"name": "High"})
    roles.reorder(court.world, court.guild, court.alice.user, {role.id: 90})
    court.alice.give_roles(court.guild, court.carol.user, role)
    await court.stage.settled()
    said = court.carol.say(court.general, "badword")
    await court.stage.settled()
    assert not stands(said)
    assert not court.guild.member(court.carol.user.id).is_timed_out()
    assert await court.case(1) is None


async def test_a_filter_that_may_not_delete_punishes_nobody(court: Court) -> None:
    """Where Discord does not let the bot delete, nothing else happens either."""
    await filtering(court, "words", action="warn")
    managed = next(role for role in court.guild.roles.values() if role.managed)
    managed.permissions = Permissions.VIEW_CHANNEL | Permissions.SEND_MESSAGES
    said = court.carol.say(court.general, "badword")
    await court.stage.settled()
    assert stands(said)
    assert await court.case(1) is None


async def test_what_is_gone_and_who_is_deaf_is_no_trouble(court: Court) -> None:
    """A message that somebody else deleted first is told to the moderators; closed direct messages end nothing."""
    await filtering(court, "words")
    court.carol.user.accepts_messages = False

    async def quicker(request: Any, handler: Any) -> Any:
        court.carol.delete(said)
        return await handler(request)

    court.stage.discord.faults._wait("quicker", "DELETE", "/channels/*/messages/*", 1, quicker)
    said = court.carol.say(court.general, "badword")
    await court.stage.settled()
    assert not stands(said)
    assert len(court.logged()) == 1
    assert not court.direct(court.carol.user)


async def test_a_member_out_of_reach_is_not_put_into_time_out_by_warnings(court: Court) -> None:
    """An administrator is warned as often as anybody likes, and no time-out follows, for Discord takes none."""
    await court.use(court.alice, "automod escalation", enabled=True, warnings=2)
    role = roles.create(
        court.world, court.guild, court.alice.user, {"name": "Admin", "permissions": Permissions.ADMINISTRATOR}
    )
    court.alice.give_roles(court.guild, court.carol.user, role)
    await court.stage.settled()
    for _ in range(2):
        await court.use(court.alice, "warn", member=court.carol.user, reason="x")
    assert await court.case(3) is None


async def test_filters_are_set_up_by_commands(court: Court) -> None:
    """A filter is switched on with its action, and its list and limits are changed, by those who manage the server."""
    use = court.use
    assert await use(court.alice, "automod filter", name="words", enabled=True, action="warn") == (
        "The filter “Banned words” is on."
    )
    assert (await court.bot.guild_config(court.guild.id)).enabled(Feature.AUTOMOD)
    assert await use(court.alice, "automod add", name="words", entries="one, two,\nthree, one") == (
        "The list of “Banned words” has 3 entries."
    )
    assert await use(court.alice, "automod remove", name="words", entries="TWO") == (
        "The list of “Banned words” has 2 entries."
    )
    assert await use(court.alice, "automod remove", name="words", entries="four") == "The list has no four."
    assert await use(court.alice, "automod test", text="o.n.e") == "A word in it is banned here."
    assert await use(court.alice, "automod test", text="five") == "No filter takes offence at that."
    assert await use(court.alice, "automod limits", mentions=3, messages=9) == "The settings were saved."
    assert await use(court.alice, "automod exempt", name="all") == "Name a role or a channel."
    assert (await use(court.alice, "automod add", name="words", entries="x" * 200)).startswith("That cannot be saved")
    status = await court.alice.reply(court.alice.slash(court.general, "automod status"))
    assert status.embeds[0]["title"] == "The filters are on"
    assert status.embeds[0]["fields"][0]["value"] == "deletes and warns\none, three"
    assert await use(court.alice, "automod filter", name="words", enabled=False) == "The filter “Banned words” is off."
    assert await use(court.alice, "automod escalation", enabled=False) == "No time-out follows warnings."
    policy = await court.acts.policies.of(court.guild.id)
    assert (policy.mentions.most, policy.spam.messages, policy.words.enabled) == (3, 9, False)


async def test_moderators_do_not_manage_filters(court: Court) -> None:
    """Who does not manage the server is neither offered the commands nor answered by text."""
    with pytest.raises(HumanlyImpossibleError):
        court.bob.slash(court.general, "automod status")
    said = court.bob.say(court.general, "!automod filter words true")
    answer = await court.bob.expect(court.general, lambda message: message.author.bot, after=said.id)
    assert answer.content == "You need the permission manage server for that."


async def test_a_policy_that_nobody_understands_filters_nothing(court: Court) -> None:
    """A policy of a later version, or a broken one, is as none; it is reported, not raised."""
    await filtering(court, "words")
    broken = ('{"future": 1}', court.guild.id)
    statement = "UPDATE automod_policy SET policy = ? WHERE guild_id = ?"
    await court.bot.database.write(lambda raw: raw.execute(statement, broken))
    court.acts.policies.forget(court.guild.id)
    said = court.carol.say(court.general, "badword")
    await court.stage.settled()
    assert stands(said)
