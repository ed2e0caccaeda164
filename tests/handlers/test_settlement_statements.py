"""Balances at past instants, statements, entries page by page, and reference prices: each against a naive count."""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.kernel.calendars import CHINA
from services.kernel.money import FEN_MAX
from services.settlement.ledger import Instrument
from services.settlement.market import DayTotals, Listing, Market, MarketBooks
from services.settlement.terms import price_band
from tests.handlers.ledgers import ALPHA, BETA, REGISTRAR, START, Ledger, Viewer, at

OWNER = Viewer("op.a", ALPHA, ("owner-operator",))
STRANGER = Viewer("op.b", BETA, ("owner-operator", "venue"))
OWN = "ACC-A1"
FOREVER = datetime(9000, 1, 1, tzinfo=UTC)
PLACES = [
    (number, bucket, venue)
    for number in (OWN, "ACC-B")
    for bucket, venue in (("registry", None), ("exchange", "CBGEX"), ("exchange", "HZ-PILOT"))
]


@dataclass(frozen=True, slots=True)
class Moved:
    """An entry, of credits or of cash, as the naive count sees it."""

    source: Any
    target: Any
    amount: int
    effective_at: datetime
    recorded_at: datetime

    def parts(self) -> list[tuple[Any, int]]:
        """What it adds to each side."""
        return [(self.target, self.amount), (self.source, -self.amount)]


def balances(moves: list[Moved], effective: datetime, recorded: datetime) -> dict[Any, int]:
    """The sum of what had taken effect and was known, without zeros."""
    sums = Counter[Any]()
    for move in moves:
        if move.effective_at <= effective and move.recorded_at <= recorded:
            for side, amount in move.parts():
                sums[side] += amount
    return {side: amount for side, amount in sums.items() if amount}


async def filled(ledger: Ledger) -> tuple[list[Moved], list[Moved]]:
    """Entries of credits and of cash, recorded up to an hour after they took effect, several at one instant."""
    chance = random.Random(4)
    moves, cash = list[Moved](), list[Moved]()
    for place in range(120):
        effective = at(chance.randrange(40))
        recorded = effective + timedelta(minutes=chance.randrange(60))
        source, target = chance.sample([None, *PLACES], 2)
        moves.append(Moved(source, target or PLACES[0], 1 + place, effective, recorded))
        payer, payee = chance.sample([None, OWN, "ACC-B"], 2)
        cash.append(Moved(payer, payee, 1 + place, effective, recorded))
    moves = [move for move in moves if move.source != move.target]
    for move in moves:
        await ledger.credit(
            move.source, move.target, move.amount, move.effective_at, move.recorded_at
        )
    for move in cash:
        await ledger.pay(move.source, move.target, move.amount, move.effective_at, move.recorded_at)
    return moves, cash


INSTANTS = [START - timedelta(minutes=1), *map(at, (0, 7, 7.5, 20, 39, 99)), FOREVER]


async def test_balances_at_every_instant_are_the_sums_of_what_was_effective_and_known(
    ledger: Ledger,
) -> None:
    moves, cash = await filled(ledger)
    for effective in INSTANTS:
        for recorded in INSTANTS:
            found = await ledger.read("balances", OWNER, OWN, effective, recorded)
            held = {(OWN, one["bucket"], one["venue"]): one["tonnes"] for one in found}
            expected = balances(moves, effective, recorded)
            assert held == {key: sum_ for key, sum_ in expected.items() if key and key[0] == OWN}
            [fen] = [
                one["balance_fen"]
                for one in await ledger.read("cash_balances", OWNER, OWN, effective, recorded)
            ] or [0]
            assert fen == balances(cash, effective, recorded).get(OWN, 0)


async def test_a_bound_that_is_not_given_is_none(ledger: Ledger) -> None:
    await filled(ledger)
    for function in ("balances", "cash_balances"):
        now = await ledger.read(function, OWNER, OWN, None, None)
        assert now == await ledger.read(function, OWNER, OWN, FOREVER, FOREVER) != []


@pytest.mark.parametrize("rounds", [1, 2, 1_100])
async def test_what_came_and_went_is_shown_up_to_what_json_holds(
    ledger: Ledger, rounds: int
) -> None:
    """Balances stay small while the sums grow: beyond 2^53 they are null, and beyond 2^63 no fault."""
    here, away = (OWN, "registry", None), ("ACC-B", "registry", None)
    for _ in range(rounds):
        for source, target in ((away, here), (here, away)):
            await ledger.credit(source, target, FEN_MAX, at(1), at(1))
            await ledger.pay(source[0], target[0], FEN_MAX, at(1), at(1))
    asked = OWN, at(0), at(2), None
    sums = (FEN_MAX, FEN_MAX) if rounds == 1 else (None, None)

    [line] = await ledger.read("statement", OWNER, *asked)
    [cash] = await ledger.read("cash_statement", OWNER, *asked)

    assert tuple(line)[5:] == tuple(cash)[2:] == (0, *sums, 0)


@pytest.mark.parametrize("known_at", [None, at(30)])
async def test_a_statement_opens_and_closes_with_the_balances_and_adds_up(
    ledger: Ledger, known_at: datetime | None
) -> None:
    moves, cash = await filled(ledger)
    for opens, closes in [(at(0), at(20)), (at(7), at(7)), (at(7), at(8)), (INSTANTS[0], at(99))]:
        asked = OWN, opens, closes, known_at
        for one in await ledger.read("statement", OWNER, *asked):
            side = OWN, one["bucket"], one["venue"]
            assert tuple(one)[5:] == _account(moves, side, opens, closes, known_at), side
        for one in await ledger.read("cash_statement", OWNER, *asked):
            assert tuple(one)[2:] == _account(cash, OWN, opens, closes, known_at)
        sides = {
            (OWN, one["bucket"], one["venue"])
            for one in await ledger.read("statement", OWNER, *asked)
        }
        known = known_at or FOREVER
        for instant in (opens, closes):
            assert {s for s in balances(moves, instant, known) if s and s[0] == OWN} <= sides


def _account(
    moves: list[Moved], side: Any, opens: datetime, closes: datetime, known_at: datetime | None
) -> tuple[int, int, int, int]:
    known = known_at or FOREVER
    within = [
        (amount, move)
        for move in moves
        for whose, amount in move.parts()
        if whose == side and opens < move.effective_at <= closes and move.recorded_at <= known
    ]
    incoming = sum(amount for amount, _ in within if amount > 0)
    outgoing = -sum(amount for amount, _ in within if amount < 0)
    opening = balances(moves, opens, known).get(side, 0)
    assert opening + incoming - outgoing == balances(moves, closes, known).get(side, 0)
    return opening, incoming, outgoing, opening + incoming - outgoing


async def test_a_statement_that_ends_before_it_begins_is_empty(ledger: Ledger) -> None:
    await filled(ledger)
    for function in ("statement", "cash_statement"):
        assert await ledger.read(function, OWNER, OWN, at(20), at(19), None) == []


@pytest.mark.parametrize("page_size", [1, 7, 1000])
async def test_entries_come_newest_first_each_once(ledger: Ledger, page_size: int) -> None:
    await filled(ledger)
    for kind in ("credit", "cash"):
        expected = [
            one["entry_id"]
            for one in await ledger.connection.fetch(
                f"SELECT entry_id FROM {kind}_entry WHERE $1 IN (from_account, to_account)"
                " ORDER BY entry_id DESC",
                OWN,
            )
        ]
        found, after = list[int](), None
        while page := await ledger.read(f"{kind}_entries", OWNER, OWN, after, page_size):
            found += [one["entry_id"] for one in page]
            after = found[-1]
        assert found == expected


READS = {
    "balances": (OWN, None, None),
    "cash_balances": (OWN, None, None),
    "statement": (OWN, START, at(99), None),
    "cash_statement": (OWN, START, at(99), None),
    "credit_entries": (OWN, None, 10),
    "cash_entries": (OWN, None, 10),
}


@pytest.mark.parametrize(("function", "given"), READS.items())
async def test_only_who_may_see_the_account_reads_of_it(
    ledger: Ledger, function: str, given: tuple[object, ...]
) -> None:
    await filled(ledger)
    for viewer in (OWNER, REGISTRAR, Viewer("a", None, ("auditor",))):
        assert await ledger.read(function, viewer, *given)
    for viewer in (STRANGER, Viewer(), Viewer("approver", None, ("approver",))):
        assert await ledger.read(function, viewer, *given) == []


@pytest.mark.parametrize("kind", ["credit", "cash"])
async def test_an_account_reads_none_of_the_others_entries(ledger: Ledger, kind: str) -> None:
    """Among 20,000 entries of others a page reads by the account's own indexes."""
    await ledger.connection.execute(
        """
        INSERT INTO cash_entry (posting, venue, currency, from_account, to_account, amount_fen, effective_at,
            recorded_at)
        SELECT 'x', 'CBGEX', 'CNY', 'ACC-' || n, 'ACC-' || n + 1, 1, now(), now() FROM generate_series(1, 20000) AS n;
        INSERT INTO credit_entry (posting, batch_id, first_serial, next_serial, from_account, from_bucket, from_venue,
            to_account, to_bucket, to_venue, effective_at, recorded_at)
        SELECT 'x', '00000000-0000-0000-0000-000000000064', n, n + 1, 'ACC-' || n, 'registry', NULL, 'ACC-' || n + 1,
            'registry', NULL, now(), now() FROM generate_series(1, 20000) AS n;
        ANALYZE cash_entry;
        ANALYZE credit_entry
        """
    )
    await filled(ledger)
    for function in (f"{kind}_entries", "balances", "cash_balances"):
        given = READS[function]
        blocks = await ledger.blocks(function, OWNER, *given)
        assert blocks < 1_500, function


async def test_the_published_reference_price_and_band_are_those_that_trades_obey(
    ledger: Ledger,
) -> None:
    """Days with and without listing trades, averages of half a fen, and an instrument that only has a first price."""
    chance = random.Random(17)
    market = Market("CBGEX", Instrument("WIND", 2024))
    await ledger.connection.execute(
        "INSERT INTO instrument VALUES ('CBGEX', 'WIND', 2024, 'CCER', '2026-01-05', 7070, $1)", OWN
    )
    await ledger.connection.execute(
        "INSERT INTO market_terms VALUES ('CBGEX', 'CCER', '2026-01-01', 'IMMEDIATE', $1, 'a', 'b', now())",
        '{"tick_fen": 5, "methods": [{"method": "LISTING", "band_basis_points": 1000},'
        ' {"method": "BULK", "band_basis_points": null}]}',
    )
    days: dict[date, DayTotals] = {}
    for number in range(3, 28):
        tonnes = chance.choice((0, 0, 1, 2, 3, 40))
        fen = sum(chance.randrange(6000, 8000) for _ in range(tonnes))
        totals = DayTotals(1, tonnes + 1, fen + 1, tonnes, fen)
        days[date(2026, 1, number)] = totals
        await ledger.connection.execute(
            "INSERT INTO instrument_day VALUES ('CBGEX', 'WIND', 2024, $1, 1, $2, $3, $4, $5, 0, 0, 0)",
            date(2026, 1, number),
            totals.tonnes,
            totals.turnover_fen,
            tonnes,
            fen,
        )
    books = MarketBooks(
        calendar=CHINA,
        listings={market: Listing("CCER", date(2026, 1, 5), 7070)},
        days={market: days},
    )
    for number in range(1, 31):
        day = date(2026, 1, number)
        expected = books.reference_fen(market, day, 5)
        assert expected
        found = await ledger.connection.fetch(
            "SELECT * FROM settlement_read.price_limits('CBGEX', 'WIND', 2024, $1)", day
        )
        listed = ("LISTING", expected, 1000, *price_band(expected, 1000, 5))
        assert [tuple(one) for one in found] == [("BULK", expected, None, None, None), listed]
    today = await ledger.connection.fetchrow("SELECT * FROM settlement_read.instrument_today")
    assert today
    assert today["reference_fen"] == books.reference_fen(market, today["day"], 5)
    missing = "SELECT settlement_read.reference_price('CBGEX', 'SUN', 2024, '2026-01-05')"
    assert await ledger.connection.fetchval(missing) is None
