"""What the registry keeps of projects, of what is said about them, and of the calendar: one function a statement."""

from collections.abc import Sequence
from dataclasses import astuple
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

import msgspec

from services.kernel.calendars import YearNotice
from services.kernel.clocks import market_day
from services.registry.drafts import Draft
from services.registry.duplicates import (
    REACH_DEGREES,
    SITE_DEGREES_MAX,
    Candidate,
    Duplicate,
    Question,
)
from services.registry.duplicates import State as QuestionState
from services.registry.messages.calendars import AddOfficialDays
from services.registry.messages.documents import Document
from services.registry.messages.validations import RecordValidation
from services.registry.projects import Project, State
from services.runtime import queries
from services.runtime.postgres import Transaction, row, rows

sql = queries.load(Path(__file__).with_name("projects.sql"))


async def find_taken_project(tx: Transaction, draft: Draft) -> str:
    """The id or code that another project has; one of them must be taken."""
    return await tx.connection.fetchval(sql["find_taken_project"], draft.project_id, draft.code)


async def insert_project(tx: Transaction, draft: Draft) -> bool:
    """Enters a draft; False if its id or code is taken."""
    values = (*astuple(draft), State.DRAFT, tx.effective_at, tx.recorded_at)
    return bool(await tx.connection.fetchval(sql["insert_project"], *values))


async def lock_projects(tx: Transaction, codes: Sequence[str]) -> list[Project]:
    """These projects, until the end of the transaction nobody else's to change."""
    return rows(Project, await tx.connection.fetch(sql["lock_projects"], codes))


async def lock_project(tx: Transaction, code: str) -> Project | None:
    """One project, if there is one of this code."""
    found = await lock_projects(tx, [code])
    return found[0] if found else None


async def list_due_projects(tx: Transaction, day: date) -> list[str]:
    """The codes of those that this day ends something for, or finds overdue."""
    records = await tx.connection.fetch(sql["list_due_projects"], day)
    return [record["code"] for record in records]


async def list_waiting_projects(tx: Transaction) -> list[str]:
    """The codes of those that wait for a date that the calendar gives."""
    records = await tx.connection.fetch(sql["list_waiting_projects"])
    return [record["code"] for record in records]


async def update_projects(tx: Transaction, projects: Sequence[Project]) -> None:
    """Writes all that their lives change."""
    await tx.connection.executemany(sql["update_project"], [_life(one) for one in projects])


async def update_project(tx: Transaction, project: Project) -> None:
    """Writes all that its life changes."""
    await tx.connection.execute(sql["update_project"], *_life(project))


def _life(project: Project) -> tuple[object, ...]:
    return (
        project.code,
        project.state,
        project.changed_at,
        project.validation_body,
        project.notice_opened_at,
        project.notice_ends_on,
        project.notice_is_provisional,
        project.validate_by,
        project.is_validation_overdue,
        project.validated_at,
        project.applied_at,
        project.decide_by,
        project.decision_is_provisional,
        project.is_decision_overdue,
        project.registered_at,
        project.closed_at,
        project.closing_reason,
    )


async def get_last_revocation(tx: Transaction, organisation_id: UUID) -> date | None:
    """The day on which a project of this owner was last revoked."""
    revoked_at: datetime | None = await tx.connection.fetchval(
        sql["get_last_revocation"], organisation_id
    )
    return None if revoked_at is None else market_day(revoked_at)


async def get_organisation_name(tx: Transaction, account: str) -> str:
    """The name of the organisation that holds the account."""
    return await tx.connection.fetchval(sql["get_organisation_name"], account)


async def list_candidates(tx: Transaction, project: Project) -> list[Candidate]:
    """Noticed projects of which two signals may agree; until the end of the transaction no other notice is opened."""
    await tx.connection.execute(sql["lock_uniqueness"])
    records = await tx.connection.fetch(
        sql["list_candidates"],
        project.code,
        project.programme,
        project.latitude,
        project.longitude,
        REACH_DEGREES,
        project.province,
        SITE_DEGREES_MAX,
        project.activity,
    )
    return rows(Candidate, records)


async def insert_duplicates(
    tx: Transaction, project: Project, duplicates: Sequence[Duplicate]
) -> None:
    """Asks of each whether it is the same project."""
    await tx.connection.execute(
        sql["insert_duplicates"],
        project.code,
        [one.other for one in duplicates],
        [one.distance_metres for one in duplicates],
        [one.name_similarity_percent for one in duplicates],
        [one.is_same_activity for one in duplicates],
        tx.effective_at,
    )


async def lock_duplicate(tx: Transaction, project: str, other: str) -> Question | None:
    """The question about these two, whichever of them raised it."""
    record = await tx.connection.fetchrow(sql["lock_duplicate"], project, other)
    return row(Question, record)


async def list_duplicates(tx: Transaction, project: str) -> list[Question]:
    """Every question about the project."""
    return rows(Question, await tx.connection.fetch(sql["list_duplicates"], project))


async def resolve_duplicate(
    tx: Transaction, question: Question, state: QuestionState, reason: str
) -> None:
    """Notes who answered what, and why."""
    await tx.connection.execute(
        sql["resolve_duplicate"],
        question.project,
        question.other,
        state,
        tx.actor.subject,
        tx.effective_at,
        reason,
    )


async def is_comment_known(tx: Transaction, comment_id: UUID) -> bool:
    """Whether a comment has this id."""
    return await tx.connection.fetchval(sql["is_comment_known"], comment_id)


async def insert_comment(tx: Transaction, comment_id: UUID, project: str, text: str) -> None:
    """Keeps what somebody said."""
    values = comment_id, project, tx.actor.subject, text, tx.effective_at, tx.recorded_at
    await tx.connection.execute(sql["insert_comment"], *values)


async def count_comments(tx: Transaction, project: str) -> int:
    """How many comments the project has."""
    return await tx.connection.fetchval(sql["count_comments"], project)


async def insert_validation(tx: Transaction, report: RecordValidation) -> None:
    """Keeps the body's report."""
    await tx.connection.execute(
        sql["insert_validation"],
        report.code,
        report.validation_body,
        report.is_positive,
        msgspec.to_builtins(report.team),
        report.reviewer,
        report.comments_handling,
        tx.effective_at,
        tx.recorded_at,
    )


async def attach_documents(tx: Transaction, project: str, documents: Sequence[Document]) -> None:
    """Keeps what the documents are, and the contents that came with them."""
    await tx.connection.execute(
        sql["insert_documents"],
        project,
        [document.kind for document in documents],
        [document.sha256 for document in documents],
        [document.name for document in documents],
        [document.media_type for document in documents],
        [document.size_bytes for document in documents],
        tx.effective_at,
        tx.recorded_at,
    )
    sent = {one.sha256: one.content for one in documents if one.content is not None}
    if sent:
        await tx.connection.execute(sql["insert_contents"], [*sent], [*sent.values()])


async def list_notices(tx: Transaction) -> list[YearNotice]:
    """What was added to the calendar; nobody adds to it until the end of the transaction."""
    await tx.connection.execute(sql["share_calendar"])
    return rows(YearNotice, await tx.connection.fetch(sql["list_official_days"]))


async def lock_calendar(tx: Transaction) -> None:
    """Nobody computes a date from the calendar, or adds to it, until the end of the transaction."""
    await tx.connection.execute(sql["lock_calendar"])


async def is_notice_known(tx: Transaction, notice_id: UUID) -> bool:
    """Whether a notice has this id."""
    return await tx.connection.fetchval(sql["is_notice_known"], notice_id)


async def has_acted(tx: Transaction, code: str) -> bool:
    """Whether the actor drafted the project, applied for it, or vouched for it."""
    return await tx.connection.fetchval(sql["has_acted"], f"project/{code}", tx.actor.subject)


async def insert_official_days(tx: Transaction, notice: AddOfficialDays) -> None:
    """Adds the notice to the calendar."""
    await tx.connection.execute(
        sql["insert_official_days"],
        notice.notice_id,
        notice.year,
        notice.holidays,
        notice.working_days,
        notice.source,
        tx.effective_at,
        tx.recorded_at,
    )
