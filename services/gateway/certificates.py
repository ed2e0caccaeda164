"""Certificates: what one says, in Chinese and in English, from the public record of a use or a cancellation alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.kernel.clocks import BEIJING

NOT_PUBLIC = "不公开 Not public"
NONE = "—"
BEIJING_TIME = "北京时间 Beijing time, UTC+8"
LACKING = "□"
"""Stands for a character that cannot be shown."""


@dataclass(frozen=True, slots=True)
class Words:
    """The same in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Serials:
    """Serials of one batch, first and last included, and how they are written."""

    batch_id: UUID
    first_serial: int
    last_serial: int
    serials: str

    @property
    def tonnes(self) -> int:
        """One serial is one tonne."""
        return self.last_serial - self.first_serial + 1


@dataclass(frozen=True, slots=True)
class Kind:
    """What a certificate is of: its title, what it certifies, by which entries, and what its hash is of."""

    title: Words
    statement: Words
    entries: Words = Words("序列号", "Serial numbers")
    hashed: Words = Words("账册分录的哈希值", "SHA-256 of the ledger entry")


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a certificate: its label, its value, and what stands below it."""

    label: Words
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of what makes up the quantity, and the address of its own certificate, if it has one."""

    text: str
    tonnes: int
    path: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """All that is shown of a certificate, in the order of reading."""

    number: str
    kind: Kind
    tonnes: int
    holder: Fact | None
    facts: Sequence[Fact]
    entries: Sequence[Entry]
    sha256: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """The public record of one use or cancellation, with the names of its programme and project."""

    certificate_number: str
    programme: str
    programme_name: str
    project: str
    project_name: str
    province: str
    vintage: int
    tonnes: int
    purpose: str
    beneficiary_kind: str | None
    """None where credits were cancelled: nobody used them."""
    beneficiary_name: str | None
    """None also for a natural person who is not public."""
    beneficiary_id: str | None
    beneficiary_country: str | None
    on_behalf_of: str | None
    reporting_period: str | None
    reason: str
    retired_at: datetime
    entry_sha256: str
    ranges: tuple[Serials, ...]

    @property
    def content(self) -> Content:
        """What its certificate shows."""
        return Content(
            number=self.certificate_number,
            kind=kind_of(self),
            tonnes=self.tonnes,
            holder=_holder(self),
            facts=tuple(_facts(self)),
            entries=tuple(Entry(one.serials, one.tonnes) for one in self.ranges),
            sha256=self.entry_sha256,
            made_at=self.retired_at,
        )

    @property
    def words(self) -> Mapping[str, Words]:
        """What programs are told in both languages."""
        return {"purposeWords": purpose_of(self)}


_RETIREMENT = Kind(
    Words("碳信用注销证书", "Certificate of Retirement"),
    Words(
        "兹证明下列碳信用已注销，永久退出流通，不得再次使用、交易或转让。",
        "This certifies that the credits below have been retired. They have left circulation for ever"
        " and can never be used, traded or transferred again.",
    ),
)
_CANCELLATION = Kind(
    Words("碳信用取消证书", "Certificate of Cancellation"),
    Words(
        "兹证明下列碳信用已取消，永久退出流通，不得使用、交易或转让。",
        "This certifies that the credits below have been cancelled. They have left circulation for ever"
        " and can never be used, traded or transferred.",
    ),
)
_SURRENDER = Kind(
    Words("碳排放配额清缴证书", "Certificate of Surrender"),
    Words(
        "兹证明下列碳排放配额已清缴，永久退出流通，不得再次使用、交易或转让。",
        "This certifies that the allowances below have been surrendered. They have left circulation for"
        " ever and can never be used, traded or transferred again.",
    ),
)
_DISCHARGES = {
    "entries": Words("清缴与抵销证书", "Certificates of surrender and offset"),
    "hashed": Words("本证明内容的哈希值", "SHA-256 of what is proved"),
}
PROOF = Kind(
    Words("碳排放配额履约证明", "Proof of Compliance"),
    Words(
        "兹证明下列单位已在规定期限内足额清缴其年度碳排放配额。",
        "This certifies that the entity below has met, in time and in full, what it owed in the national"
        " emissions trading scheme for the emissions of this year.",
    ),
    **_DISCHARGES,
)
ENDED_PROOF = Kind(
    Words("履约证明已失效", "Proof of Compliance, ended"),
    Words(
        "本证明已失效：其后核定的应清缴量高于已清缴量。以下为失效前的内容。",
        "This proof has ended: more became due afterwards than had been discharged. Below is what it"
        " proved until then.",
    ),
    **_DISCHARGES,
)
KINDS = (_RETIREMENT, _CANCELLATION, _SURRENDER, PROOF, ENDED_PROOF)

UNIT = Words("吨二氧化碳当量", "tonnes of carbon dioxide equivalent")

PURPOSES = {
    "ETS_OFFSET_NATIONAL": Words(
        "抵销全国碳市场配额清缴", "Offset in the national emissions trading scheme"
    ),
    "ETS_OFFSET_LOCAL": Words(
        "抵销地方碳市场配额清缴", "Offset in a local emissions trading scheme"
    ),
    "ETS_SURRENDER": Words(
        "全国碳市场配额清缴", "Surrender in the national emissions trading scheme"
    ),
    "EVENT_NEUTRALITY": Words("大型活动碳中和", "Carbon neutrality of an event"),
    "ENTERPRISE_OFFSET": Words("抵销企业温室气体排放", "Offset of an enterprise's emissions"),
    "VOLUNTARY_PUBLIC_GOOD": Words("自愿公益注销", "Voluntary retirement for the public good"),
    "CORSIA": Words("国际航空碳抵消和减排计划", "Use in CORSIA (international aviation)"),
    "NDC_USE": Words("用于国家自主贡献", "Use towards a nationally determined contribution"),
    "OMGE": Words("全球排放总体减缓", "Overall mitigation in global emissions"),
    "SOP": Words("适应基金收益分成", "Share of proceeds for adaptation"),
    "REVERSAL_COMPENSATION": Words("补偿碳汇逆转", "Compensation of a reversal"),
    "FORCED": Words("强制取消", "Forced cancellation"),
    "CONVERSION_OUT": Words("转换至其他机制", "Conversion into another programme"),
    "CARRY_OVER": Words("配额结转", "Carry-over into a later year"),
}


def kind_of(record: Record) -> Kind:
    """Retirement for a use, surrender for one with allowances, cancellation for what nobody used."""
    if record.purpose == "ETS_SURRENDER":
        return _SURRENDER
    return _RETIREMENT if record.certificate_number.startswith("RET-") else _CANCELLATION


def purpose_of(record: Record) -> Words:
    """What for; a purpose that this gateway does not know yet is shown by its name."""
    return PURPOSES.get(record.purpose, Words(record.purpose, ""))


def when(instant: datetime) -> str:
    """An instant as clocks in Beijing showed it."""
    return f"{instant.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"


def _holder(record: Record) -> Fact | None:
    """Who used the credits; what is cancelled is used by nobody."""
    if record.beneficiary_kind is None:
        return None
    known = joined(record.beneficiary_id, record.beneficiary_country)
    return Fact(Words("受益人", "Beneficiary"), record.beneficiary_name or NOT_PUBLIC, known)


def _facts(record: Record) -> Iterator[Fact]:
    purpose = purpose_of(record)
    if record.project_name:
        place = joined(record.project, record.province)
        yield Fact(Words("项目", "Project"), record.project_name, place)
    yield Fact(Words("机制", "Programme"), record.programme_name, record.programme)
    yield Fact(Words("年份", "Vintage"), str(record.vintage))
    yield Fact(Words("日期", "Date"), when(record.retired_at), BEIJING_TIME)
    yield Fact(Words("用途", "Purpose"), purpose.zh, purpose.en)
    yield Fact(Words("事由", "Reason"), record.reason)
    if record.beneficiary_kind is not None:
        yield Fact(Words("报告期", "Reporting period"), record.reporting_period or NONE)
        yield Fact(Words("代表", "On behalf of"), record.on_behalf_of or NONE)


def joined(*parts: str | None) -> str:
    """What is known of these, with a comma between."""
    return ", ".join(part for part in parts if part)
