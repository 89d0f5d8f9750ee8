"""A person who uses Discord."""

from __future__ import annotations

from localdiscord.driver.belonging import Belonging
from localdiscord.driver.commanding import Commanding
from localdiscord.driver.errors import HumanlyImpossibleError
from localdiscord.driver.hearing import Hearing
from localdiscord.driver.organizing import Organizing
from localdiscord.driver.touching import Touching
from localdiscord.driver.waiting import Waiting
from localdiscord.driver.writing import Writing

__all__ = ["HumanlyImpossibleError", "Person"]


class Person(Writing, Organizing, Commanding, Touching, Belonging, Hearing, Waiting):
    """A person, and what they can do; whatever Discord's client would not offer them is refused.

    What bots answer comes in time: `reply`, `form`, `choices`, `follow_ups` and `expect` wait for it.

    Args:
        discord: the server.
        user: who it is.
    """
