"""What the filters find, and what they leave alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reference.cogs.moderation.filters import Message, find
from reference.cogs.moderation.normal import Spelling, fold, says
from reference.cogs.moderation.policy import FILTERS, Filter, Policy, Spam
from reference.cogs.moderation.spam import SpamCounter


def found(name: Filter, message: Message | str, **changes: object) -> bool:
    """Tell whether one filter takes offence."""
    policy = Policy().with_rule(name, enabled=True, **changes)
    return find(policy, Message(message) if isinstance(message, str) else message) is name


@pytest.mark.parametrize(
    "text",
    [
        "badword",
        "BADWORD!",
        "b a d w o r d",
        "b.a.d-w_o*r|d",
        "bаdwоrd",  # noqa: RUF001  look-alikes are the matter
        "b\u200ba\u200bdword",
        "bàdwörd",
        "ｂａｄｗｏｒｄ",  # noqa: RUF001  look-alikes are the matter
        "𝓫𝓪𝓭𝔀𝓸𝓻𝓭",  # noqa: RUF001  look-alikes are the matter
        "b4dw0rd",
        "baaaadword",
        "well, **badword**, really",
        "b\u034fadword",
        "b\u3164adword",
    ],
)
def test_a_banned_word_is_found_however_it_is_spelled(text: str) -> None:
    """Case, look-alikes, accents, invisible characters, spacing and repetition hide no word."""
    assert found(Filter.WORDS, text, entries=("badword",))


@pytest.mark.parametrize("text", ["", "bad", "a badwordish thing", "unbadword", "bad words are many here: wor d"])
def test_other_words_are_left_alone(text: str) -> None:
    """A longer word that contains a banned one is not the banned one."""
    assert not found(Filter.WORDS, text, entries=("badword",))


def test_a_thai_word_is_found_within_a_sentence() -> None:
    """Thai is written without spaces, so a word is found anywhere, and its vowels matter."""
    assert found(Filter.WORDS, "วันนี้คำหยาบมาก", entries=("คำหยาบ",))
    assert not found(Filter.WORDS, "ปี่", entries=("ปู่",))


@pytest.mark.parametrize("text", ["as song", "so as", "a s s", "as", "x as, y"])
def test_a_word_beside_its_own_letters_is_found(text: str) -> None:
    """The same letter at the beginning of the next word hides no word."""
    assert found(Filter.WORDS, text, entries=("as",))


def test_a_word_of_one_letter_stands_alone() -> None:
    """A single letter is found alone, and not within a word."""
    assert found(Filter.WORDS, "press x to go", entries=("x",))
    assert not found(Filter.WORDS, "xylophone, fax", entries=("x",))


def test_double_letters_matter() -> None:
    """A word with a double letter needs the double letter."""
    assert found(Filter.WORDS, "boooook", entries=("book",))
    assert not found(Filter.WORDS, "bok", entries=("book",))


def test_words_without_a_letter_ban_nothing() -> None:
    """An entry of signs alone is no word."""
    assert not says(Spelling.of("anything..."), Spelling.of("..."))
    assert not found(Filter.WORDS, "anything...", entries=("...",))


@given(st.text(max_size=300))
def test_a_word_is_found_in_any_text(text: str) -> None:
    """Whatever stands around it, a banned word between spaces is found, and any text can be folded."""
    assert isinstance(fold(text), str)
    assert says(Spelling.of(f"{text}      badword      {text}"), Spelling.of("badword"))


@pytest.mark.parametrize("text", ["s" * 4000, "s " * 2000, "s.s" * 1300, "sx" * 2000, "a!" * 2000])
def test_a_hostile_message_is_looked_at_quickly(text: str) -> None:
    """The longest message of the worst kind, and a long list of the worst words, take moments and not minutes."""
    began = time.process_time()
    found(Filter.WORDS, text, entries=tuple("s" * length + "x" for length in range(1, 60)))
    assert time.process_time() - began < 5.0


@pytest.mark.parametrize(
    "text",
    [
        "discord.gg/abc",
        "https://discord.com/invite/abc",
        "DISCORD . GG / abc",
        "discordapp.com/invite/x-y",
        "dis\u200bcord.gg/abc",
    ],
)
def test_invites_are_found(text: str) -> None:
    """Invites in all their addresses, with spaces and invisible characters too."""
    assert found(Filter.INVITES, text)


def test_talk_about_discord_is_no_invite() -> None:
    """The name alone, and other pages of Discord, are no invites."""
    assert not found(Filter.INVITES, "discord.com/channels/1/2 and discord.gg is nice")


def test_links_beyond_the_allow_list_are_found() -> None:
    """A domain of the list and what stands below it are allowed; one that only ends alike is not."""
    allowed = {"entries": ("example.org", "www.python.org")}
    assert not found(Filter.LINKS, "see https://docs.example.org/a?b and http://python.org", **allowed)
    assert found(Filter.LINKS, "see https://notexample.org", **allowed)
    assert found(Filter.LINKS, "see www.evil.example", **allowed)
    assert found(Filter.LINKS, "https://example.org@evil.example/", **allowed)
    assert found(Filter.LINKS, "https://[broken", **allowed)
    assert not found(Filter.LINKS, "no link", **allowed)


def test_many_mentions_are_found() -> None:
    """More mentions than the guild allows are too many."""
    assert found(Filter.MENTIONS, Message("", mentions=6))
    assert not found(Filter.MENTIONS, Message("", mentions=5))


@pytest.mark.parametrize("name", ["a.exe", "A.EXE", "photo.exe.png", "a.exe.", "a.e\u200bxe"])
def test_banned_files_are_found(name: str) -> None:
    """An ending is found wherever it stands in a name."""
    assert found(Filter.ATTACHMENTS, Message("", files=("fine.png", name)))


def test_other_files_are_taken() -> None:
    """A picture and a name without an ending are taken; entries may be written with a star."""
    assert not found(Filter.ATTACHMENTS, Message("", files=("fine.png", "exe")))
    assert found(Filter.ATTACHMENTS, Message("", files=("a.zip",)), entries=("*.zip",))


def test_shouting_is_found() -> None:
    """Long messages in capitals are shouted; short ones and Thai, which has no capitals, are not."""
    assert found(Filter.CAPS, "WHY DOES NOBODY LISTEN")
    assert not found(Filter.CAPS, "OK")
    assert not found(Filter.CAPS, "This is a Normal Sentence, Really")
    assert not found(Filter.CAPS, "ภาษาไทยไม่มีตัวพิมพ์ใหญ่เลยสักตัวเดียว")


def test_exemptions_and_switches_hold() -> None:
    """A filter that is off, an exempt role and an exempt channel leave a message alone."""
    text = "discord.gg/abc"
    assert find(Policy(), Message(text)) is None
    assert not found(Filter.INVITES, Message(text, roles=frozenset({5})), exempt_roles=(5,))
    assert not found(Filter.INVITES, Message(text, places=frozenset({7})), exempt_channels=(7,))
    assert found(Filter.INVITES, Message(text, roles=frozenset({6})), exempt_roles=(5,))


async def test_floods_and_repetition_are_spam() -> None:
    """Too many messages in a time, or the same one too often, are spam; each member of each guild is counted."""
    now = 0.0
    counter = SpamCounter(lambda: now)
    rule = Spam(messages=3, seconds=10, duplicates=3)
    assert [await counter.is_spam(rule, 1, 1, f"message {number}") for number in range(4)] == [False] * 3 + [True]
    assert not await counter.is_spam(rule, 1, 2, "message 0")
    assert not await counter.is_spam(rule, 2, 1, "message 0")
    now = 100.0
    wide = Spam(messages=100, seconds=1, duplicates=3)
    assert [await counter.is_spam(wide, 1, 3, text) for text in ("buy now", "Buy NOW", "b\u200buy now")] == [
        False,
        False,
        True,
    ]
    assert not any([await counter.is_spam(wide, 1, 4, "ok") for _ in range(9)])


@pytest.mark.parametrize(
    "document",
    [
        {"unknown": 1},
        {"mentions": {"most": 0}},
        {"links": {"entries": [""]}},
        {"words": {"entries": ["x"] * 501}},
        {"caps": {"exempt_roles": [-1]}},
        {"spam": {"action": "ban"}},
    ],
)
def test_a_policy_out_of_its_limits_is_refused(document: dict[str, object]) -> None:
    """Unknown names, values out of their limits and unknown actions make no policy."""
    with pytest.raises(ValidationError):
        Policy.model_validate(document)


def test_a_policy_is_written_and_read_back() -> None:
    """A policy survives its JSON document, and every filter has a rule."""
    policy = Policy().with_rule(Filter.SPAM, enabled=True, messages=9).changed({"timeout_minutes": 5})
    assert Policy.model_validate_json(policy.model_dump_json()) == policy
    assert list(policy.enabled()) == [Filter.SPAM]
    assert {policy.rule(name).enabled for name in FILTERS} == {True, False}
