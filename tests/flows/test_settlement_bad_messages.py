"""Messages that can be answered to nobody: kept among the dead letters with the reason, and the next one is handled."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from aiormq.exceptions import ChannelAccessRefused, ChannelPreconditionFailed

from services.runtime.publishing import Publisher
from tests.market import Market, Party, Seller
from tests.wire import outgoing

Pair = tuple[Seller, Party]
Trade = dict[str, Any]


def _event(trade: Trade, **changes: object) -> bytes:
    envelope = {"specversion": "1.0", "id": "by-hand", "source": "/venues/CBGEX"}
    return json.dumps(envelope | {"type": "trade.executed", "data": trade} | changes).encode()


def _deep(trade: Trade) -> bytes:
    nested = b"[" * 100_000 + b"]" * 100_000
    return _event(trade | {"note": "HERE"}).replace(b'"HERE"', nested)


UNREADABLE: dict[str, Callable[[Trade], bytes]] = {
    "nothing": lambda _: b"",
    "no JSON": lambda trade: b"\x00\xff trade " + trade["trade_id"].encode(),
    "half a body": lambda trade: _event(trade)[:-20],
    "a bare NaN": lambda trade: _event(trade | {"price": float("nan")}),
    "no UTF-8": lambda trade: _event(trade | {"note": "HERE"}).replace(b"HERE", b"\xff\xfe"),
    "half a surrogate pair": lambda trade: _event(trade | {"note": "\ud800"}),
    "no object": lambda trade: json.dumps([trade]).encode(),
    "no CloudEvent": lambda trade: json.dumps(trade).encode(),
    "CloudEvents 0.3": lambda trade: _event(trade, specversion="0.3"),
    "no event id": lambda trade: _event(trade, id=""),
    "an event id with NUL": lambda trade: _event(trade, id="a\0b"),
    "an endless event id": lambda trade: _event(trade, id="a" * 201),
    "no data": lambda trade: _event(trade, data=None, note=trade["trade_id"]),
    "unknown type": lambda trade: _event(trade, type="trade.invented"),
    "the type of another key": lambda trade: _event(trade, type="trade.cancelled"),
    "no trade id": lambda trade: _event({**trade, "trade_id": None}),
    "empty trade id": lambda trade: _event({**trade, "trade_id": ""}),
    "a number as trade id": lambda trade: _event({**trade, "trade_id": 17}),
    "an endless trade id": lambda trade: _event({**trade, "trade_id": "T" * 101}),
    "a trade id with NUL": lambda trade: _event({**trade, "trade_id": "T\0"}),
    "no venue": lambda trade: _event({**trade, "venue": None}),
    "another venue in the body": lambda trade: _event({**trade, "venue": "HZ-PILOT"}),
    "another venue as source": lambda trade: _event(trade, source="/venues/HZ-PILOT"),
    "no venue as source": lambda trade: _event(trade, source="/gateway"),
    "too deep": _deep,
}


@pytest.mark.parametrize("make", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_what_cannot_be_read_is_kept_with_the_reason_and_the_next_trade_settles(
    market: Market, pair: Pair, make: Callable[[Trade], bytes]
) -> None:
    trade, pid = market.trade(*pair), market.stack.pid("settlement")
    body = make(trade)

    await market.publish_body(body)

    assert str((await market.buried(body))["tonne-reason"]).startswith("MALFORMED: ")
    assert (await market.settle(market.trade(*pair))).state == "SETTLED"
    assert await _is_unknown(market, trade)
    assert market.stack.pid("settlement") == pid


async def test_an_oversized_body_is_kept_by_digest_and_size_only(
    market: Market, pair: Pair
) -> None:
    trade = market.trade(*pair)
    body = _event({**trade, "note": trade["trade_id"] + "x" * (1 << 20)})

    await market.publish_body(body)
    sha256 = hashlib.sha256(body).hexdigest()
    letter = await market.buried_where(
        lambda one: one.message.headers.get("tonne-sha256") == sha256
    )

    assert letter.body == b""
    assert letter.message.headers["tonne-size"] == str(len(body))
    assert (await market.settle(market.trade(*pair))).state == "SETTLED"
    assert await _is_unknown(market, trade)


async def test_a_body_just_below_the_limit_is_read(market: Market, pair: Pair) -> None:
    trade = market.trade(*pair)
    free = (1 << 20) - len(_event({**trade, "note": ""}))
    body = _event({**trade, "note": "x" * free})
    assert len(body) == 1 << 20

    await market.publish_body(body)

    assert (await market.outcome(trade)).state == "SETTLED"


@pytest.mark.parametrize("user", ["CBGEX", "operator"])
async def test_a_report_whose_sender_the_broker_does_not_vouch_for_is_kept_with_the_reason(
    market: Market, pair: Pair, user: str
) -> None:
    trade = market.trade(*pair)
    body = _event(trade)

    user_id = user if user == "operator" else None
    key = "trade.executed.CBGEX"
    await market.publish(user, "tonne.trades", key, body, user_id=user_id)

    headers = await market.buried(body)
    assert "do not name one venue" in str(headers["tonne-reason"])
    assert headers["tonne-user"] == str(user_id)
    assert (await market.settle(trade)).state == "SETTLED"


@pytest.mark.parametrize(
    ("routing_key", "user_id", "refusal"),
    [
        ("trade.executed.HZ-PILOT", "CBGEX", ChannelAccessRefused),
        ("trade.executed.CBGEX.x", "CBGEX", ChannelAccessRefused),
        ("trade.invented.CBGEX", "CBGEX", ChannelAccessRefused),
        ("trade.executed.CBGEX", "HZ-PILOT", ChannelPreconditionFailed),
    ],
)
async def test_the_broker_lets_a_venue_speak_for_nobody_else(
    market: Market, pair: Pair, routing_key: str, user_id: str, refusal: type[Exception]
) -> None:
    trade = market.trade(*pair)
    publisher = await Publisher.open(market.connections["CBGEX"])
    message = outgoing("tonne.trades", routing_key, _event(trade), user_id)

    with pytest.raises(refusal):
        await publisher.publish(message)

    assert (await market.settle(market.trade(*pair))).state == "SETTLED"
    assert await _is_unknown(market, trade)


@pytest.mark.parametrize(
    ("user", "exchange", "routing_key"),
    [
        ("CBGEX", "tonne.commands", "settlement.open_venue"),
        ("CBGEX", "tonne.bank", "bank.deposit_reported"),
        ("CBGEX", "tonne.events", "registry.account.opened"),
        ("CBGEX", "", "settlement.trades"),
        ("bank", "tonne.trades", "trade.executed.CBGEX"),
        ("bank", "tonne.commands", "settlement.open_venue"),
        ("observer", "tonne.events", "registry.account.opened"),
        ("gateway", "tonne.trades", "trade.executed.CBGEX"),
        ("gateway", "tonne.events", "issuance.credits.issued"),
    ],
)
async def test_the_broker_refuses_who_has_no_business_there(
    market: Market, user: str, exchange: str, routing_key: str
) -> None:
    publisher = await Publisher.open(market.connections[user])

    with pytest.raises(ChannelAccessRefused):
        await publisher.publish(outgoing(exchange, routing_key, b"{}", user))


@pytest.mark.parametrize(
    "changes",
    [{"reason": None}, {"reason": "typing\0error"}, {"venue": "HZ-PILOT"}],
    ids=["no reason", "NUL", "another venue"],
)
async def test_a_cancellation_that_cannot_be_read_is_kept_with_the_reason(
    market: Market, pair: Pair, changes: dict[str, object]
) -> None:
    cancelled = {"venue": "CBGEX", "trade_id": market.unique("T"), "reason": "error"} | changes
    body = _event(cancelled, type="trade.cancelled")

    await market.publish_body(body, kind="trade.cancelled")

    assert str((await market.buried(body))["tonne-reason"]).startswith("MALFORMED: ")
    assert (await market.settle(market.trade(*pair))).state == "SETTLED"


@pytest.mark.parametrize(
    "changes",
    [{"date": "2021-02-29"}, {"trades": -1}, {"tonnes": 0.5}, {"turnover_fen": 2**63}],
    ids=["no such day", "negative", "fractional", "over 64 bits"],
)
async def test_a_closed_day_that_cannot_be_read_is_kept_with_the_reason(
    market: Market, pair: Pair, changes: dict[str, object]
) -> None:
    closed = {"venue": "CBGEX", "date": "2019-01-01", "trades": 0, "tonnes": 0, "turnover_fen": 0}
    body = _event(closed | changes | {"note": market.unique("D")}, type="venue.day_closed")

    await market.publish_body(body, kind="venue.day_closed")

    assert str((await market.buried(body))["tonne-reason"]).startswith("MALFORMED: ")
    assert (await market.settle(market.trade(*pair))).state == "SETTLED"


async def test_a_day_that_is_closed_again_with_other_figures_is_kept_with_the_reason(
    market: Market, pair: Pair
) -> None:
    closed = {"venue": "CBGEX", "date": "2019-01-02", "trades": 0, "tonnes": 0, "turnover_fen": 0}
    await market.report(closed, "venue.day_closed")
    await market.report(closed, "venue.day_closed")
    body = _event(closed | {"trades": 1}, type="venue.day_closed")

    await market.publish_body(body, kind="venue.day_closed")

    reason = str((await market.buried(body))["tonne-reason"])
    assert reason == "REFUSED: CBGEX closed 2019-01-02 before with other figures"
    assert [letter.body for letter in market.dead if b"2019-01-02" in letter.body] == [body]
    assert len(market.heard("settlement.day.reconciled", "day/CBGEX/2019-01-02")) == 1
    assert (await market.settle(market.trade(*pair))).state == "SETTLED"


async def _is_unknown(market: Market, trade: Trade) -> bool:
    return await market.database.fetchval(
        "SELECT NOT EXISTS (SELECT FROM settlement.any_trade WHERE trade_id = $1)",
        trade["trade_id"],
    )
