"""What settlement keeps of credits that left circulation for ever: one function a statement."""

from pathlib import Path

from services.kernel.clocks import market_day
from services.kernel.refusals import AlreadyExists
from services.runtime import queries
from services.runtime.postgres import Transaction
from services.settlement.retirements import Retirement, certificate_number

sql = queries.load(Path(__file__).with_name("retirements.sql"))


async def next_certificate_number(tx: Transaction, series: str) -> str:
    """The next number of the series in this year of Beijing."""
    year = market_day(tx.effective_at).year
    running = await tx.connection.fetchval(sql["next_certificate_number"], series, year)
    return certificate_number(series, year, running)


async def insert_retirement(tx: Transaction, one: Retirement) -> str:
    """Keeps it for ever, and returns its certificate number; raises AlreadyExists if its id was used before."""
    claim = one.claim
    number = await tx.connection.fetchval(
        sql["insert_retirement"],
        one.retirement_id,
        await next_certificate_number(tx, one.series),
        one.target.bucket,
        one.account,
        one.programme,
        one.instrument.project,
        one.instrument.vintage,
        one.tonnes,
        one.purpose,
        claim and claim.beneficiary_kind,
        claim and claim.beneficiary_name,
        claim and claim.beneficiary_id,
        claim and claim.beneficiary_country,
        (claim and claim.on_behalf_of) or None,
        claim and claim.reporting_period,
        one.reason,
        one.document_sha256,
        claim is None or claim.is_public,
        tx.actor.subject,
        tx.approved_by,
        tx.effective_at,
        tx.recorded_at,
    )
    if number is None:
        raise AlreadyExists("retirement", str(one.retirement_id))
    return number
