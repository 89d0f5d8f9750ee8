"""What somebody wants to write, and what Discord does not take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localdiscord.components import ComponentType, walk
from localdiscord.errors import DiscordError, Refusal, invalid_form
from localdiscord.model.message import COMPONENTS_V2, SUPPRESS_EMBEDS

if TYPE_CHECKING:
    from localdiscord.model.files import Upload

__all__ = ["LONGEST_CONTENT", "Draft"]

LONGEST_CONTENT = 2000
MOST_FILES = 10
LARGEST_FILE = 10 * 1024 * 1024
"""Bytes."""

MOST_ROWS = 5
MOST_COMPONENTS = 40
LONGEST_TEXTS = 4000
SILENT, VOICE_MESSAGE = 1 << 12, 1 << 13
SETTABLE = SUPPRESS_EMBEDS | SILENT | VOICE_MESSAGE | COMPONENTS_V2
"""The flags that an author chooses."""


@dataclass
class Draft:
    """What somebody wants to write.

    Attributes:
        attachments: files that stay, by id, and what is said of new ones, by number.
        files: the new files, by number.
        allowed_mentions: who may be told; None: everybody who is mentioned.
        reference: the message that it answers (type 0) or forwards (type 1).
        given: what a change names; None: everything.
        says_more: whether the message has a sticker, a poll or a forwarded message already.
    """

    content: str = ""
    embeds: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    flags: int = 0
    nonce: str | int | None = None
    files: dict[int, Upload] = field(default_factory=dict)
    allowed_mentions: dict[str, Any] | None = None
    reference: dict[str, Any] | None = None
    stickers: list[int] = field(default_factory=list)
    poll: dict[str, Any] | None = None
    tts: bool = False
    enforce_nonce: bool = False
    given: frozenset[str] | None = None
    says_more: bool = False

    def names(self, part: str) -> bool:
        """Tell whether the draft says something of a part of the message."""
        return self.given is None or part in self.given

    @property
    def is_forward(self) -> bool:
        """Whether it passes on another message."""
        return self.reference is not None and self.reference.get("type") == 1

    def check(self) -> None:
        """Refuse what Discord does not take.

        Raises:
            DiscordError: it is empty, too long, too large, or its components do not go together.
        """
        if len(self.content) > LONGEST_CONTENT:
            words = f"Must be {LONGEST_CONTENT} or fewer in length."
            raise invalid_form("content", "BASE_TYPE_MAX_LENGTH", words)
        if len(self.files) > MOST_FILES:
            raise invalid_form("files", "BASE_TYPE_MAX_LENGTH", f"Must be {MOST_FILES} or fewer in length.")
        if any(len(file.data) > LARGEST_FILE for file in self.files.values()):
            raise DiscordError(Refusal.TOO_LARGE)
        check_components(self)
        says = self.content.strip() or self.embeds or self.attachments or self.components or self.files
        if not (says or self.stickers or self.poll or self.is_forward or self.says_more):
            raise DiscordError(Refusal.EMPTY_MESSAGE)


def check_components(draft: Draft) -> None:
    """Refuse components that do not go together.

    Raises:
        DiscordError: there are too many, an id stands twice, or a layout is used without its flag.
    """
    everything = list(walk(draft.components))
    if draft.flags & COMPONENTS_V2:
        _check_layout(draft, everything)
    else:
        if len(draft.components) > MOST_ROWS:
            words = f"Must be {MOST_ROWS} or fewer in length."
            raise invalid_form("components", "BASE_TYPE_BAD_LENGTH", words)
        for index, component in enumerate(draft.components):
            if component["type"] != ComponentType.ACTION_ROW:
                words = 'Value of field "type" must be one of (1,).'
                raise invalid_form(f"components.{index}", "UNION_TYPE_CHOICES", words)
    names = [part["custom_id"] for part in everything if part.get("custom_id")]
    if len(set(names)) < len(names):
        words = "Component custom id cannot be duplicated"
        raise invalid_form("components", "COMPONENT_CUSTOM_ID_DUPLICATED", words)


def _check_layout(draft: Draft, everything: list[dict[str, Any]]) -> None:
    for name in ("content", "embeds", "stickers", "poll"):
        if getattr(draft, name):
            words = f"The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
            raise invalid_form(name, "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", words)
    if len(everything) > MOST_COMPONENTS:
        words = f"Must be {MOST_COMPONENTS} or fewer in length."
        raise invalid_form("components", "BASE_TYPE_BAD_LENGTH", words)
    if sum(len(part["content"]) for part in everything if part["type"] == ComponentType.TEXT_DISPLAY) > LONGEST_TEXTS:
        words = f"The length of all displayable text exceeds the maximum size of {LONGEST_TEXTS}"
        raise invalid_form("components", "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", words)
