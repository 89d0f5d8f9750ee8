"""Hostile text, and whether a page took it for markup, told by parsing the page as a browser would."""

from __future__ import annotations

from html.parser import HTMLParser

ELEMENT = "intruding-element"
ATTRIBUTE = "onintrude"
SCHEME = "javascript:"
HOSTILE = (
    f"{SCHEME}0// {ATTRIBUTE}=1 \"{ATTRIBUTE}=1 '{ATTRIBUTE}=1 ><{ELEMENT}>--></script></style></title><{ELEMENT}>"
)
"""Text that becomes an element, an attribute or a link wherever a page fails to escape it."""


class _Finder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == ELEMENT:
            self.found.append("an element")
        for name, value in attrs:
            if name == ATTRIBUTE:
                self.found.append(f"an attribute of <{tag}>")
            if name in {"href", "src", "action", "formaction"} and (value or "").strip().lower().startswith(SCHEME):
                self.found.append(f"the {name} of <{tag}>")


def taken_for_markup(page: str) -> str | None:
    """Say what the hostile text became in a page, ``an element`` for instance; None where it stayed text."""
    finder = _Finder()
    finder.feed(page)
    finder.close()
    return finder.found[0] if finder.found else None
