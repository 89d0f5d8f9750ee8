"""The page for people: a chat in the browser, for everybody who lives on the local Discord."""

from localdiscord.web import acting, being, hearing, talking, using
from localdiscord.web.site import Page

__all__ = ["Page", "acting", "being", "hearing", "talking", "using"]
