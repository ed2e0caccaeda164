"""The addresses of certificates: what they answer, to whom the answer is not news, and when nothing can be read."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from services.gateway import certificate_pages, reads
from services.gateway.app import application
from services.gateway.certificate_drawing import drawn
from services.gateway.certificates import Record
from services.gateway.context import House
from services.gateway.hub import Hub
from services.gateway.proofs import Proof
from services.gateway.settings import GatewaySettings
from services.runtime.caller import Caller
from services.runtime.process import Health
from tests.certified import CANCELLED, HASH, PERSON, proof, record

PUBLIC_URL = "https://registry.example"
NUMBER = "RET-2026-00000042"
PATH = f"/certificates/{NUMBER}"
PROVED = "ETS-2026-00000003"
HOSTILE = "<script>alert(1)</script> \u202e🌍 $number {facts} & " + "名" * 200


class Published:
    """Stands for the databases: the statements that certificates are read with, and what they bring."""

    def __init__(self, *records: Record) -> None:
        self.records = {one.certificate_number: one for one in records}
        self.proofs: dict[str, Proof] = {PROVED: proof()}
        self.is_out = False

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        if self.is_out:
            raise ConnectionRefusedError
        rows = {
            reads.sql["get_public_retirement"]: self._retirement,
            reads.sql["get_public_proof"]: self._proof,
            reads.sql["projects_by_code"]: self._project,
            reads.sql["programmes_by_code"]: self._programme,
        }[statement](values[0])
        return [defaultdict(lambda: None, row) for row in rows]

    def _retirement(self, number: str) -> list[dict[str, Any]]:
        found = self.records.get(number)
        ranges = (
            [asdict(one) | {"batch_id": str(one.batch_id)} for one in found.ranges] if found else []
        )
        return [asdict(found) | {"ranges": ranges}] if found else []

    def _proof(self, number: str) -> list[dict[str, Any]]:
        found = self.proofs.get(number)
        if found is None:
            return []
        return [asdict(found) | {"discharges": [asdict(one) for one in found.discharges]}]

    def _project(self, codes: list[str]) -> list[dict[str, Any]]:
        return [
            {"code": one.project, "name": one.project_name, "province": one.province}
            for one in self.records.values()
            if one.project in codes
        ]

    def _programme(self, codes: list[str]) -> list[dict[str, Any]]:
        return [
            {"code": one.programme, "name": one.programme_name}
            for one in self.records.values()
            if one.programme in codes
        ]


@pytest.fixture
def published() -> Published:
    return Published(
        record(), record(**CANCELLED), record(certificate_number="RET-2026-00000043", **PERSON)
    )


@pytest.fixture
async def client(published: Published) -> AsyncIterator[TestClient[Any, Any]]:
    pools: Any = dict.fromkeys(reads.SERVICES, published)
    house = House(pools=pools, caller=Caller(), hub=Hub(), verifier=None)  # pyright: ignore[reportArgumentType]
    app = application(house, Health(), [], PUBLIC_URL)
    async with TestClient(TestServer(app)) as found:
        yield found


async def test_the_pdf_is_the_certificate(client: TestClient[Any, Any]) -> None:
    response = await client.get(f"{PATH}.pdf")
    assert response.status == 200
    assert response.content_type == "application/pdf"
    assert response.headers["Content-Disposition"] == f'inline; filename="{NUMBER}.pdf"'
    assert await response.read() == drawn(record(), PUBLIC_URL + PATH)


async def test_the_json_holds_the_whole_record(client: TestClient[Any, Any]) -> None:
    response = await client.get(f"{PATH}.json")
    assert response.content_type == "application/json"
    found = await response.json()
    expected = record()
    assert found["certificateNumber"] == NUMBER
    assert found["title"] == {"zh": "碳信用注销证书", "en": "Certificate of Retirement"}
    assert found["purpose"] == "EVENT_NEUTRALITY"
    assert found["purposeWords"] == {"zh": "大型活动碳中和", "en": "Carbon neutrality of an event"}
    assert (found["beneficiaryName"], found["onBehalfOf"]) == (
        expected.beneficiary_name,
        expected.on_behalf_of,
    )
    assert (found["projectName"], found["province"]) == (expected.project_name, expected.province)
    assert found["retiredAt"] == "2026-03-09T16:00:00Z"
    assert found["entrySha256"] == expected.entry_sha256
    assert (found["url"], found["pdfUrl"]) == (PUBLIC_URL + PATH, f"{PUBLIC_URL}{PATH}.pdf")
    first = expected.ranges[0]
    assert found["ranges"][0] == {
        "batchId": str(first.batch_id),
        "firstSerial": first.first_serial,
        "lastSerial": first.last_serial,
        "serials": first.serials,
    }


async def test_the_page_shows_the_record_in_both_languages(client: TestClient[Any, Any]) -> None:
    response = await client.get(PATH)
    assert (response.content_type, response.charset) == ("text/html", "utf-8")
    text = await response.text()
    shown = record()
    for part in (
        *(NUMBER, "碳信用注销证书", "Certificate of Retirement", shown.beneficiary_name),
        *(shown.project_name, shown.ranges[2].serials, shown.entry_sha256, "2026-03-10 00:00:00"),
        *(f'href="{NUMBER}.pdf"', f'href="{NUMBER}.json"'),
    ):
        assert part is not None
        assert part in text
    assert "script" not in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("form", ["", ".pdf", ".json"])
async def test_who_has_it_already_is_not_sent_it_again(
    client: TestClient[Any, Any], form: str
) -> None:
    first = await client.get(PATH + form)
    again = await client.get(PATH + form, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    other = await client.get(PATH + form, headers={"If-None-Match": '"other"'})
    assert (other.status, await other.read()) == (200, await first.read())
    asked = await client.head(PATH + form)
    assert (asked.status, asked.headers["ETag"]) == (200, first.headers["ETag"])


@pytest.mark.parametrize(
    "name",
    [
        *(
            "RET-2026-00000099",
            "ETS-2026-00000099",
            "ret-2026-00000042",
            "RET-2026-42",
            "x",
            "RET-2026-00000042.xml",
        ),
        *("RET-２０２６-00000042", "RET-2026-00000042%0A", "%00", "%3Cscript%3E", "R" * 3000),
        *("..%2F..%2Fetc%2Fpasswd", "%F0%9F%8C%8D", "RET-2026-00000042.pdf.pdf.txt"),
    ],
)
@pytest.mark.parametrize("form", ["", ".pdf", ".json"])
async def test_an_unknown_number_is_said_to_be_unknown(
    client: TestClient[Any, Any], name: str, form: str
) -> None:
    response = await client.get(f"/certificates/{name}{form}")
    text = await response.text()
    assert response.status == 404
    assert "There is no certificate" in text
    assert len(text) < 600
    if form == ".json":
        assert (await response.json())["errors"][0]["extensions"] == {"code": "NOT_FOUND"}
    else:
        assert "没有编号为" in text
        assert "<script" not in text


async def test_a_person_who_is_not_public_is_named_nowhere(client: TestClient[Any, Any]) -> None:
    found = await (await client.get("/certificates/RET-2026-00000043.json")).json()
    assert (found["beneficiaryName"], found["beneficiaryId"]) == (None, None)
    text = await (await client.get("/certificates/RET-2026-00000043")).text()
    assert "不公开 Not public" in text


async def test_what_nobody_used_has_a_page_without_beneficiary(
    client: TestClient[Any, Any],
) -> None:
    text = await (await client.get("/certificates/CAN-2026-00000007")).text()
    assert "Certificate of Cancellation" in text
    assert "Beneficiary" not in text


async def test_names_are_text_on_the_page_and_gaps_in_the_font_are_logged(
    client: TestClient[Any, Any], published: Published
) -> None:
    published.records[NUMBER] = record(beneficiary_name=HOSTILE, project_name=HOSTILE)
    text = await (await client.get(PATH)).text()
    assert "<script" not in text
    assert "<bdi>&lt;script&gt;alert(1)&lt;/script&gt; □🌍 $number {facts} &amp; 名" in text
    assert (await (await client.get(f"{PATH}.json")).json())["beneficiaryName"] == HOSTILE
    with capture_logs() as logs:
        assert (await client.get(f"{PATH}.pdf")).status == 200
        assert (await client.get(f"{PATH}.pdf")).status == 200
    [line] = [one for one in logs if one["event"] == "characters_lacking"]
    assert (line["certificate"], line["characters"]) == (NUMBER, ["U+202E", "U+1F30D"])


async def test_a_proof_of_compliance_stands_at_the_same_addresses(
    client: TestClient[Any, Any], published: Published
) -> None:
    path = f"/certificates/{PROVED}"
    pdf = await client.get(f"{path}.pdf")
    assert await pdf.read() == drawn(proof(), PUBLIC_URL + path)
    found = await (await client.get(f"{path}.json")).json()
    assert found["title"] == {"zh": "碳排放配额履约证明", "en": "Proof of Compliance"}
    assert (found["due"], found["surrendered"], found["offset"]) == (1_000_000, 950_000, 50_000)
    assert (found["isDraft"], found["endedAt"], found["proofSha256"]) == (True, None, HASH)
    assert found["discharges"][0] == {
        "certificateNumber": "RET-2026-00000017",
        "purpose": "ETS_OFFSET_NATIONAL",
        "tonnes": 50_000,
    }
    assert found["url"] == PUBLIC_URL + path
    text = await (await client.get(path)).text()
    for part in (PROVED, "碳排放配额履约证明", proof().entity, "草案数据", HASH):
        assert part is not None
        assert part in text
    assert '<a href="RET-2026-00000018">' in text
    published.proofs[PROVED] = proof(ended_at=proof().deadline)
    response = await client.get(path)
    assert (response.status, "履约证明已失效" in await response.text()) == (200, True)


@pytest.mark.parametrize("form", ["", ".pdf", ".json"])
async def test_an_outage_passes_by_itself(
    client: TestClient[Any, Any], published: Published, form: str
) -> None:
    published.is_out = True
    response = await client.get(PATH + form)
    assert (response.status, response.headers["Retry-After"]) == (503, "5")
    published.is_out = False
    assert (await client.get(PATH + form)).status == 200


async def test_a_certificate_is_drawn_once_beside_the_event_loop(
    client: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawers: list[int] = []

    def slow(one: Record, _: str) -> bytes:
        drawers.append(threading.get_ident())
        return one.certificate_number.encode()

    monkeypatch.setattr(certificate_pages, "_drawn", slow)
    asked = await asyncio.gather(*(client.get(f"{PATH}.pdf") for _ in range(20)))
    assert {await one.read() for one in asked} == {NUMBER.encode()}
    assert len(drawers) == 1
    assert drawers[0] != threading.get_ident()


async def test_the_press_is_bounded_and_a_fault_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, client: TestClient[Any, Any], published: Published
) -> None:
    go = threading.Event()
    drawers: list[str] = []

    def waiting(one: Record, _: str) -> bytes:
        go.wait(10)
        drawers.append(one.certificate_number)
        if drawers == [NUMBER]:
            raise ValueError(NUMBER)
        return b"%PDF"

    monkeypatch.setattr(certificate_pages, "_drawn", waiting)
    numbers = [f"RET-2026-{number:08}" for number in range(42, 43 + certificate_pages.WAITING_MAX)]
    published.records = {number: record(certificate_number=number) for number in numbers}
    waits = [asyncio.create_task(client.get(f"/certificates/{number}.pdf")) for number in numbers]
    [refused] = await _first(waits)
    assert refused.status == 503
    go.set()
    answers = await asyncio.gather(*waits)
    assert sorted(one.status for one in answers) == [200] * (len(numbers) - 2) + [500, 503]
    assert (await client.get(f"{PATH}.pdf")).status == 200


async def _first(waits: list["asyncio.Task[ClientResponse]"]) -> list[ClientResponse]:
    done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED, timeout=10)
    return [one.result() for one in done]


def settings(**told: Any) -> GatewaySettings:
    reading = {f"{service}_read_url": "postgresql://x" for service in reads.SERVICES}
    known = {"amqp_url": "amqp://x", "jwks": "x", "token_issuer": "x", "token_audience": "x"}
    return GatewaySettings(**reading, **known, **told)


def test_the_public_url_is_told_or_that_of_the_demo() -> None:
    assert settings(port=8123).public_address == "http://127.0.0.1:8123"
    assert settings(public_url="https://registry.example/").public_address == PUBLIC_URL
