"""Parsers that take bytes from strangers, each with what must hold of any bytes: targets of guided fuzzing.

A target raises AssertionError where something does not hold; whatever else it lets out is a defect as well.
"""

from __future__ import annotations

import io
import json
import logging
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from harness import patch, register
from localdiscord.errors import DiscordError
from localdiscord.gateway import protocol
from localdiscord.gateway.codes import ClosedError
from localdiscord.rest.forms.channels import NewChannelForm
from localdiscord.rest.forms.commands import CommandForm
from localdiscord.rest.forms.fields import read
from localdiscord.rest.forms.messages import WebhookMessageForm

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.subject import Subject

__all__ = ["TARGETS", "loaded", "patched"]

T = TypeVar("T")


def check_json(subject: Subject, data: bytes) -> None:
    """Bytes are read as the standard library reads them, and what was read is written as JSON that means the same."""
    module = subject.fast_json
    try:
        value = module.json_loads(data)
    except (ValueError, RecursionError):
        return
    text = module.json_dumps(value)
    again = json.loads(text, parse_constant=_refuse)
    assert again == value or "NaN" in repr(value) or "nan" in repr(value) or "inf" in repr(value), (
        f"{value!r}: {text!r}"
    )
    assert module.json_dumps_bytes(value).decode() == text.encode("utf-8", "surrogatepass").decode()


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} was written, which is no JSON")


UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters that are no space, those above ASCII as well, and what turns the direction of writing."""


def check_page(subject: Subject, data: bytes) -> None:
    """A page of any bytes has a title and a description of one line, and a text without control characters."""
    for is_markup in (True, False):
        source = subject.web.charsets.decode(data, is_markup=is_markup)
        page = subject.web.page_text.read_document(source, is_markup=is_markup)
        for part in (page.title, page.description, page.text):
            assert not UNSEEN.search(part), f"{part!r} holds what nobody sees"
        assert "\n" not in page.title + page.description, f"{page.title!r} or {page.description!r} has two lines"


def check_address(subject: Subject, data: bytes) -> None:
    """Any text is an address of a plain public page or is refused; links found in it are parts of it."""
    text = data.decode("utf-8", "replace")
    links = subject.web.url_fetcher.extract_urls(text)
    for link in links:
        assert link in text, f"{link!r} is no part of {text!r}"
        assert link.lower().startswith(("http://", "https://")), f"{link!r} is no link"
    base = subject.web.targets.target("http://pages.example/a/b")
    for place, start in ((text, None), (text, base)):
        try:
            found = subject.web.targets.target(place) if start is None else subject.web.targets.target(place, start)
        except subject.web.errors.BlockedError:
            continue
        assert found.scheme in {"http", "https"}, f"{found} is fetched"
        assert found.raw_user is None, f"{found} is fetched with a user name"
        assert subject.web.targets.target(str(found)) == found, f"{found} is read in another way the second time"


def check_picture(subject: Subject, data: bytes) -> None:
    """Any bytes are a picture with pixels, or are refused as none; nothing is decoded beyond the limit."""
    pictures = subject.media.pictures
    try:
        with pictures.opened(data) as image:
            assert image.width > 0, "a picture without pixels was opened"
            assert image.width * image.height <= pictures.MAX_PIXELS, "a picture beyond the limit was opened"
            if image.width * image.height <= 10_000:
                with pictures.decoding():
                    pictures.displayable(image)
    except pictures.ImageError:
        return


def check_log(subject: Subject, data: bytes) -> None:
    """Any text, in the message and in a field, makes one line of JSON that says what was logged."""
    text = data.decode("utf-8", "surrogateescape")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(subject.monitoring.structured_logger.StructuredFormatter())
    record = logging.LogRecord(text[:20], logging.INFO, text[:9], 1, text, (), None)
    line = handler.format(record)
    assert len(line.splitlines()) == 1, f"{text!r} made more lines than one: {line!r}"
    said = json.loads(line, parse_constant=_refuse)
    assert isinstance(said, dict), f"{line!r} is no object"


def loaded(load: Callable[[Path], T], refusal: type[Exception], name: str, data: bytes) -> T | None:
    """Write bytes to a file of a name and load it; return None where it is refused."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, name)
        file.write_bytes(data)
        try:
            return load(file)
        except refusal:
            return None


def patched(text: str, content: bytes) -> None:
    """Any text is a patch or is refused as none; any patch changes a tree, or says why not and leaves all as it was."""
    try:
        change = patch.parse(text)
    except patch.PatchError:
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "utils", "a.py")
        file.parent.mkdir()
        file.write_bytes(content)
        try:
            change.apply(Path(folder))
        except patch.PatchError:
            left = [file.read_bytes(), *Path(folder).rglob("*")]
            assert left == [content, file.parent, file], "a patch that was refused changed the tree"


def check_patch(_subject: Subject, data: bytes) -> None:
    """Any bytes are a patch or are refused as none; applied, it changes the tree or says why not."""
    patched(data.decode("utf-8", "replace"), b"a\nb\nc\n")


def check_register(_subject: Subject, data: bytes) -> None:
    """Any file is a register, with findings in the order of their ids, or is refused as none."""
    found = loaded(register.load, register.RegisterError, "findings.toml", data) or {}
    assert list(found) == sorted(found), f"{list(found)} are not in order"


FORMS = (WebhookMessageForm, CommandForm, NewChannelForm)


def check_form(_subject: Subject, data: bytes) -> None:
    """Any JSON is a form or is refused in Discord's shape, with a code and a message for each field."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return
    for form in FORMS:
        try:
            read(form, body)
        except DiscordError as refused:
            told = refused.payload()
            assert told["errors"], f"{form.__name__} refused {body!r} and said nothing of a field"
            json.dumps(told)


def check_gateway(_subject: Subject, data: bytes) -> None:
    """Any payload to identify with is read, or refused by an exception that closes the connection with a reason."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return
    for reading in (protocol._shard, protocol._status):
        try:
            reading(body)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, ClosedError):
            continue


TARGETS: dict[str, Callable[[Subject, bytes], None]] = {
    "json": check_json,
    "page": check_page,
    "address": check_address,
    "picture": check_picture,
    "log": check_log,
    "patch": check_patch,
    "register": check_register,
    "form": check_form,
    "gateway": check_gateway,
}
"""What is searched, by the name of its corpus."""
