"""Scalars: whole tonnes, fen and serials beyond 32 bit, and strict instants and decimals; never a float."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

WHOLE_MAX = 2**53 - 1

Tonnes = NewType("Tonnes", int)
Fen = NewType("Fen", int)
Serial = NewType("Serial", int)

_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")


def whole(value: object) -> int:
    """A whole number that every JSON reader can hold; raises GraphQLError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise GraphQLError("A whole number is needed, without a decimal point.")
    if abs(value) > WHOLE_MAX:
        raise GraphQLError(f"A whole number of at most {WHOLE_MAX} is needed.")
    return value


def instant(value: object) -> datetime:
    """An instant with its offset from UTC."""
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise GraphQLError('An instant with its offset is needed, as "2026-03-10T10:15:30+08:00".')
    return parsed


def decimal(value: object) -> Decimal:
    """A plain decimal string: no exponent, no NaN, no float."""
    if not isinstance(value, str) or _DECIMAL.fullmatch(value) is None:
        raise GraphQLError('A plain decimal string is needed, as "107.36".')
    return Decimal(value)


def written_out(value: Decimal) -> str:
    """Without an exponent, which the database's driver gives to round numbers."""
    return f"{value:f}"


def _whole_scalar(name: str, description: str) -> ScalarDefinition:
    return strawberry.scalar(
        name=name,
        description=f"{description} A whole number, at most 2^53 - 1.",
        serialize=whole,
        parse_value=whole,
    )


SCALARS: Mapping[object, ScalarDefinition] = {
    Tonnes: _whole_scalar("Tonnes", "Tonnes of CO2 equivalent."),
    Fen: _whole_scalar("Fen", "Money in fen, the hundredth part of a yuan."),
    Serial: _whole_scalar("Serial", "The serial number of one credit inside its batch."),
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant in ISO 8601, always with its offset from UTC.",
        serialize=datetime.isoformat,
        parse_value=instant,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description="A plain decimal number as a string.",
        serialize=written_out,
        parse_value=decimal,
    ),
}
