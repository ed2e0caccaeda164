"""What is true of carry-overs in issuance: into which years, from which ones and until when, and what is reserved."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from services.issuance import batches
from services.issuance.allocation_plans import Plan
from services.issuance.compliance import ComplianceYear
from services.issuance.conversions import Conversion
from services.issuance.messages.carry_overs import AllowancesCarriedOver, CarryOverAllowances
from services.issuance.messages.carry_overs import CarryOverTerms as Terms
from services.issuance.reductions import Programme, require_tonnes
from services.kernel.refusals import Conflict, OutOfRange


@dataclass(eq=False)
class CarryOverNotOpen(Conflict):
    """A carry-over is asked for once it is known what was sold and held, and until the last day of its terms."""

    given: date
    expected: str


@dataclass(eq=False)
class CarryOverNotPlanned(Conflict):
    """Allowances are carried over only into years of whose plan it is a part."""

    plan: str
    emission_year: int


def terms_of(plan: Plan, emission_year: int) -> Terms:
    """The terms by which allowances are carried over into the year; raises CarryOverNotPlanned."""
    terms = plan.year(emission_year).carry_over
    if terms is None:
        raise CarryOverNotPlanned(plan.terms.plan, emission_year)
    return terms


def require_open(terms: Terms, on: date) -> None:
    """Raises CarryOverNotOpen unless it may be asked for on this day."""
    known_on = max(terms.held_on, terms.sold_until)
    if not known_on < on <= terms.apply_by:
        raise CarryOverNotOpen(on, f"after {known_on}, until {terms.apply_by}")


def reserve(
    command: CarryOverAllowances,
    year: ComplianceYear,
    terms: Terms,
    programme: Programme,
    number: int,
) -> Conversion:
    """The carry-over that is asked for, with the batch that is to be issued: tonne for tonne."""
    require_tonnes(command.tonnes)
    if command.source_vintage not in terms.source_vintages:
        expected = ", ".join(map(str, sorted(terms.source_vintages)))
        raise OutOfRange("source_vintage", str(command.source_vintage), expected)
    paid = batches.allowances(command.batch_id, year, programme, number)
    target = replace(
        paid, tonnes=command.tonnes, compliance_id=None, conversion_id=command.conversion_id
    )
    return Conversion(
        conversion_id=command.conversion_id,
        source_programme=programme.code,
        source_project=programme.code,
        source_vintage=command.source_vintage,
        source_tonnes=command.tonnes,
        factor=Decimal(1),
        target=target,
        compliance_id=command.compliance_id,
    )


def told(conversion: Conversion) -> list[AllowancesCarriedOver]:
    """What the compliance year is told of a conversion that is issued, if it is a carry-over into it."""
    if conversion.compliance_id is None:
        return []
    target = conversion.target
    return [
        AllowancesCarriedOver(
            compliance_id=conversion.compliance_id,
            conversion_id=conversion.conversion_id,
            account=target.holder_account,
            emission_year=target.vintage,
            source_vintage=conversion.source_vintage,
            tonnes=target.tonnes,
        )
    ]
