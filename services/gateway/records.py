"""Records beside the objects: the content of documents, and the calendar as registrars add to it."""

from datetime import date, datetime
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.context import Info
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted


@strawberry.type(
    description="A notice of the State Council; of each year the last one is the whole truth."
)
class OfficialDays:
    notice_id: UUID
    number: strawberry.Private[int]
    year: int
    holidays: list[date] = strawberry.field(description="Days off.")
    working_days: list[date] = strawberry.field(description="Weekend days that are worked.")
    source: str
    added_at: datetime


@strawberry.type(description="What a document holds.")
class DocumentContent:
    content: str = strawberry.field(description="In base64, broken into lines.")


NOTICES: Keyset[OfficialDays] = Keyset("officialDays", (int,), lambda one: (one.number,))


@strawberry.type
class RecordQueries:
    @strawberry.field(description="Notices on the calendar that were added, the oldest first.")
    async def official_days(
        self,
        info: Info,
        year: int | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[OfficialDays]:
        values = (year, *NOTICES.after(after), rows_wanted(first))
        rows = await reads.public(info.context, OfficialDays, "list_official_days", *values)
        return NOTICES.page(rows, first)

    @strawberry.field(
        description="The content of a document that you may see, known by its digest; null if it is not kept here."
    )
    async def document_content(self, info: Info, sha256: str) -> DocumentContent | None:
        context = info.context
        rows = await reads.public(context, DocumentContent, "get_document_content", sha256)
        if not rows:
            statement = "get_report_document_content"
            rows = await reads.visible(context, DocumentContent, statement, sha256)
        return reads.only(rows)
