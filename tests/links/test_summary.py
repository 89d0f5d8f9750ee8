"""Summaries made of a text's own sentences."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.cogs.links.summary import sentences_in, summarise

HARBOUR = """
Home
Menu
The harbour of Songkhla has been dredged since March, and the harbour is now deep enough for large ships.
Dr. Suda of the port authority said that dredging cost 3.5 million baht. "It was worth it." Birds did not mind.
Fishermen welcome the deep harbour because large ships bring buyers to the port.
The weather was fine on Tuesday and several people ate ice cream in the park.
The harbour of Songkhla has been dredged since March, and the harbour is deep enough now for the large ships.
Contact us
"""
THAI = (
    "ท่าเรือสงขลาขุดลอกแล้วตั้งแต่เดือนมีนาคม ตอนนี้ท่าเรือลึกพอสำหรับเรือใหญ่ ชาวประมงยินดีกับท่าเรือที่ลึกขึ้น"
    " เพราะเรือใหญ่พาผู้ซื้อมาที่ท่าเรือ วันอังคารอากาศดี หลายคนกินไอศกรีมในสวน"
)


def test_sentences_are_told_apart() -> None:
    """Titles, decimals and quotations do not end a sentence; lines and fullwidth stops do."""
    assert sentences_in('Dr. Suda paid 3.5 baht. "Good!" He left.\nNew line') == [
        "Dr. Suda paid 3.5 baht.",
        '"Good!"',
        "He left.",
        "New line",
    ]
    assert sentences_in("一。二。") == ["一。", "二。"]


def test_a_summary_says_what_the_text_is_about() -> None:
    """Sentences of the subject are chosen in their order; asides, menus and repetitions are not."""
    summary = summarise(HARBOUR, 220, "The harbour of Songkhla")
    assert summary.startswith("The harbour of Songkhla has been dredged since March")
    assert summary.count("dredged since March") == 1
    assert "Fishermen welcome" in summary
    assert not any(word in summary for word in ("ice cream", "Menu", "Contact"))


def test_thai_is_summarised() -> None:
    """Thai, without spaces between words, is cut where it has spaces, and the subject is found all the same."""
    summary = summarise(THAI, 120)
    assert "ท่าเรือ" in summary
    assert "ไอศกรีม" not in summary


def test_a_text_without_sentences_gives_its_beginning() -> None:
    """Lists, data and single words are shown from their beginning, cut between words."""
    assert summarise("one two\nthree", 100) == "one two three"
    assert summarise("word " * 5 + "\n" + "other words " * 60, 50).endswith("…")
    assert summarise("x" * 600, 50) == "x" * 49 + "…"
    assert summarise("", 50) == ""


@pytest.mark.parametrize("part", [". A", "a ", "a", "\n", "? ", "\u0e01 ", "\u3002", "!'", "!') A", "Dr. "])
def test_a_hostile_page_takes_no_time(part: str) -> None:
    """The longest page there is, made of what sentences end with, is summarised at once."""
    page = (part * 50_000)[:50_000]
    begin = time.perf_counter()
    assert len(summarise(page)) <= 600
    assert time.perf_counter() - begin < 2.0


@given(st.text(alphabet="abc. \n!ก", max_size=800), st.integers(50, 300))
def test_a_summary_is_within_its_length(text: str, longest: int) -> None:
    """Whatever the text, the summary fits and is in one line."""
    summary = summarise(text, longest)
    assert len(summary) <= longest
    assert "\n" not in summary
