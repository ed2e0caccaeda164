"""Reads: named SQL on what the services publish, one statement a level; rows come back as GraphQL types."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from services.gateway.errors import BadInput
from services.kernel.names import is_storable
from services.runtime import queries
from services.runtime.postgres import Pool

if TYPE_CHECKING:
    from services.gateway.context import Context

Row = TypeVar("Row")

SERVICES = ("registry", "issuance", "settlement")

sql = {
    name: statement
    for service in SERVICES
    for name, statement in queries.load(Path(__file__).with_name(f"{service}.sql")).items()
}
"""Every statement by its name, which stands in one of the files only."""

_PUBLISHED = re.compile(r"\b(registry|issuance|settlement)_read\.")


def service_of(statement: str) -> str:
    """The one service that this statement reads from."""
    [service] = set(_PUBLISHED.findall(sql[statement]))
    return service


_service_of = {statement: service_of(statement) for statement in sql}


async def fetch(
    pools: Mapping[str, Pool], kind: type[Row], statement: str, *values: object
) -> list[Row]:
    """The rows of a statement, as values of this type."""
    require_storable(values)
    records = await pools[_service_of[statement]].fetch(sql[statement], *values)
    names = _columns(kind)
    return [kind(**{name: record[name] for name in names}) for record in records]


@cache
def _columns(kind: type[Any]) -> tuple[str, ...]:
    """The columns that a type is made of; one that is published beside them hurts nobody."""
    return tuple(field.name for field in fields(kind) if field.init)


async def public(context: "Context", kind: type[Row], statement: str, *values: object) -> list[Row]:
    """Rows that anyone may see."""
    return await fetch(context.house.pools, kind, statement, *values)


async def private(
    context: "Context", kind: type[Row], statement: str, *values: object
) -> list[Row]:
    """Rows that only some may see: unknown and forbidden ones look the same, and anonymous viewers see none."""
    return [] if context.viewer.is_anonymous else await visible(context, kind, statement, *values)


async def visible(
    context: "Context", kind: type[Row], statement: str, *values: object
) -> list[Row]:
    """Rows of which some are public: the statement decides which of them this viewer may see."""
    return await fetch(context.house.pools, kind, statement, *context.viewer.triple, *values)


def only(rows: Sequence[Row]) -> Row | None:
    """The one row, or None."""
    return rows[0] if rows else None


def require_storable(value: object) -> None:
    """Raises BadInput if a text, or one of many, holds what the databases cannot store."""
    if isinstance(value, str) and not is_storable(value):
        raise BadInput("A text holds characters that no record can hold.")
    if isinstance(value, Mapping):
        require_storable(list(cast(Mapping[str, object], value).values()))
    if isinstance(value, list | tuple):
        for part in cast(Sequence[object], value):
            require_storable(part)
