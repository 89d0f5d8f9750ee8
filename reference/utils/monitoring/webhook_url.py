"""Which webhook addresses are believed: Discord's own, so that alerts and their secrets go nowhere else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["DISCORD", "webhook_fault"]

DISCORD = frozenset(
    f"https://{part}{domain}" for part in ("", "canary.", "ptb.") for domain in ("discord.com", "discordapp.com")
)
"""Origins that alerts may be sent to."""

WEBHOOK_PATH = re.compile(r"/api/(?:v\d{1,2}/)?webhooks/\d{1,20}/[\w-]{1,200}/?", re.ASCII)


def webhook_fault(url: str, origins: Collection[str] = DISCORD) -> str | None:
    """Say what is wrong with a webhook's address, without repeating it, as it is a secret; None where it is right.

    Args:
        url: the address.
        origins: scheme, host and port of the servers that are believed.
    """
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return "it holds characters that no webhook address has"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "it is no URL"
    if parts.username is not None or parts.password is not None:
        return "it names a user, which no webhook address does"
    host = (parts.hostname or "").lower()
    default = {"https": 443, "http": 80}.get(parts.scheme)
    origin = f"{parts.scheme}://{host}" + ("" if port in {None, default} else f":{port}")
    if origin not in origins:
        return "it does not lead to Discord by https"
    if not WEBHOOK_PATH.fullmatch(parts.path) or parts.fragment:
        return "its path is not that of a webhook"
    return None
