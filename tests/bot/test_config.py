"""The settings: where they come from, what comes first, and what is said of those that cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reference.config import Settings
from reference.config_source import KNOWN, ConfigError, load

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "MTE0.Gabcde.a-very-secret-token-of-a-bot"


def refusal(environment: dict[str, str], file: Path | None = None) -> str:
    """Return what is said of settings that cannot be used."""
    with pytest.raises(ConfigError) as caught:
        load(environment, file)
    return str(caught.value)


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """A file of settings."""
    file = tmp_path / "bot.toml"
    file.write_text('prefix = "?"\n[health]\nport = 9000\nhost = "127.0.0.2"\n', encoding="utf-8")
    return file


def test_nothing_is_needed() -> None:
    """Without any setting the defaults hold, and everything is kept below one folder."""
    settings = load({})
    assert settings == Settings()
    kept = (settings.database, settings.exports, settings.logs, settings.audit, settings.lock, settings.media)
    assert all(settings.data in path.parents for path in kept)


def test_the_environment_comes_before_the_file_and_the_command_line_before_both(toml: Path, tmp_path: Path) -> None:
    """A setting that several places have is that of the first: command line, environment, file."""
    settings = load({"BOT_HEALTH__PORT": "9001", "BOT_DATA": "elsewhere"}, toml, data=tmp_path)
    assert (settings.prefix, settings.health.port, settings.health.host) == ("?", 9001, "127.0.0.2")
    assert settings.data == tmp_path


def test_own_names_come_before_known_ones() -> None:
    """`BOT_TOKEN` comes before `DISCORD_TOKEN`; an empty variable is none."""
    both = load({"BOT_TOKEN": "mine", "DISCORD_TOKEN": "theirs"})
    assert both.token is not None
    assert both.token.get_secret_value() == "mine"
    assert load({"DISCORD_TOKEN": " "}).token is None


@pytest.mark.parametrize("variable", KNOWN)
def test_every_known_variable_is_a_setting(variable: str) -> None:
    """What the utilities read from the environment by themselves is a setting here, too."""
    values = {"HEALTH_API_PORT": "81", "ALERT_COOLDOWN_SECONDS": "5", "HEALTH_SERVICE_URL": "http://127.0.0.1:8082"}
    assert load({variable: values.get(variable, "x")}) != Settings()


def test_lists_and_tables_are_json_in_a_variable() -> None:
    """A whole group can be given as JSON; what is no JSON is text."""
    settings = load({"BOT_HEALTH": '{"port": 1, "host": "localhost"}', "BOT_PREFIX": "{"})
    assert (settings.health.port, settings.health.host, settings.prefix) == (1, "localhost", "{")


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"BOT_PREFIXX": "?"}, "BOT_PREFIXX: there is no setting 'prefixx'; did you mean 'prefix'?"),
        ({"BOT_PORT": "1"}, "BOT_PORT: there is no setting 'port'; did you mean 'health.port'?"),
        ({"BOT_HEALTH__PROT": "1"}, "did you mean 'health.port'?"),
        ({"BOT_QWXZ": "1"}, "`python -m reference check --settings` lists all"),
        ({"BOT_PREFIX__X": "1"}, "BOT_PREFIX__X: prefix is one value and has no part 'x'"),
        ({"BOT_HEALTH": "on"}, "BOT_HEALTH: health is a group of settings; name one of them: enabled, host"),
        ({"BOT_HEALTH__PORT": "99999"}, "BOT_HEALTH__PORT: input should be less than or equal to 65535"),
        ({"HEALTH_API_PORT": "many"}, "HEALTH_API_PORT: input should be a valid integer"),
        ({"HEALTH_SERVICE_URL": "ftp://x"}, "HEALTH_SERVICE_URL: give an address such as http://127.0.0.1:8082"),
        ({"BOT_AI__ENDPOINT__MODEL": "m"}, "ai.endpoint.base_url: field required"),
    ],
)
def test_what_cannot_be_used_is_said_with_its_place(environment: dict[str, str], said: str) -> None:
    """A mistake is told with the variable that it stands in, and with what to do."""
    assert said in refusal(environment)


def test_all_unknown_names_are_told_at_once() -> None:
    """Two mistakes are two lines."""
    assert len(refusal({"BOT_A": "1", "BOT_B": "2"}).splitlines()) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"prefix = ", "it is no TOML"),
        (b"\xff\xfe", "it cannot be read"),
        (b"[health]\ncolour = 1\n", "health.colour: there is no setting 'health.colour'"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    """What is wrong with a file is told with its name."""
    file = tmp_path / "bot.toml"
    file.write_bytes(content)
    told = refusal({}, file)
    assert said in told
    assert str(file) in told


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    """A file that the command line names must be there."""
    assert "there is no such file" in refusal({}, tmp_path / "none.toml")


def test_secrets_are_shown_nowhere() -> None:
    """Neither the settings, nor a refusal of others, nor one of the secret itself shows a secret."""
    settings = load({"DISCORD_TOKEN": SECRET, "SENTRY_DSN": SECRET, "BOT_AUDIT_KEY": SECRET})
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump_json()}"
    assert SECRET not in refusal({"DISCORD_TOKEN": SECRET, "BOT_HEALTH__PORT": "x"})
    assert SECRET not in refusal({"BOT_TOKEN": f'["{SECRET}"]'})
