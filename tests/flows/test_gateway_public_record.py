"""The public record: a certificate number, a serial or a beneficiary finds what was used, without a login."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.flows.graph import Graph
from tests.flows.test_settlement_cancellations import cancellation
from tests.market import Market, Seller, content

RECORD = """retirementId certificateNumber bucket accountNumber programmeCode projectCode vintage tonnes purpose
  beneficiaryKind beneficiaryName beneficiaryId beneficiaryCountry onBehalfOf reportingPeriod reason documentSha256
  isPublic requestedBy approvedBy retiredAt entrySha256 ranges { serials firstSerial lastSerial tonnes }"""
ONE = f"query ($n: String!) {{ publicRetirement(certificateNumber: $n) {{ {RECORD} }} }}"
MANY = f"""query ($s: String, $b: String, $first: Int! = 20, $after: String) {{
  publicRetirements(filter: {{serials: $s, beneficiary: $b}}, first: $first, after: $after) {{
    nodes {{ {RECORD} }} pageInfo {{ hasNextPage endCursor }} }} }}"""


@dataclass(frozen=True, slots=True)
class Used:
    """An owner of 100 t in one batch, of whom each of three persons' use, and a cancellation, took some."""

    owner: Seller
    beneficiary: str
    numbers: list[str]
    """Of the organisation's use, the public person's, the private person's, and the cancellation."""


@pytest.fixture(scope="module")
async def used(market: Market) -> Used:
    owner = await market.owner_with_credits(100, at_venue=0)
    name = market.unique("Beneficiary")
    person: dict[str, Any] = {"beneficiary_name": name, "beneficiary_kind": "NATURAL_PERSON"}
    commands = [
        (market.retirement(owner, 10, beneficiary_name=name, is_public=False), owner.party.actor),
        (market.retirement(owner, 20, **person, is_public=True), owner.party.actor),
        (
            market.retirement(owner, 30, **person, is_public=False, on_behalf_of="Friend"),
            owner.party.actor,
        ),
        (cancellation(owner, 15), None),
    ]
    numbers: list[str] = []
    for command, actor in commands:
        asked = await (market.send(command, actor) if actor else market.send(command))
        done = await market.approve(asked)
        kind = "settlement.credits.retired" if actor else "settlement.credits.cancelled"
        told = content(await market.told(kind, done.subject or ""))
        numbers.append(told["certificate_number"])
    return Used(owner, name, numbers)


async def found(graph: Graph, **asked: Any) -> list[str]:
    """The certificate numbers of a search, in its order."""
    data = await graph.read(MANY, **asked)
    return [one["certificateNumber"] for one in data["publicRetirements"]["nodes"]]


async def test_everybody_finds_a_record_by_its_number(graph: Graph, used: Used) -> None:
    records = [(await graph.read(ONE, n=n))["publicRetirement"] for n in used.numbers]
    assert [one["certificateNumber"] for one in records] == used.numbers
    assert [one["tonnes"] for one in records] == [10, 20, 30, 15]
    assert [one["bucket"] for one in records] == ["retired"] * 3 + ["cancelled"]
    assert [one["beneficiaryName"] for one in records] == [*[used.beneficiary] * 2, None, None]
    assert [one["beneficiaryId"] is None for one in records] == [False, False, True, True]
    assert {one["onBehalfOf"] for one in records} == {None}
    assert [one["beneficiaryCountry"] for one in records] == ["CN", "CN", "CN", None]
    assert [one["reportingPeriod"] for one in records] == ["2025", "2025", "2025", None]
    assert {(one["requestedBy"], one["approvedBy"]) for one in records} == {(None, None)}
    assert [one["documentSha256"] for one in records] == [None, None, None, "0" * 64]
    assert (await graph.read(ONE, n="RET-1999-00000001"))["publicRetirement"] is None


async def test_the_owner_sees_the_whole_record(graph: Graph, used: Used) -> None:
    data = await graph.read(ONE, n=used.numbers[2])
    text = f"query ($id: UUID!) {{ retirement(id: $id) {{ {RECORD} }} }}"
    retirement_id = data["publicRetirement"]["retirementId"]
    full = (await graph.read(text, used.owner.party.actor, id=retirement_id))["retirement"]
    assert (full["beneficiaryName"], full["onBehalfOf"]) == (used.beneficiary, "Friend")
    assert full["requestedBy"] == used.owner.party.actor.subject
    assert (await graph.read(text, id=retirement_id))["retirement"] == data["publicRetirement"]


async def test_anyone_can_count_the_digest_of_a_record_again(graph: Graph, used: Used) -> None:
    for number in used.numbers:
        one = (await graph.read(ONE, n=number))["publicRetirement"]
        at = datetime.fromisoformat(one["retiredAt"]).astimezone(UTC)
        instant = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        head, tail = f"retirement/{one['retirementId']}", f"{one['accountNumber']}|{one['bucket']}"
        lines = [f"{head}|{part['serials']}|{tail}|{instant}\n" for part in one["ranges"]]
        assert hashlib.sha256("".join(lines).encode()).hexdigest() == one["entrySha256"]
        assert sum(part["tonnes"] for part in one["ranges"]) == one["tonnes"]


async def test_any_serial_of_a_record_finds_it(graph: Graph, used: Used) -> None:
    """The tail of the lowest block moves first: 91-100, 71-90, 41-70, and 26-40 were taken, 1-25 are there."""
    batch = await _batch(graph, used)
    organisation, public, private, cancelled = used.numbers
    for serials, expected in (
        ("25", []),
        ("26", [cancelled]),
        ("40", [cancelled]),
        ("41", [private]),
        ("70", [private]),
        ("71", [public]),
        ("90", [public]),
        ("91", [organisation]),
        ("100", [organisation]),
        ("101", []),
        ("0", []),
        ("1-25", []),
        ("25-26", [cancelled]),
        ("40-41", [cancelled, private]),
        ("41-70", [private]),
        ("1-100", used.numbers[::-1]),
    ):
        assert sorted(await found(graph, s=f"{batch}-{serials}")) == sorted(expected), serials
    assert await found(graph, s=f"{batch}-1-100") == used.numbers[::-1]


async def _batch(graph: Graph, used: Used) -> str:
    data = await graph.read(ONE, n=used.numbers[0])
    [part] = data["publicRetirement"]["ranges"]
    return part["serials"].removesuffix("-91-100")


@pytest.mark.parametrize(
    "serials", ["", "7", "-7", "CCER", "%", "CCER-CN-NOWHERE-2024-001-7", "9" * 19, "-" * 400]
)
async def test_what_is_no_serial_finds_nothing(graph: Graph, used: Used, serials: str) -> None:
    assert await found(graph, s=serials) == []


async def test_a_beneficiary_is_found_by_name_or_identifier_unless_it_is_a_private_person(
    graph: Graph, market: Market, used: Used
) -> None:
    organisation, public, _, _ = used.numbers
    assert await found(graph, b=used.beneficiary) == [public, organisation]
    assert await found(graph, b=used.beneficiary.lower()) == []
    assert await found(graph, b=used.beneficiary[:-1]) == []
    owner = await market.owner_with_credits(10, at_venue=0)
    identifier = market.unique("ID")
    for is_public in (True, False):
        person: dict[str, Any] = {"beneficiary_kind": "NATURAL_PERSON", "is_public": is_public}
        asked = await market.retire(owner, 1, beneficiary_id=identifier, **person)
        await market.approve(asked)
    [number] = await found(graph, b=identifier)
    assert number.startswith("RET-")


async def test_each_given_value_must_match(graph: Graph, used: Used) -> None:
    batch = await _batch(graph, used)
    assert await found(graph, s=f"{batch}-1-100", b=used.beneficiary) == used.numbers[1::-1]
    assert await found(graph, s=f"{batch}-41", b=used.beneficiary) == []


async def test_a_search_has_pages(graph: Graph, used: Used) -> None:
    batch = await _batch(graph, used)
    searches: list[dict[str, Any]] = [{"s": f"{batch}-1-100"}, {"b": used.beneficiary}, {}]
    for asked in searches:
        whole = await found(graph, **asked)
        seen: list[str] = []
        page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
        while page["hasNextPage"] and len(seen) < len(whole):
            data = await graph.read(MANY, **asked, first=1, after=page["endCursor"])
            [one] = data["publicRetirements"]["nodes"]
            seen.append(one["certificateNumber"])
            page = data["publicRetirements"]["pageInfo"]
        assert seen == whole
