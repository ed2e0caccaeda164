"""Proofs of compliance: the certificate that an entity met what it owed in the national ETS for a year's emissions."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

import msgspec

from services.gateway import reads
from services.gateway.certificates import (
    BEIJING_TIME,
    ENDED_PROOF,
    PROOF,
    PURPOSES,
    Content,
    Entry,
    Fact,
    Words,
    when,
)
from services.gateway.context import Context

SERIES = "ETS-"
"""With this the numbers of proofs begin."""


@dataclass(frozen=True, slots=True)
class Discharge:
    """What was surrendered or offset by one certificate."""

    certificate_number: str
    purpose: str
    tonnes: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What everybody may know of an obligation that was met, as it was then."""

    proof_number: str
    account: str
    entity: str | None
    """As its certificates name it; None if it had nothing to discharge."""
    emission_year: int
    version: int
    plan: str
    is_draft: bool
    due: int
    surrendered: int
    offset: int
    deadline: datetime
    met_at: datetime
    ended_at: datetime | None
    """When more became due; None as long as the proof holds."""
    discharges: tuple[Discharge, ...]
    proof_sha256: str

    @property
    def content(self) -> Content:
        """What its certificate shows."""
        return Content(
            number=self.proof_number,
            kind=ENDED_PROOF if self.ended_at else PROOF,
            tonnes=self.due,
            holder=_holder(self),
            facts=tuple(_facts(self)),
            entries=tuple(_entry(one) for one in self.discharges),
            sha256=self.proof_sha256,
            made_at=self.met_at,
        )

    @property
    def words(self) -> Mapping[str, Words]:
        """What programs are told in both languages."""
        return {}


async def proof_of(context: Context, number: str) -> Proof | None:
    """The proof with this number, for everybody."""
    found = reads.only(await reads.public(context, Proof, "get_public_proof", number))
    return None if found is None else msgspec.convert(asdict(found), Proof)


def _holder(proof: Proof) -> Fact:
    label = Words("重点排放单位", "Entity")
    if proof.entity is None:
        return Fact(label, proof.account)
    return Fact(label, proof.entity, proof.account)


def _facts(proof: Proof) -> Iterator[Fact]:
    """Dates first, then quantities."""
    figures = "草案数据 Draft figures" if proof.is_draft else "正式数据 Final figures"
    version = f"核定第 {proof.version} 版 Version {proof.version}"
    yield Fact(Words("排放年度", "Emission year"), str(proof.emission_year), version)
    yield Fact(Words("配额方案", "Allocation plan"), proof.plan, figures)
    yield Fact(Words("完成日期", "Met at"), when(proof.met_at), BEIJING_TIME)
    yield Fact(Words("截止时间", "Deadline, before"), when(proof.deadline), BEIJING_TIME)
    if proof.ended_at:
        yield Fact(Words("失效日期", "Ended at"), when(proof.ended_at), BEIJING_TIME)
    yield Fact(Words("应清缴量", "Due"), _tonnes(proof.due))
    yield Fact(Words("配额清缴量", "Surrendered"), _tonnes(proof.surrendered))
    yield Fact(Words("核证自愿减排量抵销量", "Offset"), _tonnes(proof.offset))


def _tonnes(quantity: int) -> str:
    return f"{quantity:,} t"


def _entry(one: Discharge) -> Entry:
    purpose = PURPOSES.get(one.purpose, Words(one.purpose, ""))
    return Entry(f"{one.certificate_number}  {purpose.zh}", one.tonnes, one.certificate_number)
