"""What issuance does to quantify: for a report, for a dry run, and with the factors that the ministry publishes."""

from collections.abc import Mapping, Sequence
from datetime import date

from services.issuance import methodologies, report_store, store
from services.issuance.messages.quantification import (
    GridFactorPublished,
    PublishGridFactor,
    Quantify,
)
from services.issuance.quantification import activity
from services.issuance.quantification.activity import Activity, Monitored
from services.issuance.quantification.quantify import quantify, read_activity
from services.issuance.quantification.traces import Quantified, Trace
from services.issuance.reductions import Period
from services.kernel.actors import Role, require_role
from services.kernel.clocks import market_day
from services.kernel.refusals import AlreadyExists, NotYetKnown
from services.runtime.inbox import DryRun, Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction

COMPUTING = (
    Role.OWNER_OPERATOR,
    Role.VERIFIER,
    Role.REGISTRAR,
    Role.AUTHORITY,
    Role.AUDITOR,
)
"""Who may ask what a report would come to: whoever reports, verifies, registers or oversees."""


async def quantified_on(
    tx: Transaction, methodology_code: str, period: Period, on: date, measured: Activity
) -> Quantified:
    """What the activity comes to by the methodology's figures and the grid factors out by this day."""
    methodology = await store.get_methodology(tx, methodology_code)
    if methodology is None:
        raise NotYetKnown("methodology", methodology_code)
    parameters = methodology.parameter_set(await report_store.list_grid_factors(tx))
    monitored = Monitored(
        methodology=methodology_code,
        period=activity.Period(starts_on=period.starts_on, ends_on=period.ends_on),
        as_of=on,
        activity=measured,
    )
    return quantify(monitored, parameters)


async def requantified_on(tx: Transaction, code: str, trace: Trace, on: date) -> Quantified | None:
    """What the activity of the trace comes to on this day; None if it is computed with the very same figures."""
    period = trace.monitored.period
    numbered = Period(1, period.starts_on, period.ends_on)
    computed = await quantified_on(tx, code, numbered, on, trace.monitored.activity)
    return computed if computed.trace.parameters != trace.parameters else None


async def quantify_dry(tx: Transaction, command: Quantify) -> Quantified:
    """What a report of this period would claim today."""
    require_role(tx.actor, *COMPUTING)
    period = Period(1, command.period_start, command.period_end)
    on = market_day(tx.effective_at)
    measured = read_activity(command.activity)
    return await quantified_on(tx, command.methodology, period, on, measured)


async def publish_grid_factor(tx: Transaction, command: PublishGridFactor) -> Sequence[Event]:
    """Enters a grid's emission factors; a later publication has its own day."""
    require_role(tx.actor, Role.REGISTRAR)
    factor = methodologies.published(command, market_day(tx.effective_at))
    if not await report_store.insert_grid_factor(tx, factor):
        noun = f"{command.region} {command.year} published {command.published_on}"
        raise AlreadyExists("grid factor", noun)
    return [
        GridFactorPublished(
            region=command.region,
            year=command.year,
            operating_margin=command.operating_margin,
            build_margin=command.build_margin,
            published_on=command.published_on,
            source=command.source,
            edition=command.edition,
            confidence=command.confidence,
        )
    ]


COMMANDS: Mapping[type[Command], Handler] = {PublishGridFactor: publish_grid_factor}
DRY_RUNS: Mapping[type[Command], DryRun] = {Quantify: quantify_dry}
