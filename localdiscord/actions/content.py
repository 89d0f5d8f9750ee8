"""What a draft becomes in a message: mentions, files, and what refers to files."""

from __future__ import annotations

import itertools
import mimetypes
import re
from typing import TYPE_CHECKING, Any

from localdiscord.actions.access import permissions_in
from localdiscord.components import ComponentType, walk
from localdiscord.errors import invalid_form
from localdiscord.model.files import dimensions
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localdiscord.actions.drafts import Draft
    from localdiscord.model.channel import Channel
    from localdiscord.model.files import Upload
    from localdiscord.model.message import Message
    from localdiscord.model.world import World

__all__ = ["apply_attachments", "apply_mentions", "attach"]

USER = re.compile(r"<@!?(\d+)>")
ROLE = re.compile(r"<@&(\d+)>")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
EVERYONE = re.compile(r"@(everyone|here)\b")
UNSAFE = re.compile(r"[^\w.()\[\]-]+")

EPHEMERAL_FLAG = 1 << 6
ATTACHED = "attachment://"
EMBED_MEDIA = (("image", "url"), ("thumbnail", "url"), ("footer", "icon_url"), ("author", "icon_url"))


# -- mentions ----------------------------------------------------------------------------------------------------


def apply_mentions(world: World, message: Message, allowed: dict[str, Any] | None) -> None:
    """Fill in who is told of a message.

    Args:
        world: the world.
        message: the message.
        allowed: what the author allows, as Discord's "allowed mentions"; None: everything.
    """
    texts = [
        message.content,
        *(part["content"] for part in walk(message.components) if part["type"] == ComponentType.TEXT_DISPLAY),
    ]
    content = CODE.sub("", "\n".join(texts))
    users = [user for user in _ids(USER, content) if _is_allowed(allowed, "users", user)]
    if message.referenced is not None and (allowed is None or allowed.get("replied_user")):
        users.append(message.referenced.author.id)
    message.mentions = [world.users[user] for user in dict.fromkeys(users) if user in world.users]
    guild = world.guilds.get(message.channel.guild_id or 0)
    held = permissions_in(world, message.channel, message.author)
    is_free = message.webhook_id is not None or Permissions.MENTION_EVERYONE in held
    parsed = allowed is None or "everyone" in (allowed.get("parse") or ())
    message.mention_everyone = guild is not None and is_free and parsed and EVERYONE.search(content) is not None
    message.mention_roles = [
        role
        for role in _ids(ROLE, content)
        if guild and role in guild.roles and (is_free or guild.roles[role].mentionable)
        if _is_allowed(allowed, "roles", role)
    ]


def _ids(pattern: re.Pattern[str], content: str) -> list[int]:
    return list(dict.fromkeys(int(found) for found in pattern.findall(content)))


def _is_allowed(allowed: dict[str, Any] | None, kind: str, key: int) -> bool:
    if allowed is None or kind in (allowed.get("parse") or ()):
        return True
    return key in (allowed.get(kind) or ())


# -- files -------------------------------------------------------------------------------------------------------


def apply_attachments(world: World, message: Message, draft: Draft) -> None:
    """Keep the files of a draft, and let embeds and components that name one show it.

    A picture that an embed or a component shows is not listed among the attachments, as on Discord.

    Raises:
        DiscordError: something names a file that is not there.
    """
    named = {int(each["id"]): each for each in draft.attachments}
    kept = [each for each in message.attachments if int(each["id"]) in named] if draft.names("attachments") else None
    for each in kept or []:
        each |= {key: value for key, value in named[int(each["id"])].items() if key == "description" and value}
    new = [_keep(world, message, number, draft, named.get(number, {})) for number in sorted(draft.files)]
    there = message.attachments if kept is None else kept
    shown = _resolve(world, message, [*there, *new])
    message.attachments = [each for each in [*there, *new] if each["id"] not in shown]


def _keep(world: World, message: Message, number: int, draft: Draft, said: dict[str, Any]) -> dict[str, Any]:
    file = draft.files[number]
    body = attach(world, message.channel, file, said.get("filename") or file.filename)
    if message.flags & EPHEMERAL_FLAG:
        body["ephemeral"] = True
    told = ("description", "title", "duration_secs", "waveform")
    return body | {key: said[key] for key in told if said.get(key) is not None}


def attach(world: World, channel: Channel, file: Upload, filename: str | None = None) -> dict[str, Any]:
    """Keep a file for a channel, and return it as an attachment: of a message, or for an option of a command.

    Args:
        world: the world.
        channel: where it is used.
        file: the file.
        filename: its name, where it is not the file's own.
    """
    name = UNSAFE.sub("_", filename or file.filename) or "unknown"
    key = world.snowflakes.next()
    url = world.files.keep(f"/attachments/{channel.id}/{key}/{name}", file)
    body: dict[str, Any] = {"id": str(key), "filename": name, "size": len(file.data), "url": url, "proxy_url": url}
    body["content_type"] = mimetypes.guess_type(name)[0] or file.media_type
    if size := dimensions(file.data):
        body |= {"width": size[0], "height": size[1], "placeholder_version": 1}
    return body


def _places(message: Message) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield every place that may name a file: its path in the form, the object, and the key in it."""
    for number, embed in enumerate(message.embeds):
        for part, key in EMBED_MEDIA:
            if part in embed:
                yield f"embeds.{number}.{part}.{key}", embed[part], key
    for component in walk(message.components):
        sources = [
            component.get("media"),
            component.get("file"),
            *(each["media"] for each in component.get("items", [])),
        ]
        yield from (("components", source, "url") for source in sources if source)


def _resolve(world: World, message: Message, files: list[dict[str, Any]]) -> set[str]:
    by_name = {each["filename"]: each for each in files}
    shown = set()
    for path, place, key in _places(message):
        url = place.get(key)
        if not url:
            continue
        file: dict[str, Any] = {}
        if url.startswith(ATTACHED):
            name = UNSAFE.sub("_", url.removeprefix(ATTACHED))
            if name not in by_name:
                words = f"The referenced attachment was not found: {name}"
                raise invalid_form(path, "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND", words)
            file = by_name[name]
            shown.add(file["id"])
            place[key] = file["url"]
        prefix = "proxy_icon_url" if key == "icon_url" else "proxy_url"
        place[prefix] = place[key]
        if key == "url":
            place.update(_known(world, place[key], file, is_component=path == "components"))
    for component in walk(message.components):
        if component["type"] == ComponentType.FILE:
            name = component["file"]["url"].rpartition("/")[2]
            component.update({"name": name, "size": by_name.get(name, {}).get("size")})
    return shown


EMPTY: dict[int, dict[str, Any]] = {
    ComponentType.CONTAINER: {"accent_color": None},
    ComponentType.THUMBNAIL: {"description": None},
}
"""What messages show of components for which the author gave nothing."""


def completed(components: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the components of a message what the author left out: their ids, in order, and what is empty."""
    taken = {part["id"] for part in walk(components) if part.get("id")}
    free = (number for number in itertools.count(1) if number not in taken)
    for part in walk(components):
        part.update({name: value for name, value in EMPTY.get(part["type"], {}).items() if name not in part})
        for item in part.get("items", ()):
            item.setdefault("description", None)
        if not part.get("id"):
            part["id"] = next(free)
    return components


def _known(world: World, url: str, file: dict[str, Any], *, is_component: bool) -> dict[str, Any]:
    stored = world.files.at(url)
    size = dimensions(stored.data) if stored else None
    nothing = None if is_component else 0
    body: dict[str, Any] = dict(zip(("width", "height"), size or (nothing, nothing), strict=True))
    if stored:
        body["content_type"] = file.get("content_type") or stored.media_type
    if is_component:
        body |= {"id": str(world.snowflakes.next()), "loading_state": 2 if stored else 3}
        if file:
            body["attachment_id"] = file["id"]
    return body
