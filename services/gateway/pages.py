"""Pages: connections with keyset cursors; a cursor is opaque to clients and carries the sort key of its row."""

import base64
import binascii
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import strawberry

from services.gateway.context import Info
from services.gateway.errors import BadInput, LimitExceeded

PAGE_DEFAULT = 20
PAGE_MAX = 100
_CURSOR_CHARACTERS_MAX = 512

Node = TypeVar("Node")

First = Annotated[int, strawberry.argument(description="How many at most, 1 to 100.")]
After = Annotated[
    str | None,
    strawberry.argument(description="The endCursor of the page before, of the same list."),
]


@strawberry.type(description="Where a page ends and whether there is more.")
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type(description="One row of a page and its cursor.")
class Edge(Generic[Node]):
    node: Node
    cursor: str


@strawberry.type(description="One page of a list.")
class Connection(Generic[Node]):
    edges: list[Edge[Node]]
    nodes: list[Node]
    page_info: PageInfo


@dataclass(frozen=True, slots=True)
class Keyset(Generic[Node]):
    """The order of one list: its name, and the key by which rows follow each other, unique in the list."""

    name: str
    types: tuple[Any, ...]
    key: Callable[[Node], tuple[object, ...]]

    def after(self, cursor: str | None) -> tuple[Any, ...]:
        """The key after which the page begins, all None for the first page; raises BadInput."""
        if cursor is None:
            return (None,) * len(self.types)
        try:
            if len(cursor) > _CURSOR_CHARACTERS_MAX:
                raise ValueError
            content = base64.b64decode(cursor, altchars=b"-_", validate=True)
            name, *key = msgspec.json.decode(content, type=tuple[(str, *self.types)])
        except (ValueError, binascii.Error, msgspec.MsgspecError, RecursionError):
            raise BadInput("This cursor was not made by this list.") from None
        if name != self.name:
            raise BadInput("This cursor was made by another list.")
        return tuple(key)

    def cursor(self, node: Node) -> str:
        """The cursor of a row."""
        content = msgspec.json.encode((self.name, *self.key(node)))
        return base64.urlsafe_b64encode(content).decode()

    async def inside(
        self,
        info: Info,
        kind: type[Node],
        statement: str,
        column: str,
        key: object,
        first: int,
        after: str | None,
        *filters: Hashable,
    ) -> Connection[Node]:
        """A page inside another object: the statement reads it for all objects of the level at once."""
        values = (*filters, *self.after(after), rows_wanted(first))
        rows = await info.context.loaders.many(kind, statement, column, key, *values)
        return self.page(rows, first)

    def page(self, rows: Sequence[Node], first: int) -> Connection[Node]:
        """The page made of these rows, which are one more than asked for if there is a next page."""
        nodes = list(rows[:first])
        edges = [Edge(node=node, cursor=self.cursor(node)) for node in nodes]
        end = edges[-1].cursor if edges else None
        page_info = PageInfo(has_next_page=len(rows) > first, end_cursor=end)
        return Connection(edges=edges, nodes=nodes, page_info=page_info)


def rows_wanted(first: int) -> int:
    """One row more than the page holds, to know whether there is a next one; raises LimitExceeded."""
    if not 1 <= first <= PAGE_MAX:
        raise LimitExceeded(f"A page holds 1 to {PAGE_MAX} rows, not {first}.")
    return first + 1
