"""Messages, as bodies describe them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, model_validator

from localdiscord.rest.forms.components import Component
from localdiscord.rest.forms.fields import (
    REQUIRED,
    Flag,
    Form,
    Moment,
    Snowflake,
    choice,
    filled,
    length,
    refuse,
    text,
    web_address,
    within,
)
from localdiscord.rest.forms.polls import PollForm

__all__ = ["EditForm", "EmbedForm", "MessageForm", "WebhookMessageForm"]

LARGEST_EMBEDS = 6000
"""Characters, over all embeds of a message."""

Link = Annotated[str, web_address("http", "https")]
Media = Annotated[str, web_address("http", "https", "attachment")]


class EmbedMedia(Form):
    """A picture of an embed."""

    url: Media


class EmbedFooter(Form):
    """What stands below an embed."""

    text: Annotated[str, filled(2048)]
    icon_url: Media | None = None


class EmbedAuthor(Form):
    """Who stands above an embed."""

    name: Annotated[str, filled(256)]
    url: Link | None = None
    icon_url: Media | None = None


class EmbedField(Form):
    """A field of an embed."""

    name: Annotated[str, filled(256)]
    value: Annotated[str, filled(1024)]
    inline: Flag = False


class EmbedForm(Form):
    """An embed."""

    title: Annotated[str, text(None, 256)] | None = None
    description: Annotated[str, text(None, 4096)] | None = None
    url: Link | None = None
    timestamp: Moment | None = None
    color: Annotated[int, within(0, 0xFFFFFF)] | None = None
    footer: EmbedFooter | None = None
    image: EmbedMedia | None = None
    thumbnail: EmbedMedia | None = None
    author: EmbedAuthor | None = None
    fields: Annotated[list[EmbedField], length(None, 25)] | None = None

    @property
    def size(self) -> int:
        """How many characters count."""
        texts = [self.title, self.description, self.footer and self.footer.text, self.author and self.author.name]
        texts += [part for field in self.fields or [] for part in (field.name, field.value)]
        return sum(len(part) for part in texts if part)

    @property
    def is_empty(self) -> bool:
        """Whether it shows nothing."""
        return not (self.size or self.image or self.thumbnail)

    def payload(self) -> dict[str, Any]:
        """Return the embed as messages show it."""
        body = self.model_dump(exclude_none=True)
        if isinstance(self.timestamp, datetime):
            body["timestamp"] = self.timestamp.isoformat()
        if not self.fields:
            body.pop("fields", None)
        return {"type": "rich"} | {key: value for key, value in body.items() if value not in ("", {})}


def _embeds(embeds: list[EmbedForm]) -> list[EmbedForm]:
    if sum(embed.size for embed in embeds) > LARGEST_EMBEDS:
        raise refuse("MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {LARGEST_EMBEDS}")
    return embeds


def _embed(embed: EmbedForm) -> EmbedForm:
    if embed.is_empty:
        raise refuse(*REQUIRED)
    return embed


Embeds = Annotated[list[Annotated[EmbedForm, AfterValidator(_embed)]], length(None, 10), AfterValidator(_embeds)]


class AllowedMentionsForm(Form):
    """Who is told of a message that mentions them."""

    parse: list[Annotated[str, choice("users", "roles", "everyone")]] | None = None
    users: Annotated[list[Snowflake], length(None, 100)] | None = None
    roles: Annotated[list[Snowflake], length(None, 100)] | None = None
    replied_user: Flag = False

    @model_validator(mode="after")
    def _exclusive(self) -> "AllowedMentionsForm":
        for kind, listed in (("users", self.users), ("roles", self.roles)):
            if listed and kind in (self.parse or []):
                words = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
                raise refuse("MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", words)
        return self


class ReferenceForm(Form):
    """The message that is answered or forwarded."""

    type: Annotated[int, choice(0, 1)] = 0
    message_id: Snowflake
    channel_id: Snowflake | None = None
    guild_id: Snowflake | None = None
    fail_if_not_exists: Flag = True


class AttachmentForm(Form):
    """A file: one that comes with the request, by number, or one that stays, by id."""

    id: Snowflake
    filename: Annotated[str, text(None, 1024)] | None = None
    description: Annotated[str, text(None, 1024)] | None = None
    title: Annotated[str, text(None, 1024)] | None = None
    duration_secs: float | None = None
    waveform: str | None = None
    is_spoiler: Flag | None = None


def _nonce(value: Any) -> Any:
    if isinstance(value, str) and len(value) > 25:
        raise refuse("BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    return value


class EditForm(Form):
    """A change of a message."""

    content: Annotated[str, text(None, 2000)] | None = None
    embeds: Embeds | None = None
    components: list[Component] | None = None
    attachments: Annotated[list[AttachmentForm], length(None, 10)] | None = None
    allowed_mentions: AllowedMentionsForm | None = None
    flags: int | None = None


class MessageForm(EditForm):
    """A new message."""

    tts: Flag | None = None
    nonce: Annotated[int | str, BeforeValidator(_nonce)] | None = None
    enforce_nonce: Flag | None = None
    message_reference: ReferenceForm | None = None
    sticker_ids: Annotated[list[Snowflake], length(None, 3)] | None = None
    poll: PollForm | None = None


class WebhookMessageForm(MessageForm):
    """A new message of a webhook."""

    username: Annotated[str, text(1, 80)] | None = None
    avatar_url: Link | None = None
    thread_name: Annotated[str, text(1, 100)] | None = None
    applied_tags: Annotated[list[Snowflake], length(None, 5)] | None = None
