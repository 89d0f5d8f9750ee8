"""Messages in the language of the reader: English and Thai, with plurals.

Each language is a file in `locales/`, and one in each folder that a part of the bot adds: key to text, or key to the
plural categories that the language has (Unicode CLDR). Files are read and their texts prepared at the first message, so
that a look-up costs about what `gettext` takes. A message that is missing is given in English; where that is missing
too, its key is shown in brackets and reported once in the log. Neither a missing text nor a missing value ever raises
in front of a user.
"""

from __future__ import annotations

import functools
import json
import logging
import string
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = [
    "Language",
    "LocalizedMessages",
    "add_locales",
    "check_locales",
    "get_message",
    "language_of",
    "reload_locales",
]

logger = logging.getLogger(__name__)

COUNT = "count"
"""The argument that selects the plural form."""


class Language(StrEnum):
    """A language that the bot speaks; the value is its ISO 639-1 code and the name of its file."""

    ENGLISH = "en"
    THAI = "th"


FALLBACK = Language.ENGLISH
PLURAL_CATEGORIES: dict[Language, tuple[str, ...]] = {
    Language.ENGLISH: ("one", "other"),
    Language.THAI: ("other",),
}
"""What CLDR has for integers; `one` is 1 and nothing else."""

Text = str | dict[str, str]

_FOLDERS = [Path(__file__).with_name("locales")]


def add_locales(folder: Path) -> None:
    """Add the messages of a part of the bot.

    Args:
        folder: holds a file for each language, `en.json` for one; once added, it is not added again.
    """
    if folder not in _FOLDERS:
        _FOLDERS.append(folder)
        reload_locales()


def reload_locales() -> None:
    """Read all files anew when a message is asked for next."""
    _read.cache_clear()
    _TABLES.clear()


def get_message(key: str, lang: str = FALLBACK, **kwargs: Any) -> str:
    """Return a message.

    Args:
        key: such as `music.now_playing`.
        lang: a `Language`, its code, or a locale such as Discord's `en-GB`; other languages get English.
        **kwargs: values for the placeholders, shown as they are; `count` also selects the plural form.
    """
    try:
        message = _TABLES[lang][key]
        return message if isinstance(message, str) else message(kwargs)
    except (LookupError, TypeError, ValueError):
        return _fallback(key, language_of(lang), kwargs)


class LocalizedMessages:
    """The messages of one language.

    Args:
        lang: as for `get_message`.
    """

    def __init__(self, lang: str = FALLBACK) -> None:
        self.language = language_of(lang)

    def get(self, key: str, **kwargs: Any) -> str:
        """Return a message; see `get_message`."""
        return get_message(key, self.language, **kwargs)

    def __contains__(self, key: object) -> bool:
        return key in _TABLES[self.language]

    def __repr__(self) -> str:
        return f"LocalizedMessages({self.language.value!r})"


def language_of(locale: str | None) -> Language:
    """Return the language of a locale: `th`, `th-TH`, `th_TH.UTF-8`; English for one that the bot does not speak."""
    code = str(locale or "").lower().replace("_", "-").partition("-")[0].partition(".")[0]
    return Language(code) if code in _CODES else FALLBACK


def check_locales(texts: Mapping[Language, Mapping[str, Text]] | None = None) -> list[str]:
    """Say where the locales disagree, a sentence each; an empty list is what a release needs.

    Args:
        texts: the texts of each language; None for the files of this package.
    """
    texts = {language: _read(language) for language in Language} if texts is None else texts
    return [problem for language in texts for problem in _problems(language, texts[language], texts[FALLBACK])]


def _problems(language: Language, texts: Mapping[str, Text], model: Mapping[str, Text]) -> Iterator[str]:
    yield from (f"{language}: {key} is missing" for key in sorted(model.keys() - texts.keys()))
    yield from (f"{language}: {key} is not in {FALLBACK}" for key in sorted(texts.keys() - model.keys()))
    for key in sorted(texts.keys() & model.keys()):
        yield from (f"{language}: {key}: {problem}" for problem in _disagreements(language, texts[key], model[key]))


def _disagreements(language: Language, text: Text, model: Text) -> Iterator[str]:
    if isinstance(text, dict) != isinstance(model, dict):
        yield f"has plural forms in one language only, {language} or {FALLBACK}"
        return
    forms = _forms(text)
    if isinstance(text, dict) and forms.keys() != set(PLURAL_CATEGORIES[language]):
        yield f"has the forms {', '.join(sorted(forms))}, not {', '.join(PLURAL_CATEGORIES[language])}"
    wanted = {name for form in _forms(model).values() for name in _placeholders(form)}
    for category, form in forms.items():
        if not form.strip():
            yield f"the text ({category}) is empty"
        elif (names := _placeholders(form)) - wanted or wanted - names - {COUNT}:
            yield f"the text ({category}) has the placeholders {sorted(names)}, not {sorted(wanted)}"


def _forms(text: Text) -> dict[str, str]:
    return text if isinstance(text, dict) else {"other": text}


def _placeholders(text: str) -> set[str]:
    """Return the names in braces; anything but a plain name is an error, shown as a name that no locale shares."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        return {str(error)}
    return {
        f"{name}!{conversion or ''}:{spec or ''}".removesuffix("!:")
        for _, name, spec, conversion in parts
        if name is not None
    }


@functools.cache
def _read(language: Language) -> dict[str, Text]:
    files = (folder / f"{language.value}.json" for folder in _FOLDERS)
    return {key: text for file in files for key, text in json.loads(file.read_text(encoding="utf-8")).items()}


class _Tables(dict[str, dict[str, Any]]):
    """What `get_message` looks up: by language, then by key; a language is prepared when it is first asked for."""

    def __missing__(self, lang: str) -> dict[str, Any]:
        language = language_of(lang)
        if lang != language.value:
            return self[language.value]
        table = self[language.value] = {key: _prepared(text) for key, text in _read(language).items()}
        return table


def _prepared(text: Text) -> str | Callable[[dict[str, Any]], str]:
    """Turn a text into what answers fastest: itself, or what fills it in, in the form that the count selects."""
    if isinstance(text, str):
        return text.format_map if _placeholders(text) else text.format()
    one, other = (text.get(category, text["other"]).format_map for category in ("one", "other"))
    return lambda values: one(values) if values[COUNT] == 1 else other(values)


_TABLES = _Tables()
_CODES = frozenset(language.value for language in Language)


def _fallback(key: str, language: Language, kwargs: Mapping[str, Any]) -> str:
    """Give the nearest thing to a message: in the language asked for, in English, or its key."""
    for candidate in dict.fromkeys((language, FALLBACK)):
        if (text := _read(candidate).get(key)) is not None:
            return _filled(text, candidate, kwargs)
    _report(key)
    return f"[{key}]"


def _filled(text: Text, language: Language, kwargs: Mapping[str, Any]) -> str:
    """Fill a text in as far as there are values; a placeholder without one stays visible."""
    one = language is Language.ENGLISH and kwargs.get(COUNT) == 1
    form = _forms(text)["one" if one and isinstance(text, dict) else "other"]
    return string.Formatter().vformat(form, (), _Visible(kwargs))


class _Visible(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


@functools.cache
def _report(key: str) -> None:
    logger.warning("There is no message %s in any language.", key)
