"""Rule 12 at the trade: who may be a party to one; a broken rule leaves the books as they were."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.kernel.blocks import Block
from services.kernel.refusals import NotYetKnown, Refusal
from services.settlement.ledger import (
    Account,
    Batch,
    Books,
    Bucket,
    CashKey,
    Holding,
    Instrument,
    Place,
)
from services.settlement.messages.holdings import Instrument as TradedInstrument
from services.settlement.messages.trades import ExecutedTrade
from services.settlement.trades import AccountMayNotTrade, Venue, settle

AT = datetime(2026, 3, 2, 2, tzinfo=UTC)
ID = UUID(int=1)
VENUE = Venue("CBGEX", "北京绿色交易所", ["CCER"], ["LISTING"], 1, "LIVE", None)
SELLER = Account("ACC-1", UUID(int=11), "OWNER", "OPEN", "TRD-1", ("op-1",))
BUYER = Account("ACC-2", UUID(int=12), "TRADER", "OPEN", "TRD-2", ("op-2",))
INSTRUMENT = Instrument("A210001", 2024)
BATCH = Batch(
    batch_id=ID,
    programme="CCER",
    country="CN",
    project="A210001",
    vintage=2024,
    batch_number=1,
    issued_at=AT,
)
TRADE = ExecutedTrade(
    venue="CBGEX",
    trade_id="1",
    method="LISTING",
    instrument=TradedInstrument(project="A210001", vintage=2024),
    seller_account="ACC-1",
    buyer_account="ACC-2",
    quantity=10,
    price="70.00",
    currency="CNY",
    executed_at=AT,
)


def books(seller: Account = SELLER, buyer: Account = BUYER) -> Books:
    place = Place("ACC-1", Bucket.EXCHANGE, "CBGEX")
    cash = {CashKey("ACC-2", "CBGEX", "CNY"): 100_000}
    return Books.of([seller, buyer], [BATCH], [Holding(Block(ID, 1, 101), place)], cash)


def refused(given: Books, refusal: type[Refusal]) -> Refusal:
    with pytest.raises(refusal) as raised:
        settle(TRADE, VENUE, given, AT)
    assert not given.credit_entries
    assert not given.cash_entries
    return raised.value


@pytest.mark.parametrize("kind", ["OWNER", "EMITTER", "TRADER"])
def test_open_accounts_with_a_trading_account_trade(kind: str) -> None:
    settled = settle(TRADE, VENUE, books(buyer=replace(BUYER, kind=kind)), AT)
    assert settled.amount_fen == 70_000


@pytest.mark.parametrize("kind", ["VERIFIER", "AUTHORITY"])
def test_rule_12_nothing_of_a_barred_party_is_accepted(kind: str) -> None:
    barred = {"kind": kind, "trading_account": None}
    for given in (books(replace(SELLER, **barred)), books(buyer=replace(BUYER, **barred))):
        refusal = refused(given, AccountMayNotTrade)
        assert refusal.values["kind"] == kind


@pytest.mark.parametrize("status", ["RESTRICTED", "CLOSED"])
def test_restricted_and_closed_accounts_do_not_trade(status: str) -> None:
    for given in (
        books(replace(SELLER, status=status)),
        books(buyer=replace(BUYER, status=status)),
    ):
        assert refused(given, AccountMayNotTrade).values["status"] == status


def test_rule_11_without_a_trading_account_the_trade_waits_for_one() -> None:
    """Its opening may be on its way; at the deadline the trade is rejected."""
    for given in (
        books(replace(SELLER, trading_account=None)),
        books(buyer=replace(BUYER, trading_account=None)),
    ):
        assert refused(given, NotYetKnown).values["noun"] == "trading account"
