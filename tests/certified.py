"""Public records and proofs as a certificate is made from them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.gateway.certificates import Record, Serials
from services.gateway.proofs import Discharge, Proof

BATCH = UUID("01890000-0000-7000-8000-000000000001")
HASH = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


def ranges(count: int) -> tuple[Serials, ...]:
    """So many ranges of 7 t, with a gap between them."""
    return tuple(
        Serials(BATCH, first, first + 6, f"CCER-CN-A210017-2024-001-{first}-{first + 6}")
        for first in range(1, 10 * count, 10)
    )


def record(count: int = 3, **changes: Any) -> Record:
    """The record of an event's neutrality, but for the changes."""
    values: dict[str, Any] = {
        "certificate_number": "RET-2026-00000042",
        "programme": "CCER",
        "programme_name": "China Certified Emission Reductions",
        "project": "A210017",
        "project_name": "国家电投山东半岛南4号海上风电项目",
        "province": "山东省",
        "vintage": 2024,
        "tonnes": 7 * count,
        "purpose": "EVENT_NEUTRALITY",
        "beneficiary_kind": "ORGANISATION",
        "beneficiary_name": "上海青禾会展服务有限公司",
        "beneficiary_id": "91310115MA1K4N2X3C",
        "beneficiary_country": "CN",
        "on_behalf_of": "长三角绿色产业大会组委会",
        "reporting_period": "2026",
        "reason": "2026 长三角绿色产业大会",
        "retired_at": datetime(2026, 3, 9, 16, 0, 0, tzinfo=UTC),
        "entry_sha256": HASH,
        "ranges": ranges(count),
    }
    return Record(**values | changes)


def proof(**changes: Any) -> Proof:
    """The proof of an emitter that met its year by allowances and, up to the cap, by credits, but for the changes."""
    values: dict[str, Any] = {
        "proof_number": "ETS-2026-00000003",
        "account": "ACC-00000012",
        "entity": "华东临港热电股份有限公司",
        "emission_year": 2025,
        "version": 1,
        "plan": "CEA-2025",
        "is_draft": True,
        "due": 1_000_000,
        "surrendered": 950_000,
        "offset": 50_000,
        "deadline": datetime(2026, 12, 31, 16, 0, 0, tzinfo=UTC),
        "met_at": datetime(2026, 11, 20, 3, 0, 0, tzinfo=UTC),
        "ended_at": None,
        "discharges": (
            Discharge("RET-2026-00000017", "ETS_OFFSET_NATIONAL", 50_000),
            Discharge("RET-2026-00000018", "ETS_SURRENDER", 920_000),
            Discharge("RET-2026-00000021", "ETS_SURRENDER", 30_000),
        ),
        "proof_sha256": HASH,
    }
    return Proof(**values | changes)


PERSON: dict[str, Any] = {
    "beneficiary_kind": "NATURAL_PERSON",
    "beneficiary_name": None,
    "beneficiary_id": None,
}
CANCELLED: dict[str, Any] = {
    "certificate_number": "CAN-2026-00000007",
    "purpose": "FORCED",
    "beneficiary_kind": None,
    "beneficiary_name": None,
    "beneficiary_id": None,
    "beneficiary_country": None,
    "on_behalf_of": None,
    "reporting_period": None,
}
