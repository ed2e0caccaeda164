"""Venues and their markets through GraphQL: terms, instruments, prices, days and halts."""

import json
from datetime import timedelta
from typing import Any

from services.gateway.objects import global_id
from services.kernel.actors import Actor
from services.settlement.messages.market import (
    ClearGap,
    ConfirmDay,
    MethodTerms,
    OpenVenue,
    Session,
    SetMarketTerms,
)
from tests.flows import floor
from tests.flows.graph import Graph, until_told
from tests.market import APPROVER, REGISTRAR, Market, Seller, open_terms

UNVERIFIED = ("seller_fee_ppm", "buyer_fee_ppm")
TERMS = """id venueCode programmeCode validFrom cycle lotTonnes tickFen calendar gapTradingDays
  methods { method bandBasisPoints tonnesMin tonnesMax } sessions { opens closes }
  sellerFeePpm buyerFeePpm feeAccount unverified"""


async def approve(graph: Graph, asked: dict[str, Any], selecting: str = "") -> dict[str, Any]:
    """The payload of the second person's approval."""
    assert asked["outcome"] == "PENDING", asked
    given = {"approvalId": asked["approvalId"]}
    done = await graph.tell("approve", APPROVER, given, selecting=selecting)
    assert done["outcome"] == "ACCEPTED", done
    return done


async def test_terms_are_versions_each_with_its_history_and_what_nobody_has_verified(
    graph: Graph, market: Market
) -> None:
    code = await floor.programme(market)
    bands = (
        MethodTerms(method="LISTING", band_basis_points=1000),
        MethodTerms(method="BULK", tonnes_min=10_000),
    )
    later = open_terms(
        "CBGEX",
        code,
        valid_from=floor.today() + timedelta(days=300),
        methods=bands,
        sessions=(Session(opens="09:30", closes="11:30"),),
        unverified=UNVERIFIED,
    )
    asked = await graph.say(SetMarketTerms(terms=later), REGISTRAR, selecting="terms { id }")
    assert asked["terms"] is None
    done = await approve(graph, asked, f"changed {{ __typename ... on MarketTerms {{ {TERMS} }} }}")
    newest = done["changed"]
    assert newest.pop("__typename") == "MarketTerms"
    assert newest["unverified"] == list(UNVERIFIED)
    assert newest["methods"][1] == {
        "method": "BULK",
        "bandBasisPoints": None,
        "tonnesMin": 10_000,
        "tonnesMax": None,
    }
    text = f"""query ($p: String!, $on: Date!, $later: Date!, $id: ID!) {{
      venue(code: "CBGEX") {{
        terms(programme: $p) {{ nodes {{ {TERMS} lifecycle {{ nodes {{ type }} }} }} }}
        today: termsInForce(programme: $p, on: $on) {{ validFrom }}
        later: termsInForce(programme: $p, on: $later) {{ validFrom }}
        never: termsInForce(programme: $p, on: "2023-12-31") {{ validFrom }} }}
      node(id: $id) {{ ... on MarketTerms {{ {TERMS} }} }} }}"""
    on, then = str(floor.today()), str(later.valid_from)
    data = await graph.read(text, p=code, id=newest["id"], on=on, later=then)
    venue = data["venue"]
    assert [one["validFrom"] for one in venue["terms"]["nodes"]] == [
        then,
        "2024-01-01",
    ]
    told = ["settlement.market.terms_set"] * 2
    assert [one["type"] for one in venue["terms"]["nodes"][0].pop("lifecycle")["nodes"]] == told
    assert venue["terms"]["nodes"][0] == data["node"] == newest
    assert (venue["today"], venue["later"], venue["never"]) == (
        {"validFrom": "2024-01-01"},
        {"validFrom": then},
        None,
    )


INSTRUMENT = """query ($p: String!, $v: Int!, $on: Date!) {
  instrument(venue: "CBGEX", project: $p, vintage: $v) {
    id listedOn firstPrice programmeCode project { code } referencePrice
    on: referencePrice(on: $on)
    priceLimits(on: $on) { method bandBasisPoints lowestPrice highestPrice }
    days { nodes { date trades tonnes turnoverFen averagePrice listingTonnes settledTonnes } }
    lifecycle { nodes { type } } } }"""


async def test_an_instrument_has_a_first_price_limits_and_days(
    graph: Graph, market: Market
) -> None:
    bands = (MethodTerms(method="LISTING", band_basis_points=1000),)
    code = await floor.programme(market, methods=bands)
    seller, buyer = await floor.seller(market, code), await market.buyer_with_cash()
    declared = floor.first_price(seller, "70.05")
    asked = await graph.say(declared, seller.party.actor, selecting="instrument { id }")
    done = await graph.tell(
        "approve",
        floor.EXCHANGE,
        {"approvalId": asked["approvalId"]},
        selecting="changed { ... on Instrument { firstPrice } }",
    )
    assert done["changed"] == {"firstPrice": "70.05"}
    traded = market.trade(seller, buyer, quantity=3, price="70.01")
    assert (await market.settle(traded)).state == "SETTLED"
    more = market.trade(seller, buyer, quantity=1, price="70.02")
    assert (await market.settle(more)).state == "SETTLED"
    today = str(floor.today())
    names: dict[str, Any] = {"p": seller.project, "v": seller.vintage}
    seen = (await graph.read(INSTRUMENT, **names, on=today))["instrument"]
    assert (seen["firstPrice"], seen["referencePrice"], seen["on"]) == ("70.05",) * 3
    assert (seen["listedOn"], seen["programmeCode"]) == (today, code)
    assert seen["priceLimits"] == [
        {
            "method": "LISTING",
            "bandBasisPoints": 1000,
            "lowestPrice": "63.05",
            "highestPrice": "77.05",
        }
    ]
    day = {"date": today, "trades": 2, "tonnes": 4, "turnoverFen": 28_005, "averagePrice": "70.01"}
    assert seen["days"]["nodes"] == [day | {"listingTonnes": 4, "settledTonnes": 4}]
    kinds = ["settlement.instrument.listed", "settlement.instrument.first_price_declared"]
    assert [one["type"] for one in seen["lifecycle"]["nodes"]] == kinds
    tomorrow = str(floor.today().replace(year=floor.today().year + 1))
    assert (await graph.read(INSTRUMENT, **names, on=tomorrow))["instrument"]["on"] == "70.01"
    await _is_listed(graph, seller, code)


async def _is_listed(graph: Graph, seller: Seller, programme: str) -> None:
    """Whether the venue's lists and the instrument's id lead to it too."""
    text = """query ($p: String!, $c: String!, $since: Date!) {
      venue(code: "CBGEX") {
        of: instruments(programme: $c) { nodes { id } }
        same: instruments(project: $p) { nodes { id projectCode vintage } } }
      instrumentDays(venue: "CBGEX", since: $since, first: 100) {
        nodes { projectCode trades instrument { id } } } }"""
    data = await graph.read(text, p=seller.project, c=programme, since=str(floor.today()))
    [one] = data["venue"]["same"]["nodes"]
    assert (one["projectCode"], one["vintage"]) == (seller.project, seller.vintage)
    assert data["venue"]["of"]["nodes"] == [{"id": one["id"]}]
    days = data["instrumentDays"]["nodes"]
    [day] = [day for day in days if day["projectCode"] == seller.project]
    assert day["instrument"] == {"id": one["id"]}
    node = "query ($id: ID!) { node(id: $id) { ... on Instrument { projectCode } } }"
    assert (await graph.read(node, id=one["id"]))["node"] == {"projectCode": seller.project}


VENUE = """query ($c: String!) { venue(code: $c) { isHalted lifecycle { nodes { type } }
  gaps { nodes { id date kind clearedAt explanation } } open: gaps(isOpen: true) { nodes { kind } }
  reconciliations { nodes { date closingFen bookedClosingFen cashIsMatched isMatched statementId } } } }"""


async def test_a_halted_venue_shows_the_gap_until_two_persons_clear_it(
    graph: Graph, market: Market
) -> None:
    code = market.unique("V")
    opened = await graph.accepted(
        OpenVenue(code=code, name="Venue"), selecting="venue { code isHalted mode }"
    )
    assert opened["venue"] == {"code": code, "isHalted": False, "mode": "LIVE"}
    updates = "subscription ($c: String) { venueUpdated(code: $c) { code isHalted } }"
    async with graph.listening(updates, c=code) as socket:
        await floor.report_statement(market, code, closing_balance_fen=1)
        await until_told(socket, {"code": code, "isHalted": True})
        seen = (await graph.read(VENUE, REGISTRAR, c=code))["venue"]
        [gap] = seen["gaps"]["nodes"]
        assert (seen["isHalted"], gap["kind"], gap["clearedAt"]) == (True, "CASH", None)
        assert seen["open"]["nodes"] == [{"kind": "CASH"}]
        [compared] = seen["reconciliations"]["nodes"]
        assert (compared["closingFen"], compared["bookedClosingFen"]) == (1, 0)
        assert (compared["cashIsMatched"], compared["isMatched"]) == (False, False)
        clearing = ClearGap(venue=code, date=floor.today(), kind="CASH", explanation="a charge")
        done = await approve(
            graph, await graph.say(clearing, REGISTRAR), "changed { ... on Venue { isHalted } }"
        )
        assert done["changed"] == {"isHalted": False}
        await until_told(socket, {"code": code, "isHalted": False})
    node = "query ($id: ID!) { node(id: $id) { ... on Gap { venueCode explanation } } }"
    assert (await graph.read(node, REGISTRAR, id=gap["id"]))["node"] == {
        "venueCode": code,
        "explanation": "a charge",
    }
    seen = (await graph.read(VENUE, c=code))["venue"]
    assert seen["open"]["nodes"] == []
    assert [
        one["type"].removeprefix("settlement.venue.") for one in seen["lifecycle"]["nodes"]
    ] == [
        "opened",
        "halted",
        "gap_cleared",
    ]


BANK = """query ($c: String!, $gap: ID!, $day: ID!) {
  venue(code: $c) {
    gaps { nodes { explanation } }
    reconciliations { nodes {
      trades turnoverFen capturedTrades tradesAreMatched cashIsMatched isMatched
      statementId currency depositsFen withdrawalsFen closingFen
      bookedDepositsFen bookedWithdrawalsFen bookedClosingFen } }
    lifecycle { nodes { type content } } }
  gap: node(id: $gap) { ... on Gap { kind explanation } }
  day: node(id: $day) { ... on VenueDay { lifecycle { nodes { type content } } } } }"""
COMPARED = {
    "trades": 0,
    "turnoverFen": 0,
    "capturedTrades": 0,
    "tradesAreMatched": True,
    "cashIsMatched": False,
    "isMatched": False,
}
HELD = ("statementId", "currency", "depositsFen", "withdrawalsFen", "closingFen")
BOOKED = ("bookedDepositsFen", "bookedWithdrawalsFen", "bookedClosingFen")


async def test_what_the_bank_holds_and_why_it_differed_is_not_for_strangers(
    graph: Graph, market: Market
) -> None:
    """The venue itself and those who watch over it see the figures; everybody sees that they differed."""
    ids = await _explained_day(graph, market)
    watching = [Actor("w", None, frozenset({role})) for role in ("auditor", "authority")]
    full = await graph.read(BANK, REGISTRAR, **ids)
    [compared] = full["venue"]["reconciliations"]["nodes"]
    assert {name: compared[name] for name in COMPARED} == COMPARED
    assert (compared["closingFen"], compared["bookedClosingFen"]) == (7_654_321, 0)
    assert all(compared[name] is not None for name in (*HELD, *BOOKED))
    assert full["gap"] == {"kind": "CASH", "explanation": "a secret charge"}
    assert _told(full["day"], "settlement.cash.reconciled")["closing_balance_fen"] == 7_654_321
    assert _told(full["venue"], "settlement.venue.gap_cleared")["explanation"] == "a secret charge"
    for viewer in (*watching, Actor(ids["c"], None, frozenset({"venue"}))):
        assert await graph.read(BANK, viewer, **ids) == full, viewer
    trader = (await market.party("TRADER")).actor
    namesake = Actor(ids["c"], None, frozenset({"verifier"}))
    for viewer in (None, floor.OTHER_EXCHANGE, namesake, trader, APPROVER):
        seen = await graph.read(BANK, viewer, **ids)
        nothing = dict.fromkeys((*HELD, *BOOKED))
        assert seen["venue"]["reconciliations"]["nodes"] == [COMPARED | nothing], viewer
        assert seen["gap"] == {"kind": "CASH", "explanation": None}
        told = _told(seen["day"], "settlement.cash.reconciled")
        assert told.keys() == {"type", "venue", "currency", "date", "is_matched"}
        assert not [text for text in ("secret", "7654321") if text in json.dumps(seen)], viewer


async def _explained_day(graph: Graph, market: Market) -> dict[str, str]:
    """A new venue of which the bank had too much today, and the ids of that gap and of the day."""
    code, today = market.unique("V"), floor.today()
    await graph.accepted(OpenVenue(code=code, name="Venue"))
    sql = """INSERT INTO settlement.venue_day (venue, date, digest, causation_id, trades, tonnes, turnover_fen,
      captured_trades, captured_tonnes, captured_turnover_fen, recorded_at)
      VALUES ($1, $2, '', '', 0, 0, 0, 0, 0, 0, now())"""
    await market.database.execute(sql, code, today)
    await floor.report_statement(market, code, closing_balance_fen=7_654_321)
    halted = "SELECT is_halted FROM settlement_read.venue WHERE code = $1"
    await market.until(halted, code)
    clearing = ClearGap(venue=code, date=today, kind="CASH", explanation="a secret charge")
    await approve(graph, await graph.say(clearing, REGISTRAR))
    gap, day = global_id("Gap", f"{code}/{today}/CASH"), global_id("VenueDay", f"{code}/{today}")
    return {"c": code, "gap": gap, "day": day}


def _told(recorded: dict[str, Any], kind: str) -> dict[str, Any]:
    """The content of the one event of this type in a history."""
    [content] = [one["content"] for one in recorded["lifecycle"]["nodes"] if one["type"] == kind]
    return content


async def test_a_confirmed_day_shows_what_was_captured_and_when(
    graph: Graph, market: Market
) -> None:
    day = "2018-03-05"
    closed = {"venue": "CBGEX", "date": day, "trades": 0, "tonnes": 0, "turnover_fen": 0}
    await market.report(closed, "venue.day_closed")
    await market.told("settlement.day.reconciled", f"day/CBGEX/{day}")
    confirming = ConfirmDay(venue="CBGEX", date=floor.today().fromisoformat(day))
    done = await graph.accepted(
        confirming, selecting="day { id date capturedTrades isMatched confirmedAt }"
    )
    shown = done["day"]
    assert (shown["date"], shown["capturedTrades"], shown["isMatched"]) == (day, 0, True)
    assert shown["confirmedAt"]
    text = """query ($d: Date!, $id: ID!) {
      venue(code: "CBGEX") { days(since: $d, until: $d) { nodes { id lifecycle { nodes { type } } } } }
      node(id: $id) { ... on VenueDay { date } } }"""
    data = await graph.read(text, d=day, id=shown["id"])
    [found] = data["venue"]["days"]["nodes"]
    assert (found["id"], data["node"]) == (shown["id"], {"date": day})
    kinds = ["settlement.day.reconciled", "settlement.day.confirmed"]
    assert [one["type"] for one in found["lifecycle"]["nodes"]] == kinds
