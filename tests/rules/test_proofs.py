"""Proofs of compliance as PDF: what they say, that they say it the same way again, and what an ended one says."""

from datetime import timedelta
from io import BytesIO

from pypdf import PdfReader

from services.gateway.certificate_drawing import drawn
from services.gateway.proofs import Proof
from tests.certified import HASH, proof

URL = "https://registry.example/certificates/ETS-2026-00000003"


def text(one: Proof) -> str:
    """The only page as it is copied out of the document, without spaces."""
    [page] = PdfReader(BytesIO(drawn(one, URL))).pages
    return "".join(page.extract_text().split())


def test_a_proof_holds_what_was_met_and_by_what_in_both_languages() -> None:
    found = text(proof())
    for part in (
        *("ETS-2026-00000003", "碳排放配额履约证明", "ProofofCompliance", "1,000,000"),
        *("重点排放单位Entity", "华东临港热电股份有限公司", "ACC-00000012", "2025", "CEA-2025"),
        *("草案数据Draftfigures", "950,000t", "50,000t", "2026-11-2011:00:00"),
        *("2027-01-0100:00:00", "RET-2026-00000017", "RET-2026-00000021", HASH, URL, "1/1"),
    ):
        assert part in found
    assert "失效" not in found


def test_a_proof_made_again_is_the_same_to_the_byte() -> None:
    assert drawn(proof(), URL) == drawn(proof(), URL)
    assert drawn(proof(due=999_999), URL) != drawn(proof(), URL)


def test_a_proof_that_ended_says_so_in_its_title() -> None:
    found = text(proof(ended_at=proof().met_at + timedelta(days=9)))
    assert "履约证明已失效ProofofCompliance,ended" in found
    assert "失效日期Endedat2026-11-2911:00:00" in found


def test_final_figures_are_no_draft() -> None:
    found = text(proof(is_draft=False))
    assert "正式数据Finalfigures" in found
    assert "草案" not in found


def test_without_a_public_name_the_account_stands_for_the_entity() -> None:
    nothing = proof(entity=None, due=0, surrendered=0, offset=0, discharges=())
    assert "重点排放单位EntityACC-00000012排放年度" in text(nothing)
