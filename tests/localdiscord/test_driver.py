"""People: what they can do, and what no person could."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from localdiscord import HumanlyImpossibleError, LocalDiscord, Upload
from localdiscord.actions import interactions
from localdiscord.model.channel import Overwrite
from localdiscord.model.interaction import Act, InteractionType
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from collections.abc import Callable

    from localdiscord import Person
    from localdiscord.model.message import Message


class Place:
    """A local Discord that nobody is connected to, and people in it."""

    def __init__(self) -> None:
        """Name the people and places."""
        self.discord = LocalDiscord()
        self.world, self.town = self.discord.world, self.discord.town
        self.guild, self.bot = self.town.guild, self.town.application.bot
        self.general, self.lounge = self.town.channels["general"], self.town.channels["Lounge"]
        self.owner: Person = self.discord.person(self.town.owner)
        self.bob: Person = self.discord.person(self.town.moderator)
        self.carol: Person = self.discord.person(self.town.members[0])
        self.stranger: Person = self.discord.person(self.world.add_user("Stranger"))
        self.moderator = self.guild.role(self.guild.member(self.bob.user.id).roles[0])

    def command(self, *options: dict[str, Any], **changes: Any) -> None:
        """Give the bot a command /do."""
        body = {"id": "7", "type": 1, "name": "do", "options": list(options), **changes}
        self.town.application.commands[None] = {int(body["id"]): body}

    def shown(self, *components: dict[str, Any], **changes: Any) -> Message:
        """Have the bot show components."""
        message = self.discord.person(self.bot).say(self.general, "look")
        message.components = [{"type": 1, "components": list(components)}]
        for name, value in changes.items():
            setattr(message, name, value)
        return message


@pytest.fixture
def place() -> Place:
    """A place with people."""
    return Place()


def option(kind: int, **changes: Any) -> dict[str, Any]:
    """Return an option called x."""
    return {"type": kind, "name": "x", "description": "X.", **changes}


# -- writing -----------------------------------------------------------------------------------------------------------


def test_people_write_and_read(place: Place) -> None:
    """People write, answer, attach, change, react, delete and read; a reply names what it answers."""
    said = place.carol.say(place.general, "hello")
    file = Upload("a.txt", "text/plain", b"text")
    reply = place.bob.say(place.general, f"hello {place.carol.user.mention}", reply_to=said, files=[file])
    assert (reply.referenced, reply.mentions) == (said, [place.carol.user])
    assert reply.attachments[0]["filename"] == "a.txt"
    quiet = place.bob.say(place.general, "psst", reply_to=said, ping=False)
    assert quiet.mentions == []
    place.carol.edit(said, "hello!")
    place.bob.react(said, "👍")
    place.bob.unreact(said, "👍")
    place.carol.type(place.general)
    place.bob.delete(said)
    assert place.owner.read(place.general) == [reply, quiet]
    assert not said.reactions


@pytest.mark.parametrize(
    ("attempt", "sentence"),
    [
        (lambda p, _: p.stranger.say(p.general, "x"), "Stranger does not see #general."),
        (lambda p, _: p.carol.say(p.general, ""), "Carol cannot write in #general: 400 50006"),
        (lambda p, _: p.carol.say(p.general, "x" * 2001), "Carol cannot write in #general: 400 50035"),
        (lambda p, m: p.carol.edit(m, "x"), "Carol cannot change a message of bob."),
        (lambda p, m: p.carol.delete(m), "Carol cannot delete the message: 403 50013"),
        (lambda p, m: p.carol.react(m, "text"), "Carol cannot react with text: 404 10014"),
        (lambda p, m: p.carol.unreact(m, "👍"), "Carol did not react with 👍."),
        (lambda p, _: p.stranger.type(p.general), "Stranger does not see #general."),
        (lambda p, _: p.stranger.read(p.general), "Stranger does not see #general."),
        (lambda p, _: p.carol.open_dm(p.carol.user), "Carol cannot write to themselves."),
        (lambda p, _: p.carol.join(p.guild), "Carol is in Local Town already."),
        (lambda p, _: p.stranger.leave(p.guild), "Stranger cannot leave Local Town: 404 10007"),
        (lambda p, _: p.owner.leave(p.guild), "Alice cannot leave Local Town"),
        (lambda p, _: p.carol.be("asleep"), "Carol cannot be so: 'asleep' is none of"),
        (lambda p, _: p.carol.kick(p.guild, p.bob.user), "Carol cannot kick bob: 403 50013"),
        (lambda p, _: p.bob.kick(p.guild, p.owner.user), "Bob cannot kick alice: 403 50013"),
        (lambda p, _: p.carol.ban(p.guild, p.bob.user), "Carol cannot ban bob: 403 50013"),
        (lambda p, _: p.bob.unban(p.guild, p.stranger.user), "Bob cannot unban stranger: 404 10026"),
        (lambda p, _: p.carol.time_out(p.guild, p.bob.user, timedelta(hours=1)), "Carol cannot change bob: 403 50013"),
        (lambda p, _: p.bob.time_out(p.guild, p.carol.user, timedelta(days=29)), "Bob cannot change carol: 400 50035"),
        (lambda p, _: p.carol.join_voice(p.general), "Carol cannot enter #general: 400 50035"),
        (lambda p, _: p.stranger.join_voice(p.lounge), "Stranger does not see #Lounge."),
        (lambda p, _: p.carol.leave_voice(p.lounge), "Carol is not in #Lounge."),
        (lambda p, _: p.carol.move_to_voice(p.bob.user, p.lounge), "Carol cannot move bob to #Lounge"),
        (lambda p, _: p.carol.disconnect_from_voice(p.bob.user, p.lounge), "Carol cannot disconnect bob"),
        (lambda p, _: p.carol.slash(p.general, "do"), "Carol is offered no /do in #general"),
    ],
)
def test_what_people_may_not_they_cannot(
    place: Place, attempt: Callable[[Place, Message], object], sentence: str
) -> None:
    """What Discord's client would not offer is refused in a sentence that says who, what and why."""
    message = place.bob.say(place.general, "hello")
    with pytest.raises(HumanlyImpossibleError) as error:
        attempt(place, message)
    assert str(error.value).startswith(sentence)


def test_what_is_shown_to_one_person(place: Place) -> None:
    """An ephemeral message is seen by one person, who alone may dismiss it, and takes no reactions."""
    message = place.shown(flags=1 << 6, audience=place.carol.user)
    with pytest.raises(HumanlyImpossibleError, match="one other person alone"):
        place.bob.react(message, "👍")
    with pytest.raises(HumanlyImpossibleError, match="Nobody can react"):
        place.carol.react(message, "👍")
    assert place.bob.read(place.general) == []
    place.carol.delete(message)
    assert place.carol.read(place.general) == []
    with pytest.raises(HumanlyImpossibleError, match="was deleted"):
        place.carol.delete(message)


def test_reading_takes_permission(place: Place) -> None:
    """Who may not read what was written before reads nothing."""
    place.general.overwrites.append(Overwrite(place.guild.id, 0, deny=Permissions.READ_MESSAGE_HISTORY))
    with pytest.raises(HumanlyImpossibleError, match="may not read"):
        place.carol.read(place.general)


def test_people_belong(place: Place) -> None:
    """People come, go and are there; moderators put out, ban, lift bans, time out, rename and give roles."""
    place.stranger.join(place.guild)
    place.stranger.be("idle", {"name": "chess"})
    assert place.stranger.user.presence.activities[0]["name"] == "chess"
    place.owner.rename(place.guild, place.stranger.user, "Friend")
    place.owner.give_roles(place.guild, place.stranger.user, place.moderator)
    member = place.guild.member(place.stranger.user.id)
    assert (member.nick, member.roles) == ("Friend", [place.moderator.id])
    place.owner.take_roles(place.guild, place.stranger.user, place.moderator)
    place.bob.time_out(place.guild, place.stranger.user, timedelta(hours=1), "noise")
    assert member.is_timed_out()
    place.bob.time_out(place.guild, place.stranger.user, None)
    assert (member.roles, member.is_timed_out()) == ([], False)
    place.bob.ban(place.guild, place.stranger.user, "spam", delete=timedelta(days=1))
    with pytest.raises(HumanlyImpossibleError, match="Stranger cannot join Local Town"):
        place.stranger.join(place.guild)
    place.bob.unban(place.guild, place.stranger.user)
    place.stranger.join(place.guild)
    place.bob.kick(place.guild, place.stranger.user)
    place.carol.leave(place.guild)
    assert place.guild.members.keys().isdisjoint({place.stranger.user.id, place.carol.user.id})


def test_people_talk(place: Place) -> None:
    """People enter voice channels, are moved, put out, and leave."""
    studio = place.town.channels["Studio"]
    place.carol.join_voice(place.lounge, mute=True)
    place.owner.move_to_voice(place.carol.user, studio)
    assert place.guild.voice_states[place.carol.user.id].channel_id == studio.id
    place.owner.disconnect_from_voice(place.carol.user, studio)
    place.carol.join_voice(place.lounge)
    place.carol.leave_voice(place.lounge)
    assert not place.guild.voice_states


# -- commands --------------------------------------------------------------------------------------------------------


def test_options_are_filled_in(place: Place) -> None:
    """Values of every type are taken; what they name is looked up beside them."""
    kinds = {
        "text": (3, "words"),
        "count": (4, 3),
        "flag": (5, True),
        "user": (6, place.bob.user),
        "channel": (7, place.general),
        "role": (8, place.moderator),
        "any": (9, place.guild.member(place.owner.user.id)),
        "share": (10, 0.5),
        "file": (11, Upload("a.png", "image/png", b"no picture")),
    }
    place.command(*(option(kind) | {"name": name} for name, (kind, _) in kinds.items()))
    values = {name: value for name, (_, value) in kinds.items()}
    interaction = place.carol.slash(place.general, "/do", place.bot, **values)
    given = {each["name"]: each["value"] for each in interaction.data["options"]}
    resolved = interaction.data["resolved"]
    assert given["user"] == str(place.bob.user.id)
    assert resolved["members"][given["user"]]["permissions"]
    assert resolved["channels"][given["channel"]]["name"] == "general"
    assert resolved["roles"][given["role"]]["name"] == "Moderator"
    assert resolved["attachments"][given["file"]]["filename"] == "a.png"
    assert (given["count"], given["flag"], given["share"]) == (3, True, 0.5)


@pytest.mark.parametrize(
    ("field", "values", "sentence"),
    [
        (option(3), {"y": 1}, "/do has no option y; it has x."),
        (option(3, required=True), {}, "/do cannot be sent without its option x."),
        (option(3), {"x": ""}, "/do x: Discord sends no empty text."),
        (option(3, min_length=3), {"x": "ab"}, "/do x: 2 characters, where 3 to 6000 are taken."),
        (option(3, max_length=3), {"x": "abcd"}, "/do x: 4 characters, where 0 to 3 are taken."),
        (option(4), {"x": "1"}, "/do x: '1' is no whole number."),
        (option(4), {"x": True}, "/do x: True is no whole number."),
        (option(4), {"x": 1.5}, "/do x: 1.5 is no whole number."),
        (option(4, min_value=1, max_value=5), {"x": 6}, "/do x: 6 is not between 1 and 5."),
        (option(10, min_value=0), {"x": -1}, "/do x: -1 is not between 0 and"),
        (option(10), {"x": "a"}, "/do x: 'a' is no number."),
        (option(5), {"x": 1}, "/do x: 1 is neither True nor False."),
        (option(6), {"x": "bob"}, "/do x: 'bob' is no user."),
        (option(9), {"x": "bob"}, "/do x: 'bob' is no user or role."),
        (option(11), {"x": "a.txt"}, "/do x: 'a.txt' is no file"),
        (option(11), {"x": Upload("a", "", bytes(11 << 20))}, "/do x: a is larger than"),
        (option(3, choices=[{"name": "One", "value": "1"}]), {"x": "2"}, "/do x: '2' is not among its choices: One."),
    ],
)
def test_wrong_values_are_refused(place: Place, field: dict[str, Any], values: dict[str, Any], sentence: str) -> None:
    """Discord's client takes no value that the option does not allow."""
    place.command(field)
    with pytest.raises(HumanlyImpossibleError) as error:
        place.carol.slash(place.general, "do", **values)
    assert str(error.value).startswith(sentence)


def test_only_what_is_here_is_offered(place: Place) -> None:
    """Channels of wrong kinds, hidden ones, roles of elsewhere and strangers are not offered."""
    place.command(option(7, channel_types=[2]))
    place.carol.slash(place.general, "do", x=place.lounge)
    with pytest.raises(HumanlyImpossibleError, match="not a channel of the kinds"):
        place.carol.slash(place.general, "do", x=place.general)
    elsewhere = place.world.add_guild("Elsewhere", place.town.owner)
    place.command(option(7))
    with pytest.raises(HumanlyImpossibleError, match="carol is not offered #far here"):
        place.carol.slash(place.general, "do", x=place.world.add_channel(elsewhere, "far"))
    place.command(option(8))
    with pytest.raises(HumanlyImpossibleError, match="carol is not offered Far here"):
        place.carol.slash(place.general, "do", x=place.world.add_role(elsewhere, "Far"))
    place.command(option(6))
    interaction = place.carol.slash(place.general, "do", x=place.stranger.user)
    assert "members" not in interaction.data["resolved"]
    with pytest.raises(HumanlyImpossibleError, match="carol is not offered stranger here"):
        place.carol.slash(place.carol.open_dm(place.bot), "do", x=place.stranger.user)


def test_choices_are_made_by_what_is_shown(place: Place) -> None:
    """A choice is made by its value, its name, or its name in the person's language."""
    thai = place.discord.person(place.town.members[1])
    place.command(option(3, choices=[{"name": "One", "value": "1", "name_localizations": {"th": "หนึ่ง"}}]))
    for said in ("1", "One", "หนึ่ง"):
        assert thai.slash(place.general, "do", x=said).data["options"][0]["value"] == "1"


def test_groups_nest(place: Place) -> None:
    """Options of a command of a group stand within the group's name."""
    leaf = {"type": 1, "name": "set", "options": [option(3)]}
    place.command({"type": 2, "name": "language", "options": [leaf]})
    (group,) = place.carol.slash(place.general, "do language set", x="th").data["options"]
    assert (group["type"], group["name"]) == (2, "language")
    assert group["options"] == [{"type": 1, "name": "set", "options": [{"name": "x", "type": 3, "value": "th"}]}]


def test_only_some_options_complete(place: Place) -> None:
    """Typing into an option that the bot does not help with, or that is not there, offers nothing."""
    place.command(option(3), option(3, autocomplete=True) | {"name": "y"})
    typing = place.carol.autocomplete(place.general, "do", "y", "a", {"x": "before"})
    assert typing.type is InteractionType.AUTOCOMPLETE
    for name in ("x", "z"):
        with pytest.raises(HumanlyImpossibleError, match=f"offers nothing while one types into {name}"):
            place.carol.autocomplete(place.general, "do", name)


def test_menus_of_people_and_messages(place: Place) -> None:
    """An entry of a menu is used on a person or a message, which come with it."""
    place.command(type=3, name="Look At")
    message = place.bob.say(place.general, "hello")
    used = place.carol.use_on_message(message, "Look At")
    assert used.data["target_id"] == str(message.id)
    assert used.data["resolved"]["messages"][str(message.id)]["content"] == "hello"
    place.command(type=2, name="Who")
    assert place.carol.use_on_user(place.general, place.bob.user, "Who").data["target_id"] == str(place.bob.user.id)
    with pytest.raises(HumanlyImpossibleError, match="Carol is offered no Look in #general; offered: none"):
        place.carol.use_on_message(message, "Look")


# -- waiting ----------------------------------------------------------------------------------------------------------


async def test_waiting_ends_in_a_sentence(place: Place) -> None:
    """A wait for what does not come ends with who waited for what, and what came instead."""
    place.command()
    interaction = place.carol.slash(place.general, "do")
    with pytest.raises(TimeoutError, match=r"Carol waited 0\.01 s for a message; Reference did not answer"):
        await place.carol.reply(interaction, 0.01)
    interaction.callback = {"type": 9, "data": {"title": "Form"}}
    with pytest.raises(TimeoutError, match="for choices; Reference answered with MODAL"):
        await place.carol.choices(interaction, 0.01)
    with pytest.raises(TimeoutError, match=r"Carol saw no such message in #general in 0\.01 s"):
        await place.carol.expect(place.general, lambda _: False, 0.01)
    place.bob.say(place.general, "hello")
    with pytest.raises(TimeoutError, match="the last one is bob's 'hello'"):
        await place.carol.expect(place.general, lambda message: message.content == "hi", 0.01)
    assert (await place.carol.answered(interaction)).name == "MODAL"
    with pytest.raises(TimeoutError, match=r"Not to be seen within 0\.01 s: .*ends_in_a_sentence"):
        await place.discord.until(lambda: None, 0.01)


async def test_an_unanswered_interaction_is_noise(place: Place) -> None:
    """All is not quiet while a bot that is connected has not answered; nobody waits for one that is not."""
    place.command()
    place.carol.slash(place.general, "do")
    await place.discord.settled(0.1)
    assert len(interactions.waiting(place.world)) == 1
    act = Act(InteractionType.COMMAND, {"name": "x", "type": 1})
    interactions.begin(place.world, place.town.application, place.carol.user, place.general, act)
    assert len(interactions.waiting(place.world)) == 2


def test_a_person_is_named(place: Place) -> None:
    """A person's repr names them."""
    assert repr(place.carol) == "<Person Carol>"
