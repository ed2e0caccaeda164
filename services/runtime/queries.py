"""Named SQL: a ``queries.sql`` beside each ``store.py``, with ``-- name: verb_noun`` over each statement."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: ([a-z_0-9]+)$", re.MULTILINE)


def load(path: Path) -> Mapping[str, LiteralString]:
    """The statements of a file by name; raises ValueError if a name stands twice."""
    _, *parts = _NAME.split(path.read_text(encoding="utf-8"))
    names, statements = parts[::2], parts[1::2]
    if len(set(names)) < len(names):
        raise ValueError(f"{path} names a statement twice")
    return {
        name: cast(LiteralString, sql.strip()) for name, sql in zip(names, statements, strict=True)
    }


def beside(module_file: str) -> Mapping[str, LiteralString]:
    """The statements of the ``queries.sql`` in the folder of this module."""
    return load(Path(module_file).with_name("queries.sql"))
