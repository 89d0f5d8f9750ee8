"""Channels and threads, as bodies and queries describe them."""

from typing import Annotated, Any

from localdiscord.rest.forms.fields import (
    Flag,
    Form,
    Moment,
    PermissionBits,
    Snowflake,
    choice,
    length,
    text,
    within,
)
from localdiscord.rest.forms.messages import MessageForm

__all__ = [
    "ChannelForm",
    "ForumPostForm",
    "NewChannelForm",
    "OverwriteForm",
    "ThreadForm",
    "ThreadListForm",
    "ThreadMemberListForm",
    "ThreadPatchForm",
]

LONGEST_SLOWMODE = 21_600
"""Seconds."""

Name = Annotated[str, text(1, 100)]
Slowmode = Annotated[int, within(0, LONGEST_SLOWMODE)]
ArchiveAfter = Annotated[int, choice(60, 1440, 4320, 10080)]
Kind = Annotated[int, choice(0, 2, 4, 5, 13, 14, 15, 16)]


class OverwriteForm(Form):
    """What a channel allows and denies."""

    type: Annotated[int, choice(0, 1)] = 0
    allow: PermissionBits | None = None
    deny: PermissionBits | None = None


class ListedOverwriteForm(OverwriteForm):
    """What a channel allows and denies, and whom."""

    id: Snowflake


class TagForm(Form):
    """A tag of a forum."""

    id: Snowflake | None = None
    name: Annotated[str, text(0, 50)]
    moderated: Flag | None = None
    emoji_id: Snowflake | None = None
    emoji_name: Annotated[str, text(None, 100)] | None = None


class ReactionForm(Form):
    """The emoji that a forum offers as the first reaction."""

    emoji_id: Snowflake | None = None
    emoji_name: str | None = None


class ChannelForm(Form):
    """A change of a channel."""

    name: Name | None = None
    type: Kind | None = None
    position: Annotated[int, within(0)] | None = None
    topic: Annotated[str, text(None, 4096)] | None = None
    nsfw: Flag | None = None
    rate_limit_per_user: Slowmode | None = None
    bitrate: Annotated[int, within(8000, 384_000)] | None = None
    user_limit: Annotated[int, within(0, 10_000)] | None = None
    permission_overwrites: Annotated[list[ListedOverwriteForm], length(None, 100)] | None = None
    parent_id: Snowflake | None = None
    rtc_region: str | None = None
    video_quality_mode: Annotated[int, choice(1, 2)] | None = None
    default_auto_archive_duration: ArchiveAfter | None = None
    default_thread_rate_limit_per_user: Slowmode | None = None
    default_reaction_emoji: ReactionForm | None = None
    default_sort_order: Annotated[int, choice(0, 1)] | None = None
    default_forum_layout: Annotated[int, choice(0, 1, 2)] | None = None
    available_tags: Annotated[list[TagForm], length(None, 20)] | None = None
    flags: int | None = None

    def values(self) -> dict[str, Any]:
        """Return what the form names, nested forms as dictionaries."""
        dumped = self.model_dump()
        values = {name: dumped[name] for name in self.given()}
        if values.get("default_reaction_emoji"):
            emoji = values["default_reaction_emoji"]
            emoji["emoji_id"] = str(emoji["emoji_id"]) if emoji["emoji_id"] else None
        return values


class NewChannelForm(ChannelForm):
    """A new channel."""

    name: Name


class ThreadForm(Form):
    """A new thread."""

    name: Name
    type: Annotated[int, choice(10, 11, 12)] | None = None
    auto_archive_duration: ArchiveAfter | None = None
    rate_limit_per_user: Slowmode | None = None
    invitable: Flag | None = None


class ForumPostForm(ThreadForm):
    """A new post of a forum."""

    message: MessageForm
    applied_tags: list[Snowflake] | None = None


class ThreadPatchForm(Form):
    """A change of a thread."""

    name: Name | None = None
    archived: Flag | None = None
    locked: Flag | None = None
    invitable: Flag | None = None
    auto_archive_duration: ArchiveAfter | None = None
    rate_limit_per_user: Slowmode | None = None
    flags: int | None = None
    applied_tags: list[Snowflake] | None = None


class ThreadListForm(Form):
    """Which archived threads a list shall hold."""

    before: Moment | None = None
    limit: Annotated[int, within(1, 100)] = 50


class ThreadMemberListForm(Form):
    """Which members of a thread a list shall hold."""

    after: Snowflake = 0
    limit: Annotated[int, within(1, 100)] = 100
    with_member: bool = False
