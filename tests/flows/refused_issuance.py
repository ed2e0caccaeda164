"""Refusals of issuance about reports, reductions and computations: code by code, what provokes them."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from services.issuance.messages.applications import ApplyForReduction
from services.issuance.messages.batches import ImportOpeningBatch, IssueCredits
from services.issuance.messages.conversions import RequestConversion
from services.issuance.messages.notices import CommentOnReport, OpenReportNotice
from services.issuance.messages.quantification import PublishGridFactor, Quantify
from services.issuance.messages.reductions import EstimateReduction, RevokeReductions
from services.issuance.messages.reports import VintageTonnes, WithdrawReport
from services.kernel.actors import Actor
from services.kernel.ids import new_id
from tests.flows import floor, monitored
from tests.flows.monitored import attested, reduction
from tests.flows.refused import Attempt, Attempts
from tests.flows.world import LATER, World
from tests.market import NATIONAL, PILOT
from tests.register import HISTORIAN

AUTHORITY = Actor("aldo.authority", None, frozenset({"authority"}))


def attempts(world: World) -> Attempts:
    """Every case of this table."""
    return (
        _reports(world)
        | _verifications(world)
        | _reductions(world)
        | _batches(world)
        | _computations(world)
        | _conversions(world)
    )


def _reports(world: World) -> dict[str, Attempt]:
    reports, project = world.reports, world.names["registered"]

    def notice(name: str, body: str) -> Attempt:
        report_id = reports[name].report_id
        return Attempt(OpenReportNotice(report_id=report_id, verification_body=body), HISTORIAN)

    def applying(name: str, tonnes: int) -> Attempt:
        command = ApplyForReduction(report_id=reports[name].report_id, tonnes=tonnes)
        return Attempt(command, HISTORIAN)

    verified = reports["verified"].report_id
    empty = msgspec.structs.replace(attested(project, 8), basis="QUANTIFIED")
    other_year = (VintageTonnes(vintage=2023, tonnes=1),)
    return {
        "BASIS_NOT_ACCEPTED": Attempt(attested(project, 8), world.owner.actor),
        "COUNTED_ELSEWHERE": notice("counted again", world.verifier.account),
        "GENERATED_TOO_LONG_AGO": applying("old", 100),
        "PLANT_OF_OTHERS": Attempt(
            msgspec.structs.replace(
                attested(project, 8),
                basis="QUANTIFIED",
                tonnes=(),
                documents=(),
                activity=monitored.demo_activity("electronics_recycling"),
            ),
            HISTORIAN,
        ),
        "PERIOD_TAKEN": Attempt(attested(project, 2), HISTORIAN),
        "QUANTITY_NOT_VERIFIED": applying("verified", 101),
        "REPORT_BEFORE_PREVIOUS_STEP": Attempt(
            WithdrawReport(report_id=reports["noticed"].report_id, reason="wrong"),
            HISTORIAN,
            days_ago=1,
        ),
        "REPORT_CONTENT_DIFFERS": Attempt(empty, HISTORIAN),
        "REPORT_NOTICE_NOT_OPEN": Attempt(
            CommentOnReport(comment_id=new_id(), report_id=verified, text="Why?")
        ),
        "REPORT_VERIFIER_NOT_BODY": notice("draft", world.owner.account),
        "VERIFIER_IS_VALIDATOR": notice("draft", world.body.account),
        "VINTAGES_DIFFER": Attempt(
            msgspec.structs.replace(attested(project, 8), tonnes=other_year), HISTORIAN
        ),
    }


def _verifications(world: World) -> dict[str, Attempt]:
    verifier, third = world.verifier, world.other_verifier
    in_order = monitored.verified(world.reports["ended"], verifier, 100)

    def verification(actor: Actor = verifier.actor, **changes: Any) -> Attempt:
        return Attempt(msgspec.structs.replace(in_order, **changes), actor)

    return {
        "OTHER_VERIFICATION_BODY": verification(third.actor, verification_body=third.account),
        "REPORT_NOTICE_STILL_OPEN": verification(report_id=world.reports["noticed"].report_id),
        "VERIFIED_ABOVE_REPORTED": verification(tonnes=(VintageTonnes(vintage=2024, tonnes=101),)),
    }


def _reductions(world: World) -> dict[str, Attempt]:
    project = world.names["registered"]

    def recorded(days_ago: int = 0, **changes: Any) -> Attempt:
        command = reduction(new_id(), project, 8, **changes)
        return Attempt(command, HISTORIAN, days_ago)

    def estimated(project: str, starts_on: date) -> Attempt:
        return Attempt(
            EstimateReduction(
                reduction_id=new_id(),
                project=project,
                period_start=starts_on,
                period_end=starts_on.replace(day=28),
                tonnes=1,
                source="news",
            ),
            HISTORIAN,
        )

    too_much = RevokeReductions(reduction_id=world.reduction, tonnes=101, reason="falsified")
    return {
        "BEFORE_REGISTRATION": recorded(monitored.REGISTERED + 1),
        "GENERATED_TOO_EARLY": estimated(project, date(2020, 9, 22)),
        "NOT_YET_KNOWN": estimated("NOWHERE", date(2024, 1, 1)),
        "OUTSIDE_CREDITING_PERIOD": estimated(project, date(2031, 1, 1)),
        "PERIODS_OVERLAP": recorded(period_start=date(2024, 6, 28)),
        "PERIOD_DATES_DIFFER": recorded(
            period_number=7,
            period_start=date(2024, 8, 1),
            period_end=date(2025, 1, 1),
            vintage=2025,
        ),
        "PERIOD_NOT_OVER": recorded(period_end=date(2030, 12, 31)),
        "PROJECT_NOT_REGISTERED": Attempt(
            reduction(new_id(), world.names["revoked"], 8), HISTORIAN
        ),
        "REVOKED_ABOVE_REGISTERED": Attempt(too_much, AUTHORITY),
    }


def _batches(world: World) -> dict[str, Attempt]:
    def opening(programme: str, project: str) -> Attempt:
        return Attempt(
            ImportOpeningBatch(
                batch_id=new_id(),
                programme=programme,
                project=project,
                vintage=2015,
                tonnes=1,
                holder_account=world.owner.account,
                source="another registry",
            ),
            HISTORIAN,
        )

    issuing = IssueCredits(batch_id=new_id(), reduction_id=world.reduction)
    return {
        "BEFORE_RECORDING": Attempt(issuing, HISTORIAN, days_ago=1),
        "NOT_LEGACY": opening(NATIONAL, "OLD"),
        "PROJECT_IS_REGISTERED": opening(world.names["legacy"], world.names["registered"]),
    }


def _conversions(world: World) -> dict[str, Attempt]:
    source, target = world.seller, world.pilot_seller
    command = RequestConversion(
        conversion_id=new_id(),
        batch_id=new_id(),
        account=source.account,
        source_project=source.project,
        source_vintage=source.vintage,
        source_tonnes=1,
        target_project=target.project,
        target_vintage=source.vintage,
    )
    return {
        "CONVERSION_NOT_OPEN": Attempt(command, source.party.actor),
        "CONVERSION_TERMS_IN_FORCE": Attempt(floor.conversion_terms(world.names["legacy"], PILOT)),
        "NEVER_CONVERTED": Attempt(floor.conversion_terms(PILOT, NATIONAL)),
    }


def _computations(world: World) -> dict[str, Attempt]:
    names, wind = world.names, monitored.METHODOLOGY
    recycled = monitored.demo("activity", "electronics_recycling.toml")["activity"]
    farm = monitored.demo("activity", "offshore_wind.toml")["activity"]
    batches, meters = recycled["batches"], farm["exported"]
    light = [one | {"mass_t": "1"} for one in batches]
    coast = monitored.demo("activity", "mangrove.toml")["activity"] | {"fuels": []}
    coast["flats"] = [coast["flats"][0] | {"stratum": f"{number}"} for number in range(300)]
    gap = [meters[0] | {"readings": meters[0]["readings"][1:]}]

    def computed(activity: object, methodology: str, year: int = 2024) -> Attempt:
        text = msgspec.json.encode(activity).decode()
        period = {"period_start": date(year, 1, 1), "period_end": date(year, 12, 31)}
        return Attempt(Quantify(methodology=methodology, activity=text, **period))

    def recycling(**changes: object) -> Attempt:
        return computed(recycled | changes, names["recycling"], 2023)

    factor = PublishGridFactor(
        region="EAST",
        year=2024,
        operating_margin=Decimal("-0.1"),
        build_margin=Decimal("0.1"),
        published_on=date(2025, 1, 1),
        source="the ministry",
        edition="2025",
        confidence="VERIFIED",
    )
    return {
        "ACTIVITY_MALFORMED": computed({}, wind),
        "AMOUNT_NOT_DECIMAL": Attempt(factor),
        "ACTIVITY_TOO_LARGE": recycling(
            hauls=[{"hauled_on": "2023-01-01", "tonne_km": "1"}] * 4_000,
            fuels=[{"used_on": "2023-01-01", "fuel": "D", "mass_t": "1"}] * 1_000,
        ),
        "CLAIMED_TWICE": recycling(batches=[*batches, batches[0]]),
        "FORMULA_MISSING": computed(farm, f"{NATIONAL}-M"),
        "GRID_FACTOR_MISSING": computed(farm | {"region": LATER}, wind),
        "MASS_EXCEEDS_WEIGHED": recycling(batches=light),
        "METHODOLOGY_DIFFERS": computed(recycled, wind),
        "METHODOLOGY_NOT_EXECUTABLE": computed(farm, names["unreadable"]),
        "PARAMETER_MISSING": computed(farm, names["no classes"]),
        "PARAMETER_UNIT_DIFFERS": computed(farm, names["other units"]),
        "READINGS_DO_NOT_FOLLOW": computed(farm | {"exported": gap}, wind),
        "TRACE_TOO_LARGE": Attempt(
            Quantify(
                methodology=monitored.MANGROVE,
                period_start=date(2020, 1, 1),
                period_end=date(2059, 12, 31),
                activity=msgspec.json.encode(coast).decode(),
            )
        ),
    }
