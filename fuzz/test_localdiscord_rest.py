"""The local Discord's REST API: whatever is asked, it answers as Discord would, and its world stays sound."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from fuzz.drawn_requests import ALL, request
from fuzz.town_visit import ACTS, Visit

FUZZ = fuzzer(__file__)
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
"""What is judged is the server: aiohttp's client leaves connections to the collector where a request breaks it."""

acts = st.fixed_dictionaries(
    {
        "act": st.sampled_from(sorted(ACTS)),
        "who": st.integers(0, 1),
        "value": st.integers(0, 15) | st.integers(0, 2**50),
    }
)
few_routes = st.lists(st.sampled_from(ALL), min_size=1, max_size=8, unique=True).map(tuple)
"""Some of the routes alone, which meet more often what one of them left behind."""


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return steps of bots and people."""
    step = st.one_of(*[request(draw(st.just(ALL) | few_routes | few_routes))] * 7, acts)
    return draw(st.lists(step, max_size=12) | st.lists(step, min_size=12, max_size=30))


async def visited(steps: list[dict[str, Any]]) -> None:
    """Take the steps in a new town."""
    async with Visit.to_town() as visit:
        for step in steps:
            await visit.take(step)


@FUZZ.tries
@given(steps=histories())
def test_any_requests(*, steps: list[dict[str, Any]]) -> None:
    """No request is answered with 500 or out of shape, what is refused leaves no trace, and the world stays sound."""
    asyncio.run(visited(steps))
