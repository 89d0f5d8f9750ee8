"""The text behind GitHub's pages."""

from __future__ import annotations

import pytest
from yarl import URL

from reference.utils.web.github import plain_text_of

RAW = "https://raw.githubusercontent.com"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("https://github.com/owner/name", f"{RAW}/owner/name/HEAD/README.md"),
        ("https://github.com/owner/name/", f"{RAW}/owner/name/HEAD/README.md"),
        ("https://www.github.com/owner/name.git", f"{RAW}/owner/name/HEAD/README.md"),
        ("https://github.com./owner/name", f"{RAW}/owner/name/HEAD/README.md"),
        ("https://github.com/own%2Fer/na%20me", f"{RAW}/own%2Fer/na%20me/HEAD/README.md"),
        ("https://gist.github.com/own%2Fer/0123abc", "https://gist.github.com/own%2Fer/0123abc/raw"),
        ("https://github.com/owner/name/blob/main/a/b%20c.py#L3", f"{RAW}/owner/name/main/a/b%20c.py"),
        ("https://github.com/owner/name/raw/v1/a.txt?raw=1", f"{RAW}/owner/name/v1/a.txt"),
        ("https://gist.github.com/owner/0123abc", "https://gist.github.com/owner/0123abc/raw"),
    ],
)
def test_files_repositories_and_gists_have_a_text(page: str, text: str) -> None:
    """The page of a file, a repository or a gist leads to its text."""
    assert plain_text_of(URL(page)) == URL(text)


@pytest.mark.parametrize(
    "page",
    [
        "https://github.com/",
        "https://github.com/owner",
        "https://github.com/topics/python",
        "https://github.com/owner/name/issues/1",
        "https://github.com/owner/name/blob/main",
        "https://gist.github.com/owner",
        "http://github.com/owner/name",
        "https://github.com:8443/owner/name",
        "https://github.com.evil.example/owner/name",
        "https://evilgithub.com/owner/name",
        "https://api.github.com/owner/name",
        "https://github.com.:8443/owner/name",
        "https://example.com/github.com/owner/name",
    ],
)
def test_other_pages_and_other_hosts_are_left_alone(page: str) -> None:
    """Pages of other kinds, and hosts that only look like GitHub, get no special treatment."""
    assert plain_text_of(URL(page)) is None
