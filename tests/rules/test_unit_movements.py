"""Cases of another ledger (see the source that each names) that hold for ours too, run on our books."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.kernel.actors import Actor
from services.kernel.blocks import Block
from services.kernel.ids import new_id
from services.kernel.refusals import Refusal
from services.settlement.books import Books
from services.settlement.ledger import (
    Account,
    Batch,
    Bucket,
    CashKey,
    CashPosition,
    Holding,
    Instrument,
    Place,
)
from services.settlement.messages.holdings import ProposeTransfer
from services.settlement.messages.market import MethodTerms
from services.settlement.messages.retirements import RetireCredits
from services.settlement.owners import require_owner, require_tonnes
from services.settlement.retirements import Programme, require_usable
from services.settlement.transfers import require_offer
from tests import trading
from tests.trading import AT, BATCH, FEES, VENUE, WIND

Case = Mapping[str, Any]

CASES: Mapping[str, Case] = {
    case["id"]: case
    for case in json.loads(
        Path(__file__).with_name("cases").joinpath("unit_movements.json").read_bytes()
    )["cases"]
}

FRACTIONS = "a credit is one whole tonne: there are no fractions of one"
ORDERS = "orders are kept by the venue: what it reports has been matched"
BASKETS = "there are no baskets of credits"
ISSUANCE = "a batch is made by issuance, once and whole; settlement only learns of it"
USE = "credits are retired by two persons after the trade, never by the trade"
NOT_APPLICABLE: Mapping[str, str] = {
    **dict.fromkeys([f"send-prec-0{number}" for number in range(1, 7)], FRACTIONS),
    **dict.fromkeys(["esc-01", "esc-02", "esc-03"], FRACTIONS),
    **dict.fromkeys(["sell-03", "sell-04", "sell-05"], ORDERS),
    **dict.fromkeys(["buy-bid-01", "buy-bid-02", "buy-bid-03"], ORDERS),
    **dict.fromkeys(["batch-01", "batch-04", "batch-05", "batch-06", "batch-07"], ISSUANCE),
    **dict.fromkeys(["mint-02", "mint-03", "mint-04", "mint-05"], ISSUANCE),
    **dict.fromkeys(["buy-autoretire-1", "buy-autoretire-2"], USE),
    **dict.fromkeys(
        ["buy-maxfee-10", "buy-maxfee-20", "buy-maxfee-30"],
        "commissions are terms of the market, known before: nobody caps them by trade",
    ),
    **dict.fromkeys(
        [name for name in CASES if name.startswith(("put-", "take-", "vint-"))], BASKETS
    ),
    "send-bad-06": "a reason is bounded with the message that carries it, not by the ledger",
    "buy-multi-03": "trades settle one by one (article 27): the first stands if the second cannot",
    "buy-fee-2": "commissions go to an account: nothing is burned",
}
"""Every case that says nothing about our ledger, and why."""

CODES = {
    "insufficient_balance": "NOT_ENOUGH_CREDITS",
    "insufficient_funds": "NOT_ENOUGH_CASH",
    "more_than_order": "NOT_ENOUGH_CREDITS",
    "negative": "OUT_OF_RANGE",
    "empty": "OUT_OF_RANGE",
    "batch_not_found": "NOT_YET_KNOWN",
    "self_trade": "SELF_TRADE",
    "self_transfer": "TRANSFER_TO_ONESELF",
    "jurisdiction_required": "STATEMENT_MISSING",
    "reason_required": "STATEMENT_MISSING",
    "not_owner": "NOT_YET_KNOWN",  # an account of others is answered like one that does not exist
}
PEOPLE = {"alice": UUID(int=11), "bob": UUID(int=12), FEES: UUID(int=13)}
BUCKETS = {
    "tradable": (Bucket.REGISTRY, Bucket.EXCHANGE),
    "escrowed": (Bucket.RESERVED,),
    "retired": (Bucket.RETIRED,),
    "cancelled": (Bucket.CANCELLED,),
}


def test_every_case_is_run_or_named_with_the_reason_why_not() -> None:
    assert len(CASES) == 91
    assert set(NOT_APPLICABLE) < set(CASES)
    assert all(NOT_APPLICABLE.values())


@pytest.mark.parametrize("name", [name for name in CASES if name not in NOT_APPLICABLE])
def test_our_books_say_the_same(name: str) -> None:
    given, when, then = (CASES[name][part] for part in ("given", "when", "then"))
    is_at_venue = when["do"] in ("sell", "sell_many", "update_order", "update_many", "buy")
    books = _books(given, is_at_venue=is_at_venue)
    before = dict(books.cash)
    steps = _steps(books, given, when)

    if "error" in then:
        for _ in range(then.get("error_index", 0)):
            next(steps)
        with pytest.raises(Refusal) as refused:
            next(steps)
        assert refused.value.code() == CODES[then["error"]]
        assert then.get("error_index") or trading.is_untouched(books)
        return
    list(steps)
    _compare(books, before, then)


def _books(given: Case, *, is_at_venue: bool) -> Books:
    """What the case gives: credits by person and bucket, out of one batch; and money."""
    free = Bucket.EXCHANGE if is_at_venue else Bucket.REGISTRY
    wanted = [
        (_place(person, bucket), int(given[person].get(kind, 0)))
        for person in ("alice", "bob")
        if person in given
        for kind, bucket in (("tradable", free), ("escrowed", Bucket.RESERVED))
    ]
    orders = given.get("orders", [given["order"]] if "order" in given else [])
    if is_at_venue and "alice" not in given:
        wanted += [(_place("alice", free), int(order.get("quantity", 0))) for order in orders]
    holdings: list[Holding] = []
    first = 1
    for place, tonnes in wanted:
        if tonnes:
            holdings.append(Holding(Block(BATCH, first, first + tonnes), place))
            first += tonnes
    money = int(given.get("bob_money", 10_000))
    return Books.of(
        [
            Account(name, organisation, "TRADER", "OPEN", f"TRD-{name}")
            for name, organisation in PEOPLE.items()
        ],
        [Batch(BATCH, "CCER", "CN", WIND.project, WIND.vintage, 1, AT)],
        holdings,
        {_cash("bob"): CashPosition(money * 100)},
    )


def _steps(books: Books, given: Case, when: Case) -> Iterator[None]:
    """What is done, step by step, each by the rule or the verb of the ledger that does it here."""
    does = {
        "send": _send,
        "retire": _use,
        "cancel": _use,
        "create_batch": _receive,
        "mint": _receive,
        "sell": _reserve,
        "sell_many": _reserve,
        "update_order": _reserve_again,
        "update_many": _reserve_again,
        "buy": _buy,
    }
    yield from does[when["do"]](books, given, when)


def _send(books: Books, given: Case, when: Case) -> Iterator[None]:
    tonnes = int(when.get("amount", 0 if when.get("credits") == [] else 1))
    if when["frm"] == when["to"]:
        require_offer(_offer(when["frm"], when["to"]), AT.date())
    if "jurisdiction" in when:
        require_usable(_retirement(beneficiary_country=""), Programme("CCER", "NATIONAL", True))
    require_tonnes(tonnes)
    instrument = Instrument(when.get("batch", WIND.project), WIND.vintage)
    books.programme_of(instrument)
    target = Bucket.RETIRED if when.get("kind") == "retired" else Bucket.REGISTRY
    source = _place(when["frm"], Bucket.REGISTRY)
    books.move("transfer", instrument, source, _place(when["to"], target), tonnes, AT)
    yield


def _use(books: Books, given: Case, when: Case) -> Iterator[None]:
    if when.get("reason") == "":
        require_usable(_retirement(reason=""), Programme("CCER", "NATIONAL", True))
    target = Bucket.RETIRED if when["do"] == "retire" else Bucket.CANCELLED
    source = _place(when["who"], Bucket.REGISTRY)
    books.move("use", WIND, source, _place(when["who"], target), int(when["amount"]), AT)
    yield


def _receive(books: Books, given: Case, when: Case) -> Iterator[None]:
    first = 1
    parts = when.get("issuance", [{"to": when.get("to"), "tradable": when.get("amount")}])
    for part in parts:
        for kind, bucket in (("tradable", Bucket.REGISTRY), ("retired", Bucket.RETIRED)):
            if kind in part:
                following = first + int(part[kind])
                books.receive(
                    "batch", Block(BATCH, first, following), _place(part["to"], bucket), AT
                )
                first = following
    yield


def _reserve(books: Books, given: Case, when: Case) -> Iterator[None]:
    for order in when.get("orders", [when]):
        _to_reserved(books, when["who"], int(order["quantity"]))
        yield


def _reserve_again(books: Books, given: Case, when: Case) -> Iterator[None]:
    orders = given.get("orders") or [given["order"]]
    if "owner" in orders[0]:
        actor = Actor(when["who"], PEOPLE[when["who"]], frozenset({"owner-operator"}))
        require_owner(actor, books.account(orders[0]["owner"]), orders[0]["owner"])
    wanted = when.get("quantities", [when["quantity"]] if "quantity" in when else [])
    for order, quantity in zip(orders, wanted, strict=True):
        _to_reserved(books, when["who"], int(quantity) - int(order["quantity"]))
        yield


def _to_reserved(books: Books, person: str, tonnes: int) -> None:
    places = _place(person, Bucket.EXCHANGE), _place(person, Bucket.RESERVED)
    source, target = places if tonnes > 0 else reversed(places)
    books.move("capture", WIND, source, target, abs(tonnes), AT)


def _buy(books: Books, given: Case, when: Case) -> Iterator[None]:
    orders = given.get("orders", [given["order"]] if "order" in given else [])
    fees = {
        f"{side}_fee_ppm": int(float(given.get(f"{side}_fee", 0)) * 1_000_000)
        for side in ("buyer", "seller")
    }
    terms = trading.terms(methods=(MethodTerms(method="LISTING"),), fee_account=FEES, **fees)
    market = trading.market(terms)
    for number, order in enumerate(orders):
        quantity = when["quantities"][number] if "quantities" in when else when["quantity"]
        trade = trading.trade(
            trade_id=str(number),
            seller_account="alice",
            buyer_account=when["who"],
            quantity=int(quantity),
            price=order.get("price", "10"),
        )
        trading.settled(trade, market, books)
        yield


def _compare(books: Books, before: Mapping[CashKey, CashPosition], then: Case) -> None:
    for person in ("alice", "bob"):
        for kind, tonnes in then.get(person, {}).items():
            assert _held(books, [person], kind) == int(tonnes), (person, kind)
    supply = then.get("supply", {})
    if supply == "unchanged":
        supply = {"retired": 0, "cancelled": 0}
    for kind, tonnes in supply.items():
        kinds = ["tradable", "escrowed"] if kind == "tradable" else [kind]
        assert sum(_held(books, PEOPLE, one) for one in kinds) == int(tonnes), kind
    if "order_left" in then:
        assert _held(books, ["alice"], "tradable") == int(then["order_left"])
    for key, person in (("alice_money", "alice"), ("bob_money", "bob"), ("fee_pool", FEES)):
        if key in then:
            was = before.get(_cash(person), CashPosition()).balance_fen
            is_change = then[key][0] in "+-"
            expected = int(then[key]) * 100 + (was if is_change else 0)
            assert books.position(_cash(person)).balance_fen == expected, key


def _held(books: Books, people: Any, kind: str) -> int:
    places = [_place(person, bucket) for person in people for bucket in BUCKETS[kind]]
    return sum(books.available(place, WIND) for place in places)


def _place(person: str, bucket: Bucket) -> Place:
    is_at_venue = bucket in (Bucket.EXCHANGE, Bucket.RESERVED)
    return Place(person, bucket, VENUE if is_at_venue else None)


def _cash(person: str) -> CashKey:
    return CashKey(person, VENUE, "CNY")


def _offer(giver: str, receiver: str) -> ProposeTransfer:
    return ProposeTransfer(
        transfer_id=new_id(),
        from_account=giver,
        to_account=receiver,
        project=WIND.project,
        vintage=WIND.vintage,
        tonnes=1,
        ground="INHERITANCE",
        document_sha256="0" * 64,
        reason="will",
        expires_on=AT.date(),
    )


def _retirement(**changed: str) -> RetireCredits:
    wanted = RetireCredits(
        retirement_id=new_id(),
        account="alice",
        project=WIND.project,
        vintage=WIND.vintage,
        tonnes=1,
        purpose="ENTERPRISE_OFFSET",
        beneficiary_name="B",
        beneficiary_id="B",
        beneficiary_country="CN",
        reporting_period="2025",
        reason="own emissions",
    )
    return msgspec.structs.replace(wanted, **changed)
