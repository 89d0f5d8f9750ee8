"""GitHub shows files inside an application; their text is to be had beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Callable

_RAW = URL("https://raw.githubusercontent.com")
_NOT_OWNERS = frozenset(
    {"about", "collections", "enterprise", "explore", "features", "login", "marketplace", "orgs", "pricing", "search"}
    | {"security", "settings", "site", "sponsors", "topics", "trending", "users"}
)


def plain_text_of(url: URL) -> URL | None:
    """Return where the text behind a GitHub page is: of a file, of a gist, or the README of a repository.

    Only the real hosts are known, over https and at its own port: a host that merely ends in or begins with their name
    is a stranger's, and gets no special treatment.

    Args:
        url: a URL that `targets.target` let pass.

    Returns:
        The other URL, or None where the page is to be fetched as it is.
    """
    rule = _RULES.get((url.raw_host or "").removesuffix("."))
    return rule(url) if rule is not None and url.scheme == "https" and url.port == 443 else None


def _repository(url: URL) -> URL | None:
    match [part for part in url.raw_parts[1:] if part]:
        case [owner, _, "blob" | "raw", _, _, *_] if owner not in _NOT_OWNERS:
            owner, name, _, *path = url.raw_parts[1:]
            return _RAW.joinpath(owner, name, *path, encoded=True)
        case [owner, name] if owner not in _NOT_OWNERS:
            return _RAW.joinpath(owner, name.removesuffix(".git"), "HEAD", "README.md", encoded=True)
    return None


def _gist(url: URL) -> URL | None:
    parts = [part for part in url.raw_parts[1:] if part]
    return url.with_path("/".join(["", *parts, "raw"]), encoded=True) if len(parts) == 2 else None


_RULES: dict[str, Callable[[URL], URL | None]] = {
    "github.com": _repository,
    "www.github.com": _repository,
    "gist.github.com": _gist,
}
