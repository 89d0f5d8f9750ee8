"""The bot's application."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from localdiscord.errors import DiscordError, Refusal
from localdiscord.rest.forms.fields import Form, Image, choice, length, text
from localdiscord.rest.router import Call, route
from localdiscord.snowflakes import iso


class ApplicationForm(Form):
    """A change of an application."""

    description: Annotated[str, text(None, 400)] | None = None
    icon: Image | None = None
    cover_image: Image | None = None
    tags: list[str] | None = None
    custom_install_url: str | None = None
    interactions_endpoint_url: str | None = None
    role_connections_verification_url: str | None = None
    flags: int | None = None


class RoleConnectionForm(Form):
    """Something that members may prove about themselves elsewhere."""

    type: Annotated[int, choice(1, 2, 3, 4, 5, 6, 7, 8)]
    key: Annotated[str, length(1, 50)]
    name: Annotated[str, length(1, 100)]
    description: Annotated[str, length(1, 200)]
    name_localizations: dict[str, str] | None = None
    description_localizations: dict[str, str] | None = None


@route("GET", "/oauth2/applications/@me")
@route("GET", "/applications/@me")
async def my_application(call: Call) -> dict[str, Any]:
    """Return the bot's application."""
    return call.requester.payload()


@route("GET", "/oauth2/@me")
async def authorization(call: Call) -> dict[str, Any]:
    """Return what the token is good for."""
    never = datetime(9999, 1, 1, tzinfo=UTC)
    return {
        "application": call.requester.payload(),
        "scopes": ["bot"],
        "expires": iso(never),
        "user": call.bot.payload(),
    }


@route("PATCH", "/applications/@me")
async def edit_application(call: Call) -> dict[str, Any]:
    """Change the bot's application."""
    application = call.requester
    for name, value in call.form(ApplicationForm).given().items():
        if name == "description":
            application.description = value or ""
        elif name in {"icon", "cover_image"}:
            kept = call.world.files.keep_image(f"/app-icons/{application.id}", value) if value else None
            setattr(application, name, kept)
        elif name == "tags":
            application.tags = value or []
    return application.payload()


@route("GET", "/applications/{application_id}/role-connections/metadata")
async def role_connections(call: Call) -> list[dict[str, Any]]:
    """Return what members may prove about themselves elsewhere."""
    _own(call)
    return call.requester.role_connections


@route("PUT", "/applications/{application_id}/role-connections/metadata")
async def set_role_connections(call: Call) -> list[dict[str, Any]]:
    """Say what members may prove about themselves elsewhere."""
    _own(call)
    call.requester.role_connections = [form.model_dump(exclude_none=True) for form in call.forms(RoleConnectionForm)]
    return call.requester.role_connections


@route("GET", "/applications/{application_id}/entitlements")
@route("GET", "/applications/{application_id}/skus")
async def entitlements(call: Call) -> list[dict[str, Any]]:
    """Return nothing: nothing is sold here."""
    _own(call)
    return []


def _own(call: Call) -> None:
    if call.id("application_id") != call.requester.id:
        raise DiscordError(Refusal.UNKNOWN_APPLICATION)
