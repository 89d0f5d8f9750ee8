"""A Discord on this machine: REST, gateway, voice, people and a page for them, for any client library.

`LocalDiscord` is the server, `LocalConnector` brings a bot's connections to it and nowhere else, and `Person` acts as
somebody who uses Discord. The package imports no client library: it is an independent peer of all of them.
"""

from localdiscord.connector import LocalConnector
from localdiscord.driver.person import HumanlyImpossibleError, Person
from localdiscord.errors import DiscordError
from localdiscord.model.files import Upload
from localdiscord.server import LocalDiscord

__all__ = ["DiscordError", "HumanlyImpossibleError", "LocalConnector", "LocalDiscord", "Person", "Upload"]
