"""Every refusal code of the closed list has a case that provokes it and shows that nothing changed.

What a person can ask for goes through GraphQL. Reported trades are rejected, and their venue is told over AMQP; a few
refusals answer only messages that no input of the gateway could become.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.gateway.context import Context, House
from services.gateway.hub import Hub
from services.gateway.schema import schema
from services.gateway.tokens import Viewer
from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.registry.messages.accounts import OpenTradingAccount
from services.runtime.approval import Decision
from services.runtime.caller import Caller
from services.runtime.messages import CloudEvent, decode_answer, encode, raw
from services.tools import contracts
from services.tools.stack import Stack
from tests.flows import (
    refused_acts,
    refused_issuance,
    refused_market,
    refused_parties,
    refused_projects,
    refused_settlement,
    refused_trades,
)
from tests.flows.graph import Graph
from tests.flows.refused import Attempt
from tests.flows.stillness import snapshot
from tests.flows.trading import Pair, legs, subject
from tests.flows.world import World, built
from tests.market import REGISTRAR, VINTAGE, Market
from tests.wire import content, enveloped

_TABLES = (
    refused_parties,
    refused_projects,
    refused_issuance,
    refused_settlement,
    refused_market,
    refused_acts,
)
_LATER = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
TRADES: Mapping[str, dict[str, Any]] = {
    "AMOUNT_OUT_OF_RANGE": {"quantity": 2**50, "price": "100"},
    "CURRENCY_NOT_SETTLED": {"currency": "USD"},
    "EXECUTED_IN_FUTURE": {"executed_at": _LATER},
    "MALFORMED_TRADE": {"quantity": "ten"},
    "METHOD_NOT_OPEN": {"method": "BULK"},
    "NOT_ENOUGH_CASH": {"quantity": 1000, "price": "9999999999"},
    "PRICE_NOT_DECIMAL": {"price": "NaN"},
    "PRICE_OFF_TICK": {"price": "70.765"},
    "QUANTITY_OUT_OF_RANGE": {"quantity": 0},
}
"""What makes a trade that is in order one that is rejected."""
PARTIES = ("ACCOUNT_MAY_NOT_TRADE", "DAY_IS_CLOSED", "PROGRAMME_NOT_TRADED", "SELF_TRADE")
CANCELLATIONS = ("CANCELLED_BY_VENUE", "TRADE_IS_FINAL")
MESSAGES = ("EFFECTIVE_TIME_MISSING", "MALFORMED_COMMAND", "UNKNOWN_COMMAND")
DECISIONS = ("APPROVER_IS_ANOTHER",)
"""Of what only one party decides: see test_gateway_rejections."""
STATEMENTS = ("STATEMENT_TOO_EARLY",)
GUARDS = ("TRADE_NOT_DECIDABLE",)
"""What only a fault of ours brings about: see the handlers' tests of waiting trades."""
OUTAGES = ("OUTCOME_UNKNOWN", "SERVICE_UNREACHABLE")

OVER_AMQP = {*TRADES, *PARTIES, *CANCELLATIONS, *MESSAGES, *STATEMENTS, *refused_trades.CODES}
CODES = sorted({*contracts.refusals()} - OVER_AMQP - {*OUTAGES, *DECISIONS, *GUARDS})


@pytest.fixture(scope="module")
async def world(market: Market) -> World:
    """All that the commands name."""
    return await built(market)


@pytest.fixture(scope="module")
async def before(world: World) -> dict[str, str]:
    """Everything that is on record before the first command is refused."""
    return await snapshot(world.market)


def attempts(world: World) -> dict[str, Attempt]:
    """All tables together; a code stands in one of them only."""
    cases = [case for table in _TABLES for case in table.attempts(world).items()]
    assert len(dict(cases)) == len(cases)
    return dict(cases)


def test_the_tables_cover_the_closed_list(world: World) -> None:
    assert sorted(attempts(world)) == CODES
    assert OVER_AMQP | {*OUTAGES, *DECISIONS, *GUARDS} <= contracts.refusals().keys()


@pytest.mark.parametrize("code", CODES)
async def test_the_command_is_refused_and_nothing_has_changed(
    graph: Graph, world: World, before: dict[str, str], code: str
) -> None:
    attempt = attempts(world)[code]
    command, actor = attempt.command, attempt.actor
    at = datetime.now(UTC) - timedelta(days=attempt.days_ago) if attempt.days_ago else None
    if isinstance(command, Decision):
        given = {"approvalId": str(command.approval_id)}
        payload = await graph.tell("approve", actor, given)
    else:
        payload = await graph.say(command, actor, command_id=attempt.command_id, effective_at=at)
    assert [error["code"] for error in payload["errors"]] == [code], payload
    assert payload["outcome"] == "REFUSED"
    categories = {kind.category for kind in contracts.refusals()[code]}
    assert {error["category"] for error in payload["errors"]} <= categories
    assert await snapshot(world.market) == before


@pytest.mark.parametrize("code", TRADES)
async def test_the_trade_is_rejected_and_nobody_has_more_or_less(
    market: Market, pair: Pair, code: str
) -> None:
    held = await legs(market, pair)
    outcome = await market.settle(market.trade(*pair) | TRADES[code])
    assert (outcome.state, outcome.code) == ("REJECTED", code)
    assert await legs(market, pair) == held


@pytest.mark.parametrize("code", PARTIES)
async def test_the_trade_of_these_parties_is_rejected(
    market: Market, pair: Pair, world: World, code: str
) -> None:
    pilot = {"project": world.pilot_seller.project, "vintage": VINTAGE}
    changes = {
        "ACCOUNT_MAY_NOT_TRADE": {"buyer_account": world.verifier.account},
        "DAY_IS_CLOSED": {"executed_at": "2019-12-31T12:00:00+08:00"},
        "PROGRAMME_NOT_TRADED": {"seller_account": world.pilot_seller.account, "instrument": pilot},
        "SELF_TRADE": {"buyer_account": pair[0].account},
    }
    if code == "DAY_IS_CLOSED":
        await market.report(_closing(date(2020, 1, 1)), "venue.day_closed")
        closed = "SELECT EXISTS (SELECT FROM settlement.venue_day WHERE date = '2020-01-01')"
        await market.until(closed)
    held = await legs(market, pair)
    outcome = await market.settle(market.trade(*pair) | changes[code])
    assert (outcome.state, outcome.code) == ("REJECTED", code)
    assert await legs(market, pair) == held


def _closing(day: date) -> dict[str, Any]:
    figures = {"trades": 0, "tonnes": 0, "turnover_fen": 0}
    return {"venue": "CBGEX", "date": day.isoformat(), **figures}


async def test_only_a_trade_that_waits_can_be_cancelled(market: Market, pair: Pair) -> None:
    waiting = market.trade(*pair) | {"buyer_account": await market.guessed_account()}
    await market.report(waiting)
    await market.until_waiting(waiting)
    final = market.trade(*pair)
    await market.settle(final)
    held = await legs(market, pair)
    for trade in (waiting, final):
        named = {"venue": trade["venue"], "trade_id": trade["trade_id"], "reason": "error"}
        await market.report(named, "trade.cancelled")
    assert (await market.outcome(waiting)).code == "CANCELLED_BY_VENUE"
    refused = await market.told("settlement.trade.cancellation_rejected", subject(final))
    assert content(refused)["code"] == "TRADE_IS_FINAL"
    assert await legs(market, pair) == held


@pytest.mark.parametrize("code", MESSAGES)
async def test_a_message_that_no_input_becomes_is_refused(
    market: Market, world: World, code: str
) -> None:
    """The gateway sets the time and the type of each command, and knows the form of each field."""
    command = OpenTradingAccount(trading_account_id=new_id(), account=world.full)
    sound = enveloped(command, REGISTRAR, str(new_id()))
    changes: dict[str, dict[str, Any]] = {
        "EFFECTIVE_TIME_MISSING": {"effectiveat": None},
        "MALFORMED_COMMAND": {"data": raw("{}")},
        "UNKNOWN_COMMAND": {"type": "registry.make_coffee"},
    }
    wrong = msgspec.structs.replace(sound, **changes[code])
    earlier = await snapshot(market)
    answer = await _answer(market, wrong)
    assert answer.refusal is not None
    assert answer.refusal.code == code
    assert await snapshot(market) == earlier


async def _answer(market: Market, command: CloudEvent) -> Any:
    """What the registry notes as its answer to a message in its own queue."""
    await market.publish("operator", "", "registry.commands", encode(command), user_id=None)
    sql = "SELECT answer FROM registry.inbox WHERE message_id = $1"
    return decode_answer(await market.until(sql, command.id))


MUTATION = """mutation { openTradingAccount(input: {id: "%s", account: "ACC-1"}) {
  outcome errors { code category } } }"""


async def test_without_a_broker_the_command_is_not_sent() -> None:
    viewer = Viewer(Actor("rita", None, frozenset({"registrar"})), expires_at=2**40)
    house = House(pools={}, caller=Caller(), hub=Hub(), verifier=None)  # pyright: ignore[reportArgumentType]
    context = Context(house, request_id="test", proven=viewer)
    result = await schema.execute(MUTATION % new_id(), context_value=context)
    assert result.data == {
        "openTradingAccount": {
            "outcome": "UNKNOWN",
            "errors": [{"code": "SERVICE_UNREACHABLE", "category": "UNAVAILABLE"}],
        }
    }


async def test_without_its_service_the_outcome_of_a_command_is_unknown(
    graph: Graph, market: Market, stack: Stack
) -> None:
    opened = await snapshot(market)
    await stack.stop("registry")
    try:
        answer = await graph.read(MUTATION % new_id(), REGISTRAR)
        assert await snapshot(market) == opened
    finally:
        await stack.start("registry")
    assert answer["openTradingAccount"] == {
        "outcome": "UNKNOWN",
        "errors": [{"code": "OUTCOME_UNKNOWN", "category": "UNAVAILABLE"}],
    }
