"""A market of its own for a test: a programme whose terms are the test's, sellers in it, and what stops a venue."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import msgspec

from services.issuance.messages.approvals import ApproveCommand
from services.issuance.messages.conversions import SetConversionTerms
from services.kernel.actors import Actor
from services.kernel.clocks import market_day
from services.registry.messages.methodologies import PublishMethodology
from services.registry.messages.programmes import RegisterProgramme
from services.registry.messages.registrations import RegisterProject
from services.settlement.messages.market import DeclareFirstPrice, OpenVenue
from tests.market import APPROVER, VINTAGE, Market, Party, Seller, open_terms
from tests.wire import cloud_event

VENUE = "CBGEX"
EXCHANGE = Actor(VENUE, None, frozenset({"venue"}))
OTHER_EXCHANGE = Actor("HZ-PILOT", None, frozenset({"venue"}))
_longitudes: Iterator[int] = count(20)
"""Where each project lies: too far from all others to be the same."""


async def programme(market: Market, venue: str = VENUE, **terms: Any) -> str:
    """A new programme that is traded under these terms, and under lenient ones where they say nothing."""
    code = market.unique("PR")
    registered = RegisterProgramme(
        code=code, name=code, country="CN", kind="NATIONAL", is_ets_eligible=False
    )
    await market.accepted(registered)
    await market.accepted(
        PublishMethodology(
            code=f"{code}-M",
            programme=code,
            name="Method",
            crediting_years_max=40,
            valid_from=date(2020, 1, 1),
        )
    )
    await market.until("SELECT EXISTS (SELECT FROM settlement.programme WHERE code = $1)", code)
    await market.set_terms(open_terms(venue, code, **terms))
    return code


async def seller(market: Market, code: str, tonnes: int = 1000, at_venue: int = 1000) -> Seller:
    """A new owner of credits of this programme, and how many of them are at the venue."""
    owner = await market.party()
    found = Seller(owner, await project(market, code, owner), VINTAGE, VENUE)
    await market.issue(found.project, tonnes)
    if at_venue:
        await market.move_to_venue(found, at_venue)
    return found


async def project(market: Market, code: str, owner: Party) -> str:
    """A new project of this owner, registered in this programme."""
    draft = msgspec.structs.replace(
        market.draft(market.unique("P"), owner),
        programme=code,
        methodology=f"{code}-M",
        province=f"Province of {code}",
        longitude=Decimal(next(_longitudes)),
    )
    for days, command, actor in market.life(draft):
        await market.past(days, command, actor)
    await market.accepted(RegisterProject(code=draft.code))
    return draft.code


def conversion_terms(source: str, target: str, factor: str = "0.5") -> SetConversionTerms:
    """Terms from today on by which credits of one programme become credits of another."""
    return SetConversionTerms(
        source_programme=source,
        target_programme=target,
        factor=Decimal(factor),
        valid_from=today(),
        source="an agreement of both",
    )


async def convertible(market: Market, terms: SetConversionTerms) -> None:
    """The terms are in force, by two persons."""
    asked = await market.accepted(terms)
    assert asked.approval_id is not None
    await market.accepted(ApproveCommand(approval_id=asked.approval_id), APPROVER)


def first_price(of: Seller, price: str) -> DeclareFirstPrice:
    """The owner's word on the first reference price of what it brought to the venue."""
    return DeclareFirstPrice(
        venue=of.venue, account=of.account, project=of.project, vintage=of.vintage, price=price
    )


async def priced(market: Market, of: Seller, price: str) -> None:
    """The instrument has a first price, which its venue has confirmed."""
    asked = await market.accepted(first_price(of, price), of.party.actor)
    done = await market.approve(asked, EXCHANGE)
    assert done.refusal is None, done.refusal


async def halted(market: Market) -> str:
    """A new venue that is halted, because the bank has what the ledger does not."""
    code = market.unique("HALTED")
    await market.accepted(OpenVenue(code=code, name=code))
    await report_statement(market, code, closing_balance_fen=1)
    await market.until("SELECT is_halted FROM settlement_read.venue WHERE code = $1", code)
    return code


async def report_statement(market: Market, venue: str, **changes: Any) -> bytes:
    """Publishes the bank's statement of today, in which nothing has happened but for the changes; returns it."""
    said: dict[str, Any] = {
        "statement_id": market.unique("STATEMENT"),
        "venue": venue,
        "currency": "CNY",
        "date": today().isoformat(),
        "deposits_fen": 0,
        "withdrawals_fen": 0,
        "closing_balance_fen": 0,
    }
    kind = "bank.statement_reported"
    body = cloud_event("/bank", kind, said | changes, market.unique("bank"))
    await market.publish("bank", "tonne.bank", kind, body, user_id="bank")
    return body


def today() -> date:
    """The day in Beijing."""
    return market_day(datetime.now(UTC))
