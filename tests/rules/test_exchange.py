"""The door to the venues: what is a report, what is a fault that can be told, and what is nobody's."""

import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.deliveries import Delivery
from services.runtime.messages import Malformed
from services.settlement.exchange import Cancellation, DayClose, TradeReport, read_report
from services.settlement.trades import MalformedTrade

TRADE: dict[str, Any] = {
    "venue": "CBGEX",
    "trade_id": "20250310-000017",
    "method": "LISTING",
    "instrument": {"project": "A210001", "vintage": 2024},
    "seller_account": "ACC-1",
    "buyer_account": "ACC-2",
    "quantity": 10000,
    "price": "107.36",
    "currency": "CNY",
    "executed_at": "2025-03-10T10:15:30.123+08:00",
}


def delivery(body: bytes, kind: str = "trade.executed", user: str | None = "CBGEX") -> Delivery:
    """What the venue CBGEX publishes."""
    return Delivery(body, f"{kind}.CBGEX", user, None, None, 0, 0.0, cast("Any", None), None)


def reported(data: object, kind: str = "trade.executed", **changes: object) -> Delivery:
    """A CloudEvent with this data."""
    envelope = {"specversion": "1.0", "id": "1", "source": "/venues/CBGEX", "type": kind}
    return delivery(json.dumps(envelope | {"data": data} | changes).encode(), kind)


def read(data: object) -> TradeReport:
    """The trade report with this data."""
    report = read_report(reported(data))
    assert isinstance(report, TradeReport)
    return report


def test_the_published_example_is_read_as_it_stands() -> None:
    report = read(TRADE)

    assert report.key == ("CBGEX", "20250310-000017")
    assert report.fault is None
    assert report.trade
    assert (report.trade.quantity, report.trade.price) == (10_000, "107.36")


def test_unknown_attributes_are_passed_over_but_are_part_of_what_was_said() -> None:
    report = read(TRADE | {"note": "new in version 2"})

    assert report.fault is None
    assert report.digest != read(TRADE).digest


def test_blanks_and_the_order_of_keys_are_not_part_of_what_was_said() -> None:
    turned = dict(reversed(list(TRADE.items())))

    assert read(turned).digest == read(TRADE).digest


@pytest.mark.parametrize(
    "changes", [{"quantity": 10001}, {"price": "107.360"}, {"quantity": 10000.0}, {"method": None}]
)
def test_everything_else_is(changes: dict[str, object]) -> None:
    assert read(TRADE | changes).digest != read(TRADE).digest


@pytest.mark.parametrize("name", sorted(set(TRADE) - {"venue", "trade_id"}))
@pytest.mark.parametrize("value", [None, [], {}, True, 0.5], ids=str)
def test_a_value_of_the_wrong_kind_is_a_fault_that_can_be_told(name: str, value: object) -> None:
    report = read(TRADE | {name: value})

    assert isinstance(report.fault, MalformedTrade)
    assert report.trade is None
    assert report.key == ("CBGEX", "20250310-000017")


@pytest.mark.parametrize("name", sorted(set(TRADE) - {"venue", "trade_id"}))
def test_a_missing_value_is_a_fault_that_can_be_told(name: str) -> None:
    assert read({key: value for key, value in TRADE.items() if key != name}).fault


@pytest.mark.parametrize(
    "executed_at",
    ["2025-03-10T10:15:30", "2025-03-10", "", "0001-01-01T00:00:00+08:00", "9999-12-31T23:00:00Z"],
)
def test_an_instant_without_offset_or_beside_the_calendar_is_a_fault(executed_at: str) -> None:
    assert read(TRADE | {"executed_at": executed_at}).fault


@pytest.mark.parametrize("vintage", [0, -1, 10_000, 2**31, 2**63, -(2**80)])
def test_a_vintage_that_is_no_year_is_a_fault(vintage: int) -> None:
    assert read(TRADE | {"instrument": {"project": "A", "vintage": vintage}}).fault


def test_a_number_that_no_computer_holds_is_a_fault_that_can_be_told() -> None:
    body = reported(TRADE).body.replace(b"10000", b"1e999")

    report = read_report(delivery(body))

    assert isinstance(report, TradeReport)
    assert report.fault


@pytest.mark.parametrize("trade_id", ["", " \n", "a\tb", "x" * 101, "a\0", "\x7f", None, 5, ["a"]])
def test_a_trade_id_that_cannot_be_named_makes_it_nobodys(trade_id: object) -> None:
    with pytest.raises(Malformed):
        read(TRADE | {"trade_id": trade_id})


@pytest.mark.parametrize(
    ("user", "source", "venue"),
    [
        (None, "/venues/CBGEX", "CBGEX"),
        ("HZ-PILOT", "/venues/CBGEX", "CBGEX"),
        ("operator", "/venues/CBGEX", "CBGEX"),
        ("CBGEX", "/venues/HZ-PILOT", "CBGEX"),
        ("CBGEX", "CBGEX", "CBGEX"),
        ("CBGEX", "/venues/CBGEX", "HZ-PILOT"),
        ("HZ-PILOT", "/venues/HZ-PILOT", "HZ-PILOT"),
    ],
)
def test_all_four_names_of_the_venue_must_be_one(user: str | None, source: str, venue: str) -> None:
    body = reported(TRADE | {"venue": venue}, source=source).body

    with pytest.raises(Malformed):
        read_report(delivery(body, user=user))


@pytest.mark.parametrize("kind", ["trade.cancelled", "venue.day_closed", "trade.invented", ""])
def test_the_type_must_be_that_of_the_routing_key(kind: str) -> None:
    with pytest.raises(Malformed):
        read_report(delivery(reported(TRADE, type=kind).body))


def test_a_cancellation_and_a_closed_day_are_read() -> None:
    cancelled = {"venue": "CBGEX", "trade_id": "1", "reason": "typing error"}
    closed = {"venue": "CBGEX", "date": "2025-03-10", "trades": 1, "tonnes": 2, "turnover_fen": 3}

    assert isinstance(read_report(reported(cancelled, "trade.cancelled")), Cancellation)
    assert isinstance(read_report(reported(closed, "venue.day_closed")), DayClose)


@pytest.mark.parametrize("name", ["trades", "tonnes", "turnover_fen"])
@pytest.mark.parametrize("value", [-1, 0.5, "1", None, 2**63], ids=str)
def test_a_closed_day_counts_in_whole_numbers(name: str, value: object) -> None:
    closed = {"venue": "CBGEX", "date": "2025-03-10", "trades": 1, "tonnes": 2, "turnover_fen": 3}

    with pytest.raises(Malformed):
        read_report(reported(closed | {name: value}, "venue.day_closed"))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from(sorted(TRADE)), _json)
def test_whatever_stands_in_a_trade_it_is_read_or_nobodys_but_never_a_fault_of_ours(
    name: str, value: object
) -> None:
    try:
        report = read(TRADE | {name: value})
    except Malformed:
        return
    assert (report.trade is None) == (report.fault is not None)


@given(st.data())
def test_a_body_with_any_byte_changed_is_read_or_nobodys(data: st.DataObject) -> None:
    body = bytearray(reported(TRADE).body)
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_report(delivery(bytes(body)))
    except Malformed:
        return
