"""The limits: what is too large is refused before it runs, and measuring it stays cheap."""

import time
from collections.abc import Mapping
from typing import Any

import pytest
from graphql import OperationDefinitionNode, get_introspection_query, parse

from services.gateway.errors import LimitExceeded
from services.gateway.limits import COST_MAX, ROOT_FIELD_COST, Size, graphql_schema, size_of
from services.gateway.limits import excesses as excesses_of
from services.gateway.schema import schema


class Stranger:
    """As much of a context as a request needs that never reaches a resolver."""

    request_id = "test"


def size(text: str, variables: Mapping[str, Any] | None = None) -> Size:
    document = parse(text)
    [operation] = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    return size_of(graphql_schema(schema), document, operation, variables or {})


async def codes(text: str, variables: dict[str, Any] | None = None) -> list[str]:
    result = await schema.execute(text, variables, Stranger())
    return [(error.extensions or {})["code"] for error in result.errors or []]


def doubling(levels: int) -> str:
    """Each fragment uses the next one twice: the answer doubles with each, the text does not."""
    fragments = [f"fragment F{n} on Project {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels)]
    last = f"fragment F{levels} on Project {{ code }}"
    return " ".join(['{ project(code: "A") { ...F0 } }', *fragments, last])


def test_a_page_multiplies_what_stands_inside_it() -> None:
    inner = size("{ projects(first: 1) { nodes { code } } }")
    assert inner.cost == ROOT_FIELD_COST + 2
    assert size("{ projects(first: 50) { nodes { code } } }").cost == ROOT_FIELD_COST + 100
    assert size("{ projects { nodes { code } } }").cost == ROOT_FIELD_COST + 40


@pytest.mark.parametrize(
    ("variables", "rows"), [({"n": 3}, 3), ({}, 100), ({"n": "x"}, 100), ({"n": -5}, 1)]
)
def test_a_page_given_by_a_variable_counts_as_given_or_as_the_largest(
    variables: dict[str, Any], rows: int
) -> None:
    text = "query ($n: Int!) { projects(first: $n) { nodes { code } } }"
    assert size(text, variables).cost == ROOT_FIELD_COST + 2 * rows


def test_pages_inside_pages_multiply() -> None:
    text = "{ projects(first: 10) { nodes { creditBatches(first: 10) { nodes { tonnes } } } } }"
    assert size(text).cost == ROOT_FIELD_COST + 10 * (1 + 1 + 10 * 2)


def test_a_list_without_pages_counts_as_a_few_rows() -> None:
    one = size('{ trade(venue: "V", tradeId: "T") { ranges { serials } } }')
    assert one.cost == ROOT_FIELD_COST + 1 + 4


@pytest.mark.parametrize(
    ("text", "variables", "ids"),
    [
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', {}, 3),
        ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["a"] * 7}, 7),
        ("query ($id: ID!) { nodes(ids: [$id, $id]) { id } }", {"id": "a"}, 2),
        ('{ nodes(ids: "a") { id } }', {}, 1),
        ("{ nodes(ids: []) { id } }", {}, 1),
    ],
)
def test_each_id_of_a_node_costs_a_statement(
    text: str, variables: dict[str, Any], ids: int
) -> None:
    assert size(text, variables).cost == ids * (ROOT_FIELD_COST + 1)


async def test_doubling_fragments_are_refused_and_measured_in_no_time() -> None:
    seconds: list[float] = []
    for levels in (20, 40):
        started = time.perf_counter()
        assert "LIMIT_EXCEEDED" in await codes(doubling(levels))
        seconds.append(time.perf_counter() - started)
    assert max(seconds) < 0.5, seconds


def test_the_size_of_doubling_fragments_is_exact_until_it_saturates() -> None:
    assert size(doubling(10)).fields == 1 + 2**10
    assert size(doubling(60)).fields == (1 << 53)
    assert next(excesses_of(size(doubling(60)))).startswith("The operation has more than")


async def test_every_alias_at_the_root_costs_a_statement() -> None:
    def aliases(n: int) -> str:
        return "{" + " ".join(f'a{i}: project(code: "A") {{ code }}' for i in range(n)) + "}"

    assert size(aliases(40)).cost == 40 * (ROOT_FIELD_COST + 1)
    assert await codes(aliases(60)) == ["LIMIT_EXCEEDED"]


@pytest.mark.parametrize(
    "text",
    [
        "{ projects(first: 100) { nodes { creditBatches(first: 100) { nodes { tonnes } } } } }",
        "{" + " ".join(["__typename"] * 501) + "}",
        "query A { viewer { subject } }"
        + " ".join(f"query Q{n} {{ __typename }}" for n in range(5)),
        " ".join(
            ["{ __typename", *(f"...F{n}" for n in range(51)), "}"]
            + [f"fragment F{n} on Query {{ __typename }}" for n in range(51)]
        ),
        '{ project(code: "A") {'
        + "creditBatches { nodes { project {" * 5
        + "code"
        + "}}}" * 5
        + "}}",
    ],
    ids=["cost", "fields", "operations", "fragments", "depth"],
)
async def test_each_limit_refuses_what_is_above_it(text: str) -> None:
    name = "A" if text.startswith("query A") else None
    result = await schema.execute(text, {}, Stranger(), operation_name=name)
    assert {(e.extensions or {})["code"] for e in result.errors or []} == {"LIMIT_EXCEEDED"}
    assert result.data is None


async def test_too_many_tokens_are_refused_by_the_parser() -> None:
    assert await codes("{" + "__typename " * 1_000 + "}") == ["BAD_INPUT"]


async def test_circular_fragments_are_refused_by_the_validation() -> None:
    text = '{ project(code: "A") { ...F } } fragment F on Project { code ...F }'
    assert await codes(text) == ["BAD_INPUT"]


async def test_introspection_as_tools_send_it_is_within_the_limits() -> None:
    result = await schema.execute(get_introspection_query(), {}, Stranger())
    assert result.errors is None
    assert size(get_introspection_query()).cost < COST_MAX


def test_an_excess_names_what_was_given_and_what_is_allowed() -> None:
    [text] = excesses_of(Size(cost=COST_MAX + 1, fields=1, depth=1))
    assert text == f"The operation has {COST_MAX + 1} cost units; {COST_MAX} are allowed."
    assert LimitExceeded(text).extensions == {"code": "LIMIT_EXCEEDED"}
