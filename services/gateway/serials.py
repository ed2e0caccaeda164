"""Serial ranges: which credits something concerned, batch by batch."""

from typing import Any
from uuid import UUID

import msgspec
import strawberry

from services.gateway.batches import CreditBatch, batch_of
from services.gateway.context import Info
from services.gateway.scalars import Serial, Tonnes
from services.settlement.messages import holdings


@strawberry.type(description="Serials of one batch, first and last included.")
class SerialRange:
    batch_id: UUID
    first_serial: Serial
    last_serial: Serial
    serials: str = strawberry.field(description="The public serial range.")

    @strawberry.field
    def tonnes(self) -> Tonnes:
        return Tonnes(self.last_serial - self.first_serial + 1)

    @strawberry.field
    async def credit_batch(self, info: Info) -> CreditBatch | None:
        return await batch_of(info, self.batch_id)


def serial_ranges(published: list[dict[str, Any]] | None) -> list[SerialRange]:
    """Serial ranges as a service publishes them."""
    found = msgspec.convert(published or [], list[holdings.SerialRange])
    return [
        SerialRange(
            batch_id=one.batch_id,
            first_serial=Serial(one.first_serial),
            last_serial=Serial(one.last_serial),
            serials=one.serials,
        )
        for one in found
    ]
