"""The certificate of a real use: whoever has its number reads it without a login, and finds the books in it."""

import hashlib
import json
from io import BytesIO
from typing import Any

import aiohttp
import pytest
from pypdf import PdfReader

from services.kernel.ids import new_id
from services.tools.stack import Stack
from tests.flows import national
from tests.flows.graph import Graph
from tests.market import Market, Seller


@pytest.fixture(scope="session")
async def owner(market: Market) -> Seller:
    """An owner with credits in the registry."""
    return await market.owner_with_credits(10_000, at_venue=0)


async def retired(market: Market, owner: Seller, **changes: Any) -> str:
    """The certificate number of a use by two persons."""
    command = market.retirement(owner, 100, **changes)
    await market.approve(await market.send(command, owner.party.actor))
    sql = "SELECT certificate_number FROM settlement.retirement WHERE retirement_id = $1"
    return await market.until(sql, command.retirement_id)


async def fetched(stack: Stack, path: str) -> tuple[int, bytes]:
    address = stack.graphql_url.replace("/graphql", f"/certificates/{path}")
    async with aiohttp.ClientSession() as session, session.get(address) as response:
        return response.status, await response.read()


async def test_a_use_has_its_certificate_at_three_addresses(
    market: Market, owner: Seller, stack: Stack, graph: Graph
) -> None:
    name = f"上海青禾 {new_id()}"
    number = await retired(market, owner, beneficiary_name=name, on_behalf_of="长三角大会组委会")

    pages = [await fetched(stack, f"{number}{form}") for form in ("", ".json", ".pdf", ".pdf")]
    assert [status for status, _ in pages] == [200] * 4
    page, content, pdf, again = [body for _, body in pages]
    assert pdf == again
    assert name in page.decode()
    [sheet] = PdfReader(BytesIO(pdf)).pages
    text = "".join(sheet.extract_text().split())
    found = await _found(graph, number)
    for part in (
        *(
            number,
            "碳信用注销证书",
            "CertificateofRetirement",
            "".join(name.split()),
            owner.project,
        ),
        *(found["entrySha256"], found["ranges"][0]["serials"], "长三角大会组委会"),
        stack.graphql_url.replace("/graphql", f"/certificates/{number}"),
    ):
        assert part in text
    assert hashlib.sha256(await _lines(market, number)).hexdigest() == found["entrySha256"]
    assert found["entrySha256"].encode() in content


async def test_a_person_is_named_only_if_the_record_says_so(
    market: Market, owner: Seller, stack: Stack
) -> None:
    person = {"beneficiary_kind": "NATURAL_PERSON", "beneficiary_id": "110101199003070000"}
    for is_public in (True, False):
        name = f"王小明{new_id()}"
        number = await retired(
            market,
            owner,
            **person,
            beneficiary_name=name,
            is_public=is_public,
            purpose="VOLUNTARY_PUBLIC_GOOD",
        )
        for form in ("", ".json"):
            _, body = await fetched(stack, f"{number}{form}")
            assert (name in body.decode()) == is_public
            assert (person["beneficiary_id"] in body.decode()) == is_public


async def test_whoever_met_its_obligation_has_a_proof_at_three_addresses(
    market: Market, stack: Stack
) -> None:
    ets = await national.opened(market)
    emitter = await ets.emitter(10, 10)
    name = f"临港热电 {new_id()}"
    surrender = ets.surrender(emitter, 10, beneficiary_name=name)
    assert (await ets.done(surrender, emitter.party)).outcome == "ACCEPTED"
    proof = "SELECT proof_number FROM settlement.obligation WHERE account = $1"
    number = await market.database.fetchval(proof, emitter.account)

    pages = [await fetched(stack, f"{number}{form}") for form in ("", ".json", ".pdf", ".pdf")]
    assert [status for status, _ in pages] == [200] * 4
    page, content, pdf, again = [body for _, body in pages]
    assert pdf == again
    found = json.loads(content)
    assert (found["entity"], found["due"], found["surrendered"]) == (name, 10, 10)
    assert (found["emissionYear"], found["isDraft"], found["endedAt"]) == (ets.year, True, None)
    [discharge] = found["discharges"]
    assert discharge["certificateNumber"] in page.decode()
    assert (await fetched(stack, discharge["certificateNumber"]))[0] == 200
    [sheet] = PdfReader(BytesIO(pdf)).pages
    text = "".join(sheet.extract_text().split())
    for part in (number, "碳排放配额履约证明", "".join(name.split()), found["proofSha256"]):
        assert part in text


async def test_a_number_that_was_never_given_has_no_certificate(stack: Stack) -> None:
    for form in ("", ".json", ".pdf"):
        status, body = await fetched(stack, f"RET-1999-00000001{form}")
        assert (status, b"There is no certificate" in body) == (404, True)


async def _found(graph: Graph, number: str) -> dict[str, Any]:
    document = (
        "query ($number: String!) { publicRetirement(certificateNumber: $number) {"
        " entrySha256 ranges { serials } } }"
    )
    return (await graph.read(document, number=number))["publicRetirement"]


async def _lines(market: Market, number: str) -> bytes:
    """The entries of the ledger as the hash is taken over them, written anew from the tables."""
    rows = await market.database.fetch(
        """SELECT e.posting, b.programme, b.country, b.project, b.vintage, b.batch_number,
            e.first_serial, e.next_serial, e.to_account, e.to_bucket, e.effective_at
        FROM settlement.retirement r
        JOIN settlement.credit_entry e ON e.posting = 'retirement/' || r.retirement_id
        JOIN settlement.batch b USING (batch_id)
        WHERE r.certificate_number = $1 ORDER BY e.entry_id""",
        number,
    )
    return "".join(
        f"{row['posting']}|{row['programme']}-{row['country']}-{row['project']}-{row['vintage']}"
        f"-{row['batch_number']:03}-{row['first_serial']}-{row['next_serial'] - 1}"
        f"|{row['to_account']}|{row['to_bucket']}|{row['effective_at']:%Y-%m-%dT%H:%M:%S.%fZ}\n"
        for row in rows
    ).encode()
