"""The parsers of the harness: any change of any text survives being written as a patch, and no input breaks them."""

from __future__ import annotations

import difflib
import tempfile
from pathlib import Path

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from harness import fuzzers, patch, register, variant

FUZZ = fuzzer(__file__)
NAME = "utils/a.py"

lines = st.lists(
    st.sampled_from(
        ["", "    x = 1", "def f():", "-", "+", "--- a/b", "+++ b/c", "@@ -1 +1 @@", "\\", " ", "\t", "\x0c"]
    )
    | st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=8),
    max_size=12,
)
HEADER = "Title: t\nExpect: fail\nReason: r\n"


def written(before: list[str], after: list[str]) -> str:
    """Return the change as a unified diff with a header."""
    changed = difflib.unified_diff(
        [f"{line}\n" for line in before], [f"{line}\n" for line in after], f"a/{NAME}", f"b/{NAME}"
    )
    return HEADER + "".join(changed)


@FUZZ.tries
@given(before=lines, after=lines, is_windows=st.booleans())
def test_a_change_survives(*, before: list[str], after: list[str], is_windows: bool) -> None:
    """What a patch was made of comes out when it is applied, whatever the lines look like and how they end."""
    if before == after or not before or not after:
        return
    text = written(before, after)
    end = "\r\n" if is_windows else "\n"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, NAME)
        file.parent.mkdir()
        file.write_bytes("".join(line + end for line in before).encode())
        change = patch.parse(text.replace("\n", end) if is_windows else text)
        change.apply(Path(folder))
        found = file.read_bytes().decode().replace("\r\n", "\n")
    assert found == "".join(f"{line}\n" for line in after), f"the patch made {found!r}"


def wild(rows: list[str]) -> str:
    """Return a text of lines."""
    return "\n".join(rows)


@FUZZ.tries
@given(text=st.text() | lines.map(wild) | st.tuples(lines, lines).map(lambda both: written(*both)[:-3]))
def test_no_text_breaks_the_patch_parser(*, text: str) -> None:
    """Any text is a patch or is refused as none."""
    try:
        patch.parse(text)
    except ValueError:
        return


@FUZZ.tries
@given(text=st.text() | lines.map(wild), name=st.sampled_from(["audited", "lookalike-x", "suggested", "other"]))
def test_no_file_breaks_the_variant_parser(*, text: str, name: str) -> None:
    """Any file is a variant or is refused as none."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"{name}.patch")
        file.write_bytes((HEADER + text).encode("utf-8", "surrogatepass"))
        try:
            variant.load(file)
        except variant.VariantError:
            return


words = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words.filter(bool), inner, max_size=3),
    max_leaves=6,
)
KEYS = "F01 F02 F99 f1 title severity unit symbols state cwe budget guards"
keys = st.sampled_from(KEYS.split())
tables = st.dictionaries(keys, values | st.dictionaries(keys, values, max_size=6), max_size=4)


@FUZZ.tries
@given(table=tables, cut=st.integers(0, 5))
def test_no_table_breaks_the_registers(*, table: dict[str, object], cut: int) -> None:
    """Any TOML file, whole or cut short, is a register and a table of fuzzers, or is refused as such."""
    text = tomli_w.dumps(table)
    with tempfile.TemporaryDirectory() as folder:
        for name, load in (("findings.toml", register.load), ("fuzzers.toml", lambda path: fuzzers.table(path.parent))):
            file = Path(folder, name)
            file.write_text(text[: len(text) - cut], encoding="utf-8")
            try:
                load(file)
            except (register.RegisterError, fuzzers.TeethError):
                continue
