"""Reports of errors to Sentry, without secrets; without a DSN, or without sentry_sdk, everything here does nothing.

Whatever is reported passes `scrub_event`, which takes out secrets by name and by shape, wherever they stand: in
messages, breadcrumbs, local variables, headers and addresses. sentry_sdk is imported by `init_sentry`.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, Literal

from .log_context import get_correlation_id
from .redaction import REDACTED, redact

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from types import ModuleType

__all__ = ["add_breadcrumb", "capture_exception", "capture_message", "init_sentry", "is_sentry_enabled", "scrub_event"]

logger = logging.getLogger(__name__)

DSN_VARIABLE = "SENTRY_DSN"
PERSONAL = frozenset({"email", "ip_address", "username", "name", "geo"})
"""What is known about a user beside the id; it is not reported."""

Level = Literal["fatal", "critical", "error", "warning", "info", "debug"]

_sdk: ModuleType | None = None
"""sentry_sdk, once it is set up."""


def init_sentry(
    dsn: str | None = None,
    *,
    environment: str = "production",
    release: str | None = None,
    sample_rate: float = 1.0,
    traces_sample_rate: float = 0.0,
    **options: Any,
) -> bool:
    """Set up the reports.

    Args:
        dsn: where to; None for the environment variable ``SENTRY_DSN``.
        environment: such as ``production``.
        release: the bot's version.
        sample_rate: the share of errors that is reported, 0 to 1.
        traces_sample_rate: the share of operations that is timed, 0 to 1.
        **options: further options of ``sentry_sdk.init``.

    Returns:
        Whether errors are reported from now on.
    """
    global _sdk  # noqa: PLW0603  set up once for the process, as sentry_sdk is
    address = dsn or os.environ.get(DSN_VARIABLE, "")
    if not address.strip():
        return False
    try:
        import sentry_sdk  # noqa: PLC0415  not before it is needed

        scrub: Any = scrub_event
        sentry_sdk.init(
            dsn=address.strip(),
            environment=environment,
            release=release,
            sample_rate=sample_rate,
            traces_sample_rate=traces_sample_rate,
            before_send=scrub,
            before_send_transaction=scrub,
            before_breadcrumb=_scrub_breadcrumb,
            **options,
        )
    except ImportError:
        logger.warning("SENTRY_DSN is set, but sentry_sdk is not installed: errors are not reported")
        return False
    except ValueError as error:
        logger.warning("errors are not reported to Sentry: %s: %s", type(error).__name__, redact(str(error)))
        return False
    _sdk = sentry_sdk
    return True


def is_sentry_enabled() -> bool:
    """Tell whether errors are reported."""
    return _sdk is not None


def capture_exception(
    error: BaseException | None = None,
    *,
    user_id: int | None = None,
    guild_id: int | None = None,
    tags: dict[str, str] | None = None,
    **context: Any,
) -> str | None:
    """Report an exception.

    Args:
        error: what to report; None for the one that is being handled.
        user_id: whose request it was.
        guild_id: where it was made.
        tags: short values to search by.
        **context: anything else that helps, without secrets.

    Returns:
        The id of the report; None where there is none.
    """
    if _sdk is None:
        return None
    with _sdk.new_scope() as scope:
        _describe(scope, user_id, guild_id, tags, context)
        event_id: str | None = _sdk.capture_exception(error)
    return event_id


def capture_message(
    message: str,
    level: Level = "info",
    *,
    user_id: int | None = None,
    guild_id: int | None = None,
    tags: dict[str, str] | None = None,
    **context: Any,
) -> str | None:
    """Report a message.

    Args:
        message: what happened.
        level: how grave it is.
        user_id: whose request it was.
        guild_id: where it was made.
        tags: short values to search by.
        **context: anything else that helps, without secrets.

    Returns:
        The id of the report; None where there is none.
    """
    if _sdk is None:
        return None
    with _sdk.new_scope() as scope:
        _describe(scope, user_id, guild_id, tags, context)
        event_id: str | None = _sdk.capture_message(message, level=level)
    return event_id


def add_breadcrumb(message: str, category: str = "bot", level: Level = "info", **data: Any) -> None:
    """Note what happened, to be reported with an error that comes later.

    Args:
        message: what happened.
        category: where.
        level: how grave it is.
        **data: details, without secrets.
    """
    if _sdk is not None:
        _sdk.add_breadcrumb(message=message, category=category, level=level, data=data)


def scrub_event(event: MutableMapping[str, Any], _hint: dict[str, Any] | None = None) -> Any:
    """Return a report without secrets and without personal data; None, so that nothing is sent, if that fails."""
    try:
        clean = redact({key: value for key, value in event.items() if key != "user"})
        user = event.get("user")
        if isinstance(user, dict):
            clean["user"] = {key: redact(value) for key, value in user.items() if key not in PERSONAL}
        request = clean.get("request")
        if isinstance(request, dict):
            clean["request"] = {**request, **{key: REDACTED for key in ("cookies", "data") if key in request}}
    except Exception:
        logger.exception("a report to Sentry was dropped: it could not be freed from secrets")
        return None
    return clean


def _scrub_breadcrumb(crumb: MutableMapping[str, Any], _hint: dict[str, Any] | None = None) -> Any:
    return redact(dict(crumb))


def _describe(
    scope: Any, user_id: int | None, guild_id: int | None, tags: dict[str, str] | None, context: dict[str, Any]
) -> None:
    if user_id is not None:
        scope.set_user({"id": str(user_id)})
    if guild_id is not None:
        scope.set_tag("guild_id", str(guild_id))
    if correlation_id := get_correlation_id():
        scope.set_tag("correlation_id", correlation_id)
    for name, value in (tags or {}).items():
        scope.set_tag(name, value)
    if context:
        scope.set_context("bot", redact(context))
