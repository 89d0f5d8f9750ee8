"""Components of messages over REST: what goes together, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localdiscord.rest_peer import peer

V2 = 1 << 15


def button(**values: Any) -> dict[str, Any]:
    """Return a button."""
    return {"type": 2, "style": 1, "label": "x", "custom_id": "x"} | values


def menu(**values: Any) -> dict[str, Any]:
    """Return a menu of texts."""
    return {"type": 3, "custom_id": "m", "options": [{"label": "a", "value": "a"}]} | values


def row(*parts: dict[str, Any]) -> dict[str, Any]:
    """Return a row."""
    return {"type": 1, "components": list(parts)}


def text(content: str = "t") -> dict[str, Any]:
    """Return a text of a layout."""
    return {"type": 10, "content": content}


async def test_components_come_back_with_ids() -> None:
    """Each component gets a number where the author gave none, in order and without repeats."""
    async with peer() as bot:
        parts = [row(button(id=2), button(custom_id="y")), row(menu(placeholder="p", max_values=1))]
        emoji = row({"type": 2, "style": 5, "url": "https://example.com", "emoji": {"name": "👍"}})
        users = row({"type": 5, "custom_id": "u", "default_values": [{"id": str(bot.carol.user.id), "type": "user"}]})
        made = await bot.ask("POST", f"{bot.here}/messages", {"components": [*parts, emoji, users]})
        ids = [part["id"] for outer in made["components"] for part in (outer, *outer["components"])]
        assert sorted(ids) == list(range(1, 10))
        assert made["components"][0]["components"][0]["id"] == 2


@pytest.mark.parametrize(
    ("components", "problems"),
    [
        ([button()], {"components.0": "UNION_TYPE_CHOICES"}),
        ([row()], {"components.0.components": "BASE_TYPE_BAD_LENGTH"}),
        ([row(*(button(custom_id=str(n)) for n in range(6)))], {"components.0.components": "BASE_TYPE_BAD_LENGTH"}),
        ([row(button(custom_id=str(n))) for n in range(6)], {"components": "BASE_TYPE_BAD_LENGTH"}),
        ([row(button()), row(button())], {"components": "COMPONENT_CUSTOM_ID_DUPLICATED"}),
        ([row(button(), menu())], {"components.0": "COMPONENT_LAYOUT_WIDTH_EXCEEDED"}),
        ([row(text())], {"components.0.components.0": "UNION_TYPE_CHOICES"}),
        ([text()], {"components.0": "UNION_TYPE_CHOICES"}),
        ([row(button(style=9))], {"components.0.components.0.style": "BASE_TYPE_CHOICES"}),
        ([row(button(label="x" * 81))], {"components.0.components.0.label": "BASE_TYPE_MAX_LENGTH"}),
        ([row(button(custom_id=None))], {"components.0.components.0": "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED"}),
        ([row(button(label=""))], {"components.0.components.0": "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED"}),
        ([row(button(style=5, custom_id=None))], {"components.0.components.0": "BASE_TYPE_REQUIRED"}),
        (
            [row(button(style=5))],
            {"components.0.components.0": "BUTTON_COMPONENT_CUSTOM_ID_AND_URL_MUTUALLY_EXCLUSIVE"},
        ),
        (
            [row(button(style=5, custom_id=None, url="ftp://x"))],
            {"components.0.components.0.url": "URL_TYPE_INVALID_SCHEME"},
        ),
        ([row(menu(options=[]))], {"components.0.components.0.options": "BASE_TYPE_BAD_LENGTH"}),
        ([row(menu(max_values=26))], {"components.0.components.0.max_values": "NUMBER_TYPE_MAX"}),
        (
            [row(menu(options=[{"label": "a", "value": "a"}] * 2))],
            {"components.0.components.0": "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED"},
        ),
    ],
)
async def test_what_does_not_go_together(components: list[dict[str, Any]], problems: dict[str, str]) -> None:
    """Each fault of a row is told at its place, with Discord's code."""
    async with peer() as bot:
        assert await bot.invalid("POST", f"{bot.here}/messages", {"components": components}) == problems


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ({"components": [text()], "content": "x"}, {"content": "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"}),
        ({"components": [text()] * 41}, {"components": "BASE_TYPE_BAD_LENGTH"}),
        ({"components": [text("x" * 2001)] * 2}, {"components": "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED"}),
        ({"components": [{"type": 9, "components": [text()]}]}, {"components.0.accessory": "BASE_TYPE_REQUIRED"}),
        (
            {"components": [{"type": 12, "items": [{"media": {"url": "attachment://no.png"}}]}]},
            {"components": "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND"},
        ),
    ],
)
async def test_what_layouts_may_not_be(body: dict[str, Any], problems: dict[str, str]) -> None:
    """A layout stands alone, and has bounds of its own."""
    async with peer() as bot:
        assert await bot.invalid("POST", f"{bot.here}/messages", body | {"flags": V2}) == problems


async def test_a_layout_stays_one() -> None:
    """Texts of a layout mention people; a message cannot stop being a layout."""
    async with peer() as bot:
        box = {"type": 17, "accent_color": 5, "components": [text(f"<@{bot.carol.user.id}>"), {"type": 14}]}
        made = await bot.ask("POST", f"{bot.here}/messages", {"components": [box], "flags": V2})
        assert [user["username"] for user in made["mentions"]] == ["carol"]
        path = f"{bot.here}/messages/{made['id']}"
        assert (await bot.ask("PATCH", path, {"components": [text("new")], "flags": 0}))["flags"] == V2
        assert set(await bot.invalid("PATCH", path, {"content": "x"})) == {"content"}
