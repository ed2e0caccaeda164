"""Subscriptions over graphql-transport-ws: who may see an event gets it, nobody else learns of it."""

import asyncio
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from services.kernel.actors import Actor
from services.settlement.messages.freezes import Span
from services.tools.stack import Stack
from tests.flows import freezing, national
from tests.flows.freezing import freeze_of, freeze_of_account, release_of
from tests.flows.graph import Graph, start, subscribe, until_told
from tests.flows.test_settlement_cancellations import cancelled
from tests.market import REGISTRAR, Market, Party, Seller

STRANGER = Actor("sam", UUID("01890000-0000-7000-8000-00000000dead"), frozenset({"owner-operator"}))
TRADES = """subscription ($venue: String, $account: String) {
  tradeUpdated(venue: $venue, account: $account) { tradeId state price code fields { name } } }"""

RETIREMENTS = """subscription ($filter: RetirementFilter) {
  retirementRecorded(filter: $filter) { bucket tonnes beneficiaryName requestedBy } }"""
OBLIGATIONS = """subscription ($account: String) {
  obligationUpdated(account: $account) { accountNumber state outstanding } }"""
FREEZES = "subscription { freezeUpdated { freezeId scope state } }"


async def told(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """The next result; fails on anything else."""
    message = await socket.receive_json(timeout=15)
    assert message["type"] == "next", message
    return message["payload"]["data"]


async def test_a_trade_appears_to_its_party_and_not_to_a_stranger(
    graph: Graph, market: Market, pair: tuple[Seller, Party]
) -> None:
    trade = market.trade(*pair, price="70.76")
    async with (
        graph.listening(TRADES, pair[0].party.actor) as seller,
        graph.listening(TRADES, pair[1].actor, account=pair[1].account) as buyer,
        graph.listening(TRADES, REGISTRAR, venue="HZ-PILOT") as elsewhere,
        graph.listening(TRADES, STRANGER) as stranger,
    ):
        await market.settle(trade)
        for party in (seller, buyer):
            assert (await told(party))["tradeUpdated"] == {
                "tradeId": trade["trade_id"],
                "state": "SETTLED",
                "price": "70.76",
                "code": None,
                "fields": [],
            }
        for other in (stranger, elsewhere):
            with pytest.raises(TimeoutError):
                await other.receive(timeout=0.5)


async def test_a_rejected_trade_appears_with_its_reason(
    graph: Graph, market: Market, pair: tuple[Seller, Party]
) -> None:
    trade = market.trade(*pair, price="70.765")
    async with graph.listening(TRADES, pair[0].party.actor, venue="CBGEX") as socket:
        await market.settle(trade)
        update = (await told(socket))["tradeUpdated"]
    assert (update["tradeId"], update["state"]) == (trade["trade_id"], "REJECTED")
    assert update["code"]
    assert update["fields"]


async def test_many_trades_all_arrive_and_each_once(
    graph: Graph, market: Market, pair: tuple[Seller, Party]
) -> None:
    trades = [market.trade(*pair, quantity=1) for _ in range(150)]
    async with graph.listening(TRADES, pair[0].party.actor) as socket:
        for trade in trades:
            await market.report(trade)
        seen = [(await told(socket))["tradeUpdated"]["tradeId"] for _ in trades]
    assert sorted(seen) == sorted(trade["trade_id"] for trade in trades)


async def test_anyone_hears_of_issued_credits_of_the_project_they_ask_for(
    graph: Graph, market: Market
) -> None:
    owner = await market.party()
    code, other = await market.project(owner), await market.project(owner)
    text = """subscription ($project: String) {
      creditsIssued(project: $project) { serials tonnes project { code } } }"""
    async with graph.listening(text, None, project=code) as socket:
        await market.issue(other, 50)
        await market.issue(code, 70)
        assert (await told(socket))["creditsIssued"] == {
            "serials": f"CCER-CN-{code}-2024-001-1-70",
            "tonnes": 70,
            "project": {"code": code},
        }


async def test_everybody_hears_of_each_use_and_cancellation_but_not_of_a_private_person(
    graph: Graph, market: Market
) -> None:
    owner = await market.owner_with_credits(100, at_venue=0)
    own = {"account": owner.account, "project": owner.project}
    async with (
        graph.listening(RETIREMENTS, None, filter=own) as anyone,
        graph.listening(RETIREMENTS, owner.party.actor, filter=own) as mine,
        graph.listening(RETIREMENTS, REGISTRAR, filter=own | {"project": "NOWHERE"}) as elsewhere,
    ):
        asked = await market.retire(
            owner, 10, beneficiary_kind="NATURAL_PERSON", beneficiary_name="Wang Wu"
        )
        await market.approve(asked)
        used = {"bucket": "retired", "tonnes": 10}
        names = {"beneficiaryName": "Wang Wu", "requestedBy": owner.party.actor.subject}
        assert (await told(mine))["retirementRecorded"] == used | names
        assert (await told(anyone))["retirementRecorded"] == used | dict.fromkeys(names)
        await cancelled(market, owner, 20)
        gone = {"bucket": "cancelled", "tonnes": 20} | dict.fromkeys(names)
        assert (await told(anyone))["retirementRecorded"] == gone
        with pytest.raises(TimeoutError):
            await elsewhere.receive(timeout=0.5)


async def test_an_obligation_appears_to_who_owes_and_not_to_a_stranger(
    graph: Graph, market: Market
) -> None:
    ets = await national.opened(market)
    async with graph.listening(OBLIGATIONS, REGISTRAR) as overseer:
        emitter = await ets.emitter(10, 10)
        owed = {"accountNumber": emitter.account, "state": "NOTIFIED", "outstanding": 10}
        await until_told(overseer, owed)
    actor = emitter.party.actor
    async with (
        graph.listening(OBLIGATIONS, actor, account=emitter.account) as mine,
        graph.listening(OBLIGATIONS, STRANGER) as stranger,
        graph.listening(OBLIGATIONS, REGISTRAR, account="ACC-0") as elsewhere,
    ):
        for tonnes, state, outstanding in ((4, "PARTIAL", 6), (6, "MET", 0)):
            await ets.done(ets.surrender(emitter, tonnes), emitter.party)
            await until_told(mine, owed | {"state": state, "outstanding": outstanding})
        for other in (stranger, elsewhere):
            with pytest.raises(TimeoutError):
                await other.receive(timeout=0.5)


async def test_a_freeze_appears_to_its_holder_and_not_to_a_stranger(
    graph: Graph, market: Market
) -> None:
    owner = await market.owner_with_credits(10, at_venue=0)
    batch_id = await freezing.batch_of(market, owner)
    span = Span(batch_id=batch_id, first_serial=1, last_serial=5)
    async with (
        graph.listening(FREEZES, owner.party.actor) as mine,
        graph.listening(FREEZES, freezing.AUTHORITY) as overseer,
        graph.listening(FREEZES, STRANGER) as stranger,
    ):
        for scope, order in (
            ("CREDITS", freeze_of(owner.account, span)),
            ("ACCOUNT", freeze_of_account(owner.account)),
        ):
            freeze_id = await freezing.frozen(market, order)
            seen = {"freezeId": str(freeze_id), "scope": scope, "state": "ACTIVE"}
            for viewer in (mine, overseer):
                await until_told(viewer, seen)
            await freezing.accepted(market, release_of(freeze_id))
            await until_told(mine, seen | {"state": "RELEASED"})
        with pytest.raises(TimeoutError):
            await stranger.receive(timeout=0.5)


@pytest.mark.parametrize("text", [TRADES, OBLIGATIONS, FREEZES])
async def test_what_only_some_may_see_is_not_told_to_the_anonymous(graph: Graph, text: str) -> None:
    async with graph.socket({}) as socket:
        await start(socket, "1", text)
        message = await socket.receive_json(timeout=5)
    [error] = message.get("payload", {}).get("errors") or message["payload"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED"}


@pytest.mark.parametrize("payload", [{"authorization": "Bearer x.y.z"}, {"Authorization": 5}])
async def test_a_socket_with_a_token_that_does_not_hold_is_closed(
    graph: Graph, payload: dict[str, Any]
) -> None:
    async with graph.socket() as socket:
        await socket.send_json({"type": "connection_init", "payload": payload})
        assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 4403


async def test_a_socket_that_says_nothing_is_closed_after_five_seconds(graph: Graph) -> None:
    async with graph.socket() as socket:
        await socket.receive(timeout=7)
        assert socket.close_code == 4408


async def test_an_operation_before_the_handshake_closes_the_socket(graph: Graph) -> None:
    async with graph.socket() as socket:
        await start(socket, "1", "subscription { creditsIssued { tonnes } }")
        await socket.receive(timeout=5)
        assert socket.close_code == 4401


async def test_the_legacy_protocol_is_not_spoken(graph: Graph) -> None:
    async with graph.socket(protocol="graphql-ws") as socket:
        assert socket.protocol is None
        await socket.receive(timeout=5)
        assert socket.close_code == 4406


async def test_a_page_of_another_origin_cannot_open_a_socket(graph: Graph) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with graph.socket(Origin="https://evil.example"):
            pass
    assert caught.value.status == 403


async def test_a_socket_holds_twenty_subscriptions(graph: Graph) -> None:
    text = "subscription { creditsIssued { tonnes } }"
    async with graph.socket({}) as socket:
        for number in range(20):
            await subscribe(socket, str(number), text, {})
        await start(socket, "20", text)
        assert (await socket.receive_json(timeout=5))["type"] == "error"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("subscription { nope }", "BAD_INPUT"),
        ("{ projects(first: 100) { nodes { reductions(first: 100) { nodes { tonnes } } } } }", "LIMIT_EXCEEDED"),
    ],
)  # fmt: skip
async def test_errors_on_sockets_have_codes_too(graph: Graph, text: str, code: str) -> None:
    async with graph.socket({}) as socket:
        await start(socket, "1", text)
        message = await socket.receive_json(timeout=5)
    assert [error["extensions"]["code"] for error in message["payload"]] == [code]


async def test_queries_on_a_socket_read_what_is_current(graph: Graph, market: Market) -> None:
    code = market.unique("M")
    text = "{ methodologies(first: 100) { nodes { code } } }"
    given = {
        "code": code,
        "programme": "CCER",
        "name": "Wind",
        "creditingYearsMax": 10,
        "validFrom": "2024-01-01",
    }
    async with graph.socket({}) as socket:
        await start(socket, "1", text)
        before = await told(socket)
        await graph.tell("publishMethodology", REGISTRAR, given)
        await socket.receive_json(timeout=5)
        await start(socket, "2", text)
        after = await told(socket)
    codes = [{one["code"] for one in seen["methodologies"]["nodes"]} for seen in (before, after)]
    assert codes[1] - codes[0] == {code}


async def test_closing_a_socket_ends_its_subscriptions(graph: Graph, stack: Stack) -> None:
    for _ in range(3):
        async with graph.listening(TRADES, REGISTRAR):
            await asyncio.sleep(0)
    async with graph.listening(TRADES, REGISTRAR) as socket:
        await socket.send_json({"id": "1", "type": "complete"})
        await subscribe(socket, "1", "subscription { creditsIssued { tonnes } }", {})
