"""Which entries of the audit log are asked for."""

from typing import Annotated

from localdiscord.rest.forms.fields import Form, Snowflake, within

__all__ = ["AuditLogForm"]


class AuditLogForm(Form):
    """Which entries the answer shall hold."""

    user_id: Snowflake | None = None
    target_id: Snowflake | None = None
    action_type: int | None = None
    before: Snowflake | None = None
    after: Snowflake | None = None
    limit: Annotated[int, within(1, 100)] = 50
