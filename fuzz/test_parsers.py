"""The parsers of the harness: any change of any text survives being written as a patch, and no input breaks them."""

from __future__ import annotations

import difflib
import json
import sys
import tempfile
import tomllib
from pathlib import Path
from unittest import mock

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from fuzz.targets import loaded, patched
from harness import cache, evidence, expectations, fuzzers, patch, promote, register, runner, teeth, variant
from harness.project import Project
from harness.status import Status

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


names = st.sampled_from([NAME, "utils", "utils/b.py", "utils/a.py/c", "", ".", "..", "a" * 300, "\x00", "/etc", "nul:"])
made = st.tuples(lines, lines, names).map(lambda drawn: written(drawn[0], drawn[1]).replace(NAME, drawn[2]))


@FUZZ.tries
@given(text=st.text() | lines.map(wild) | made | made.map(lambda text: text[:-3]), content=st.binary(max_size=9))
def test_no_text_breaks_the_patch_parser(*, text: str, content: bytes) -> None:
    """Any text is a patch or is refused as none; any patch changes a tree, or says why not and leaves all as it was."""
    patched(text, content)


patterns = st.sampled_from(["(", "a{99999999999}", "(?P<a>a)(?P<a>a)", "(" * 3000, "[[:a:]]", "\\"]) | st.text(
    max_size=9
)


@FUZZ.tries
@given(
    text=(st.text() | lines.map(wild) | made).map(str.encode) | st.binary(),
    pattern=patterns,
    name=st.sampled_from(["audited", "lookalike-x", "suggested", "other"]),
)
def test_no_file_breaks_the_variant_parser(*, text: bytes, pattern: str, name: str) -> None:
    """Any file is a variant or is refused as none."""
    header = f"Title: t\nExpect: fail\nReason: {pattern}\n".encode("utf-8", "replace")
    loaded(variant.load, variant.VariantError, f"{name}.patch", header + text)


DEPTHS = st.sampled_from([1, 900, 5000])
words = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words.filter(bool), inner, max_size=3),
    max_leaves=6,
)
KEYS = "F01 F02 F99 f1 title severity unit symbols state cwe budget guards"
keys = st.sampled_from(KEYS.split())
tables = st.dictionaries(keys, values | st.dictionaries(keys, values, max_size=6), max_size=4)


def nested(sign: str, depth: int) -> bytes:
    """Return brackets within brackets."""
    return (b"a = " if sign == "toml" else b"") + b"[" * depth


@FUZZ.tries
@given(
    content=tables.map(tomli_w.dumps).map(str.encode) | st.binary() | st.builds(nested, st.just("toml"), DEPTHS),
    cut=st.integers(0, 5),
)
def test_no_table_breaks_the_registers(*, content: bytes, cut: int) -> None:
    """Any file, whole or cut short, is a register, a table of fuzzers and a list of known failures, or is refused."""
    kept = content[: len(content) - cut]
    loaded(register.load, register.RegisterError, "findings.toml", kept)
    loaded(lambda path: fuzzers.table(path.parent), fuzzers.TeethError, "fuzzers.toml", kept)
    loaded(lambda path: expectations.load(path, {}), expectations.ExpectationError, "expected.toml", kept)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def changed(draw: st.DrawFn, original: object) -> object:
    """Return a value in which parts may be other ones, or be missing."""
    if draw(st.integers(0, 19)) == 19:
        return draw(json_values)
    if isinstance(original, dict):
        kept = {key: draw(changed(each)) for key, each in original.items() if draw(st.integers(0, 19)) < 19}
        return kept | draw(st.dictionaries(st.text(max_size=3), json_values, max_size=1) if kept else st.just({}))
    if isinstance(original, list):
        return [draw(changed(each)) for each in original]
    return original


def documents(original: object) -> st.SearchStrategy[bytes]:
    """Return files that nearly hold a document."""
    whole = changed(original).map(json.dumps).map(lambda text: text.encode("utf-8", "replace"))
    return st.one_of(
        whole, whole.map(lambda content: content[:-2]), st.binary(), st.builds(nested, st.just(""), DEPTHS)
    )


PROOF = {"kind": "audited", "title": "t", "expected": "fail", "status": "fail", "others": {"F02": "fail"}, "faults": []}
ROW = {"fingerprint": "f", "reference": "pass", "variants": {"audited": PROOF}, "faults": []}
EVIDENCE = {"schema": 1, "platform": "linux", "python": "3.11", "findings": {"F01": ROW}}
BITE = {"status": "fail", "test": "t", "tried": 3, "reason": "r", "is_right": True}
TEETH = {"schema_": 1, "platform": "linux", "python": "3.11"}
TEETH |= {"fuzzers": {"a": {"budget": 1, "fingerprint": "f", "trees": {"F01/audited": BITE}}}}


@FUZZ.tries
@given(content=documents(EVIDENCE) | documents(TEETH))
def test_no_file_breaks_the_evidence(*, content: bytes) -> None:
    """Any file is evidence, or is refused as none; evidence is the same once it was written again."""
    found = loaded(evidence.load, evidence.EvidenceError, "linux-3.11.json", content)
    if found is not None:
        with tempfile.TemporaryDirectory() as folder:
            assert evidence.load(evidence.save(Path(folder), found)) == found
    loaded(teeth.load, fuzzers.TeethError, "linux-3.11.json", content)


FAILURE = {"file": "test_a.py", "test": "test_a", "message": "m", "schedule": "1:2", "arguments": {"value": "[1, 'a']"}}
literals = st.sampled_from(["{[]: 1}", "f()", "(" * 500, "\x00", "1_", "'\\ud800'", "\ud800", "", "b'a'"])


@FUZZ.tries
@given(
    content=documents(FAILURE) | literals.map(lambda text: json.dumps(FAILURE | {"arguments": {"a": text}}).encode())
)
def test_no_file_breaks_promotion(*, content: bytes) -> None:
    """Any file becomes a case, which is read again as it was, or is refused and leaves the cases as they are."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        project.fuzz.mkdir()
        failure = Path(folder, "a-failure.json")
        failure.write_bytes(content)
        try:
            promote.promote(project, failure, "name")
        except promote.PromoteError:
            assert list(project.fuzz.iterdir()) == []
            return
        case = tomllib.loads((project.fuzz / "cases.toml").read_text(encoding="utf-8"))["name"]
        assert case == {key: value for key, value in json.loads(content).items() if value is not None}


START, RESULT = {"event": "start", "test": "t"}, {"event": "result", "test": "t", "status": "fail", "reason": "r"}
END = {"event": "end", "root": "/r", "notes": ["n"], "fault": ""}
events = st.sampled_from([START, RESULT, {**RESULT, "status": "skip"}, END]).flatmap(documents)


@FUZZ.tries
@given(rows=st.lists(events, max_size=4), code=st.none() | st.integers(-70, 300), log=st.text(max_size=9))
def test_no_report_of_a_worker_breaks_the_judge(*, rows: list[bytes], code: int | None, log: str) -> None:
    """Whatever a worker leaves behind, there is a verdict of one of the statuses, with a reason that is a text."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "events")
        file.write_bytes(b"\n".join([*rows, b""]))
        verdict = runner.verdict_of(runner.read_events(file), None if code is not None else 1.0, code, log)
    assert isinstance(verdict.status, Status)
    assert isinstance(verdict.reason + verdict.test, str)


PYTHON = runner.Interpreter(sys.executable, sys.version_info[:2], "linux")
STORED = {"status": "pass", "reason": "", "test": "t", "touched": ["utils/a.py"], "notes": []}
ENTRY = {"base": "b", "read": {"utils/a.py": "1"}, "verdict": STORED}


@FUZZ.tries
@given(content=documents([ENTRY, ENTRY]))
def test_no_file_breaks_the_cache(*, content: bytes) -> None:
    """Whatever stands in the cache, it holds a verdict or none, and takes a new one."""
    with tempfile.TemporaryDirectory() as folder, mock.patch("importlib.metadata.distributions", list):
        project = Project(Path(folder))
        kept = cache.VerdictCache(project, PYTHON, lambda _judge: "hash")
        verdict = runner.Verdict(Status.PASS, "", "t", touched=("utils/a.py",))
        file = project.cache / PYTHON.tag / "F01.json"
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
        assert kept.get("F01", {"utils/a.py": "1"}) is None
        kept.put("F01", {"utils/a.py": "1"}, verdict)
        assert cache.VerdictCache(project, PYTHON, lambda _judge: "hash").get("F01", {"utils/a.py": "1"}) == verdict
