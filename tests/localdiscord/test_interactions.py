"""Answers to interactions, by a bot that speaks REST by hand, and held against Discord's description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from localdiscord import HumanlyImpossibleError, Person
from localdiscord.model.interaction import Interaction, InteractionType
from localdiscord.model.message import EPHEMERAL, MessageType
from tests.localdiscord.rest_peer import Peer, peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MESSAGE, LATER, KEEP, UPDATE, CHOICES, FORM = 4, 5, 6, 7, 8, 9
ROW = {"type": 1, "components": [{"type": 2, "style": 1, "label": "Press", "custom_id": "press"}]}
FIELDS: dict[str, Any] = {"custom_id": "f", "title": "Form", "components": [
    {"type": 1, "components": [{"type": 4, "custom_id": "name", "label": "Name", "style": 1}]}
]}  # fmt: skip
COMMAND = {"name": "do", "description": "Do it.", "options": [
    {"type": 3, "name": "what", "description": "What.", "autocomplete": True}
]}  # fmt: skip


class Answering(Peer):
    """A bot with a command, and Carol, who uses it."""

    async def prepare(self) -> None:
        """Make the command."""
        self.person: Person = self.discord.person(self.carol.user)
        await self.ask("POST", f"/applications/{self.bot.id}/commands", COMMAND)

    def use(self) -> Interaction:
        """Have Carol use the command."""
        return self.person.slash(self.general, "do")

    async def answer(self, interaction: Interaction, kind: int, data: dict[str, Any] | None = None) -> Any:
        """Answer for the first time."""
        path = f"/interactions/{interaction.id}/{interaction.token}/callback?with_response=true"
        return await self.ask("POST", path, {"type": kind, **({"data": data} if data else {})})

    async def no_answer(self, interaction: Interaction, kind: int, data: dict[str, Any] | None = None) -> Any:
        """Answer in a way that is refused; returns status and code."""
        path = f"/interactions/{interaction.id}/{interaction.token}/callback"
        return await self.refused("POST", path, {"type": kind, **({"data": data} if data else {})})

    def hook(self, interaction: Interaction, which: str = "") -> str:
        """Return the path of the interaction's webhook, or of a message of it."""
        return f"/webhooks/{self.bot.id}/{interaction.token}" + (f"/messages/{which}" if which else "")


@pytest.fixture
async def bot() -> AsyncIterator[Answering]:
    """A bot that answers by hand."""
    async with peer() as plain:
        plain.__class__ = Answering
        assert isinstance(plain, Answering)
        await plain.prepare()
        yield plain


async def test_a_command_is_answered(bot: Answering) -> None:
    """The first answer is a message of the command's kind, which tells who used it, and the bot is told of it."""
    interaction = bot.use()
    (told,) = bot.told("INTERACTION_CREATE")
    assert told["data"]["name"] == "do"
    assert told["member"]["user"]["username"] == "carol"
    answer = await bot.answer(interaction, MESSAGE, {"content": "done"})
    message = answer["resource"]["message"]
    assert (message["content"], message["type"]) == ("done", MessageType.COMMAND)
    assert message["interaction_metadata"]["user"]["username"] == "carol"
    assert answer["interaction"]["response_message_id"] == message["id"]
    assert bot.told("MESSAGE_CREATE")[0]["content"] == "done"
    assert await bot.person.reply(interaction) is interaction.original


async def test_an_answer_comes_once(bot: Answering) -> None:
    """A second first answer is refused with 40060."""
    interaction = bot.use()
    await bot.answer(interaction, MESSAGE, {"content": "done"})
    assert await bot.no_answer(interaction, LATER) == (400, 40060)


async def test_an_answer_comes_in_time(bot: Answering) -> None:
    """After three seconds the first answer is refused, and after a quarter of an hour the token is no good."""
    late, early = bot.use(), bot.use()
    await bot.answer(early, MESSAGE, {"content": "done"})
    bot.world.clock = lambda: late.begun + 3.1
    assert await bot.no_answer(late, MESSAGE, {"content": "done"}) == (404, 10062)
    bot.world.clock = lambda: late.begun + 901
    assert await bot.refused("PATCH", bot.hook(early, "@original"), {"content": "x"}) == (401, 50027)
    bot.use()
    assert len(bot.world.interactions) == 1


async def test_an_interaction_is_named_by_id_and_token(bot: Answering) -> None:
    """A wrong id or token is answered with 10062, a wrong webhook token with 50027."""
    interaction = bot.use()
    assert await bot.refused("POST", f"/interactions/5/{interaction.token}/callback", {"type": 5}) == (404, 10062)
    assert await bot.refused("POST", f"/interactions/{interaction.id}/no/callback", {"type": 5}) == (404, 10062)
    assert await bot.refused("POST", f"/webhooks/{bot.bot.id}/aW50ZXJhY3Rpb246x", {"content": "x"}) == (401, 50027)


async def test_a_promise_is_kept_by_the_first_follow_up(bot: Answering) -> None:
    """A promised message is there at once; the first follow-up fills it, the next one is a reply to it."""
    interaction = bot.use()
    answer = await bot.answer(interaction, LATER, {"flags": EPHEMERAL})
    assert answer["interaction"]["response_message_loading"] is True
    first = await bot.ask("POST", bot.hook(interaction), {"content": "here"})
    second = await bot.ask("POST", bot.hook(interaction), {"content": "more"})
    assert first["flags"] == EPHEMERAL
    assert interaction.original is not None
    assert first["id"] == str(interaction.original.id)
    assert second["message_reference"]["message_id"] == first["id"]
    assert [message.content for message in await bot.person.follow_ups(interaction)] == ["more"]
    assert bot.discord.person(bot.town.owner).read(bot.general) == interaction.followups


async def test_answers_are_read_changed_and_deleted(bot: Answering) -> None:
    """The original and follow-ups are read, changed in part, and deleted; then they are not there."""
    interaction = bot.use()
    await bot.answer(interaction, LATER)
    changed = await bot.ask("PATCH", bot.hook(interaction, "@original"), {"content": "here", "components": [ROW]})
    assert changed["edited_timestamp"] is None
    changed = await bot.ask("PATCH", bot.hook(interaction, "@original"), {"content": "there"})
    assert changed["components"][0]["components"][0]["custom_id"] == "press"
    more = await bot.ask("POST", bot.hook(interaction), {"content": "more"})
    assert (await bot.ask("GET", bot.hook(interaction, more["id"])))["content"] == "more"
    for which in ("@original", more["id"]):
        await bot.ask("DELETE", bot.hook(interaction, which))
        assert await bot.refused("GET", bot.hook(interaction, which)) == (404, 10008)
    assert await bot.refused("GET", bot.hook(interaction, "5")) == (404, 10008)
    after = await bot.ask("POST", bot.hook(interaction), {"content": "still here"})
    assert after["type"] == MessageType.DEFAULT


async def test_a_change_that_is_refused_breaks_no_promise(bot: Answering) -> None:
    """A change that Discord does not take leaves the promise as it is."""
    interaction = bot.use()
    await bot.answer(interaction, LATER)
    codes = await bot.invalid("PATCH", bot.hook(interaction, "@original"), {"content": "x" * 2001})
    assert codes == {"content": "BASE_TYPE_MAX_LENGTH"}
    assert interaction.original is not None
    assert interaction.original.flags == 1 << 7
    assert await bot.refused("PATCH", bot.hook(interaction, "@original"), {"content": ""}) == (400, 50006)
    assert interaction.original.flags == 1 << 7


async def test_nothing_follows_what_was_not_answered(bot: Answering) -> None:
    """Before the first answer the webhook is not there."""
    interaction = bot.use()
    assert await bot.refused("POST", bot.hook(interaction), {"content": "x"}) == (404, 10015)
    assert await bot.refused("GET", bot.hook(interaction, "@original")) == (404, 10015)


async def test_a_file_comes_with_an_answer(bot: Answering) -> None:
    """Files are sent with the first answer, and are shown with it."""
    interaction = bot.use()
    form = aiohttp.FormData()
    form.add_field("payload_json", '{"type": 4, "data": {"content": "look"}}', content_type="application/json")
    form.add_field("files[0]", b"text", filename="a.txt", content_type="text/plain")
    await bot.ask("POST", f"/interactions/{interaction.id}/{interaction.token}/callback", data=form)
    assert interaction.original is not None
    assert [file["filename"] for file in interaction.original.attachments] == ["a.txt"]


@pytest.mark.parametrize("kind", [1, KEEP, UPDATE, CHOICES, 10, 99])
async def test_a_command_takes_some_answers_only(bot: Answering, kind: int) -> None:
    """An answer of a kind that the interaction does not take is refused as a form."""
    assert await bot.no_answer(bot.use(), kind, {"content": "x"}) == (400, 50035)


async def test_a_command_is_used_in_direct_messages(bot: Answering) -> None:
    """In direct messages the bot is told of a user rather than a member, and answers there."""
    direct = bot.person.open_dm(bot.bot)
    interaction = bot.person.slash(direct, "do")
    (told,) = bot.told("INTERACTION_CREATE")
    assert (told["user"]["username"], told["context"]) == ("carol", 1)
    assert told.keys().isdisjoint({"member", "guild_id", "guild"})
    answer = await bot.answer(interaction, MESSAGE, {"content": "done"})
    assert "guild_id" not in answer["interaction"]
    assert [message.content for message in bot.person.read(direct)] == ["done"]


async def test_a_command_is_used_in_a_thread(bot: Answering) -> None:
    """In a thread a command is offered by the permissions of the channel, and answered in the thread."""
    thread = bot.person.begin_thread(bot.general, "aside")
    interaction = bot.person.slash(thread, "do")
    await bot.answer(interaction, MESSAGE, {"content": "done"})
    assert interaction.original is not None
    assert interaction.original.channel is thread


# -- components ----------------------------------------------------------------------------------------------------


async def test_a_button_changes_its_message(bot: Answering) -> None:
    """A button's press may change its message in part, or keep it; either way that is the original then."""
    shown = bot.use()
    await bot.answer(shown, MESSAGE, {"content": "one", "components": [ROW]})
    message = await bot.person.reply(shown)
    press = bot.person.click(message, "Press")
    answer = await bot.answer(press, UPDATE, {"content": "two"})
    assert answer["resource"]["message"]["content"] == "two"
    assert message.components
    again = bot.person.click(message, "press")
    await bot.answer(again, KEEP)
    await bot.ask("PATCH", bot.hook(again, "@original"), {"content": "three", "components": []})
    assert (message.content, message.components) == ("three", [])


async def test_a_button_may_be_answered_by_a_message(bot: Answering) -> None:
    """A new message in answer to a button is a reply to the button's message, and names it."""
    shown = bot.use()
    await bot.answer(shown, MESSAGE, {"content": "one", "components": [ROW]})
    press = bot.person.click(await bot.person.reply(shown), "Press")
    message = (await bot.answer(press, MESSAGE, {"content": "pressed"}))["resource"]["message"]
    assert press.message is not None
    assert message["interaction_metadata"]["interacted_message_id"] == str(press.message.id)
    assert message["message_reference"]["message_id"] == str(press.message.id)


async def test_what_is_gone_is_not_changed(bot: Answering) -> None:
    """The message of a button that was deleted meanwhile cannot be changed by the answer."""
    shown = bot.use()
    await bot.answer(shown, MESSAGE, {"content": "one", "components": [ROW]})
    message = await bot.person.reply(shown)
    press = bot.person.click(message, "Press")
    await bot.ask("DELETE", bot.hook(shown, "@original"))
    assert await bot.no_answer(press, UPDATE, {"content": "x"}) == (404, 10008)
    with pytest.raises(HumanlyImpossibleError, match="was deleted"):
        bot.person.click(message, "Press")


# -- choices and forms -------------------------------------------------------------------------------------------------


async def test_choices_are_offered(bot: Answering) -> None:
    """What a bot offers for what was typed reaches the person; only choices are an answer to that."""
    typing = bot.person.autocomplete(bot.general, "do", "what", "pi")
    (told,) = bot.told("INTERACTION_CREATE")
    assert told["data"]["options"] == [{"name": "what", "type": 3, "value": "pi", "focused": True}]
    assert await bot.no_answer(typing, MESSAGE, {"content": "x"}) == (400, 50035)
    await bot.answer(typing, CHOICES, {"choices": [{"name": "Pizza", "value": "pizza"}]})
    assert await bot.person.choices(typing) == [{"name": "Pizza", "value": "pizza"}]


@pytest.mark.parametrize(
    "choices",
    [None, [{"name": "x", "value": "x"}] * 26, [{"name": "", "value": "x"}], [{"name": "x" * 101, "value": "x"}]],
)
async def test_wrong_choices_are_refused(bot: Answering, choices: Any) -> None:
    """No choices, more than 25, or names that are empty or too long are refused."""
    typing = bot.person.autocomplete(bot.general, "do", "what", "pi")
    assert await bot.no_answer(typing, CHOICES, {"choices": choices}) == (400, 50035)


async def test_a_form_is_sent(bot: Answering) -> None:
    """A form is opened, filled in and sent; the answer to it names what opened it."""
    opened = bot.use()
    await bot.answer(opened, FORM, FIELDS)
    assert (await bot.person.form(opened))["title"] == "Form"
    sent = bot.person.submit(opened, Name="Carol")
    assert sent.type is InteractionType.MODAL
    message = (await bot.answer(sent, MESSAGE, {"content": "thanks"}))["resource"]["message"]
    assert message["interaction_metadata"]["triggering_interaction_metadata"]["id"] == str(opened.id)
    assert await bot.refused("GET", bot.hook(opened, "@original")) == (404, 10008)


async def test_a_form_of_a_button_changes_the_message(bot: Answering) -> None:
    """A form that a button opened may change the button's message; one of a command has none to change."""
    shown = bot.use()
    await bot.answer(shown, MESSAGE, {"content": "one", "components": [ROW]})
    message = await bot.person.reply(shown)
    opened = bot.person.click(message, "Press")
    await bot.answer(opened, FORM, FIELDS)
    await bot.answer(bot.person.submit(opened, name="x"), UPDATE, {"content": "two"})
    assert message.content == "two"
    other = bot.use()
    await bot.answer(other, FORM, FIELDS)
    assert await bot.no_answer(bot.person.submit(other, name="x"), UPDATE, {"content": "x"}) == (400, 50035)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": ""},
        {"title": "x" * 46},
        {"custom_id": ""},
        {"components": []},
        {"components": FIELDS["components"] * 6},
    ],
)
async def test_wrong_forms_are_refused(bot: Answering, changes: dict[str, Any]) -> None:
    """A form without a title, an id or fields, or with too much of them, is refused."""
    assert await bot.no_answer(bot.use(), FORM, FIELDS | changes) == (400, 50035)
