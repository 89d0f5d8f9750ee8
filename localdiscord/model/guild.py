"""Guilds: what people call servers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localdiscord.errors import DiscordError, Refusal

if TYPE_CHECKING:
    from localdiscord.model.audit import Entry
    from localdiscord.model.automod import Rule
    from localdiscord.model.channel import Channel
    from localdiscord.model.expression import Emoji, Sound, Sticker
    from localdiscord.model.member import Member
    from localdiscord.model.role import Role
    from localdiscord.model.scheduled_event import ScheduledEvent, Stage
    from localdiscord.model.template import Template
    from localdiscord.model.user import User
    from localdiscord.model.voice_state import VoiceState

__all__ = ["Ban", "Guild"]


@dataclass(frozen=True)
class Ban:
    """Somebody who may not come back."""

    user: User
    reason: str | None = None

    def payload(self) -> dict[str, Any]:
        """Return the ban as Discord writes it."""
        return {"user": self.user.payload(), "reason": self.reason}


@dataclass
class Guild:
    """A guild with its roles, channels and members.

    Attributes:
        events: what is planned, by id.
        stages: what is going on, by channel.
        welcome: what those who are new are shown.
        onboarding: what those who are new are asked, where something was set.
        settings: what else can be set, by Discord's names.
        threads: those that are not archived, and those that are.
    """

    id: int
    name: str
    owner_id: int
    roles: dict[int, Role] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    voice_states: dict[int, VoiceState] = field(default_factory=dict)
    locale: str = "en-US"
    icon: str | None = None
    banner: str | None = None
    features: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    threads: dict[int, Channel] = field(default_factory=dict)
    bans: dict[int, Ban] = field(default_factory=dict)
    audit_log: list[Entry] = field(default_factory=list)
    template: Template | None = None
    welcome: dict[str, Any] | None = None
    onboarding: dict[str, Any] = field(default_factory=dict)
    rules: dict[int, Rule] = field(default_factory=dict)
    events: dict[int, ScheduledEvent] = field(default_factory=dict)
    stages: dict[int, Stage] = field(default_factory=dict)
    emojis: dict[int, Emoji] = field(default_factory=dict)
    stickers: dict[int, Sticker] = field(default_factory=dict)
    sounds: dict[int, Sound] = field(default_factory=dict)

    @property
    def everyone(self) -> Role:
        """The role that every member has."""
        return self.roles[self.id]

    def member(self, user_id: int) -> Member:
        """Return a member.

        Raises:
            DiscordError: there is none.
        """
        try:
            return self.members[user_id]
        except KeyError:
            raise DiscordError(Refusal.UNKNOWN_MEMBER) from None

    def role(self, role_id: int) -> Role:
        """Return a role.

        Raises:
            DiscordError: there is none.
        """
        try:
            return self.roles[role_id]
        except KeyError:
            raise DiscordError(Refusal.UNKNOWN_ROLE) from None

    def roles_of(self, member: Member) -> list[Role]:
        """Return the roles of a member, without @everyone."""
        return [self.roles[role] for role in member.roles if role in self.roles]

    def payload(self) -> dict[str, Any]:
        """Return the guild as REST writes it."""
        return {
            "id": str(self.id),
            "name": self.name,
            "owner_id": str(self.owner_id),
            "icon": self.icon,
            "icon_hash": None,
            "description": None,
            "home_header": None,
            "splash": None,
            "discovery_splash": None,
            "features": self.features,
            "banner": self.banner,
            "application_id": None,
            "region": "local",
            "afk_channel_id": None,
            "afk_timeout": 300,
            "system_channel_id": None,
            "system_channel_flags": 0,
            "widget_enabled": False,
            "widget_channel_id": None,
            "verification_level": 0,
            "default_message_notifications": 0,
            "mfa_level": 0,
            "explicit_content_filter": 0,
            "max_presences": None,
            "max_members": 500_000,
            "max_stage_video_channel_users": 50,
            "max_video_channel_users": 25,
            "vanity_url_code": None,
            "premium_tier": 0,
            "premium_subscription_count": 0,
            "premium_progress_bar_enabled": False,
            "preferred_locale": self.locale,
            "rules_channel_id": None,
            "safety_alerts_channel_id": None,
            "public_updates_channel_id": None,
            "hub_type": None,
            "nsfw": False,
            "nsfw_level": 0,
            "roles": [role.payload() for role in self.roles.values()],
            "emojis": [emoji.payload() for emoji in self.emojis.values()],
            "stickers": [sticker.payload() for sticker in self.stickers.values()],
            "incidents_data": None,
            "latest_onboarding_question_id": None,
            "owner_configured_content_level": 0,
        } | self.settings

    def invite_payload(self) -> dict[str, Any]:
        """Return what an invite tells of the guild."""
        names = ("splash", "banner", "description", "icon", "features", "verification_level", "vanity_url_code")
        body = self.payload()
        told = {name: body[name] for name in ("id", "name", *names, "nsfw_level", "nsfw")}
        return told | {"premium_subscription_count": 0}

    def onboarding_payload(self) -> dict[str, Any]:
        """Return what those who are new are asked, as Discord writes it."""
        empty: dict[str, Any] = {"prompts": [], "default_channel_ids": [], "enabled": False, "mode": 0}
        return {"guild_id": str(self.id)} | empty | self.onboarding

    def counts(self) -> dict[str, int]:
        """Return how many members there are, and how many of them are there now."""
        present = sum(member.user.presence.status != "offline" for member in self.members.values())
        return {"approximate_member_count": len(self.members), "approximate_presence_count": present}

    @staticmethod
    def _is_listed(thread: Channel) -> bool:
        return thread.thread is not None and not (thread.thread.archived or thread.is_private)

    def create_payload(self, members: list[Member]) -> dict[str, Any]:
        """Return the guild as GUILD_CREATE writes it.

        Args:
            members: those who are told at once.
        """
        return {
            **self.payload(),
            "joined_at": members[0].payload()["joined_at"] if members else None,
            "large": False,
            "unavailable": False,
            "member_count": len(self.members),
            "members": [member.payload() for member in members],
            "channels": [channel.payload() for channel in self.channels.values()],
            "threads": [thread.payload() for thread in self.threads.values() if self._is_listed(thread)],
            "presences": [],
            "voice_states": [state.payload(whole=False) for state in self.voice_states.values()],
            "stage_instances": [stage.payload() for stage in self.stages.values()],
            "guild_scheduled_events": [event.payload() for event in self.events.values()],
            "soundboard_sounds": [sound.payload() for sound in self.sounds.values()],
        }
