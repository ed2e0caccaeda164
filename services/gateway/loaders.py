"""Loaders: what many objects of one level ask for is read by one statement; nothing is kept between levels."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, TypeVar

from strawberry.dataloader import DataLoader

from services.gateway import reads
from services.runtime.postgres import Pool

Node = TypeVar("Node")


class Loaders:
    """The loaders of one request, made when first asked for."""

    def __init__(self, pools: Mapping[str, Pool]) -> None:
        self._pools = pools
        self._loaders: dict[Hashable, DataLoader[Any, Any]] = {}

    async def one(self, kind: type[Node], statement: str, column: str, key: object) -> Node | None:
        """The object whose column holds this key; the statement takes an array of keys."""
        found = await self._loader(kind, statement, column, ()).load(key)
        return found[0] if found else None

    async def many(
        self, kind: type[Node], statement: str, column: str, key: object, *values: Hashable
    ) -> Sequence[Node]:
        """The objects whose column holds this key, for lists inside lists; all keys share the other values."""
        return await self._loader(kind, statement, column, values).load(key)

    def _loader(
        self, kind: type[Node], statement: str, column: str, values: tuple[Hashable, ...]
    ) -> DataLoader[Any, Sequence[Node]]:
        async def load(keys: list[Any]) -> list[Sequence[Node]]:
            rows = await reads.fetch(
                self._pools, kind, statement, list(dict.fromkeys(keys)), *values
            )
            found: defaultdict[Any, list[Node]] = defaultdict(list)
            for row in rows:
                found[getattr(row, column)].append(row)
            return [found[key] for key in keys]

        identity = (statement, values)
        if identity not in self._loaders:
            self._loaders[identity] = DataLoader(load, cache=False)
        return self._loaders[identity]
