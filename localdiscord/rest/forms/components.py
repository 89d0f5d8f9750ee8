"""Components of messages, as bodies describe them: rows, buttons, menus, and the layouts of version 2."""

from typing import Annotated, Any

from pydantic import Discriminator, Tag, model_validator

from localdiscord.rest.forms.fields import (
    Flag,
    Form,
    Snowflake,
    choice,
    length,
    refuse,
    text,
    web_address,
    within,
)
from localdiscord.rest.forms.polls import EmojiForm

__all__ = ["Component"]

LINK, PREMIUM = 5, 6
MOST_BUTTONS = 5
BUTTON = 2

CustomId = Annotated[str, length(1, 100)]


class Part(Form):
    """What all components have."""

    id: Annotated[int, within(0, (1 << 31) - 1)] | None = None


def _kind(value: Any) -> str | None:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return f"<{kind}>"


def _one_of(*kinds: int) -> Discriminator:
    listed = ", ".join(str(kind) for kind in kinds) + ("," if len(kinds) == 1 else "")
    words = f'Value of field "type" must be one of ({listed}).'
    return Discriminator(_kind, custom_error_type="UNION_TYPE_CHOICES", custom_error_message=words)


class Button(Part):
    """A button."""

    type: Annotated[int, choice(BUTTON)]
    style: Annotated[int, choice(1, 2, 3, 4, LINK, PREMIUM)]
    label: Annotated[str, text(None, 80)] | None = None
    emoji: EmojiForm | None = None
    custom_id: CustomId | None = None
    url: Annotated[str, web_address("http", "https", "discord")] | None = None
    sku_id: Snowflake | None = None
    disabled: Flag = False

    @model_validator(mode="after")
    def _whole(self) -> "Button":
        if self.style == LINK:
            if self.custom_id is not None:
                words = "A custom id and url cannot both be specified"
                raise refuse("BUTTON_COMPONENT_CUSTOM_ID_AND_URL_MUTUALLY_EXCLUSIVE", words)
            if self.url is None:
                raise refuse("BASE_TYPE_REQUIRED", "A url is required for a link button")
        elif self.style != PREMIUM and self.custom_id is None:
            raise refuse("BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", "A custom id is required")
        if self.style != PREMIUM and not self.label and self.emoji is None:
            raise refuse("BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED", "A label or emoji is required")
        return self


class Option(Form):
    """An option of a menu of texts."""

    label: Annotated[str, length(1, 100)]
    value: Annotated[str, length(1, 100)]
    description: Annotated[str, length(None, 100)] | None = None
    emoji: EmojiForm | None = None
    default: Flag = False


class DefaultValue(Form):
    """What is chosen in a menu from the beginning."""

    id: Snowflake
    type: Annotated[str, choice("user", "role", "channel")]


class Menu(Part):
    """What all menus have."""

    custom_id: CustomId
    placeholder: Annotated[str, length(None, 150)] | None = None
    min_values: Annotated[int, within(0, 25)] = 1
    max_values: Annotated[int, within(1, 25)] = 1
    disabled: Flag = False
    required: Flag | None = None


class TextMenu(Menu):
    """A menu of texts."""

    type: Annotated[int, choice(3)]
    options: Annotated[list[Option], length(1, 25)]

    @model_validator(mode="after")
    def _values(self) -> "TextMenu":
        values = [option.value for option in self.options]
        if len(set(values)) < len(values):
            raise refuse("SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The specified option value is already used")
        return self


class EntityMenu(Menu):
    """A menu of users, roles, both, or channels."""

    type: Annotated[int, choice(5, 6, 7, 8)]
    default_values: Annotated[list[DefaultValue], length(None, 25)] | None = None
    channel_types: list[int] | None = None


RowPart = Annotated[
    Annotated[Button, Tag("<2>")]
    | Annotated[TextMenu, Tag("<3>")]
    | Annotated[EntityMenu, Tag("<5>")]
    | Annotated[EntityMenu, Tag("<6>")]
    | Annotated[EntityMenu, Tag("<7>")]
    | Annotated[EntityMenu, Tag("<8>")],
    _one_of(2, 3, 5, 6, 7, 8),
]


class Row(Part):
    """A row of buttons, or of one menu."""

    type: Annotated[int, choice(1)]
    components: Annotated[list[RowPart], length(1, MOST_BUTTONS)]

    @model_validator(mode="after")
    def _width(self) -> "Row":
        if len(self.components) > 1 and any(part.type != BUTTON for part in self.components):
            words = "The specified component exceeds the maximum width"
            raise refuse("COMPONENT_LAYOUT_WIDTH_EXCEEDED", words)
        return self


class TextDisplay(Part):
    """A text."""

    type: Annotated[int, choice(10)]
    content: Annotated[str, text(1, 4000)]


class MediaSource(Form):
    """Where a picture or file is."""

    url: Annotated[str, web_address("http", "https", "attachment")]


class Thumbnail(Part):
    """A small picture beside a section."""

    type: Annotated[int, choice(11)]
    media: MediaSource
    description: Annotated[str, length(None, 1024)] | None = None
    spoiler: Flag = False


class Section(Part):
    """Texts with a picture or a button beside them."""

    type: Annotated[int, choice(9)]
    components: Annotated[list[Annotated[Annotated[TextDisplay, Tag("<10>")], _one_of(10)]], length(1, 3)]
    accessory: Annotated[Annotated[Button, Tag("<2>")] | Annotated[Thumbnail, Tag("<11>")], _one_of(2, 11)]


class GalleryItem(Form):
    """A picture of a gallery."""

    media: MediaSource
    description: Annotated[str, length(None, 1024)] | None = None
    spoiler: Flag = False


class Gallery(Part):
    """Pictures."""

    type: Annotated[int, choice(12)]
    items: Annotated[list[GalleryItem], length(1, 10)]


class File(Part):
    """A file."""

    type: Annotated[int, choice(13)]
    file: MediaSource
    spoiler: Flag = False


class Separator(Part):
    """A line, or space, between components."""

    type: Annotated[int, choice(14)]
    divider: Flag = True
    spacing: Annotated[int, choice(1, 2)] = 1


Inner = Annotated[
    Annotated[Row, Tag("<1>")]
    | Annotated[Section, Tag("<9>")]
    | Annotated[TextDisplay, Tag("<10>")]
    | Annotated[Gallery, Tag("<12>")]
    | Annotated[File, Tag("<13>")]
    | Annotated[Separator, Tag("<14>")],
    _one_of(1, 9, 10, 12, 13, 14),
]


class Container(Part):
    """A box around components."""

    type: Annotated[int, choice(17)]
    components: Annotated[list[Inner], length(1, 40)]
    accent_color: Annotated[int, within(0, 0xFFFFFF)] | None = None
    spoiler: Flag = False


Component = Annotated[
    Annotated[Row, Tag("<1>")]
    | Annotated[Section, Tag("<9>")]
    | Annotated[TextDisplay, Tag("<10>")]
    | Annotated[Gallery, Tag("<12>")]
    | Annotated[File, Tag("<13>")]
    | Annotated[Separator, Tag("<14>")]
    | Annotated[Container, Tag("<17>")],
    _one_of(1, 9, 10, 12, 13, 14, 17),
]
