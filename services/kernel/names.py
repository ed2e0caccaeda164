"""Names that people give: codes and texts that may stand in a public record."""

import re
from dataclasses import dataclass
from unicodedata import category

from services.kernel.refusals import Invalid, OutOfRange

CODE_LENGTH_MAX = 40
TEXT_LENGTH_MAX = 300

_CODE = re.compile(r"[A-Z0-9]+(?:-[A-Z0-9]+)*")
_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(eq=False)
class CodeMalformed(Invalid):
    """A code has groups of capital letters and digits, joined by hyphens, and at most 40 characters."""

    field: str
    given: str


def require_code(field: str, given: str) -> None:
    """Raises CodeMalformed unless the code can stand in a serial number."""
    if len(given) > CODE_LENGTH_MAX or not _CODE.fullmatch(given):
        raise CodeMalformed(field, given[:CODE_LENGTH_MAX])


def require_country(field: str, given: str) -> None:
    """Raises OutOfRange unless it has the form of an ISO 3166-1 alpha-2 code."""
    if not _COUNTRY.fullmatch(given):
        raise OutOfRange(field, given[:CODE_LENGTH_MAX], "two capital letters (ISO 3166-1)")


def require_text(field: str, given: str, length_max: int = TEXT_LENGTH_MAX) -> None:
    """Raises OutOfRange unless the text says something, is not too long and can be stored."""
    if (
        not any(category(char)[0] not in "CZ" for char in given)
        or len(given) > length_max
        or not is_storable(given)
    ):
        expected = f"1 to {length_max} characters that can be seen, none of them control characters"
        raise OutOfRange(field, given[:CODE_LENGTH_MAX], expected)


def is_storable(text: str) -> bool:
    """Whether no character is a control character (but for line ends and tabs) or half a surrogate pair."""
    return not any(category(char) in {"Cc", "Cs"} and char not in "\n\t" for char in text)
