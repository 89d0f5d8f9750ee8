"""The Docker file says what the program that carries it out takes for granted, and what the bot does by default."""

from __future__ import annotations

import json

import pytest

from harness.project import HOME
from reference.config_source import load
from tests.packaging.image import instructions, let_through
from tests.packaging.installed import health_check

STEPS = instructions((HOME / "Dockerfile").read_text(encoding="utf-8"))


def told(word: str) -> list[str]:
    """Return the arguments of each instruction of a kind."""
    return [rest for name, rest in STEPS if name == word]


def test_the_image_starts_the_bot_as_it_is_tried() -> None:
    """What the image runs is `python -m reference run --no-browser`, which is what is started to try it."""
    (entry,), (command,) = told("ENTRYPOINT"), [rest for name, rest in STEPS if name == "CMD"]
    assert [*json.loads(entry), *json.loads(command)] == ["python", "-m", "reference", "run", "--no-browser"]


def test_the_health_check_asks_where_the_bot_answers() -> None:
    """The health check asks the bot's own address and port, as they are without settings, whether it is alive."""
    health = load({}).health
    assert f"'http://{health.host}:{health.port}/health/live'" in health_check(HOME / "Dockerfile")[-1]


def test_lines_that_are_continued_are_one_instruction() -> None:
    """A command over several lines is one, and a comment is none."""
    text = "# hadolint ignore=DL3008\nRUN one \\\n    && two\nENV A=1 \\\n    B=2\n"
    assert instructions(text) == [("RUN", "one && two"), ("ENV", "A=1 B=2")]


def test_an_ignore_file_names_what_goes_through() -> None:
    """All is ignored but what is named; a file that begins otherwise is refused."""
    assert let_through("*\n!harness\n!LICENSE\n**/__pycache__\n") == ["harness", "LICENSE"]
    with pytest.raises(ValueError, match="begin with"):
        let_through("docs\n")


def test_what_the_build_copies_is_let_through() -> None:
    """Every source that a COPY names is there and is sent to the engine."""
    allowed = let_through((HOME / ".dockerignore").read_text(encoding="utf-8"))
    sources = {name for rest in told("COPY") if not rest.startswith("--from") for name in rest.split()[:-1]}
    assert sources == set(allowed)
    assert [name for name in sources if not (HOME / name).exists()] == []
