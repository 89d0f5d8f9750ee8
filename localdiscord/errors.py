"""What Discord refuses, with its codes and words."""

from __future__ import annotations

from enum import Enum
from typing import Any

__all__ = ["DiscordError", "Refusal", "invalid_form"]


class Refusal(Enum):
    """A refusal: HTTP status, code and message, as Discord's documentation lists them under "JSON Error Codes"."""

    BAD_REQUEST = 400, 0, "400: Bad Request"
    UNAUTHORIZED = 401, 0, "401: Unauthorized"
    NOT_FOUND = 404, 0, "404: Not Found"
    METHOD_NOT_ALLOWED = 405, 0, "405: Method Not Allowed"
    UNKNOWN_APPLICATION = 404, 10002, "Unknown Application"
    UNKNOWN_CHANNEL = 404, 10003, "Unknown Channel"
    UNKNOWN_GUILD = 404, 10004, "Unknown Guild"
    UNKNOWN_MEMBER = 404, 10007, "Unknown Member"
    UNKNOWN_MESSAGE = 404, 10008, "Unknown Message"
    UNKNOWN_ROLE = 404, 10011, "Unknown Role"
    UNKNOWN_USER = 404, 10013, "Unknown User"
    UNKNOWN_EMOJI = 404, 10014, "Unknown Emoji"
    UNKNOWN_WEBHOOK = 404, 10015, "Unknown Webhook"
    UNKNOWN_BAN = 404, 10026, "Unknown Ban"
    UNKNOWN_INTERACTION = 404, 10062, "Unknown interaction"
    UNKNOWN_COMMAND = 404, 10063, "Unknown application command"
    MISSING_ACCESS = 403, 50001, "Missing Access"
    CANNOT_EDIT_OTHERS = 403, 50005, "Cannot edit a message authored by another user"
    EMPTY_MESSAGE = 400, 50006, "Cannot send an empty message"
    CANNOT_DM = 403, 50007, "Cannot send messages to this user"
    MISSING_PERMISSIONS = 403, 50013, "Missing Permissions"
    INVALID_FORM = 400, 50035, "Invalid Form Body"
    INTERACTION_ACKNOWLEDGED = 400, 40060, "Interaction has already been acknowledged."

    def __init__(self, status: int, code: int, message: str) -> None:
        self.status = status
        self.code = code
        self.message = message


class DiscordError(Exception):
    """Something that Discord refuses.

    Args:
        refusal: which.
        errors: where an invalid form is invalid, as Discord nests it.
    """

    def __init__(self, refusal: Refusal, errors: dict[str, Any] | None = None) -> None:
        super().__init__(f"{refusal.status} {refusal.code}: {refusal.message} {errors or ''}".rstrip())
        self.refusal = refusal
        self.errors = errors

    def payload(self) -> dict[str, Any]:
        """Return the body of the answer."""
        body: dict[str, Any] = {"message": self.refusal.message, "code": self.refusal.code}
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
    errors: dict[str, Any] = {"_errors": [{"code": code, "message": message}]}
    for part in reversed(path.split(".")):
        errors = {part: errors}
    return DiscordError(Refusal.INVALID_FORM, errors)
