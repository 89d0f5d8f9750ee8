"""The corpora of guided fuzzing, run again everywhere, and drawn changes of what stands in them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from fuzz.guided import LARGEST_CORPUS, smallest, steps_of
from fuzz.targets import TARGETS

if TYPE_CHECKING:
    from harness.subject import Subject

FUZZ = fuzzer(__file__)
CORPORA = Path(__file__).with_name("corpora")
SEEDS = {name: [file.read_bytes() for file in sorted((CORPORA / name).glob("*"))] for name in TARGETS}


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_corpus(subject: Subject, target: str) -> None:
    """What a search once kept because it reached something new still breaks nothing; the corpus is small."""
    assert SEEDS[target], f"there is no corpus of {target}"
    assert sum(map(len, SEEDS[target])) <= LARGEST_CORPUS, f"the corpus of {target} is too large"
    for data in SEEDS[target]:
        TARGETS[target](subject, data)
        FUZZ.count()


@st.composite
def changed(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """Return bytes of a corpus, with one part replaced by other bytes or by a part of others."""
    data, other = draw(st.sampled_from(seeds)), draw(st.sampled_from(seeds))
    start, end = sorted([draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))])
    first, last = sorted([draw(st.integers(0, len(other))), draw(st.integers(0, len(other)))])
    return data[:start] + draw(st.just(other[first:last]) | st.binary(max_size=4)) + data[end:]


@FUZZ.tries
@given(
    example=st.sampled_from(sorted(TARGETS)).flatmap(
        lambda target: st.tuples(st.just(target), st.binary(max_size=30) | changed(SEEDS[target] or [b""]))
    )
)
def test_any_changes(*, subject: Subject, example: tuple[str, bytes]) -> None:
    """Changed parts of a corpus, and any bytes at all, break nothing either."""
    test_any_bytes(subject, *example)


@pytest.mark.parametrize(("target", "content"), [("json", b"[1.5]")])
def test_any_bytes(subject: Subject, target: str, content: bytes) -> None:
    """Bytes that a guided search found break nothing any more; this test runs the cases of `cases.toml`."""
    TARGETS[target](subject, content)


def test_steps_tell_inputs_apart(subject: Subject) -> None:
    """Inputs that are read in another way take other steps; those that are read alike take the same."""
    plain, bracket, brace = (steps_of(partial(TARGETS["json"], subject, data)) for data in (b"5", b"[", b"{"))
    assert plain - bracket
    assert bracket == brace


def test_what_is_found_is_made_smaller() -> None:
    """Of an input that breaks something, what it breaks with is kept, and nothing else."""
    assert smallest(lambda data: b"ab" in data, b"x" * 100 + b"ab" + b"y" * 33) == b"ab"
    assert smallest(lambda data: data.count(b"a") >= 2, b"za" * 9) == b"aa"
