"""Where the settings come from: the environment first, then a TOML file, then the defaults.

    BOT_PREFIX=?                    prefix = "?"
    BOT_HEALTH__PORT=9000           [health]
                                    port = 9000
    BOT_AI__ENDPOINT__MODEL=...     [ai.endpoint]
                                    model = ...

A name that does not exist is an error, wherever it stands. Some variables have names that others know already: they are
listed in `KNOWN`. A variable that is empty counts as not set. Lists and tables are written as JSON in a variable.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from .config import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["KNOWN", "ConfigError", "load"]

PREFIX = "BOT_"
NESTED = "__"

KNOWN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "DISCORD_TOKEN": ("token",),
        "HEALTH_API_HOST": ("health", "host"),
        "HEALTH_API_PORT": ("health", "port"),
        "HEALTH_API_TOKEN": ("health", "token"),
        "HEALTH_SERVICE_URL": ("health", "service_url"),
        "ALERT_WEBHOOK_URL": ("alerts", "webhook_url"),
        "ALERT_COOLDOWN_SECONDS": ("alerts", "cooldown_seconds"),
        "SENTRY_DSN": ("sentry", "dsn"),
        "AUDIT_LOG_KEY": ("audit_key",),
        "AUDIT_LOG_ANCHOR": ("audit_anchor",),
    }
)
"""Variables that mean the same whoever reads them, and the setting that each is; `BOT_…` comes before them."""

Names = tuple[str, ...]


class ConfigError(Exception):
    """Settings cannot be used; the text says what is wrong, where, and what to do, a line for each."""


@dataclass(frozen=True)
class _Found:
    """A setting as it was found.

    Attributes:
        value: what it says.
        where: the place, for messages.
    """

    value: Any
    where: str


def load(environment: Mapping[str, str], file: Path | None = None, **overrides: Any) -> Settings:
    """Read the settings.

    Args:
        environment: the variables.
        file: a TOML file; None for none.
        **overrides: settings that come before all others, such as those of the command line.

    Raises:
        ConfigError: they cannot be used.
    """
    found: dict[Names, _Found] = {}
    if file is not None:
        found.update(_from_file(file))
    found.update(_from_known(environment))
    found.update(_from_environment(environment))
    found.update({(name,): _Found(value, "command line") for name, value in overrides.items()})
    problems = [problem for path, each in found.items() if (problem := _unknown(path, each.where))]
    if problems:
        raise ConfigError("\n".join(problems))
    try:
        return Settings.model_validate(_nested(found))
    except ValidationError as error:
        lines = [_line(problem, found) for problem in error.errors(include_input=False, include_url=False)]
        raise ConfigError("\n".join(lines)) from None


def _from_file(file: Path) -> Iterator[tuple[Names, _Found]]:
    """Yield what a file says.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{file}: there is no such file; name another with --config, or leave it out") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: it cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: it is no TOML: {error}") from None
    yield from ((path, _Found(value, f"{file}: {'.'.join(path)}")) for path, value in _flat(content))


def _flat(table: Mapping[str, Any], above: Names = ()) -> Iterator[tuple[Names, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, (*above, name))
        else:
            yield (*above, name), value


def _from_known(environment: Mapping[str, str]) -> Iterator[tuple[Names, _Found]]:
    for variable, path in KNOWN.items():
        if text := environment.get(variable, "").strip():
            yield path, _Found(text, variable)


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[Names, _Found]]:
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or not text.strip():
            continue
        path = tuple(variable.removeprefix(PREFIX).lower().split(NESTED))
        value = _read(text.strip())
        if isinstance(value, dict):
            yield from (((*path, *below), _Found(each, variable)) for below, each in _flat(value))
        else:
            yield path, _Found(value, variable)


def _read(text: str) -> Any:
    if text[:1] not in {"[", "{"}:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _nested(found: Mapping[Names, _Found]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for path, each in found.items():
        table = settings
        for name in path[:-1]:
            table = table.setdefault(name, {})
        table[path[-1]] = each.value
    return settings


def _unknown(path: Names, where: str) -> str | None:
    """Say that there is no such setting, and which may be meant; None where there is one."""
    model: type[BaseModel] | None = Settings
    for depth, name in enumerate(path):
        if model is None:
            return f"{where}: {'.'.join(path[:depth])} is one value and has no part {name!r}"
        if name not in model.model_fields:
            return f"{where}: there is no setting {'.'.join(path)!r}{_nearest(path)}"
        model = _model_of(model.model_fields[name].annotation)
    if model is not None:
        return f"{where}: {'.'.join(path)} is a group of settings; name one of them: {', '.join(model.model_fields)}"
    return None


def _model_of(annotation: Any) -> type[BaseModel] | None:
    kinds = get_args(annotation) or (annotation,)
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _names(model: type[BaseModel] = Settings, above: Names = ()) -> Iterator[str]:
    for name, field in model.model_fields.items():
        below = _model_of(field.annotation)
        if below is None:
            yield ".".join((*above, name))
        else:
            yield from _names(below, (*above, name))


def _nearest(path: Names) -> str:
    wanted, names = ".".join(path), list(_names())
    near = difflib.get_close_matches(wanted, names, n=1, cutoff=0.5) or _same_end(path[-1], names)
    return f"; did you mean {near[0]!r}?" if near else "; `python -m reference check --settings` lists all"


def _same_end(last: str, names: Iterable[str]) -> list[str]:
    ends = {name.rpartition(".")[2]: name for name in names}
    return [ends[end] for end in difflib.get_close_matches(last, ends, n=1)]


def _line(problem: Mapping[str, Any], found: Mapping[Names, _Found]) -> str:
    """Put what pydantic found into a line for people; a secret's value is not in it."""
    path = tuple(str(part) for part in problem["loc"])
    where = next((each.where for known, each in found.items() if known == path[: len(known)]), ".".join(path))
    reason = str(problem["msg"]).removeprefix("Value error, ")
    return f"{where}: {reason[:1].lower()}{reason[1:]}"
