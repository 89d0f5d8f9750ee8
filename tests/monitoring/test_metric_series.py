"""Facts about time series: adding up, bounds, and the text that Prometheus reads."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from reference.utils.monitoring.metric_series import (
    BOUNDS,
    Series,
    SeriesTable,
    counter,
    gauge,
    observation,
    series_from,
)

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,10}", fullmatch=True)
LABELS = st.dictionaries(
    NAMES.filter(lambda name: name != "le" and not name.startswith("__")), st.text(max_size=20), max_size=3
)
SERIES = st.one_of(
    st.builds(counter, NAMES, st.floats(0, 1e9), LABELS),
    st.builds(gauge, NAMES, st.floats(-1e9, 1e9), LABELS),
    st.builds(observation, NAMES, st.floats(0, 100), LABELS),
)


def values(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Read an exposition with Prometheus' own parser."""
    families = text_string_to_metric_families(text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def test_kinds_add_up_in_their_own_way() -> None:
    """Counters and observations are summed, of a gauge the newer level holds."""
    table = SeriesTable()
    table.add(
        counter("hits", 1, {"path": "/"}),
        counter("hits", 2, {"path": "/"}),
        gauge("level", 5, {}),
        gauge("level", 3, {}),
    )
    table.add(*(observation("took", seconds, {}) for seconds in (0.005, 0.3, 99)))
    told = values(table.exposition())
    assert told["hits_total", (("path", "/"),)] == 3
    assert told["level", ()] == 3
    assert (told["took_count", ()], told["took_sum", ()]) == (3, 99.305)
    assert [told["took_bucket", (("le", bound),)] for bound in ("0.005", "0.25", "0.5", "30.0", "+Inf")] == [
        1,
        1,
        2,
        2,
        3,
    ]


@given(st.lists(SERIES, max_size=8))
def test_series_survive_the_way_and_are_read_by_prometheus(series: list[Series]) -> None:
    """What goes over the network comes back equal, and Prometheus' parser reads what the table writes."""
    assert [series_from(each.to_dict()) for each in series] == series
    table = SeriesTable()
    table.add(*series)
    names = {each.name for each in series}
    if not any(f"{name}_total" in names or f"{name}_sum" in names for name in names):
        assert bool(values(table.exposition())) is bool(series)


def test_hostile_labels_stay_in_their_quotes() -> None:
    """Quotes, backslashes and line breaks in a label are escaped."""
    table = SeriesTable()
    table.add(counter("hits", 1, {"who": 'a"b\\c\nd 9'}))
    assert values(table.exposition()) == {("hits_total", (("who", 'a"b\\c\nd 9'),)): 1.0}


def test_a_full_table_drops_and_counts() -> None:
    """Series beyond the limit are dropped and counted; those that are there go on."""
    table = SeriesTable(most=2)
    table.add(*(counter("hits", 1, {"user": user}) for user in "abca"))
    assert (len(table), table.dropped) == (2, 1)
    assert "a" in table.exposition()


def test_a_name_has_one_kind() -> None:
    """A gauge under a counter's name is dropped, until the table was emptied."""
    table = SeriesTable()
    table.add(counter("x", 1, {}), gauge("x", 1, {}))
    assert table.dropped == 1
    assert [series.kind for series in table.drain(10)] == ["counter"]
    table.add(gauge("x", 1, {}))
    assert table.dropped == 1


def test_what_is_put_back_is_older() -> None:
    """A gauge set since the drain keeps its level when the drained ones are put back; counts are added."""
    table = SeriesTable()
    table.add(gauge("level", 1, {}), counter("hits", 1, {}))
    drained = table.drain(10)
    table.add(gauge("level", 2, {}), counter("hits", 1, {}))
    table.put_back(drained)
    assert {series.name: series.value for series in table} == {"level": 2, "hits": 2}


@pytest.mark.parametrize(
    "make",
    [
        lambda: counter("hits", -1, {}),
        lambda: counter("hits", math.inf, {}),
        lambda: gauge("level", math.nan, {}),
        lambda: gauge("no-name", 1, {}),
        lambda: gauge("", 1, {}),
        lambda: gauge("ünï", 1, {}),
        lambda: gauge("level", 1, {"no name": 1}),
        lambda: gauge("level", 1, {"__name__": 1}),
        lambda: observation("took", 1, {"le": 1}),
        lambda: gauge("level", 1, {f"l{n}": n for n in range(9)}),
        lambda: observation("took", math.nan, {}),
    ],
)
def test_impossible_series_are_refused(make: Any) -> None:
    """Names, labels and numbers that Prometheus could not take are a ValueError at the call."""
    with pytest.raises(ValueError, match=r"\w"):
        make()


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {},
        {"kind": "counter", "name": "x", "value": "1"},
        {"kind": "counter", "name": "x", "value": True},
        {"kind": "counter", "name": 3, "value": 1},
        {"kind": "other", "name": "x", "value": 1},
        {"kind": "gauge", "name": "x", "value": 1, "labels": []},
        {"kind": "histogram", "name": "x", "value": 1},
        {"kind": "histogram", "name": "x", "value": 1, "buckets": [-1] * (len(BOUNDS) + 1)},
        {"kind": "histogram", "name": "x", "value": 1, "buckets": [1]},
    ],
)
def test_what_is_no_series_is_refused(entry: object) -> None:
    """Data from the network that are no series are a ValueError."""
    with pytest.raises(ValueError, match=r"series|histogram"):
        series_from(entry)
