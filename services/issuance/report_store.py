"""What issuance keeps of monitoring reports: one function a statement."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec

from services.issuance.drafts import Basis
from services.issuance.messages.documents import Document
from services.issuance.messages.verifications import RecordVerification
from services.issuance.quantification.parameters import GridFactor
from services.issuance.quantification.traces import Quantified, Trace, canonical, read_trace
from services.issuance.reductions import Period, Project
from services.issuance.reports import Report, State
from services.kernel.documents import ContentDiffers
from services.runtime import queries
from services.runtime.postgres import Transaction

sql = queries.load(Path(__file__).with_name("reports.sql"))


async def insert_report(
    tx: Transaction, report: Report, project: Project, quantified: Quantified | None
) -> bool:
    """Enters a draft with its trace; False if the id is taken."""
    period = report.period
    inserted = await tx.connection.fetchval(
        sql["insert_report"],
        report.report_id,
        project.code,
        project.programme,
        project.methodology,
        period.number,
        period.starts_on,
        period.ends_on,
        report.basis,
        report.state,
        *_trace(quantified),
        quantified.claimed if quantified else None,
        tx.actor.subject,
        report.changed_at,
        tx.recorded_at,
        list(report.reported),
        list(report.reported.values()),
    )
    return bool(inserted)


def _trace(quantified: Quantified | None) -> tuple[object, ...]:
    """Trace, both digests, cautions and unverified parameters; nothing of what is not computed."""
    if quantified is None:
        return (None,) * 5
    trace = canonical(quantified.trace)
    return (
        trace.decode(),
        sha256(trace).hexdigest(),
        quantified.trace.inputs_sha256,
        msgspec.to_builtins(quantified.cautions),
        quantified.unverified,
    )


async def get_trace(tx: Transaction, report_id: UUID) -> Trace | None:
    """How the report was computed when it was submitted; None if it is attested."""
    trace = await tx.connection.fetchval(sql["get_trace"], report_id)
    return None if trace is None else read_trace(trace)


async def get_statement(tx: Transaction, report_id: UUID) -> str:
    """The digest of the verifier's statement; the report must be verified."""
    return await tx.connection.fetchval(sql["get_statement"], report_id)


async def has_acted(tx: Transaction, report_id: UUID) -> bool:
    """Whether the actor handed the report in, published or verified it, or applied on it."""
    return await tx.connection.fetchval(sql["has_acted"], f"report/{report_id}", tx.actor.subject)


async def get_project_of_report(tx: Transaction, report_id: UUID) -> str | None:
    """The code of the report's project, which never changes; None if there is no such report."""
    return await tx.connection.fetchval(sql["get_project_of_report"], report_id)


async def lock_report(tx: Transaction, report_id: UUID) -> Report:
    """The report, until the end of the transaction nobody else's to step; there must be one."""
    record = await tx.connection.fetchrow(sql["lock_report"], report_id)
    assert record is not None
    return _report(record)


async def lock_noticed(tx: Transaction, day: date) -> list[Report]:
    """Reports whose notice is over on this day and not yet ended."""
    return [_report(one) for one in await tx.connection.fetch(sql["lock_noticed"], day)]


async def lock_undecided(tx: Transaction, day: date) -> list[Report]:
    """Reports whose application should have been decided before this day, and of which no alarm was raised."""
    return [_report(one) for one in await tx.connection.fetch(sql["lock_undecided"], day)]


async def lock_waiting(tx: Transaction) -> list[Report]:
    """Reports that wait for the end of their notice, or for a decision."""
    return [_report(one) for one in await tx.connection.fetch(sql["lock_waiting"])]


def _report(record: asyncpg.Record) -> Report:
    vintages = record["vintages"]
    verified = zip(vintages, record["verified"], strict=True)
    names = Report.__dataclass_fields__.keys() & set(record.keys())
    return Report(
        **{name: record[name] for name in names - {"basis", "state", "reported", "verified"}},
        period=Period(record["period_number"], record["period_start"], record["period_end"]),
        basis=Basis(record["basis"]),
        state=State(record["state"]),
        reported=dict(zip(vintages, record["reported"], strict=True)),
        verified={year: tonnes for year, tonnes in verified if tonnes is not None},
    )


async def update_reports(tx: Transaction, reports: Iterable[Report]) -> None:
    """Writes what steps have changed."""
    changed = [
        (
            one.report_id,
            one.state,
            one.changed_at,
            one.verification_body,
            one.notice_starts_on,
            one.notice_ends_on,
            one.notice_is_provisional,
            one.applied_on,
            one.decide_by,
            one.decision_is_provisional,
            one.reason,
        )
        for one in reports
    ]
    if changed:
        columns = [list(column) for column in zip(*changed, strict=True)]
        await tx.connection.execute(sql["update_reports"], *columns)


async def set_overdue_told(tx: Transaction, reports: Iterable[Report], day: date) -> None:
    """Notes that the alarm was raised."""
    ids = [report.report_id for report in reports]
    await tx.connection.execute(sql["set_overdue_told"], ids, day)


async def insert_verification(
    tx: Transaction,
    command: RecordVerification,
    computed: Mapping[int, int],
    verified: Mapping[int, int],
    quantified: Quantified | None,
) -> None:
    """Enters the verifier's statement, whose document must be stored, the verified tonnes, and a newer trace."""
    years = list(verified)
    await tx.connection.execute(
        sql["set_verified"],
        command.report_id,
        years,
        [computed[year] for year in years],
        [verified[year] for year in years],
    )
    await tx.connection.execute(
        sql["insert_verification"],
        command.report_id,
        command.verification_body,
        msgspec.to_builtins(command.team),
        command.reviewer,
        command.findings,
        command.statement.sha256,
        *_trace(quantified),
        tx.actor.subject,
        tx.effective_at,
        tx.recorded_at,
    )


async def claim_period(tx: Transaction, report: Report) -> None:
    """Takes the report's period, which must be free; the database refuses an overlap."""
    period = report.period
    await tx.connection.execute(
        sql["claim_period"],
        report.project,
        period.number,
        period.starts_on,
        period.ends_on,
        report.report_id,
    )


async def insert_claims(tx: Transaction, report: Report) -> int:
    """Claims what counts once only; returns how much of it could be claimed."""
    if not report.claims:
        return 0
    keys = sorted(report.claims)
    return len(await tx.connection.fetch(sql["insert_claims"], keys, report.report_id))


async def find_claim(tx: Transaction, report: Report) -> tuple[str, UUID]:
    """The first of the report's claims that another report has, and that report."""
    found = await tx.connection.fetchrow(sql["find_claim"], list(report.claims), report.report_id)
    assert found is not None
    return found["claimed"], found["report_id"]


async def free_claims(tx: Transaction, report_id: UUID) -> None:
    """Gives back the period and everything else that the report claimed."""
    await tx.connection.execute(sql["free_period"], report_id)
    await tx.connection.execute(sql["free_claims"], report_id)


async def insert_comment(tx: Transaction, comment_id: UUID, report_id: UUID, text: str) -> bool:
    """Enters a comment for ever; False if the id is taken."""
    inserted = await tx.connection.fetchval(
        sql["insert_comment"],
        comment_id,
        report_id,
        tx.actor.subject,
        text,
        tx.effective_at,
        tx.recorded_at,
    )
    return bool(inserted)


async def has_comments(tx: Transaction, report_id: UUID) -> bool:
    """Whether anybody commented on the report."""
    return bool(await tx.connection.fetchval(sql["has_comments"], report_id))


async def insert_documents(
    tx: Transaction, report_id: UUID, kind: str, documents: Sequence[Document]
) -> None:
    """Keeps what the documents are, and the contents that came with them; raises ContentDiffers for a wrong size."""
    await tx.connection.execute(
        sql["insert_documents"],
        report_id,
        kind,
        [one.sha256 for one in documents],
        [one.name for one in documents],
        [one.media_type for one in documents],
        [one.size_bytes for one in documents],
        tx.effective_at,
        tx.recorded_at,
    )
    sent = {one.sha256: one.content for one in documents if one.content is not None}
    if sent:
        await tx.connection.execute(sql["insert_contents"], [*sent], [*sent.values()])
    await _require_sizes(tx, documents)


async def _require_sizes(tx: Transaction, documents: Sequence[Document]) -> None:
    """Only what content was seen of is known by its size."""
    digests = [one.sha256 for one in documents]
    found = await tx.connection.fetch(sql["list_content_sizes"], digests)
    kept: dict[str, int] = {record["sha256"]: record["size_bytes"] for record in found}
    for one in documents:
        size_bytes = kept.get(one.sha256, one.size_bytes)
        if one.size_bytes != size_bytes:
            raise ContentDiffers(f"{one.size_bytes} bytes", f"{size_bytes} bytes")


async def count_unissued(tx: Transaction, report_id: UUID) -> int:
    """How many of the report's reductions no credits were issued from."""
    return await tx.connection.fetchval(sql["count_unissued"], report_id)


async def list_grid_factors(tx: Transaction) -> list[GridFactor]:
    """Every published emission factor of the grids."""
    return [GridFactor(**dict(one)) for one in await tx.connection.fetch(sql["list_grid_factors"])]


async def insert_grid_factor(tx: Transaction, factor: GridFactor) -> bool:
    """Enters a published factor for ever; False if the grid, year and day of publication are there."""
    values = msgspec.structs.astuple(factor)
    return bool(await tx.connection.fetchval(sql["insert_grid_factor"], *values, tx.recorded_at))
