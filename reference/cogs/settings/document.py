"""The settings of a guild as a file: what it holds, what is wrong with one, and what it would change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from reference.cogs.moderation.policy import FILTERS, Policy
from reference.errors import Refused
from reference.guilds import Feature
from reference.utils.fast_json import json_dumps_bytes, json_loads

from .choices import FIELDS, Kind, check_prefix

__all__ = ["LARGEST", "Chosen", "Document", "Names", "read", "write"]

SCHEMA: Literal["guild-settings"] = "guild-settings"
VERSION: Literal[1] = 1

LARGEST = 256 * 1024
"""Bytes of a file that is read."""

MOST_PROBLEMS = 10


@dataclass(frozen=True)
class Chosen:
    """Everything that a guild chose.

    Attributes:
        settings: by the names of `FIELDS`; None for what was not chosen.
        features: the switches that were chosen.
        policy: of the filters.
    """

    settings: dict[str, Any]
    features: dict[Feature, bool] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True)
class Names:
    """The names of the channels and roles of a guild, by their ids."""

    channels: dict[int, str] = field(default_factory=dict)
    roles: dict[int, str] = field(default_factory=dict)


def _snowflake(value: Any) -> Any:
    """Read an id: a text of digits, for JavaScript cannot hold it as a number."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value


def _prefix(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return check_prefix(value)
    except Refused:
        raise ValueError("it cannot be a prefix") from None


class Part(BaseModel):
    """A part of the file: strict about types, and nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Id = Annotated[int, Field(ge=1, lt=2**63), BeforeValidator(_snowflake)]
Name = Annotated[str, Field(max_length=100)]


class Settings(Part):
    """The settings; what is missing was not chosen."""

    language: Literal["en", "th"] | None = None
    prefix: Annotated[str, BeforeValidator(_prefix)] | None = None
    log_channel_id: Id | None = None
    welcome_channel_id: Id | None = None
    ai_channel_id: Id | None = None
    dj_role_id: Id | None = None
    music_volume: Annotated[float, Field(ge=0, le=2)] | None = None
    auto_disconnect_delay: Annotated[int, Field(ge=0, le=86_400)] | None = None
    mode_247: bool | None = None


class NameTables(Part):
    """What the ids of the file were called, so that another guild can find its own."""

    channels: dict[str, Name] = {}
    roles: dict[str, Name] = {}


class Document(Part):
    """The file."""

    kind: Literal["guild-settings"] = Field(alias="schema")
    version: Literal[1]
    guild_id: Id
    settings: Settings
    features: dict[str, bool] = {}
    automod: dict[str, Any] = {}
    names: NameTables = NameTables()


def write(guild_id: int, chosen: Chosen, names: Names) -> bytes:
    """Return the file of what a guild chose."""
    ids = {name for name, field in FIELDS.items() if field.kind in {Kind.CHANNEL, Kind.ROLE}}
    settings = {
        name: str(value) if name in ids else value for name, value in chosen.settings.items() if value is not None
    }
    channels = {chosen.settings.get(name) for name in ids - {"dj_role_id"}}
    roles = {chosen.settings.get("dj_role_id")}
    for name in FILTERS:
        channels.update(chosen.policy.rule(name).exempt_channels)
        roles.update(chosen.policy.rule(name).exempt_roles)
    body = {
        "schema": SCHEMA,
        "version": VERSION,
        "guild_id": str(guild_id),
        "settings": settings,
        "features": {feature.value: enabled for feature, enabled in chosen.features.items()},
        "automod": _with_text_ids(chosen.policy.model_dump(mode="json")),
        "names": {
            "channels": {str(key): names.channels[key] for key in channels if key in names.channels},
            "roles": {str(key): names.roles[key] for key in roles if key in names.roles},
        },
    }
    return json_dumps_bytes(body, indent=2)


def _with_text_ids(policy: dict[str, Any]) -> dict[str, Any]:
    for rule in policy.values():
        if isinstance(rule, dict) and "exempt_roles" in rule:
            rule["exempt_roles"] = [str(key) for key in rule["exempt_roles"]]
            rule["exempt_channels"] = [str(key) for key in rule["exempt_channels"]]
    return policy


def read(raw: bytes, here: Names) -> tuple[Chosen, list[str]]:
    """Read a file for a guild.

    Ids that the guild has not are replaced by those of the same name.

    Args:
        raw: the file.
        here: the names of the guild that shall have the settings.

    Returns:
        What would be chosen, and the names of the channels and roles that are not here and so are left out.

    Raises:
        Refused: it is no such file; the answer names what is wrong.
    """
    try:
        body = json_loads(raw)
    except ValueError:
        raise Refused("settings.import.no_json") from None
    if not isinstance(body, dict) or body.get("schema") != SCHEMA:
        raise Refused("settings.import.no_settings")
    if isinstance(body.get("version"), int) and body["version"] > VERSION:
        raise Refused("settings.import.newer", version=body["version"], known=VERSION)
    try:
        document = Document.model_validate(body)
        policy = Policy.model_validate(document.automod)
    except ValidationError as error:
        raise Refused("settings.import.problems", problems=_problems(error)) from None
    if unknown := sorted(document.features.keys() - set(Feature)):
        problems = "\n".join(f"- `features.{_plain(name)}`: unknown" for name in unknown[:MOST_PROBLEMS])
        raise Refused("settings.import.problems", problems=problems)
    return _mapped(document, policy, here)


def _problems(error: ValidationError) -> str:
    """Name what is wrong, a line each."""
    lines = []
    for each in error.errors(include_url=False)[:MOST_PROBLEMS]:
        place = ".".join(_plain(str(part)) for part in each["loc"])
        what = "unknown" if each["type"] == "extra_forbidden" else each["msg"]
        lines.append(f"- `{place}`: {what}")
    if error.error_count() > MOST_PROBLEMS:
        lines.append("- …")
    return "\n".join(lines)


def _plain(text: str) -> str:
    return "".join(each for each in text[:60] if each.isprintable() and each not in "`@<>")


def _mapped(document: Document, policy: Policy, here: Names) -> tuple[Chosen, list[str]]:
    missing: list[str] = []

    def find(key: int, known: dict[int, str], told: dict[str, str], sign: str) -> int | None:
        if key in known:
            return key
        name = told.get(str(key))
        same = [each for each, called in known.items() if called == name]
        if name is None or not same:
            missing.append(f"{sign}{_plain(name or str(key))}")
            return None
        return same[0]

    def channel(key: int) -> int | None:
        return find(key, here.channels, document.names.channels, "#")

    def role(key: int) -> int | None:
        return find(key, here.roles, document.names.roles, "@")

    finders = {Kind.CHANNEL: channel, Kind.ROLE: role}
    settings = document.settings.model_dump()
    for name, described in FIELDS.items():
        if described.kind in finders and settings[name] is not None:
            settings[name] = finders[described.kind](settings[name])
    for name in FILTERS:
        rule = policy.rule(name)
        roles = [found for key in rule.exempt_roles if (found := role(key))]
        channels = [found for key in rule.exempt_channels if (found := channel(key))]
        policy = policy.with_rule(name, exempt_roles=tuple(roles), exempt_channels=tuple(channels))
    features = {Feature(name): enabled for name, enabled in document.features.items()}
    return Chosen(settings, features, policy), list(dict.fromkeys(missing))
