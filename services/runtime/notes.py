"""Notes: what the source says under each field of a message, for the schemas that are made from it."""

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise

Notes = Mapping[str, str]


def field_notes(kind: type) -> Notes:
    """The text under each field of this class and of what it inherits from, by the field's name."""
    found: dict[str, str] = {}
    for parent in reversed(kind.__mro__):
        found |= _notes_of_module(parent.__module__).get(parent.__name__, {})
    return found


@cache
def _notes_of_module(name: str) -> Mapping[str, Notes]:
    if not name.startswith("services."):
        return {}
    tree = ast.parse(inspect.getsource(sys.modules[name]))
    return {one.name: dict(_notes(one)) for one in tree.body if isinstance(one, ast.ClassDef)}


def _notes(class_: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Each annotated field that a text follows."""
    for field, after in pairwise(class_.body):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        note = after.value if isinstance(after, ast.Expr) else None
        if isinstance(note, ast.Constant) and isinstance(note.value, str):
            yield field.target.id, inspect.cleandoc(note.value)
