"""Messages: the facts about languages, plurals, fallbacks and the agreement of the locales."""

from __future__ import annotations

import logging
from string import Formatter
from typing import TYPE_CHECKING, Any

import pytest

from reference.utils import localization
from reference.utils.localization import Language, LocalizedMessages, check_locales, get_message, language_of

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS = sorted(localization._read(Language.ENGLISH))


def test_the_locales_agree() -> None:
    """Every language has every message, with the placeholders and the plural forms that it must have."""
    assert check_locales() == []


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("key", KEYS)
def test_every_message_can_be_shown(key: str, language: Language) -> None:
    """Each message of each language takes its values and leaves no brace behind."""
    text = localization._read(Language.ENGLISH)[key]
    forms = text.values() if isinstance(text, dict) else [text]
    names = {name for form in forms for _, name, _, _ in Formatter().parse(form) if name}
    values: dict[str, Any] = {**dict.fromkeys(names, "value"), **({"count": 3} if "count" in names else {})}
    shown = get_message(key, language, **values)
    assert shown
    assert not {"{", "}"} & set(shown)


@pytest.mark.parametrize(("count", "english"), [(0, "0 songs"), (1, "1 song"), (2, "2 songs"), (21, "21 songs")])
def test_the_count_selects_the_form(count: int, english: str) -> None:
    """English has a form for one, Thai has one form for all."""
    assert get_message("music.queue_length", "en", count=count) == f"{english} in the queue"
    assert get_message("music.queue_length", Language.THAI, count=count) == f"มี {count} เพลงในคิว"


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("th", Language.THAI),
        ("th-TH", Language.THAI),
        ("TH_th.UTF-8", Language.THAI),
        ("en-GB", Language.ENGLISH),
        ("fr", Language.ENGLISH),
        ("", Language.ENGLISH),
        (None, Language.ENGLISH),
        (Language.THAI, Language.THAI),
    ],
)
def test_a_locale_leads_to_a_language(locale: str | None, language: Language) -> None:
    """A locale of Discord or of a system gives its language, an unknown one English."""
    assert language_of(locale) is language
    assert get_message("music.paused", locale or "") == get_message(key="music.paused", lang=language)


def test_values_are_shown_as_they_are() -> None:
    """What a user wrote is not taken for a placeholder."""
    assert get_message("music.now_playing", "en", title="{0.__class__} {count}") == "Now playing: {0.__class__} {count}"


def test_a_missing_value_stays_visible() -> None:
    """A message without its values shows its placeholders instead of raising."""
    assert get_message("music.now_playing", "th") == "กำลังเล่น: {title}"
    assert get_message("music.queue_length", "en") == "{count} songs in the queue"
    assert get_message("music.queue_length", "en", count=1, more="x") == "1 song in the queue"


def test_a_missing_message_is_its_key_and_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    """A key that no language has is shown in brackets, and the log says so once."""
    with caplog.at_level(logging.WARNING):
        assert {get_message("no.such.key", language) for language in Language} == {"[no.such.key]"}
    assert len(caplog.records) == 1


@pytest.fixture
def incomplete(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let Thai lack a message."""
    read = localization._read
    thai = {key: text for key, text in read(Language.THAI).items() if key not in {"music.paused", "time.days"}}
    monkeypatch.setattr(localization, "_read", lambda language: thai if language is Language.THAI else read(language))
    localization._TABLES.clear()
    yield
    monkeypatch.undo()
    localization._TABLES.clear()


@pytest.mark.usefixtures("incomplete")
def test_a_message_without_translation_is_english() -> None:
    """What Thai lacks is said in English, with its plural."""
    assert get_message("music.paused", "th") == "Paused."
    assert get_message("time.days", "th", count=1) == "1 day"
    assert get_message("time.days", "th", count=2) == "2 days"


def test_messages_of_one_language() -> None:
    """`LocalizedMessages` speaks the language it was made for and knows its keys."""
    messages = LocalizedMessages("th-TH")
    assert messages.get("music.paused") == "หยุดเล่นชั่วคราว"
    assert "music.paused" in messages
    assert "nothing" not in messages
    assert repr(messages) == "LocalizedMessages('th')"


TEXT: dict[str, Any] = {"a": "Hello {name}", "b": {"one": "{count} day", "other": "{count} days"}}


@pytest.mark.parametrize(
    ("thai", "problem"),
    [
        ({"b": {"other": "{count}"}}, "th: a is missing"),
        ({"a": "{name}", "b": {"other": "{count}"}, "c": "x"}, "th: c is not in en"),
        (
            {"a": "{nam}", "b": {"other": "{count}"}},
            "th: a: the text (other) has the placeholders ['nam'], not ['name']",
        ),
        ({"a": "{name", "b": {"other": "{count}"}}, "th: a: the text (other) has the placeholders"),
        ({"a": "{name!r}", "b": {"other": "{count}"}}, "th: a: the text (other) has the placeholders ['name!r:']"),
        ({"a": " ", "b": {"other": "{count}"}}, "th: a: the text (other) is empty"),
        ({"a": "{name}", "b": "{count}"}, "th: b: has plural forms in one language only, th or en"),
        ({"a": "{name}", "b": {"one": "{count}", "other": "{count}"}}, "th: b: has the forms one, other, not other"),
    ],
)
def test_each_disagreement_is_found(thai: dict[str, Any], problem: str) -> None:
    """Whatever two locales disagree about is told in a sentence that names language and key."""
    assert any(found.startswith(problem) for found in check_locales({Language.ENGLISH: TEXT, Language.THAI: thai}))
