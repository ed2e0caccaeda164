"""A made-up market of any size: owners with opening batches at a venue, traders with cash; the same every time."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from services.issuance.messages.batches import ImportOpeningBatch
from services.kernel.actors import Actor, Role
from services.kernel.clocks import BEIJING
from services.kernel.ids import derived_id
from services.kernel.money import yuan
from services.registry.messages.accounts import AppointOperator, OpenAccount, OpenTradingAccount
from services.registry.messages.organisations import RegisterOrganisation
from services.registry.messages.programmes import RegisterProgramme
from services.runtime.messages import CloudEvent, Command
from services.runtime.postgres import Connection
from services.settlement.messages.approvals import ApproveCommand
from services.settlement.messages.holdings import MoveToVenue
from services.settlement.messages.market import (
    DeclareFirstPrice,
    MarketTerms,
    MethodTerms,
    OpenVenue,
    Session,
    SetMarketTerms,
    StartReplay,
)
from services.tools.bench.fleet import Act, Fleet
from services.tools.client import opened_sender, reported
from services.tools.companies import invented_credit_code
from services.tools.stack import Stack

VENUE, PROGRAMME, METHOD = "CBGEX", "BENCH", "LISTING"
OWNERS = 20
"""Of the accounts so many hold what was issued; all others trade."""
BATCHES = 2
"""Of each instrument."""
BATCH_TONNES = 100_000_000
CASH_FEN = 1_000_000_000_000
FIRST_PRICE_FEN = 8_000
FOUNDED_ON, MOVED_ON, FIRST_DAY = date(2020, 12, 30), date(2020, 12, 31), date(2021, 1, 4)
"""Everything is history, so that a trade's hour is the venue's and not that of the run."""

_VINTAGES = range(2014, 2020)
_POLL_SECONDS = 0.1
_REGISTRAR = Actor("registrar-1", None, frozenset({Role.REGISTRAR, Role.HISTORIAN}))
_SECOND = Actor("registrar-2", None, frozenset({Role.APPROVER, Role.HISTORIAN}))
_EXCHANGE = Actor(VENUE, None, frozenset({Role.VENUE, Role.HISTORIAN}))


@dataclass(frozen=True, slots=True)
class Instrument:
    """What is traded, and who held it first."""

    project: str
    vintage: int
    owner: int
    """The place of its account."""

    @property
    def first_price_fen(self) -> int:
        """What a tonne costs on the first day, and about what it costs ever after."""
        return FIRST_PRICE_FEN + self.owner * 100 + self.vintage


@dataclass(frozen=True, slots=True)
class Market:
    """The numbers of the accounts, owners first; the last one has neither credits nor cash."""

    accounts: Sequence[str]
    instruments: Sequence[Instrument]

    @property
    def traders(self) -> range:
        """The places of those who buy and sell."""
        return range(OWNERS, len(self.accounts) - 1)


def instruments(count: int) -> list[Instrument]:
    """So many of them: the projects of all owners have vintage after vintage."""
    return [_instrument(number // OWNERS, number % OWNERS) for number in range(count)]


def _instrument(turn: int, owner: int) -> Instrument:
    project, year = divmod(turn, len(_VINTAGES))
    return Instrument(f"M{owner:03d}{project:03d}", _VINTAGES[year], owner)


async def founded(
    stack: Stack, fleet: Fleet, database: Connection, accounts: int, count: int
) -> Market:
    """A market of so many accounts and instruments, made by commands and bank reports and known everywhere."""
    ids = [derived_id("bench", "account", place) for place in range(accounts)]
    await fleet.send(_registrar(_programme()))
    await fleet.send_all(_party(place, account_id) for place, account_id in enumerate(ids))
    numbers = await _numbers(database, ids)
    await fleet.send_all(_trading(number) for number in numbers)
    await _until(database, "SELECT count(trading_account) FROM settlement.account", accounts)
    market = Market(numbers, instruments(count))
    await fleet.send(_registrar(OpenVenue(code=VENUE, name=VENUE)))
    await fleet.send(_registrar(StartReplay(venue=VENUE)))
    await _approved(fleet, _registrar(SetMarketTerms(terms=_terms())), _SECOND)
    await fleet.send_all([_registrar(one)] for one in _batches(market))
    await _until(database, "SELECT count(*) FROM settlement.batch", count * BATCHES)
    await fleet.send_all([_move(market, one)] for one in market.instruments)
    for one in market.instruments:
        await _approved(fleet, _first_price(market, one), _EXCHANGE)
    await _pay_in(stack, market)
    await _until(database, "SELECT count(*) FROM settlement.bank_report", accounts - 1)
    return market


async def _numbers(database: Connection, ids: Sequence[UUID]) -> list[str]:
    found = await database.fetch("SELECT account_id, number FROM registry.account")
    numbers = {one["account_id"]: one["number"] for one in found}
    return [numbers[account_id] for account_id in ids]


async def _until(database: Connection, counting: str, expected: int) -> None:
    """Waits until settlement has learned as much."""
    while await database.fetchval(counting) < expected:  # noqa: ASYNC110 - other processes act
        await asyncio.sleep(_POLL_SECONDS)


def _on(day: date) -> datetime:
    return datetime.combine(day, time(9), BEIJING)


def _registrar(command: Command) -> Act:
    return Act(command, _REGISTRAR, _on(FOUNDED_ON))


async def _approved(fleet: Fleet, act: Act, approver: Actor) -> None:
    """Sends what two persons do together, as both."""
    asked = await fleet.send(act)
    assert asked.approval_id is not None
    await fleet.send(Act(ApproveCommand(approval_id=asked.approval_id), approver, act.effective_at))


def _programme() -> RegisterProgramme:
    return RegisterProgramme(
        code=PROGRAMME,
        name=PROGRAMME,
        country="CN",
        kind="NATIONAL_LEGACY",
        is_ets_eligible=False,
    )


def _terms() -> MarketTerms:
    """The rules of the real exchange's listed trades."""
    return MarketTerms(
        venue=VENUE,
        programme=PROGRAMME,
        valid_from=FOUNDED_ON,
        cycle="IMMEDIATE",
        methods=(MethodTerms(method=METHOD, band_basis_points=1_000),),
        sessions=(Session(opens="09:30", closes="11:30"), Session(opens="13:00", closes="15:00")),
    )


def _organisation_id(place: int) -> UUID:
    return derived_id("bench", "organisation", place)


def _party(place: int, account_id: UUID) -> Sequence[Act]:
    name = f"交易{place}有限公司"
    registered = RegisterOrganisation(
        organisation_id=_organisation_id(place), name=name, credit_code=invented_credit_code(name)
    )
    opened = OpenAccount(
        account_id=account_id,
        organisation_id=_organisation_id(place),
        kind="OWNER" if place < OWNERS else "TRADER",
    )
    return [Act(one, _REGISTRAR, _on(FOUNDED_ON)) for one in (registered, opened)]


def _trading(number: str) -> Sequence[Act]:
    appointed = AppointOperator(account=number, operator=_operator(number), name="甲")
    opened = OpenTradingAccount(
        trading_account_id=derived_id("bench", "trading", number), account=number
    )
    return [Act(one, _REGISTRAR, _on(FOUNDED_ON)) for one in (appointed, opened)]


def _operator(number: str) -> str:
    return f"operator-{number}"


def _batches(market: Market) -> Iterable[ImportOpeningBatch]:
    for one in market.instruments:
        for place in range(BATCHES):
            yield ImportOpeningBatch(
                batch_id=derived_id("bench", "batch", one.project, one.vintage, place),
                programme=PROGRAMME,
                project=one.project,
                vintage=one.vintage,
                tonnes=BATCH_TONNES,
                holder_account=market.accounts[one.owner],
                source="made up",
            )


def _move(market: Market, instrument: Instrument) -> Act:
    moved = MoveToVenue(
        move_id=derived_id("bench", "move", instrument.project, instrument.vintage),
        account=market.accounts[instrument.owner],
        venue=VENUE,
        project=instrument.project,
        vintage=instrument.vintage,
        tonnes=BATCHES * BATCH_TONNES,
    )
    return _owner(market, instrument, moved)


def _first_price(market: Market, instrument: Instrument) -> Act:
    declared = DeclareFirstPrice(
        venue=VENUE,
        account=market.accounts[instrument.owner],
        project=instrument.project,
        vintage=instrument.vintage,
        price=yuan(instrument.first_price_fen),
    )
    return _owner(market, instrument, declared)


def _owner(market: Market, instrument: Instrument, command: Command) -> Act:
    roles = frozenset({Role.OWNER_OPERATOR, Role.HISTORIAN})
    operator = _operator(market.accounts[instrument.owner])
    actor = Actor(operator, _organisation_id(instrument.owner), roles)
    return Act(command, actor, _on(MOVED_ON))


async def _pay_in(stack: Stack, market: Market) -> None:
    """Everybody but the last has more than enough, for an hour's trading."""
    deposits = [("bank.deposit_reported", _deposit(number)) for number in market.accounts[:-1]]
    async with opened_sender(stack.amqp_urls["bank"], "bank") as bank:
        await bank.send("tonne.bank", deposits)


def _deposit(number: str) -> CloudEvent:
    reference, at = f"BENCH-{number}", _on(MOVED_ON)
    content = {
        "bank_reference": reference,
        "account": number,
        "venue": VENUE,
        "currency": "CNY",
        "amount_fen": CASH_FEN,
        "booked_at": at,
    }
    return reported("/bank", "bank.deposit_reported", reference, at, content)
