"""What is stored comes back to the letter, within its limits, and what is refused says why."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reference.utils.database import database as module
from reference.utils.database.ai_history import ROLES
from reference.utils.database.database import Database, UnknownSettingError, UnknownStatError
from reference.utils.database.guild_settings import SETTINGS
from reference.utils.database.user_stats import STATS
from reference.utils.timestamps import parse_utc, utc_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


async def only_row(database: Database, table: str) -> dict[str, Any]:
    """Return the row of a table that has one."""
    (row,) = await database.read(lambda raw: raw.execute(f"SELECT * FROM {table}").fetchall())  # noqa: S608  ours
    return dict(row)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a text of one's own", "a text of one's own"),
        (datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "2026-01-02T03:04:05.000006Z"),
    ],
)
async def test_a_message_is_kept_with_all_that_is_known_of_it(
    database: Database, given: datetime | str, kept: str
) -> None:
    """Who said what where and when, and Discord's number of it, come back as they were given."""
    number = await database.save_ai_message(5, 1, "assistant", "hello", message_id=99, timestamp=given)
    whole = {"channel_id": 5, "user_id": 1, "role": "assistant", "content": "hello", "message_id": 99}
    await database.save_ai_messages_batch([{**whole, "timestamp": given}])
    first, second = await database.get_ai_history(5)
    assert first == {"id": number, **whole, "timestamp": kept}
    assert second == {**first, "id": number + 1}


async def test_a_message_without_a_time_is_of_now(database: Database) -> None:
    """What has no time was said when it was saved; user and number may be missing."""
    before = datetime.now(UTC)
    await database.save_ai_message(5, None, "model", "hello")
    await database.save_ai_messages_batch([{"channel_id": 5, "role": "system", "content": ""}] * 40)
    first, *batch = await database.get_ai_history(5)
    assert len({row["timestamp"] for row in batch}) == 1, "a batch is said at one moment"
    for row in (first, *batch):
        assert before <= parse_utc(row["timestamp"]) <= datetime.now(UTC)
        assert (row["user_id"], row["message_id"]) == (None, None)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ({}, r"^a message of the history needs channel_id and role and content$"),
        ({"channel_id": 5, "content": "x"}, r"^a message of the history needs role$"),
        ({"channel_id": 5, "role": "user"}, r"^a message of the history needs content$"),
        ({"role": "user", "content": "x"}, r"^a message of the history needs channel_id$"),
        (
            {"channel_id": 5, "role": "ghost", "content": "x"},
            r"^there is no role 'ghost'; there are: user, assistant, model, system$",
        ),
    ],
)
async def test_what_a_message_lacks_is_named(database: Database, message: Mapping[str, Any], says: str) -> None:
    """The error lists what is missing, or the roles that there are."""
    assert ROLES == ("user", "assistant", "model", "system")
    with pytest.raises(ValueError, match=says):
        await database.save_ai_messages_batch([message])


async def test_what_stays_is_what_was_asked_for(database: Database) -> None:
    """Pruning and reading count from the newest, and a number below zero is none."""
    await database.save_ai_messages_batch(
        {"channel_id": channel, "role": "user", "content": str(number)} for channel in (5, 6) for number in range(4)
    )
    assert [row["content"] for row in await database.get_ai_history(5, 1)] == ["3"]
    assert await database.prune_ai_history(5, 3) == 1
    assert [row["content"] for row in await database.get_ai_history(5)] == ["1", "2", "3"]
    assert await database.prune_ai_history(5, -1) == 3
    assert len(await database.get_ai_history(6)) == 4
    assert await database.delete_ai_history(7) == 0


async def test_an_audit_entry_is_kept_to_the_letter(database: Database) -> None:
    """Each id has its place, missing ones stay missing, and details are stored with their keys in order."""
    assert await database.log_audit("ban", 7, 1, 2, {"b": 1, "a": "é"}) == 1
    row = await only_row(database, "audit_log")
    assert (row["guild_id"], row["user_id"], row["target_id"], row["action_type"]) == (7, 1, 2, "ban")
    assert row["details"] == '{"a":"é","b":1}'
    assert await database.log_audit("note") == 2
    newest = (await database.get_audit_logs())[0]
    assert (newest["id"], newest["details"], newest["guild_id"], newest["user_id"]) == (2, {}, None, None)
    assert newest["target_id"] is None


async def date_back(database: Database, age: timedelta) -> None:
    """Let all entries of the audit log be of some time ago."""
    moment = utc_text(datetime.now(UTC) - age)
    await database.write(lambda raw: raw.execute("UPDATE audit_log SET timestamp = ?", (moment,)))


@pytest.mark.parametrize(("age", "is_found"), [(timedelta(days=6.9), True), (timedelta(days=7.1), False)])
async def test_the_audit_log_is_of_a_week(database: Database, age: timedelta, is_found: bool) -> None:
    """Without a choice the last seven days are returned; a fraction of a day counts, and so do all days there are."""
    await database.log_audit("ban", 7)
    await date_back(database, age)
    assert bool(await database.get_audit_logs()) is is_found
    assert await database.get_audit_logs(days=0.5) == []
    for all_days in (None, 10**6, 10**9, float("inf")):
        assert len(await database.get_audit_logs(days=all_days)) == 1
    for none_yet in (-1, -(10**9)):
        assert await database.get_audit_logs(days=none_yet) == []
    assert await database.get_audit_logs(days=None, limit=-1) == []
    assert await database.get_audit_logs(days=None, guild_id=8) == []
    assert await database.get_audit_logs(days=None, action_type="kick") == []


@pytest.fixture(params=["EAST-14", "WEST+12"])
def far_from_utc(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock on the wall is half a day off UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.posix("Windows has one time zone for all processes")
@pytest.mark.usefixtures("far_from_utc")
async def test_days_are_counted_alike_everywhere(database: Database) -> None:
    """A week is a week, whatever the time zone of the machine."""
    await database.log_audit("ban", 7)
    for age, found in ((timedelta(days=6.9), 1), (timedelta(days=7.1), 0)):
        await date_back(database, age)
        assert len(await database.get_audit_logs()) == found


async def test_an_audit_log_of_a_hundred_is_a_page(database: Database) -> None:
    """Of many entries the newest hundred are returned unless another number is asked for."""
    for _ in range(101):
        await database.log_audit("ban", 7)
    page = [row["id"] for row in await database.get_audit_logs()]
    assert page == list(range(101, 1, -1))


async def test_an_error_is_kept_with_its_place(database: Database) -> None:
    """Of a long traceback the end is kept; where, by whom and with what stay beside it."""
    trace = "begin" + "x" * 15_997 + "end"
    await database.log_error("ValueError", "wrong", trace, 7, 1, "play")
    row = await only_row(database, "error_log")
    assert row["traceback"] == trace[-16_000:]
    assert (row["error_type"], row["message"]) == ("ValueError", "wrong")
    assert (row["guild_id"], row["user_id"], row["command"], row["occurrences"]) == (7, 1, "play", 1)
    assert row["first_seen"] == row["last_seen"]


@pytest.mark.parametrize(
    "other",
    [
        {"error_type": "KeyError"},
        {"message": "another"},
        {"traceback": "elsewhere"},
        {"traceback": None},
        {"guild_id": 8},
        {"user_id": None},
        {"command": "stop"},
    ],
)
async def test_another_error_is_another_row(database: Database, other: dict[str, Any]) -> None:
    """Errors that differ in anything are not counted together."""
    known: dict[str, Any] = {"error_type": "ValueError", "message": "wrong", "traceback": "here"}
    known |= {"guild_id": 7, "user_id": 1, "command": "play"}
    for error in (known, known | other, known):
        await database.log_error(**error)
    assert [row["occurrences"] for row in await database.get_errors()] == [2, 1]


@pytest.mark.parametrize(("age", "rows"), [(timedelta(minutes=59), 1), (timedelta(minutes=61), 2)])
async def test_an_error_of_an_hour_ago_is_a_new_one(database: Database, age: timedelta, rows: int) -> None:
    """The same error is counted within an hour of its last time, and noted anew later."""
    await database.log_error("ValueError", "wrong")
    moment = utc_text(datetime.now(UTC) - age)
    await database.write(lambda raw: raw.execute("UPDATE error_log SET last_seen = ?", (moment,)))
    await database.log_error("ValueError", "wrong")
    errors = await database.get_errors()
    assert len(errors) == rows
    assert parse_utc(errors[0]["last_seen"]) > datetime.now(UTC) - timedelta(minutes=1)


async def test_errors_come_in_pages_of_fifty(database: Database) -> None:
    """The errors seen last are returned, as many as asked for; a number below zero is none."""
    for number in range(51):
        await database.log_error("ValueError", str(number))
    assert [row["message"] for row in await database.get_errors()] == [str(number) for number in range(50, 0, -1)]
    assert [row["message"] for row in await database.get_errors(1)] == ["50"]
    assert await database.get_errors(-1) == []


async def test_a_counter_takes_whole_numbers_of_a_sensible_size(database: Database) -> None:
    """Amounts up to 2**53 are added as they are, one by default; fractions, larger ones and infinity are refused."""
    await database.increment_user_stat(1, 7, "voice_seconds", 2**53)
    await database.increment_user_stat(1, 7, "voice_seconds", -(2**53))
    await database.increment_user_stat(1, 7, "messages_count")
    for wrong in (2**53 + 1, -(2**53) - 1, 1.5, float("inf"), float("-inf")):
        with pytest.raises(ValueError, match=r"^voice_seconds is counted in whole numbers up to 2\*\*53, not "):
            await database.increment_user_stat(1, 7, "voice_seconds", wrong)  # type: ignore[arg-type]
    stats = await database.get_user_stats(1, 7)
    assert (stats["user_id"], stats["guild_id"], stats["messages_count"], stats["voice_seconds"]) == (1, 7, 1, 0)
    assert stats["first_seen"] <= stats["last_active"]


async def test_a_member_never_seen_has_zeros(database: Database) -> None:
    """Every counter is there, and none was counted."""
    assert await database.get_user_stats(9, 7) == {
        "user_id": 9,
        "guild_id": 7,
        **dict.fromkeys(STATS, 0),
        "first_seen": None,
        "last_active": None,
    }


async def test_the_first_ten_are_ranked(database: Database) -> None:
    """The highest counters of one guild come first, equal ones by the member's number, ten unless told otherwise."""
    for user in range(1, 13):
        await database.increment_user_stat(user, 7, "messages_count", 5 if user == 12 else 1)
    await database.increment_user_stat(50, 8, "messages_count", 9)
    top = [row["user_id"] for row in await database.get_top_users(7, "messages_count")]
    assert top == [12, *range(1, 10)]
    assert [row["user_id"] for row in await database.get_top_users(7, "messages_count", 1)] == [12]
    assert await database.get_top_users(7, "messages_count", -1) == []


async def test_every_setting_is_kept_and_has_a_default(database: Database) -> None:
    """Values at both ends of their limits are kept as what they are; the next ones are refused in a sentence."""
    assert await database.get_guild_settings(7) == {
        "guild_id": 7,
        **{name: setting.default for name, setting in SETTINGS.items()},
    }
    for name, setting in SETTINGS.items():
        if setting.limits is None:
            continue
        for value in setting.limits:
            await database.save_guild_settings(7, **{name: value})
            kept = (await database.get_guild_settings(7))[name]
            assert (kept, type(kept)) == (value, setting.kind)
        with pytest.raises(ValueError, match=rf"^the setting {name} is from 0 to \S+, not -1$"):
            await database.save_guild_settings(7, **{name: -1})
    for name in ("ai_enabled", "mode_247"):
        await database.save_guild_settings(7, **{name: not SETTINGS[name].default})
        assert (await database.get_guild_settings(7))[name] is (not SETTINGS[name].default)
    with pytest.raises(ValueError, match=r"^the setting prefix is of type str, not int$"):
        await database.save_guild_settings(7, prefix=5)


async def test_unknown_names_say_all_that_there_are() -> None:
    """The error of a wrong name is a sentence with every name that would be right."""
    with pytest.raises(UnknownSettingError) as setting:
        await Database().save_guild_settings(7, prefx="?")
    assert str(setting.value) == f"there is no setting 'prefx'; there are: {', '.join(SETTINGS)}"
    with pytest.raises(UnknownStatError) as stat:
        await Database().get_top_users(7, "mesages")
    assert str(stat.value) == f"there is no counter 'mesages'; there are: {', '.join(STATS)}"


async def test_queues_of_guilds_are_apart(database: Database) -> None:
    """Saving and emptying the queue of one guild leaves that of another."""
    await database.save_music_queue(7, [{"title": str(number)} for number in range(12)])
    await database.save_music_queue(8, [{"title": "other"}])
    assert [track["title"] for track in await database.load_music_queue(7)] == [str(number) for number in range(12)]
    assert await database.clear_music_queue(7) == 12
    assert await database.load_music_queue(8) == [{"title": "other"}]


async def test_a_settings_file_is_named_after_its_guild(database: Database) -> None:
    """The file of a guild's settings is due until it is written, and says what this guild set."""
    await database.save_guild_settings(7, language="de")
    await database.export_guild_settings(7)
    assert database.exporter.pending == ["guild_settings_7.json"]
    await database.flush_pending_exports()
    assert database.exporter.pending == []
    file = module.EXPORT_DIR / "guild_settings_7.json"
    assert json.loads(file.read_bytes()) == await database.get_guild_settings(7)
    assert json.loads(file.read_bytes())["language"] == "de"


async def test_a_file_that_cannot_be_opened_is_unhealthy(
    database: Database, tmp_path: object, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says what SQLite said, once for each look."""
    good, database.db_path = database.db_path, str(tmp_path)
    assert await database.health_check() is False
    assert [record.getMessage() for record in caplog.records if "answer" in record.getMessage()] == [
        "the database does not answer: unable to open database file"
    ]
    database.db_path = good
    assert await database.health_check() is True


async def test_retries_are_at_least_one(database: Database) -> None:
    """A connection can be had however few attempts are asked for."""
    for attempts in (-1, 0, 1, 3):
        async with database.get_connection_with_retry(attempts) as connection:
            assert (await connection.execute_fetchall("SELECT 1"))[0][0] == 1


async def test_the_pool_says_how_it_stands(database: Database) -> None:
    """The text of a database names its file and counts what is out and idle."""
    await database.health_check()
    assert repr(database) == f"<Database {database.db_path} <Pool 0 of 16 out, 1 idle>>"
    async with database.get_connection():
        assert repr(database) == f"<Database {database.db_path} <Pool 1 of 16 out, 0 idle>>"
        assert repr(database._get_pool_semaphore()) == "<Slots 15 of 16 free, 0 waiting>"
        assert database._connection_count == 1


async def test_every_connection_has_every_pragma(database: Database) -> None:
    """Whoever opens a connection finds WAL, full syncs, foreign keys and no trust in the schema."""
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "cache_size": -16000}
    wanted |= {"temp_store": 2, "trusted_schema": 0, "busy_timeout": 5000}
    async with database.get_connection() as connection:
        found = {name: (await connection.execute_fetchall(f"PRAGMA {name}"))[0][0] for name in wanted}
    assert found == wanted
    written = await database.write(lambda raw: {name: raw.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted})
    assert written == wanted
