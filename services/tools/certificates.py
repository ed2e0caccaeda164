"""A certificate held against what its owner asked for, and against the ledger's entry by its hash."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.tools.tape import Instrument

PDF = b"%PDF"


@dataclass(eq=False)
class CertificateDiffersError(Exception):
    """A certificate does not say what its owner asked for."""

    number: str
    field: str
    given: str
    expected: str


@dataclass(frozen=True, slots=True)
class Use:
    """Credits that an owner uses, asked for by one person and approved by another; the name is its step's."""

    name: str
    owner: str
    maker: str
    approver: str
    instrument: Instrument
    tonnes: int
    purpose: str
    beneficiary: str
    beneficiary_id: str
    period: str
    reason: str
    requested_at: datetime
    approved_at: datetime


def require_certificate(
    use: Use, retirement_id: UUID, account: str, number: str, content: Mapping[str, Any]
) -> None:
    """Raises CertificateDiffersError unless the JSON says what was asked for, and its hash is that of the entries."""
    ranges = content["ranges"]
    said = {
        **content,
        "retiredAt": datetime.fromisoformat(content["retiredAt"]),
        "serials": sum(one["lastSerial"] - one["firstSerial"] + 1 for one in ranges),
    }
    wanted: Mapping[str, object] = {
        "certificateNumber": number,
        "project": use.instrument.project,
        "vintage": use.instrument.vintage,
        "tonnes": use.tonnes,
        "serials": use.tonnes,
        "purpose": use.purpose,
        "beneficiaryName": use.beneficiary,
        "beneficiaryId": use.beneficiary_id,
        "reportingPeriod": use.period,
        "reason": use.reason,
        "retiredAt": use.approved_at,
        "entrySha256": entry_sha256(retirement_id, account, use.approved_at, ranges),
    }
    for name, value in wanted.items():
        if said.get(name) != value:
            raise CertificateDiffersError(number, name, str(said.get(name)), str(value))


def require_pdf(number: str, content: bytes) -> None:
    """Raises CertificateDiffersError unless this is a PDF."""
    if not content.startswith(PDF):
        raise CertificateDiffersError(number, "PDF", repr(content[: len(PDF)]), repr(PDF))


def entry_sha256(
    retirement_id: UUID, account: str, at: datetime, ranges: Sequence[Mapping[str, Any]]
) -> str:
    """The hash of the ledger's entries as the schema documents it, computed anew."""
    instant = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    lines = (
        f"retirement/{retirement_id}|{one['serials']}|{account}|retired|{instant}\n"
        for one in ranges
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()
