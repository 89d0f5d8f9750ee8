"""The other paths at which the API answers, as Discord's older versions did."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from aiohttp.abc import AbstractMatchInfo

__all__ = ["OtherVersions"]

API = "/api"
NEWEST = f"{API}/v10"
OTHERS = re.compile(rf"\A{API}(?:/v9)?(?![^/?])")
"""What the paths of other versions begin with, and that of no version."""


class OtherVersions(web.PlainResource):
    """Finds for a path of another version the handler that the newest has: one table of routes serves them all.

    Args:
        app: the application that the API is part of.
        api: the API.
    """

    def __init__(self, app: web.Application, api: web.Application) -> None:
        super().__init__(API)
        self._newest = app.add_subapp(NEWEST, api)

    async def resolve(self, request: web.Request) -> tuple[AbstractMatchInfo | None, set[str]]:  # type: ignore[override]
        """Look for the handler of a request."""
        path = OTHERS.sub(NEWEST, str(request.rel_url), count=1)
        return await self._newest.resolve(request.clone(rel_url=path))
