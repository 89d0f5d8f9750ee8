"""From a body, and the files that came with it, to what somebody wants to write."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from localdiscord.actions.drafts import Draft
from localdiscord.rest.forms.fields import read
from localdiscord.rest.forms.messages import EditForm, MessageForm

if TYPE_CHECKING:
    from localdiscord.model.files import Upload

__all__ = ["change_of", "draft_from", "draft_of"]

FILE = re.compile(r"files?\[?(\d*)\]?")
"""How the fields of a form are called that carry files."""


def draft_of(body: Any, files: dict[str, Upload] | None = None, prefix: str = "") -> Draft:
    """Read a message that a bot wants to write.

    Args:
        body: the body.
        files: what came with it, by field.
        prefix: where in the whole body it stands, with dots.

    Raises:
        DiscordError: it does not say what a message says.
    """
    return draft_from(read(MessageForm, body, prefix), files)


def change_of(body: Any, files: dict[str, Upload] | None = None) -> Draft:
    """Read a change of a message; what it does not name stays. See `draft_of`."""
    form = read(EditForm, body)
    draft = draft_from(form, files)
    draft.given = frozenset(form.model_fields_set)
    return draft


def draft_from(form: EditForm, files: dict[str, Upload] | None = None) -> Draft:
    """Return the draft that a form describes."""
    embeds = [embed.payload() for embed in form.embeds or []]
    components = [_dumped(component) for component in form.components or []]
    attachments = [_dumped(attachment) for attachment in form.attachments or []]
    draft = Draft(form.content or "", embeds, components, attachments, form.flags or 0)
    draft.files = _numbered(files or {})
    draft.allowed_mentions = form.allowed_mentions.model_dump() if form.allowed_mentions else None
    if isinstance(form, MessageForm):
        draft.nonce, draft.enforce_nonce, draft.tts = form.nonce, bool(form.enforce_nonce), bool(form.tts)
        draft.reference = form.message_reference.model_dump() if form.message_reference else None
        draft.stickers = form.sticker_ids or []
        draft.poll = _poll(form.poll) if form.poll else None
    return draft


def _dumped(part: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", part.model_dump(exclude_none=True, mode="json"))


def _poll(form: Any) -> dict[str, Any]:
    body = _dumped(form)
    for answer in body["answers"]:
        if emoji := answer["poll_media"].get("emoji"):
            answer["poll_media"]["emoji"] = {"id": emoji.get("id"), "name": emoji.get("name")}
    return body


def _numbered(files: dict[str, Upload]) -> dict[int, Upload]:
    numbered: dict[int, Upload] = {}
    for name, upload in files.items():
        found = FILE.fullmatch(name)
        number = int(found[1]) if found and found[1] else len(numbered)
        numbered[number] = upload
    return numbered
