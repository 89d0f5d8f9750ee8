"""REST v10: from requests to acts, and from what came of them to answers."""

from localdiscord.rest import commands, interactions, messages, users
from localdiscord.rest.router import make_api

__all__ = ["commands", "interactions", "make_api", "messages", "users"]
