"""Queries on real records: public ones for everyone, private ones for who may see them, the rest looks unknown."""

import asyncio
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

import aiohttp
import pytest

from services.kernel.actors import Actor
from services.tools.stack import Stack
from tests.flows.graph import Graph
from tests.market import REGISTRAR, Market, Party, Seller

AUDITOR = Actor("audrey.auditor", None, frozenset({"auditor"}))
STRANGER = Actor("sam", UUID("01890000-0000-7000-8000-00000000dead"), frozenset({"owner-operator"}))
JSON = "application/json"


@pytest.fixture(scope="session")
async def trade(market: Market, pair: tuple[Seller, Party]) -> dict[str, Any]:
    """A trade that has settled."""
    seller, buyer = pair
    reported = market.trade(seller, buyer, quantity=10, price="70.76")
    await market.settle(reported)
    return reported


async def test_anyone_reads_a_project_with_what_came_of_it(
    graph: Graph, market: Market, pair: tuple[Seller, Party]
) -> None:
    code = pair[0].project
    data = await graph.read(
        """query ($code: String!) { project(code: $code) {
          code ownerAccount longitude expectedAnnualTonnes programme { code } methodology { code }
          creditBatches { nodes { serials project { code } reduction { tonnes creditBatch { serials } } } }
          reductions { nodes { status tonnes } } } }""",
        code=code,
    )
    project = data["project"]
    serials = f"CCER-CN-{code}-2024-001-1-1000000"
    assert project["ownerAccount"] == pair[0].account
    assert (project["longitude"], project["expectedAnnualTonnes"]) == ("104.500000", 100_000)
    assert project["programme"] == {"code": "CCER"}
    assert project["creditBatches"]["nodes"] == [
        {
            "serials": serials,
            "project": {"code": code},
            "reduction": {"tonnes": 1_000_000, "creditBatch": {"serials": serials}},
        }
    ]
    assert project["reductions"]["nodes"] == [{"status": "ISSUED", "tonnes": 1_000_000}]


@pytest.mark.parametrize("order", ["CODE", "LARGEST", "LATEST"])
async def test_pages_follow_each_other_without_gap_or_repeat(
    graph: Graph, market: Market, order: str
) -> None:
    owner = await market.party()
    for _ in range(3):
        await market.project(owner)
    text = """query ($order: ProjectOrder!, $first: Int!, $after: String) {
      projects(orderBy: $order, first: $first, after: $after) {
        nodes { code } pageInfo { hasNextPage endCursor } } }"""
    whole = (await graph.read(text, order=order, first=100))["projects"]
    found: list[dict[str, str]] = []
    after, has_more = None, True
    while has_more:
        page = (await graph.read(text, order=order, first=2, after=after))["projects"]
        found += page["nodes"]
        after, has_more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert len(found) >= 3
    assert found == whole["nodes"]


async def test_a_cursor_of_another_list_is_bad_input(graph: Graph, trade: object) -> None:
    page = await graph.read("{ venues(first: 1) { pageInfo { endCursor } } }")
    cursor = page["venues"]["pageInfo"]["endCursor"]
    answer = await graph.ask(
        "query ($c: String) { projects(after: $c) { nodes { code } } }", c=cursor
    )
    assert answer["errors"][0]["extensions"] == {"code": "BAD_INPUT"}


_TRADE = """query ($venue: String!, $id: String!) { trade(venue: $venue, tradeId: $id) {
  state price amountFen quantity ranges { tonnes creditBatch { projectCode } } } }"""


async def test_a_trade_is_seen_by_its_parties_its_venue_and_overseers(
    graph: Graph, pair: tuple[Seller, Party], trade: dict[str, Any]
) -> None:
    venue = Actor("CBGEX", None, frozenset({"venue"}))
    for actor in (pair[0].party.actor, pair[1].actor, venue, AUDITOR, REGISTRAR):
        data = await graph.read(_TRADE, actor, venue="CBGEX", id=trade["trade_id"])
        assert data["trade"] == {
            "state": "SETTLED",
            "price": "70.76",
            "amountFen": 70_760,
            "quantity": 10,
            "ranges": [{"tonnes": 10, "creditBatch": {"projectCode": pair[0].project}}],
        }


async def test_to_others_a_trade_looks_like_none(graph: Graph, trade: dict[str, Any]) -> None:
    other_venue = Actor("HZ-PILOT", None, frozenset({"venue"}))
    venue_without_role = Actor("CBGEX", None, frozenset())
    for actor in (None, STRANGER, other_venue, venue_without_role):
        seen = await graph.ask(_TRADE, actor, venue="CBGEX", id=trade["trade_id"])
        unknown = await graph.ask(_TRADE, actor, venue="CBGEX", id="no such trade")
        assert seen == unknown == {"data": {"trade": None}}
        listed = await graph.read("{ trades { nodes { tradeId } } }", actor)
        assert listed["trades"]["nodes"] == []


_ACCOUNT = """query ($n: String!, $i: InstrumentInput!) {
  account(number: $n) { number holdings { nodes { bucket tonnes serials } } cash { balanceFen } }
  available(account: $n, venue: "CBGEX", instrument: $i) { tonnes cashFen currency } }"""


async def test_an_account_is_open_to_its_organisation_and_looks_unknown_to_others(
    graph: Graph, market: Market
) -> None:
    seller = await market.owner_with_credits(1000, at_venue=400)
    variables = {"n": seller.account, "i": {"project": seller.project, "vintage": 2024}}
    for actor in (seller.party.actor, AUDITOR):
        data = await graph.read(_ACCOUNT, actor, **variables)
        held = {one["bucket"]: one["tonnes"] for one in data["account"]["holdings"]["nodes"]}
        assert held == {"registry": 600, "exchange": 400}
        assert data["available"] == {"tonnes": 400, "cashFen": 0, "currency": "CNY"}
    unknown = {**variables, "n": "ACC-99999999"}
    for actor in (None, STRANGER):
        seen = await graph.ask(_ACCOUNT, actor, **variables)
        assert seen == await graph.ask(_ACCOUNT, actor, **unknown)
        assert seen == {"data": {"account": None, "available": None}}


async def test_the_market_shows_what_settled(graph: Graph, trade: object) -> None:
    data = await graph.read(
        '{ market(programme: "CCER") { trades tonnes turnoverFen averagePrice'
        " days { nodes { tonnes turnoverFen averagePrice venueCode } } } }"
    )
    assert data["market"]["tonnes"] >= 10
    [day] = data["market"]["days"]["nodes"]
    assert (day["tonnes"], day["turnoverFen"]) == (
        data["market"]["tonnes"],
        data["market"]["turnoverFen"],
    )


async def test_the_viewer_is_who_the_token_says(graph: Graph, pair: tuple[Seller, Party]) -> None:
    text = "{ viewer { subject roles organisation { organisationId } } }"
    actor = pair[1].actor
    assert (await graph.read(text))["viewer"] is None
    assert (await graph.read(text, actor))["viewer"] == {
        "subject": actor.subject,
        "roles": ["owner-operator"],
        "organisation": {"organisationId": str(actor.organisation)},
    }


async def test_a_token_that_does_not_hold_is_an_error_and_not_anyone(graph: Graph) -> None:
    status, answer = await graph.post({"query": "{ __typename }"}, Authorization="Bearer x.y.z")
    assert status == 401
    assert answer["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"1", b"null", b"{", b"\xff\xfe", b"[" * 5000, b'{"query": 5}', b'{"query": null}',
     b'{"query": "{a}", "variables": []}', b'[{"query": "{__typename}"}]',
     b'{"query": "{a}", "variables": {"a": "\\ud800"}}'],
    ids=range(12),
)  # fmt: skip
async def test_a_body_that_is_no_request_is_the_clients_error(stack: Stack, body: bytes) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(stack.graphql_url, data=body, headers={"Content-Type": JSON}) as response,
    ):
        assert response.status == 400, await response.text()


async def test_other_methods_sizes_and_forms_are_refused(stack: Stack) -> None:
    url, headers = stack.graphql_url, {"Content-Type": JSON}
    async with aiohttp.ClientSession() as session:
        async with session.post(url, data=b"x" * 600_000, headers=headers) as response:
            assert response.status == 413
        async with session.post(url, data="query={__typename}") as response:
            assert response.status == 400
        async with session.get(url, params={"query": "{__typename}"}) as response:
            assert "__typename" not in await response.text()
        async with session.put(url) as response:
            assert response.status == 405


async def test_a_text_that_no_record_can_hold_is_bad_input(graph: Graph) -> None:
    answer = await graph.ask("query ($c: String!) { project(code: $c) { code } }", c="a\0b")
    assert answer["errors"][0]["extensions"] == {"code": "BAD_INPUT"}


async def test_the_new_media_type_has_a_status_that_says_what_happened(stack: Stack) -> None:
    headers = {"Accept": "application/graphql-response+json"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for query, status in (("{ __typename }", 200), ("{ nope }", 400), ("{", 400)):
            async with session.post(stack.graphql_url, json={"query": query}) as response:
                assert response.status == status
                assert response.content_type == "application/graphql-response+json"
                assert ("data" in await response.json(content_type=None)) == (status == 200)


async def test_the_query_page_comes_from_this_host_alone(stack: Stack) -> None:
    async with aiohttp.ClientSession(base_url=urljoin(stack.graphql_url, "/")) as session:
        for path in ("/", "/graphql"):
            async with session.get(path) as response:
                assert "/static/graphiql.js" in await response.text()
                assert "default-src 'self'" in response.headers["Content-Security-Policy"]
        for path in ("/static/graphiql.js", "/static/graphiql.css", "/static/examples.graphql"):
            async with session.get(path) as response:
                assert response.status == 200


async def test_operators_can_ask_how_it_is(stack: Stack) -> None:
    async with aiohttp.ClientSession(base_url=urljoin(stack.graphql_url, "/")) as session:
        for path in ("/healthz", "/readyz", "/metrics"):
            async with session.get(path) as response:
                assert response.status == 200
                assert response.headers["X-Request-Id"]


async def test_many_requests_at_once_are_all_answered(graph: Graph) -> None:
    text = "{ projects(first: 5) { nodes { code creditBatches(first: 2) { nodes { tonnes } } } } }"
    answers = await asyncio.gather(*(graph.read(text) for _ in range(100)))
    assert all(answer == answers[0] for answer in answers)
