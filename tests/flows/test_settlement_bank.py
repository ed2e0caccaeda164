"""What the bank reports: each reference is booked once, or rejected for people to look at."""

from typing import Any

import pytest

from tests.market import Market, Party, Seller, cloud_event, content

Pair = tuple[Seller, Party]
DEPOSIT, WITHDRAWAL = "bank.deposit_reported", "bank.withdrawal_reported"


async def test_a_deposit_is_booked_and_told(market: Market) -> None:
    party = await market.party("TRADER")

    reference = await market.deposit(party.account, 12_345)

    assert await market.fen(party.account) == 12_345
    told = content(await market.told("settlement.cash.moved", f"cash/{reference}"))
    assert (told["account"], told["amount_fen"]) == (party.account, 12_345)


async def test_the_same_reference_twice_is_booked_once(market: Market) -> None:
    party = await market.party("TRADER")
    report = market.cash(party.account, 500)

    for _ in range(3):
        await market.report_cash(report)
    await market.deposit(party.account, 1)

    assert await market.fen(party.account) == 501
    subject = f"cash/{report['bank_reference']}"
    assert len(market.heard("settlement.cash.moved", subject)) == 1


@pytest.mark.parametrize(
    ("kind", "changes"),
    [(DEPOSIT, {"amount_fen": 501}), (WITHDRAWAL, {})],
    ids=["other amount", "other direction"],
)
async def test_a_known_reference_with_other_content_is_kept_with_the_reason(
    market: Market, kind: str, changes: dict[str, object]
) -> None:
    party = await market.party("TRADER")
    report = market.cash(party.account, 500)
    await market.report_cash(report)
    await market.bank_outcome(report["bank_reference"])
    body = cloud_event("/bank", kind, report | changes, "again")

    await market.publish("bank", "tonne.bank", kind, body, user_id="bank")

    assert str((await market.buried(body))["tonne-reason"]).startswith("CONFLICT: ")
    assert await market.fen(party.account) == 500


@pytest.mark.parametrize(
    ("kind", "changes", "code"),
    [
        (DEPOSIT, {"amount_fen": -1}, "OUT_OF_RANGE"),
        (DEPOSIT, {"amount_fen": 0}, "OUT_OF_RANGE"),
        (DEPOSIT, {"amount_fen": 2**53}, "OUT_OF_RANGE"),
        (WITHDRAWAL, {"amount_fen": -1}, "OUT_OF_RANGE"),
        (WITHDRAWAL, {"amount_fen": 501}, "NOT_ENOUGH_CASH"),
        (WITHDRAWAL, {"venue": "HZ-PILOT"}, "NOT_ENOUGH_CASH"),
        (DEPOSIT, {"currency": "USD"}, "CURRENCY_NOT_SETTLED"),
        (DEPOSIT, {"venue": "NASDAQ"}, "VENUE_NOT_OPEN"),
    ],
)
async def test_cash_that_cannot_be_booked_is_rejected_with_the_code_and_told(
    market: Market, kind: str, changes: dict[str, object], code: str
) -> None:
    party = await market.buyer_with_cash(500)
    report = {**market.cash(party.account, 500), **changes}
    reference = str(report["bank_reference"])

    await market.report_cash(report, kind)

    assert await market.bank_outcome(reference) == ("REJECTED", code)
    told = await market.told("settlement.cash.rejected", f"cash/{reference}")
    assert content(told)["code"] == code
    await market.deposit(party.account, 1)
    assert await market.fen(party.account) == 501


async def test_a_withdrawal_takes_the_last_fen(market: Market) -> None:
    party = await market.buyer_with_cash(500)
    report = market.cash(party.account, 500)

    await market.report_cash(report, WITHDRAWAL)

    assert await market.bank_outcome(report["bank_reference"]) == ("BOOKED", None)
    assert await market.fen(party.account) == 0


UNREADABLE: dict[str, dict[str, object]] = {
    "half a fen": {"amount_fen": 0.5},
    "a text as amount": {"amount_fen": "500"},
    "no amount": {"amount_fen": None},
    "no account": {"account": None},
    "NUL": {"account": "ACC\0"},
    "no reference": {"bank_reference": ""},
    "an endless reference": {"bank_reference": "B" * 200_000},
    "a reference with a line end": {"bank_reference": "B\n"},
    "no offset": {"booked_at": "2025-03-10T10:15:30"},
    "begin of time": {"booked_at": "0001-01-01T00:00:00+08:00"},
}


@pytest.mark.parametrize("changes", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_a_bank_report_that_cannot_be_read_is_kept_and_the_next_one_is_booked(
    market: Market, changes: dict[str, object]
) -> None:
    party = await market.party("TRADER")
    body = cloud_event("/bank", DEPOSIT, market.cash(party.account, 500) | changes, "by-hand")

    await market.publish("bank", "tonne.bank", DEPOSIT, body, user_id="bank")

    assert str((await market.buried(body))["tonne-reason"]).startswith("MALFORMED: ")
    await market.deposit(party.account, 7)
    assert await market.fen(party.account) == 7


async def test_nobody_but_the_bank_reports_cash(market: Market) -> None:
    party = await market.party("TRADER")
    report: dict[str, Any] = market.cash(party.account, 500)
    body = cloud_event("/bank", DEPOSIT, report, "by-hand")

    await market.publish("operator", "tonne.bank", DEPOSIT, body, user_id="operator")

    assert "from user operator" in str((await market.buried(body))["tonne-reason"])
    await market.deposit(party.account, 7)
    assert await market.fen(party.account) == 7


async def test_a_deposit_before_its_account_is_known_is_booked_when_it_is(market: Market) -> None:
    """The bank may be quicker than the registry's event: here the number is guessed before it exists."""
    following = await market.guessed_account()
    report = market.cash(following, 500)
    await market.report_cash(report)

    party = await market.party("TRADER")

    assert party.account == following
    assert await market.bank_outcome(report["bank_reference"]) == ("BOOKED", None)
