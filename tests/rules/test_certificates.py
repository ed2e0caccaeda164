"""Certificates: all that the record holds, in both languages, the same bytes each time, whatever people are called."""

import hashlib
import os
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import segno
from pypdf import PdfReader

import services
from services.gateway import fonts
from services.gateway.certificate_drawing import drawn, legible
from services.gateway.certificates import KINDS, LACKING, NOT_PUBLIC, PURPOSES, UNIT, Record
from tests.certified import CANCELLED, HASH, PERSON, ranges, record

URL = "https://registry.example/certificates/RET-2026-00000042"


def pages(one: Record, url: str = URL) -> list[str]:
    """The text of each page as it is copied out of the document, without spaces."""
    read = PdfReader(BytesIO(drawn(one, url)))
    return ["".join(page.extract_text().split()) for page in read.pages]


def test_a_certificate_holds_what_the_record_holds_in_both_languages() -> None:
    [text] = pages(record())
    for part in (
        *("RET-2026-00000042", "碳信用注销证书", "CertificateofRetirement", "21", "吨二氧化碳当量"),
        *("上海青禾会展服务有限公司", "91310115MA1K4N2X3C,CN", "长三角绿色产业大会组委会"),
        *(
            "国家电投山东半岛南4号海上风电项目",
            "A210017,山东省",
            "ChinaCertifiedEmissionReductions",
        ),
        *("2024", "大型活动碳中和", "Carbonneutralityofanevent", "2026长三角绿色产业大会"),
        *("CCER-CN-A210017-2024-001-1-7", "CCER-CN-A210017-2024-001-21-27"),
        *("2026-03-1000:00:00", "北京时间", URL, HASH, "不得再次使用", "canneverbeused", "1/1"),
    ):
        assert part in text


def test_a_certificate_made_again_is_the_same_to_the_byte() -> None:
    script = (
        "import hashlib; from services.gateway.certificate_drawing import drawn;"
        "from tests.certified import record;"
        f"print(hashlib.sha256(drawn(record(), {URL!r})).hexdigest())"
    )
    first = drawn(record(), URL)
    time.sleep(1.1)  # the second in which it is made leaves no trace
    again = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": "7", "TZ": "America/New_York"},
        cwd=Path(services.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert drawn(record(), URL) == first
    assert again.stdout.strip() == hashlib.sha256(first).hexdigest()


@pytest.mark.parametrize(
    "change", [{"tonnes": 22}, {"entry_sha256": HASH[::-1]}, {"vintage": 2023}]
)
def test_another_record_has_another_certificate(change: dict[str, Any]) -> None:
    assert drawn(record(**change), URL) != drawn(record(), URL)


def test_fonts_are_embedded_and_the_document_says_what_it_is() -> None:
    read = PdfReader(BytesIO(drawn(record(), URL)))
    assert read.metadata is not None
    assert read.metadata.title == "碳信用注销证书 Certificate of Retirement RET-2026-00000042"
    assert read.metadata.creation_date == record().retired_at
    assert read.metadata.modification_date is None
    resources: Any = read.pages[0]["/Resources"]
    found = resources["/Font"].values()
    described = [one["/DescendantFonts"][0].get_object()["/FontDescriptor"] for one in found]
    assert all("/FontFile2" in one for one in described)
    assert len(described) == 2


def test_many_ranges_flow_over_pages_and_none_is_lost() -> None:
    first, *others = found = pages(record(1000))
    text = "".join(found)
    assert all(f"{one.serials}7" in text for one in ranges(1000))
    assert 5 < len(found) < 15
    assert f"1/{len(found)}" in first
    assert all(f"{number}/{len(found)}" in page for number, page in enumerate(others, 2))
    assert all("RET-2026-00000042" in page and "续页Continued" in page for page in others)
    assert HASH in first


def test_a_person_who_is_not_public_is_not_named() -> None:
    [text] = pages(record(**PERSON))
    assert "".join(NOT_PUBLIC.split()) in text


def test_what_nobody_used_has_no_beneficiary() -> None:
    [text] = pages(record(**CANCELLED))
    assert "CertificateofCancellation" in text
    assert "强制取消Forcedcancellation" in text
    assert not any(word in text for word in ("受益人", "代表", "报告期", "不公开"))


def test_allowances_are_surrendered_and_have_no_project() -> None:
    [text] = pages(record(purpose="ETS_SURRENDER", programme="CEA", project="CEA", project_name=""))
    assert "碳排放配额清缴证书CertificateofSurrender" in text
    assert "项目Project" not in text


def test_a_purpose_of_tomorrow_is_shown_by_its_name() -> None:
    assert "MOON_OFFSET" in pages(record(purpose="MOON_OFFSET"))[0]


HOSTILE = {
    "html": "<script>alert('1')</script> & \"Co\"",
    "bidi": "ACME \u202egnihsihp\u202c \u2066Ltd\u2069",
    "long": "W" * 300,
    "long Chinese": "超" * 300,
    "long words": "Beneficiary " * 25,
    "emoji": "🌍🏭" * 150,
    "Arabic": "شركة الطاقة",
    "combined": "Cafe\u0301 Zu\u0308rich",
    "lines": "one\ntwo\tthree",
    "zero width": "A\u200bB\ufeffC",
    "markdown": "**bold** __line__ ~~out~~ [link](https://x.example) {nb} \\",
    "parentheses": ")(\\) Tj ET (",
    "private use": "\ue000\uf8ff",
    "rare": "𠀀龘䶮",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_a_certificate(name: str) -> None:
    given = HOSTILE[name]
    one = record(beneficiary_name=given, on_behalf_of=given, project_name=given, reason=given)
    plain, lacking = legible(one)
    found = pages(one)
    assert plain.beneficiary_name is not None
    for shown in (plain.beneficiary_name, plain.reason):
        assert "".join(shown.split()) in "".join(found)
    assert ("Acharacterthatthisfontlacks" in found[0]) == bool(lacking)
    assert not set(lacking) & set("".join(found))
    assert len(plain.beneficiary_name) <= len(given)


def test_a_character_that_the_font_lacks_is_shown_as_one() -> None:
    plain, lacking = legible(record(beneficiary_name="Green 🌍 \u202eFund 公司"))
    assert plain.beneficiary_name == f"Green {LACKING} {LACKING}Fund 公司"
    assert lacking == "\u202e🌍"


def test_every_word_that_is_printed_on_certificates_is_in_the_fonts() -> None:
    titles = "".join(kind.title.zh + kind.title.en for kind in KINDS) + UNIT.zh + "TONNE0123456789,"
    assert set(titles) <= fonts.characters(fonts.DISPLAY)
    words = "".join(one.zh + one.en for one in PURPOSES.values())
    said = (words for kind in KINDS for words in (kind.statement, kind.entries, kind.hashed))
    words += "".join(one.zh + one.en for one in said)
    assert set(words + LACKING) <= fonts.characters(fonts.TEXT)


def test_the_font_has_every_character_of_gbk() -> None:
    han = {chr(code) for code in range(0x4E00, 0x9FA6)}
    assert len("".join(han).encode("gbk", "strict")) == 2 * len(han)
    assert han <= fonts.characters(fonts.TEXT)
    for font in (fonts.TEXT, fonts.DISPLAY):
        licence = font.with_name(f"{font.stem.partition('-')[0]}-OFL.txt")
        assert "SIL Open Font License, Version 1.1" in " ".join(licence.read_text().split())
        assert font.stat().st_size < 6_000_000


def test_the_code_leads_to_the_url() -> None:
    """Bars are counted: as many as there are runs of dark modules."""
    content = PdfReader(BytesIO(drawn(record(), URL))).pages[0].get_contents()
    assert content is not None
    rows = segno.make(URL, error="m", micro=False).matrix
    runs = sum(len(bytes(row).replace(b"\x00", b" ").split()) for row in rows)
    assert content.get_data().count(b" re f") == runs


def test_a_long_url_stays_beside_its_code() -> None:
    url = "https://" + "registry-of-carbon-credits." * 6 + "example/certificates/RET-2026-00000042"
    assert url in pages(record(), url)[0]
