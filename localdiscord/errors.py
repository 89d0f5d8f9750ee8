"""What Discord refuses, with its codes and words."""

from __future__ import annotations

from enum import Enum
from typing import Any

__all__ = ["DiscordError", "Refusal", "invalid_form", "invalid_forms"]


class Refusal(Enum):
    """A refusal: HTTP status, code and message, as Discord's documentation lists them under "JSON Error Codes"."""

    BAD_REQUEST = 400, 0, "400: Bad Request"
    UNAUTHORIZED = 401, 0, "401: Unauthorized"
    NOT_FOUND = 404, 0, "404: Not Found"
    METHOD_NOT_ALLOWED = 405, 0, "405: Method Not Allowed"
    TOO_LARGE = 413, 40005, "Request entity too large"
    UNKNOWN_ACCOUNT = 404, 10001, "Unknown Account"
    UNKNOWN_APPLICATION = 404, 10002, "Unknown Application"
    UNKNOWN_CHANNEL = 404, 10003, "Unknown Channel"
    UNKNOWN_GUILD = 404, 10004, "Unknown Guild"
    UNKNOWN_INTEGRATION = 404, 10005, "Unknown Integration"
    UNKNOWN_INVITE = 404, 10006, "Unknown Invite"
    UNKNOWN_MEMBER = 404, 10007, "Unknown Member"
    UNKNOWN_MESSAGE = 404, 10008, "Unknown Message"
    UNKNOWN_OVERWRITE = 404, 10009, "Unknown Permission Overwrite"
    UNKNOWN_ROLE = 404, 10011, "Unknown Role"
    UNKNOWN_USER = 404, 10013, "Unknown User"
    UNKNOWN_EMOJI = 404, 10014, "Unknown Emoji"
    UNKNOWN_WEBHOOK = 404, 10015, "Unknown Webhook"
    UNKNOWN_BAN = 404, 10026, "Unknown Ban"
    UNKNOWN_TEMPLATE = 404, 10057, "Unknown guild template"
    UNKNOWN_STICKER = 404, 10060, "Unknown Sticker"
    UNKNOWN_STICKER_PACK = 404, 10061, "Unknown Sticker Pack"
    UNKNOWN_INTERACTION = 404, 10062, "Unknown interaction"
    UNKNOWN_COMMAND = 404, 10063, "Unknown application command"
    UNKNOWN_VOICE_STATE = 404, 10065, "Unknown Voice State"
    UNKNOWN_COMMAND_PERMISSIONS = 404, 10066, "Unknown application command permissions"
    UNKNOWN_STAGE_INSTANCE = 404, 10067, "Unknown Stage Instance"
    UNKNOWN_WELCOME_SCREEN = 404, 10069, "Unknown Guild Welcome Screen"
    UNKNOWN_SCHEDULED_EVENT = 404, 10070, "Unknown Guild Scheduled Event"
    UNKNOWN_TAG = 404, 10087, "Unknown Tag"
    UNKNOWN_SOUND = 404, 10097, "Unknown sound"
    NOT_FOR_BOTS = 403, 20001, "Bots cannot use this endpoint"
    OTHER_APPLICATION = 403, 20012, "You are not authorized to perform this action on this application"
    SLOWMODE = 429, 20016, "This action cannot be performed due to slowmode rate limit"
    OWNER_ONLY = 403, 20018, "Only the owner of this account can perform this action"
    MOST_PINS = 400, 30003, "Maximum number of pins reached for the channel (250)"
    MOST_ROLES = 400, 30005, "Maximum number of guild roles reached (250)"
    MOST_WEBHOOKS = 400, 30007, "Maximum number of webhooks reached (15)"
    MOST_EMOJIS = 400, 30008, "Maximum number of emojis reached (50)"
    MOST_REACTIONS = 400, 30010, "Maximum number of reactions reached (20)"
    MOST_CHANNELS = 400, 30013, "Maximum number of guild channels reached (500)"
    MOST_TEMPLATES = 400, 30031, "Guild already has a template"
    MOST_COMMANDS = 400, 30032, "Maximum number of application commands reached (100)"
    MOST_STICKERS = 400, 30039, "Maximum number of stickers reached (5)"
    NOT_CONNECTED = 400, 40032, "Target user is not connected to voice."
    CROSSPOSTED = 400, 40033, "This message has already been crossposted."
    INTERACTION_ACKNOWLEDGED = 400, 40060, "Interaction has already been acknowledged."
    DUPLICATE_TAG = 400, 40061, "Tag names must be unique"
    NO_TAGS = 400, 40066, "There are no tags available that can be set by non-moderators"
    TAG_REQUIRED = 400, 40067, "A tag is required to create a forum post in this channel"
    MISSING_ACCESS = 403, 50001, "Missing Access"
    CANNOT_IN_DM = 403, 50003, "Cannot execute action on a DM channel"
    WIDGET_DISABLED = 403, 50004, "Guild widget disabled"
    CANNOT_EDIT_OTHERS = 403, 50005, "Cannot edit a message authored by another user"
    EMPTY_MESSAGE = 400, 50006, "Cannot send an empty message"
    CANNOT_DM = 403, 50007, "Cannot send messages to this user"
    NO_TEXT_CHANNEL = 400, 50008, "Cannot send messages in a non-text channel"
    MISSING_PERMISSIONS = 403, 50013, "Missing Permissions"
    PINNED_ELSEWHERE = 400, 50019, "A message can only be pinned in the channel it was sent in"
    INVITE_TAKEN = 400, 50020, "Invite code was either invalid or taken"
    SYSTEM_MESSAGE = 403, 50021, "Cannot execute action on a system message"
    CHANNEL_TYPE = 400, 50024, "Cannot execute action on this channel type"
    INVALID_TOKEN = 401, 50027, "Invalid Webhook Token"
    INVALID_ROLE = 400, 50028, "Invalid Role"
    INVALID_RECIPIENT = 400, 50033, "Invalid Recipient(s)"
    TOO_OLD = 400, 50034, "You can only bulk delete messages that are under 14 days old."
    INVALID_FORM = 400, 50035, "Invalid Form Body"
    ARCHIVED = 400, 50083, "Thread is archived"
    INVALID_SETTINGS = 400, 50084, "Invalid thread notification settings"
    OWNERSHIP = 400, 50086, "Cannot ban the guild owner"
    INVALID_GUILD = 400, 50055, "Invalid Guild"
    COMMUNITY_CHANNEL = 400, 50074, "Cannot delete a channel required for Community guilds"
    INVALID_STICKER = 400, 50081, "Invalid sticker sent"
    INVALID_JSON = 400, 50109, "The request body contains invalid JSON."
    CANNOT_BURST = 403, 50144, "Cannot use burst reactions"
    TWO_ROLES = 400, 50600, "Ownership cannot be moved to a bot user"
    REACTION_BLOCKED = 403, 90001, "Reaction was blocked"
    REPLY_WITHOUT_HISTORY = 400, 160002, "Cannot reply without permission to read message history"
    THREAD_EXISTS = 400, 160004, "A thread has already been created for this message"
    THREAD_LOCKED = 400, 160005, "Thread is locked"
    AUTOMOD_TITLE = 400, 200001, "Title was blocked by automatic moderation"
    AUTOMOD_BLOCKED = 400, 200000, "Message was blocked by automatic moderation"
    STAGE_EXISTS = 400, 150006, "The Stage is already open"
    BULK_BAN_FAILED = 400, 500000, "Failed to ban users"
    FORUM_THREAD_NEEDED = 400, 220001, "Webhooks posted to forum channels must have a thread_name or thread_id"
    POLL_VOTING_BLOCKED = 403, 520000, "Poll voting blocked"
    POLL_EXPIRED = 400, 520001, "Poll expired"
    POLL_CHANNEL = 400, 520002, "Invalid channel type for poll creation"
    POLL_EDIT = 400, 520003, "Cannot edit a poll message"
    POLL_EMOJI = 400, 520004, "Cannot use an emoji included with the poll"
    POLL_EXPIRE_OTHERS = 400, 520006, "Cannot expire a non-poll message"

    def __init__(self, status: int, code: int, message: str) -> None:
        self.status = status
        self.code = code
        self.message = message


class DiscordError(Exception):
    """Something that Discord refuses.

    Args:
        refusal: which.
        errors: where an invalid form is invalid, as Discord nests it.
        extra: what else stands in the body of the answer.
    """

    def __init__(
        self, refusal: Refusal, errors: dict[str, Any] | None = None, extra: dict[str, Any] | None = None
    ) -> None:
        super().__init__(f"{refusal.status} {refusal.code}: {refusal.message} {errors or ''}".rstrip())
        self.refusal = refusal
        self.errors = errors
        self.extra = extra or {}

    def payload(self) -> dict[str, Any]:
        """Return the body of the answer."""
        body: dict[str, Any] = {"message": self.refusal.message, "code": self.refusal.code} | self.extra
        if self.errors:
            body["errors"] = self.errors
        return body


def invalid_form(path: str, code: str, message: str) -> DiscordError:
    """Return the refusal of a form, for one field.

    Args:
        path: the field, nested ones with dots: `embeds.0.title`.
        code: Discord's name for what is wrong: `BASE_TYPE_BAD_LENGTH`.
        message: what is wrong, in a sentence.
    """
    return invalid_forms([(path, code, message)])


def invalid_forms(problems: list[tuple[str, str, str]]) -> DiscordError:
    """Return the refusal of a form, for several fields.

    Args:
        problems: path, code and message of each, as for `invalid_form`; an empty path is the form itself.
    """
    errors: dict[str, Any] = {}
    for path, code, message in problems:
        place = errors
        for part in path.split(".") if path else ():
            place = place.setdefault(part, {})
        place.setdefault("_errors", []).append({"code": code, "message": message})
    return DiscordError(Refusal.INVALID_FORM, errors)
