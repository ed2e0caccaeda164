"""Obligations over the real servers: an emitter short of allowances meets its year, another is overdue and enforced."""

import asyncio
from typing import Any

import pytest

from services.kernel.actors import Actor
from services.kernel.clocks import BEIJING
from services.settlement.messages.market import OpenDay
from services.tools import auditor
from tests.flows import floor, freezing, national
from tests.flows.freezing import AUTHORITY
from tests.flows.graph import Graph
from tests.flows.national import National
from tests.flows.trading import code
from tests.market import REGISTRAR, Market, Seller, content
from tests.wire import eventually

OBLIGATION = """query ($account: String!, $year: Int!) { obligation(account: $account, year: $year) {
  id accountNumber emissionYear version due cap surrendered offset outstanding deadline allowanceVintages
  planCode isDraft state proofNumber
  discharges { nodes { retirementId certificateNumber purpose programmeCode vintage tonnes } }
  lifecycle { nodes { sequence type } } } }"""
STATEMENT = """query ($id: String!, $since: DateTime!, $until: DateTime!) { account(number: $id) {
  statement(since: $since, until: $until) {
    obligations { emissionYear opening due surrendered offset closing } } } }"""


@pytest.fixture(scope="module")
async def ets(market: Market) -> National:
    return await national.opened(market)


async def seen(graph: Graph, emitter: Seller, actor: Actor | None = None) -> Any:
    """The obligation as the emitter, or somebody else, reads it."""
    viewer = actor or emitter.party.actor
    named = {"account": emitter.account, "year": emitter.vintage}
    return (await graph.read(OBLIGATION, viewer, **named))["obligation"]


async def test_an_emitter_short_of_allowances_meets_its_year_by_the_cap_and_by_buying(
    graph: Graph, market: Market, ets: National
) -> None:
    short, rich = await ets.emitter(1000, 920), await ets.emitter(100, 130)
    bought = await ets.credits(short, 51)
    owner = short.party
    owed = await seen(graph, short)
    assert (owed["due"], owed["cap"], owed["outstanding"], owed["state"]) == (
        1000, 50, 1000, "NOTIFIED",
    )  # fmt: skip

    assert code(await ets.done(ets.offset(bought, 51), owner)) == "OFFSET_CAP_EXCEEDED"
    assert (await ets.done(ets.offset(bought, 50), owner)).outcome == "ACCEPTED"
    assert code(await ets.done(ets.offset(bought, 1), owner)) == "OFFSET_CAP_EXCEEDED"
    assert (await ets.done(ets.surrender(short, 920), owner)).outcome == "ACCEPTED"
    assert code(await ets.done(ets.surrender(short, 30), owner)) == "NOT_ENOUGH_CREDITS"
    await ets.buy(rich, short, 30)
    last = ets.surrender(short, 30)
    assert (await ets.done(last, owner)).subject == f"retirement/{last.retirement_id}"

    subject = f"obligation/{short.account}/{ets.year}"
    told = content(await market.told("settlement.obligation.met", subject))
    met = await seen(graph, short)
    assert (met["state"], met["proofNumber"], met["isDraft"]) == ("MET", told["proof_number"], True)
    assert (met["surrendered"], met["offset"], met["outstanding"]) == (950, 50, 0)
    assert [(one["purpose"], one["tonnes"]) for one in met["discharges"]["nodes"]] == [
        ("ETS_SURRENDER", 30), ("ETS_SURRENDER", 920), ("ETS_OFFSET_NATIONAL", 50),
    ]  # fmt: skip
    assert [one["type"].rpartition(".")[2] for one in met["lifecycle"]["nodes"]] == [
        "notified", "discharged", "discharged", "discharged", "met",
    ]  # fmt: skip
    assert await seen(graph, short, REGISTRAR) == met
    assert await seen(graph, short, rich.party.actor) is None
    await _found_again(graph, short, met)


async def _found_again(graph: Graph, emitter: Seller, met: Any) -> None:
    """By its id, in the list, and in the account's statement."""
    actor = emitter.party.actor
    listed = "query ($f: ObligationFilter) { obligations(filter: $f) { nodes { id state } } }"
    node = "query ($id: ID!) { node(id: $id) { id ... on Obligation { state } } }"
    one = {"id": met["id"], "state": "MET"}
    filters = ({}, {"account": emitter.account}, {"year": emitter.vintage, "state": "MET"})
    for wanted in filters:
        found = await graph.read(listed, actor, f=wanted)
        assert found["obligations"]["nodes"] == [one]
    assert (await graph.read(node, actor, id=met["id"]))["node"] == one
    assert (await graph.read(listed, actor, f={"state": "OVERDUE"}))["obligations"]["nodes"] == []
    period = {"since": "2020-01-01T00:00:00Z", "until": "2199-01-01T00:00:00Z"}
    account = (await graph.read(STATEMENT, actor, id=emitter.account, **period))["account"]
    assert account["statement"]["obligations"] == [
        {
            "emissionYear": emitter.vintage,
            "opening": 0,
            "due": 1000,
            "surrendered": 950,
            "offset": 50,
            "closing": 0,
        }
    ]


async def test_what_is_overdue_is_enforced_though_the_account_is_frozen(
    graph: Graph, market: Market, ets: National
) -> None:
    emitter = await ets.emitter(100, 90, years_ago=1)
    subject = f"obligation/{emitter.account}/{emitter.vintage}"
    missed = await market.told("settlement.obligation.overdue", subject)
    assert content(missed)["outstanding"] == 100
    assert missed.effectiveat
    beijing = missed.effectiveat.astimezone(BEIJING)
    assert (beijing.year, beijing.month, beijing.day, beijing.hour) == (ets.year + 1, 1, 1, 0)
    assert (await ets.done(ets.surrender(emitter, 20), emitter.party)).outcome == "ACCEPTED"
    freeze = freezing.freeze_of_account(emitter.account)
    await graph.approved(freeze, AUTHORITY)
    assert code(await ets.done(ets.surrender(emitter, 1), emitter.party)) == "ACCOUNT_FROZEN"

    await graph.approved(ets.enforcement(emitter, 70), AUTHORITY)

    after = await seen(graph, emitter)
    assert (after["state"], after["surrendered"], after["outstanding"]) == ("OVERDUE", 90, 10)
    assert [one["tonnes"] for one in after["discharges"]["nodes"]] == [70, 20]
    assert await market.tonnes(emitter.account, "retired") == 90


async def test_a_day_that_is_opened_again_says_nothing_twice(market: Market, ets: National) -> None:
    emitter = await ets.emitter(10, 0, years_ago=1)
    subject = f"obligation/{emitter.account}/{emitter.vintage}"
    await market.told("settlement.obligation.overdue", subject)
    for _ in range(2):
        await market.accepted(OpenDay(date=floor.today()))
    assert len(market.heard("settlement.obligation.overdue", subject)) == 1


async def test_rule_21_fifty_concurrent_offsets_never_pass_the_cap(
    market: Market, ets: National
) -> None:
    """All are asked for while there is room for each, and approved at once."""
    emitter = await ets.emitter(2000, 0)
    bought = await ets.credits(emitter, 1000)
    tonnes = [1 + number % 7 for number in range(50)]
    assert sum(tonnes) > 100
    offers = [ets.offset(bought, one) for one in tonnes]
    asked = [await market.send(one, emitter.party.actor) for one in offers]
    assert {one.outcome for one in asked} == {"PENDING"}

    answers = await asyncio.gather(*(market.approve(one) for one in asked))

    codes = [code(one) for one in answers]
    assert set(codes) == {None, "OFFSET_CAP_EXCEEDED"}
    counted = sum(one for one, refused in zip(tonnes, codes, strict=True) if refused is None)
    least = min(one for one, refused in zip(tonnes, codes, strict=True) if refused)
    assert 100 - least < counted <= 100
    used = "SELECT offset_used FROM settlement.obligation WHERE account = $1"
    assert await market.database.fetchval(used, emitter.account) == counted
    assert await market.tonnes(emitter.account, "retired") == counted


async def test_both_services_say_the_same_of_what_is_due(market: Market, ets: National) -> None:
    emitter = await ets.emitter(10, 0)

    async def is_agreed() -> bool:
        differences = await auditor.unsettled_differences(market.stack.database_urls)
        return differences["settlement.obligations_equal_issuance"] == 0

    await eventually(is_agreed)
    altered = "UPDATE settlement.obligation SET due = due + $2 WHERE account = $1"
    await market.database.execute(altered, emitter.account, 1)
    assert not await is_agreed()
    await market.database.execute(altered, emitter.account, -1)
