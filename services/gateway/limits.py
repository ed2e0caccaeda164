"""Limits: how large a request may be, measured before it runs; each fragment is visited once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    is_composite_type,
    is_introspection_type,
    is_object_type,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema import BaseSchema

from services.gateway.errors import LimitExceeded
from services.gateway.pages import PAGE_DEFAULT, PAGE_MAX

TOKENS_MAX = 1_000
OPERATIONS_MAX = 5
FRAGMENTS_MAX = 50
DEPTH_MAX = 16
FIELDS_MAX = 500
"""Fields asked for, every alias and every use of a fragment counted."""
COST_MAX = 10_000
"""Fields that the answer can hold, every row of every page counted."""
ROOT_FIELD_COST = 200
"""A field at the root is at least one statement or one command."""
LIST_ASSUMED = 4
"""How many rows a list without pages is taken to have."""

_SATURATED = 1 << 53


@dataclass(frozen=True, slots=True)
class Size:
    """How large a selection is; its numbers stop growing at a limit far above any that is allowed."""

    cost: int = 0
    fields: int = 0
    depth: int = 0

    def beside(self, other: "Size") -> "Size":
        """Both selections together."""
        return Size(
            min(self.cost + other.cost, _SATURATED),
            min(self.fields + other.fields, _SATURATED),
            max(self.depth, other.depth),
        )

    def within(self, own_cost: int, rows: int) -> "Size":
        """A field that has this selection in each of so many rows."""
        cost = min(own_cost + rows * self.cost, _SATURATED)
        return Size(cost, min(self.fields + 1, _SATURATED), self.depth + 1)


@dataclass(slots=True)
class _Scale:
    """Weighs the selections of one valid operation, with the variables that it came with."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    roots: frozenset[str]
    weighed: dict[str, Size] = field(default_factory=dict[str, Size])

    def selections(self, chosen: SelectionSetNode | None, parent: GraphQLNamedType) -> Size:
        size = Size()
        for selection in chosen.selections if chosen else ():
            size = size.beside(self.selection(selection, parent))
        return size

    def selection(self, selection: SelectionNode, parent: GraphQLNamedType) -> Size:
        if isinstance(selection, FieldNode):
            return self.field(selection, parent)
        if isinstance(selection, FragmentSpreadNode):
            return self.fragment(selection.name.value)
        assert isinstance(selection, InlineFragmentNode)
        return self.selections(selection.selection_set, self.narrowed(selection, parent))

    def fragment(self, name: str) -> Size:
        if name not in self.weighed:
            fragment = self.fragments[name]
            kind = self.schema.type_map[fragment.type_condition.name.value]
            self.weighed[name] = self.selections(fragment.selection_set, kind)
        return self.weighed[name]

    def narrowed(self, inline: InlineFragmentNode, parent: GraphQLNamedType) -> GraphQLNamedType:
        condition = inline.type_condition
        return self.schema.type_map[condition.name.value] if condition else parent

    def field(self, node: FieldNode, parent: GraphQLNamedType) -> Size:
        assert is_composite_type(parent)
        definition = self.schema.get_field(parent, node.name.value)
        assert definition is not None
        kind = self.schema.type_map[_type_text(definition).strip("[]!")]
        inner = self.selections(node.selection_set, kind)
        rows = self.rows(node, parent, definition)
        statements = rows if "ids" in definition.args else 1
        is_root = parent.name in self.roots and node.selection_set
        return inner.within(statements * ROOT_FIELD_COST if is_root else 1, rows)

    def rows(self, node: FieldNode, parent: GraphQLNamedType, definition: GraphQLField) -> int:
        """How many rows a field can bring: its page, a guess for a short list, else one."""
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        if "first" in definition.args:
            return self.page_size(given.get("first"))
        if "ids" in definition.args:
            return self.length(given["ids"])
        is_list = _type_text(definition).startswith("[")
        is_counted = parent.name.endswith("Connection") or is_introspection_type(parent)
        return LIST_ASSUMED if is_list and not is_counted else 1

    def page_size(self, value: ValueNode | None) -> int:
        if value is None:
            return PAGE_DEFAULT
        if isinstance(value, IntValueNode) and len(value.value) < 4:
            return max(1, min(int(value.value), PAGE_MAX))
        given = self.variables.get(value.name.value) if isinstance(value, VariableNode) else None
        return max(1, min(given, PAGE_MAX)) if isinstance(given, int) else PAGE_MAX

    def length(self, value: ValueNode) -> int:
        """How many values a list of arguments has; one value may stand for a list of itself."""
        if isinstance(value, ListValueNode):
            return max(1, len(value.values))
        given = self.variables.get(value.name.value) if isinstance(value, VariableNode) else None
        return max(1, len(cast(list[Any], given))) if isinstance(given, list) else 1


def _type_text(definition: GraphQLField) -> str:
    """The field's type as the SDL writes it: ``[Project!]!``."""
    return str(definition.type)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


def size_of(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> Size:
    """How large a valid operation is with these variables."""
    roots = [kind for kind in (schema.query_type, schema.mutation_type) if kind]
    scale = _Scale(
        schema,
        {one.name.value: one for one in _fragments(document)},
        variables,
        frozenset(kind.name for kind in roots),
    )
    root = schema.get_root_type(operation.operation)
    assert is_object_type(root)
    return scale.selections(operation.selection_set, root)


def excesses(size: Size) -> Iterator[str]:
    """Every limit that the operation is above."""
    measured = (
        ("fields", size.fields, FIELDS_MAX),
        ("levels", size.depth, DEPTH_MAX),
        ("cost units", size.cost, COST_MAX),
    )
    for noun, given, allowed in measured:
        if given > allowed:
            more = "more than " if given == _SATURATED else ""
            yield f"The operation has {more}{given} {noun}; {allowed} are allowed."


def _fragments(document: DocumentNode) -> list[FragmentDefinitionNode]:
    return [one for one in document.definitions if isinstance(one, FragmentDefinitionNode)]


def _operations(document: DocumentNode) -> list[OperationDefinitionNode]:
    return [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]


class Limits(SchemaExtension):
    """Refuses what is too large; stands behind the validation, so that it sees only valid documents."""

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        if not context.pre_execution_errors:
            context.pre_execution_errors = [LimitExceeded(text) for text in self._excesses()]
        yield

    def _excesses(self) -> Iterator[str]:
        context = self.execution_context
        document = context.graphql_document
        assert document is not None
        operations = _operations(document)
        if len(operations) > OPERATIONS_MAX or len(_fragments(document)) > FRAGMENTS_MAX:
            yield f"At most {OPERATIONS_MAX} operations and {FRAGMENTS_MAX} fragments are allowed."
            return
        name = context.operation_name
        operation = next(one for one in operations if name in (None, one.name and one.name.value))
        size = size_of(graphql_schema(context.schema), document, operation, context.variables or {})
        yield from excesses(size)


def graphql_schema(schema: BaseSchema) -> GraphQLSchema:
    """graphql-core's schema inside Strawberry's, which has no public name for it."""
    return cast(Any, schema)._schema  # noqa: SLF001
