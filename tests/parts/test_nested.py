"""Texts within nested data are found, and others put in their places, whatever holds them."""

from __future__ import annotations

from typing import Any, NamedTuple

from harness.parts.nested import changed, places


class Pair(NamedTuple):
    """Two values."""

    left: str
    right: Any


DATA: dict[str, Any] = {"a": "x", "b": {"c": [1, "y"], "d": ("z", Pair("p", {"e": 2}))}}


def test_every_text_and_every_table_is_found() -> None:
    """Texts in lists, tuples and dictionaries have a place, and so has each dictionary below the outermost."""
    assert list(places(DATA)) == [
        (("a",), False),
        (("b",), True),
        (("b", "c", 1), False),
        (("b", "d", 0), False),
        (("b", "d", 1, 0), False),
        (("b", "d", 1, 1), True),
    ]


def test_each_place_can_be_changed() -> None:
    """A chosen place holds the new text, all else is as it was, and so is the data that was given."""
    before = repr(DATA)
    for place, grows in places(DATA):
        made = changed(DATA, [(place, grows)], "new")
        holder = made
        for step in place:
            holder = holder[step]
        assert holder == "new" or "new" in holder
        assert repr(made).count("'new'") == 1
    assert repr(DATA) == before
    assert changed(DATA, [(("b", "d", 1, 0), False)], "new")["b"]["d"][1].left == "new"


def test_a_name_more_has_a_value_like_the_others() -> None:
    """A dictionary that grows gets a value of the kind that it holds, or the text where it holds none."""
    assert changed(DATA, [(("b", "d", 1, 1), True)], "new")["b"]["d"][1].right == {"e": 2, "new": 2}
    assert changed({"empty": {}}, [(("empty",), True)], "new") == {"empty": {"new": "new"}}
