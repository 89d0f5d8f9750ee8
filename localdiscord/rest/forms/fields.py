"""Fields of forms: their types, their bounds, and Discord's words for what does not fit."""

from __future__ import annotations

import base64
import binascii
import io
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import urlsplit

from PIL import Image as PillowImage
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from localdiscord.errors import DiscordError, invalid_forms

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = [
    "Audio",
    "Flag",
    "Form",
    "Image",
    "Moment",
    "PermissionBits",
    "Snowflake",
    "choice",
    "filled",
    "length",
    "read",
    "refuse",
    "text",
    "web_address",
    "within",
]

F = TypeVar("F", bound="Form")

LARGEST_SNOWFLAKE = (1 << 63) - 1
LONGEST_URL = 2048
REQUIRED = ("BASE_TYPE_REQUIRED", "This field is required")


class Form(BaseModel):
    """A body; what it does not name is ignored, as Discord does."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True, arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, body: Any) -> Any:
        """Take null for what may be left out as if it were: clients write it, and Discord takes it."""
        if not isinstance(body, dict):
            return body
        optional = {
            name for name, field in cls.model_fields.items() if not field.is_required() and field.default is not None
        }
        return {name: value for name, value in body.items() if value is not None or name not in optional}

    def given(self) -> dict[str, Any]:
        """Return the fields that the body names, with their values."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


def refuse(code: str, message: str) -> PydanticCustomError:
    """Return what a validator raises to refuse a field in Discord's words."""
    return PydanticCustomError(code, message.replace("{", "{{").replace("}", "}}"))


# -- lengths and ranges ------------------------------------------------------------------------------------------


def length(low: int | None = None, high: int | None = None) -> AfterValidator:
    """Bound a number of characters or entries; both ends count as allowed."""
    return AfterValidator(_length_check(low, high))


def text(low: int | None = None, high: int | None = None) -> AfterValidator:
    """Bound a text, without the space around it; both ends count as allowed."""
    check = _length_check(low, high)
    return AfterValidator(lambda value: check(value.strip()))


def filled(high: int) -> AfterValidator:
    """Require a text that says something."""
    check = _length_check(None, high)

    def require(value: str) -> str:
        if not value.strip():
            raise refuse(*REQUIRED)
        return str(check(value.strip()))

    return AfterValidator(require)


def _length_check(low: int | None, high: int | None) -> Callable[[Any], Any]:
    if low is None:
        code, words = "BASE_TYPE_MAX_LENGTH", f"Must be {high} or fewer in length."
    elif high is None:
        code, words = "BASE_TYPE_MIN_LENGTH", f"Must be {low} or more in length."
    else:
        code, words = "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length."

    def check(value: Any) -> Any:
        if not (low or 0) <= len(value) <= (high if high is not None else len(value)):
            raise refuse(code, words)
        return value

    return check


def within(low: float | None = None, high: float | None = None) -> AfterValidator:
    """Bound a number; both ends count as allowed."""

    def check(value: float) -> float:
        if low is not None and value < low:
            raise refuse("NUMBER_TYPE_MIN", f"int value should be greater than or equal to {low}.")
        if high is not None and value > high:
            raise refuse("NUMBER_TYPE_MAX", f"int value should be less than or equal to {high}.")
        return value

    return AfterValidator(check)


def choice(*values: int | str) -> AfterValidator:
    """Require one of some values."""

    def check(value: Any) -> Any:
        if value not in values:
            raise refuse("BASE_TYPE_CHOICES", f"Value must be one of {_set(values)}.")
        return value

    return AfterValidator(check)


def _set(values: Collection[int | str]) -> str:
    return "{" + ", ".join(repr(value) if isinstance(value, str) else str(value) for value in values) + "}"


# -- single types --------------------------------------------------------------------------------------------------


def snowflake(value: Any) -> int:
    """Read an id; ids come as texts, and numbers are taken too."""
    plain = str(value)
    if isinstance(value, bool) or not (plain.isascii() and plain.isdigit()) or int(plain) > LARGEST_SNOWFLAKE:
        raise refuse("NUMBER_TYPE_COERCE", f'Value "{plain}" is not snowflake.')
    return int(plain)


Snowflake = Annotated[int, BeforeValidator(snowflake), PlainSerializer(str, when_used="json")]


def _bits(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise refuse("NUMBER_TYPE_COERCE", f'Value "{value}" is not int.') from None


PermissionBits = Annotated[int, BeforeValidator(_bits)]


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise refuse("BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
    return value


Flag = Annotated[bool, BeforeValidator(_flag)]


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise refuse("DATE_TIME_TYPE_PARSE", f"Could not parse {value}. Should be ISO8601.") from None


Moment = Annotated[datetime, BeforeValidator(_moment)]


def web_address(*schemes: str) -> AfterValidator:
    """Require a URL of one of some schemes."""

    def check(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in schemes:
            known = ", ".join(repr(scheme) for scheme in schemes)
            raise refuse("URL_TYPE_INVALID_SCHEME", f'Scheme "{parts.scheme}" must be one of ({known}).')
        if not parts.netloc or len(value) > LONGEST_URL:
            raise refuse("URL_TYPE_INVALID_URL", "Not a well formed URL.")
        return value

    return AfterValidator(check)


DATA_URI = re.compile(r"data:(image|audio)/[\w.+-]+;base64,(.*)", re.DOTALL)


def _image(value: Any) -> bytes:
    found = DATA_URI.fullmatch(str(value))
    try:
        data = base64.b64decode(found[2], validate=True) if found else b""
        PillowImage.open(io.BytesIO(data)).verify()
    except (binascii.Error, OSError, SyntaxError, ValueError):
        raise refuse("IMAGE_INVALID", "Invalid image data") from None
    return data


Image = Annotated[bytes, BeforeValidator(_image)]


def _sound(value: Any) -> bytes:
    found = DATA_URI.fullmatch(str(value))
    try:
        return base64.b64decode(found[2] if found else "", validate=True) or _no_sound()
    except binascii.Error:
        return _no_sound()


def _no_sound() -> bytes:
    raise refuse("BINARY_TYPE_INVALID", "Invalid sound data")


Audio = Annotated[bytes, BeforeValidator(_sound)]

# -- refusals ---------------------------------------------------------------------------------------------------


WORDS = {
    "missing": REQUIRED,
    "string_type": ("STRING_TYPE_CONVERT", 'Could not interpret "{}" as string.'),
    "list_type": ("LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"),
    "model_type": ("MODEL_TYPE_CONVERT", "Only dictionaries may be used to create a ModelType"),
    "model_attributes_type": ("MODEL_TYPE_CONVERT", "Only dictionaries may be used to create a ModelType"),
    "dict_type": ("DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType"),
    "float_type": ("FLOAT_TYPE_COERCE", 'Value "{}" is not float.'),
    "float_parsing": ("FLOAT_TYPE_COERCE", 'Value "{}" is not float.'),
}
"""Discord's code and words for what pydantic finds."""

NUMBER = ("NUMBER_TYPE_COERCE", 'Value "{}" is not int.')


def read(form: type[F], body: Any, prefix: str = "") -> F:
    """Read a body.

    Args:
        form: what it may say.
        body: what it says; none is an empty one.
        prefix: where in the whole body it stands, with dots.

    Raises:
        DiscordError: it says something else.
    """
    try:
        return form.model_validate({} if body is None else body)
    except ValidationError as error:
        raise refusal(error, prefix) from None


def refusal(error: ValidationError, prefix: str = "") -> DiscordError:
    """Return Discord's refusal for what pydantic found."""
    problems = []
    for each in error.errors(include_url=False):
        parts = [str(part) for part in each["loc"] if not str(part).startswith("<")]
        code, words = each["type"], each["msg"]
        if each["input"] is None:
            code, words = REQUIRED
        elif not code.isupper():
            code, words = _words(code)
        problems.append(
            (".".join([*([prefix] if prefix else []), *parts]), code, words.replace("{}", str(each["input"])))
        )
    return invalid_forms(problems)


def _words(kind: str) -> tuple[str, str]:
    return WORDS.get(
        kind, NUMBER if kind.startswith("int") else ("BASE_TYPE_CHOICES", "Value is not one of those allowed.")
    )
