"""The bot's settings: typed and checked; where they come from is told by `reference.config_source`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from yarl import URL

from .cogs.ai.config import AISettings
from .cogs.links.config import LinksSettings
from .cogs.music.config import MusicSettings

__all__ = ["AlertSettings", "HealthSettings", "LimitSettings", "SentrySettings", "Settings", "WatchSettings"]

Seconds = Annotated[float, Field(gt=0, le=3600)]
Port = Annotated[int, Field(ge=0, le=65535)]


def _is_service(text: str) -> str:
    """Refuse what is no address of a service."""
    url = URL(text)
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError("give an address such as http://127.0.0.1:8082")
    return text.rstrip("/")


ServiceUrl = Annotated[str, AfterValidator(_is_service)]


class Part(BaseModel):
    """A part of the settings: it never changes, and has no names but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class HealthSettings(Part):
    """The health page.

    Attributes:
        enabled: whether there is one.
        host: the address that it listens at; this machine alone unless told otherwise.
        port: 0 lets the operating system choose.
        token: what others than this machine must show.
        service_url: the optional side service that keeps metrics; None for none.
    """

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Port = 8080
    token: SecretStr | None = None
    service_url: ServiceUrl | None = None


class AlertSettings(Part):
    """Alerts to the operator.

    Attributes:
        webhook_url: a webhook of Discord; None for no alerts.
        cooldown_seconds: for how long the same alert is not repeated.
    """

    webhook_url: SecretStr | None = None
    cooldown_seconds: Annotated[float, Field(ge=0, le=86_400)] = 300.0


class SentrySettings(Part):
    """Reports to Sentry.

    Attributes:
        dsn: where to; None for no reports.
        environment: what the reports are filed under.
        sample_rate: the share of errors that is reported.
    """

    dsn: SecretStr | None = None
    environment: str = "production"
    sample_rate: Annotated[float, Field(ge=0, le=1)] = 1.0


class LimitSettings(Part):
    """How much one person may ask for.

    Attributes:
        commands: commands within `command_seconds`.
        command_seconds: the window.
    """

    commands: Annotated[int, Field(ge=1, le=10_000)] = 20
    command_seconds: Seconds = 20.0


class WatchSettings(Part):
    """How the bot watches itself, and how it ends.

    Attributes:
        stuck_seconds: silence of the event loop after which it is reported, with what it was doing.
        end_seconds: silence after which the process ends, so that whatever runs it can start it anew; 0 for never.
        drain_seconds: how long commands that run may go on when the bot is told to end.
        first_pause: seconds before the first restart after a failure; each further one is twice as long.
        longest_pause: seconds between two restarts at most.
        steady_seconds: how long the bot must run for its failures to be forgotten.
        restarts: failures in a row after which the bot gives up.
    """

    stuck_seconds: Seconds = 10.0
    end_seconds: Annotated[float, Field(ge=0, le=86_400)] = 120.0
    drain_seconds: Annotated[float, Field(ge=0, le=600)] = 10.0
    first_pause: Annotated[float, Field(ge=0, le=600)] = 2.0
    longest_pause: Annotated[float, Field(ge=0, le=3600)] = 120.0
    steady_seconds: Seconds = 300.0
    restarts: Annotated[int, Field(ge=0, le=1000)] = 10


class Settings(Part):
    """What an operator decides.

    Attributes:
        token: the bot's token on Discord; a secret, never shown. Without one the bot runs on a local Discord.
        data: the folder of everything the bot keeps.
        prefix: what begins a text command where a guild chose nothing else.
        log_level: the least that is logged.
        sync: when Discord is told the commands: when they changed, at every start, or by `/admin sync` alone.
        shards: how many; None lets Discord say.
        music_folder: local files that everybody may play; None for `music` in the folder of data.
        audit_key: with it nobody who can write to the bot's files can make its audit log anew.
        audit_anchor: a file, best on another disk, that tells where the audit log ends.
    """

    token: SecretStr | None = None
    data: Path = Path("data")
    prefix: Annotated[str, Field(min_length=1, max_length=10)] = "!"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    sync: Literal["changed", "always", "never"] = "changed"
    shards: Annotated[int, Field(ge=1, le=10_000)] | None = None
    music_folder: Path | None = None
    audit_key: SecretStr | None = None
    audit_anchor: Path | None = None
    health: HealthSettings = HealthSettings()
    alerts: AlertSettings = AlertSettings()
    sentry: SentrySettings = SentrySettings()
    limits: LimitSettings = LimitSettings()
    watch: WatchSettings = WatchSettings()
    ai: AISettings = AISettings()
    links: LinksSettings = LinksSettings()
    music: MusicSettings = MusicSettings()

    @property
    def database(self) -> Path:
        """The file of the database."""
        return self.data / "bot.db"

    @property
    def exports(self) -> Path:
        """The folder of exported files."""
        return self.data / "db_export"

    @property
    def logs(self) -> Path:
        """The folder of logs."""
        return self.data / "logs"

    @property
    def media(self) -> Path:
        """The folder of music and pictures that the operator provides."""
        return self.music_folder or self.data / "music"

    @property
    def audit(self) -> Path:
        """The file of the audit log."""
        return self.data / "audit.db"

    @property
    def lock(self) -> Path:
        """The file that one process at a time holds."""
        return self.data / "bot.lock"
