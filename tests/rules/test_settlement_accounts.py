"""Rule 12 at the trade: who may be a party to one; a broken rule leaves the books as they were."""

from uuid import UUID

import pytest
from msgspec.structs import replace

from services.kernel.blocks import Block
from services.kernel.refusals import NotYetKnown, Refusal
from services.settlement.books import Books
from services.settlement.ledger import Account, Batch, CashPosition, Holding
from services.settlement.trades import AccountMayNotTrade
from tests import trading
from tests.trading import AT, BATCH, BUYER_CASH, DESK

SELLER = Account(trading.SELLER, UUID(int=11), "OWNER", "OPEN", "TRD-1", ("op-1",))
BUYER = Account(trading.BUYER, UUID(int=12), "TRADER", "OPEN", "TRD-2", ("op-2",))


def books(seller: Account = SELLER, buyer: Account = BUYER) -> Books:
    batch = Batch(BATCH, "CCER", "CN", "WIND", 2024, 1, AT)
    cash = {BUYER_CASH: CashPosition(1_000_000)}
    return Books.of([seller, buyer], [batch], [Holding(Block(BATCH, 1, 101), DESK)], cash)


def refused(given: Books, refusal: type[Refusal]) -> Refusal:
    with pytest.raises(refusal) as raised:
        trading.decided(trading.TRADE, None, given)
    assert trading.is_untouched(given)
    return raised.value


@pytest.mark.parametrize("kind", ["OWNER", "EMITTER", "TRADER"])
def test_open_accounts_with_a_trading_account_trade(kind: str) -> None:
    settled = trading.settled(trading.TRADE, None, books(buyer=replace(BUYER, kind=kind)))
    assert settled.captured.amount_fen == 1_000_000


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
