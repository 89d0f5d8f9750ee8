"""Buttons, menus and forms in the hands of people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localdiscord import HumanlyImpossibleError, LocalDiscord, Upload
from localdiscord.actions import answers
from localdiscord.actions.drafts import Draft

if TYPE_CHECKING:
    from localdiscord import Person
    from localdiscord.model.interaction import Interaction
    from localdiscord.model.message import Message

BUTTON = {"type": 2, "style": 1, "label": "Press", "custom_id": "press"}
OPTIONS = [{"label": "One", "value": "1"}, {"label": "Two", "value": "2"}]
TEXT = {"type": 4, "custom_id": "text", "label": "Text", "style": 1}


class Place:
    """A local Discord that nobody is connected to, and people in it."""

    def __init__(self) -> None:
        """Name the people and places."""
        self.discord = LocalDiscord()
        self.world, self.town = self.discord.world, self.discord.town
        self.bot, self.general = self.town.application.bot, self.town.channels["general"]
        self.carol: Person = self.discord.person(self.town.members[0])
        self.bob: Person = self.discord.person(self.town.moderator)
        self.moderator = self.town.guild.role(self.town.guild.member(self.bob.user.id).roles[0])

    def shown(self, *components: dict[str, Any]) -> Message:
        """Have the bot show components."""
        message = self.discord.person(self.bot).say(self.general, "look")
        message.components = [{"type": 1, "components": [each]} for each in components]
        return message

    def form(self, *fields: dict[str, Any]) -> Interaction:
        """Have the bot open a form before Carol."""
        rows = [
            {"type": 1, "components": [field]}
            if field["type"] == 4
            else {"type": 18, "label": "Field", "component": field}
            for field in fields
        ]
        pressed = self.carol.click(self.shown(BUTTON), "Press")
        data = {"custom_id": "form", "title": "Form", "components": rows}
        answers.answer(self.world, pressed, 9, data, Draft())
        return pressed


@pytest.fixture
def place() -> Place:
    """A place with people."""
    return Place()


def menu(kind: int, **changes: Any) -> dict[str, Any]:
    """Return a menu called Choose."""
    return {"type": kind, "custom_id": "choose", "placeholder": "Choose", **changes}


# -- buttons -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Press", "press", "🎉"])
def test_a_button_is_pressed(place: Place, name: str) -> None:
    """A button is found by its label, its id or its emoji; the bot is told which it was."""
    pressed = place.carol.click(place.shown(BUTTON | {"emoji": {"name": "🎉"}, "id": 2}), name)
    assert pressed.data == {"custom_id": "press", "component_type": 2, "id": 2}


@pytest.mark.parametrize(
    ("components", "sentence"),
    [
        ([], "There is no Press below the message; there is: none."),
        ([BUTTON | {"label": "Other", "custom_id": "other"}], "there is: Other."),
        ([BUTTON | {"disabled": True}], "Press is disabled."),
        ([{"type": 2, "style": 5, "label": "Press", "url": "https://example.org"}], "is a link to https://example.org"),
        ([{"type": 2, "style": 6, "label": "Press", "sku_id": "5"}], "No bot hears of it"),
        ([BUTTON, BUTTON | {"custom_id": "other"}], "2 components are called Press"),
        ([menu(3, placeholder="Press", options=OPTIONS)], "There is no Press below the message"),
    ],
)
def test_what_is_no_button_is_not_pressed(place: Place, components: list[dict[str, Any]], sentence: str) -> None:
    """A button that is not there, disabled, ambiguous or a link cannot be pressed."""
    with pytest.raises(HumanlyImpossibleError) as error:
        place.carol.click(place.shown(*components), "Press")
    assert sentence in str(error.value)


def test_a_button_in_a_layout_is_pressed(place: Place) -> None:
    """Buttons within containers and beside sections are found."""
    message = place.shown()
    section = {"type": 9, "components": [{"type": 10, "content": "x"}], "accessory": BUTTON}
    message.components = [{"type": 17, "components": [section]}]
    assert place.carol.click(message, "Press").data["custom_id"] == "press"


# -- menus -------------------------------------------------------------------------------------------------------------


def test_options_are_chosen(place: Place) -> None:
    """Options are chosen by label or value, as many as the menu takes."""
    message = place.shown(menu(3, options=OPTIONS, min_values=1, max_values=2))
    assert place.carol.select(message, "Choose", "One", "2").data["values"] == ["1", "2"]


@pytest.mark.parametrize(("kind", "key"), [(5, "users"), (6, "roles"), (7, "users"), (7, "roles"), (8, "channels")])
def test_things_are_chosen(place: Place, kind: int, key: str) -> None:
    """Menus of users, roles, channels, and of users and roles together carry what was chosen."""
    member = place.town.guild.member(place.bob.user.id)
    thing: Any = {"users": member, "roles": place.moderator, "channels": place.general}[key]
    number = str(member.user.id if key == "users" else thing.id)
    chosen = place.carol.select(place.shown(menu(kind)), "choose", thing).data
    assert chosen["values"] == [number]
    assert number in chosen["resolved"][key]


@pytest.mark.parametrize(
    ("component", "values", "sentence"),
    [
        (menu(3, options=OPTIONS), ["Three"], "Choose: 'Three' is not among its options: One, Two."),
        (menu(3, options=OPTIONS), [], "Choose: 0 chosen, where it takes 1 to 1."),
        (menu(3, options=OPTIONS), ["One", "Two"], "Choose: 2 chosen, where it takes 1 to 1."),
        (menu(3, options=OPTIONS, max_values=2), ["One", "1"], "Choose: something is chosen twice."),
        (menu(3, options=OPTIONS, disabled=True), ["One"], "Choose is disabled."),
        (menu(5), ["bob"], "Choose: 'bob' is no user."),
        (menu(7), ["bob"], "Choose: 'bob' is no user or role."),
    ],
)
def test_what_a_menu_does_not_offer_is_not_chosen(
    place: Place, component: dict[str, Any], values: list[Any], sentence: str
) -> None:
    """Too few, too many, the same twice, or what is not offered cannot be chosen."""
    with pytest.raises(HumanlyImpossibleError) as error:
        place.carol.select(place.shown(component), "Choose", *values)
    assert str(error.value) == sentence


def test_a_menu_offers_channels_of_its_kinds(place: Place) -> None:
    """A menu of voice channels offers no text channel."""
    with pytest.raises(HumanlyImpossibleError, match="not a channel of the kinds"):
        place.carol.select(place.shown(menu(8, channel_types=[2])), "Choose", place.general)


# -- forms -------------------------------------------------------------------------------------------------------------


def test_a_form_is_filled_in(place: Place) -> None:
    """Every kind of field takes its value, by label or id; rows come back as they were."""
    fields = (
        TEXT,
        menu(3, options=OPTIONS),
        menu(5, custom_id="who"),
        {"type": 19, "custom_id": "files", "max_values": 2},
        {"type": 21, "custom_id": "radio", "options": OPTIONS},
    )
    values = {"Text": "words", "choose": ["One"], "who": place.bob.user, "files": Upload("a", "", b""), "radio": "Two"}
    sent = place.carol.submit(place.form(*fields), values).data
    rows = sent["components"]
    assert rows[0]["components"][0] == {"type": 4, "id": 2, "custom_id": "text", "value": "words"}
    assert [row["component"].get("values") for row in rows[1:4]] == [
        ["1"],
        [str(place.bob.user.id)],
        list(sent["resolved"]["attachments"]),
    ]
    assert rows[4]["component"]["value"] == "2"


def test_fields_keep_what_stands_in_them(place: Place) -> None:
    """Fields that are not named are sent as they were opened, with text, options and ticks."""
    chosen = [OPTIONS[0] | {"default": True}, OPTIONS[1]]
    fields = (
        TEXT | {"value": "before"},
        menu(3, options=chosen),
        {"type": 21, "custom_id": "radio", "options": chosen},
        {"type": 22, "custom_id": "boxes", "options": chosen},
        {"type": 23, "custom_id": "box", "default": True},
    )
    rows = place.carol.submit(place.form(*fields)).data["components"]
    assert rows[0]["components"][0]["value"] == "before"
    assert [row["component"].get("values") for row in rows[1:4]] == [["1"], None, ["1"]]
    assert [row["component"].get("value") for row in rows[2:5]] == ["1", None, True]


def test_optional_fields_may_stay_empty(place: Place) -> None:
    """Fields that are not required may be sent empty; words between fields come back without content."""
    fields = (
        TEXT | {"required": False, "min_length": 5},
        menu(3, options=OPTIONS, required=False),
        {"type": 19, "custom_id": "files", "required": False},
        {"type": 21, "custom_id": "radio", "options": OPTIONS, "required": False},
        {"type": 23, "custom_id": "box"},
    )
    opened = place.form(*fields)
    opened.form["components"].append({"type": 10, "content": "words", "id": 20})
    rows = place.carol.submit(opened, {"files": []}).data["components"]
    assert rows[0]["components"][0]["value"] == ""
    assert [row.get("component", {}).get("value") for row in rows[3:]] == [None, False, None]
    assert rows[5] == {"type": 10, "id": 20}


@pytest.mark.parametrize(
    ("field", "values", "sentence"),
    [
        (TEXT, {}, "Text: the form cannot be sent without it."),
        (TEXT | {"min_length": 3}, {"Text": "ab"}, "Text: 2 characters, where 3 to 4000 are taken."),
        (TEXT | {"max_length": 3}, {"Text": "abcd"}, "Text: 4 characters, where 0 to 3 are taken."),
        (TEXT, {"Text": "a", "Other": "b"}, "The form Form has no field Other."),
        (menu(3, options=OPTIONS), {"Field": ["3"]}, "Field: '3' is not among its options: One, Two."),
        ({"type": 19, "custom_id": "f"}, {"Field": []}, "Field: 0 files, where it takes 1 to 1."),
        ({"type": 19, "custom_id": "f"}, {"Field": "a.txt"}, "Field: 'a.txt' is no file; files are given as Upload."),
        ({"type": 21, "custom_id": "r", "options": OPTIONS}, {}, "Field: the form cannot be sent without it."),
        ({"type": 23, "custom_id": "b"}, {"Field": "yes"}, "Field: 'yes' is neither True nor False."),
    ],
)
def test_what_a_form_does_not_take_is_not_sent(
    place: Place, field: dict[str, Any], values: dict[str, Any], sentence: str
) -> None:
    """A form that lacks something, or holds what a field does not take, is not sent, and stays open."""
    opened = place.form(field)
    with pytest.raises(HumanlyImpossibleError) as error:
        place.carol.submit(opened, values)
    assert str(error.value) == sentence
    assert opened.is_open


def test_a_form_is_sent_once_by_who_has_it(place: Place) -> None:
    """A form is sent or dismissed once, by the person before whom it is open."""
    opened, other = place.form(TEXT), place.form(TEXT)
    with pytest.raises(HumanlyImpossibleError, match="open before carol, not before Bob"):
        place.bob.submit(opened, Text="x")
    place.carol.submit(opened, Text="x")
    with pytest.raises(HumanlyImpossibleError, match="No form is open before Carol"):
        place.carol.submit(opened, Text="x")
    place.carol.dismiss(other)
    with pytest.raises(HumanlyImpossibleError, match="No form is open before Carol"):
        place.carol.dismiss(other)
