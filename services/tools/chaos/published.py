"""What the market publishes of itself, asked through GraphQL as an auditor, beside the auditor's own books."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.tools.chaos.books import EXCHANGE, RESERVED, Block, Books, Found, Place, merged
from services.tools.chaos.ears import Ears
from services.tools.chaos.judge import Findings
from services.tools.chaos.sent import REJECTED, SETTLED
from services.tools.client import Desk

_ACCOUNT = """query($number: String!, $after: String) { account(number: $number) {
  cash { venueCode balanceFen }
  holdings(first: 100, after: $after) {
    edges { node { batchId bucket venueCode firstSerial lastSerial } }
    pageInfo { hasNextPage endCursor } } } }"""
_TRADES = """query($after: String) { trades(first: 100, after: $after) {
  edges { node { venueCode tradeId state amountFen } } pageInfo { hasNextPage endCursor } } }"""
_MARKET = (
    "query($programme: String!) { market(programme: $programme) { trades tonnes turnoverFen } }"
)

Seen = Mapping[tuple[str, Place], list[Block]]


async def compared(
    desk: Desk, token: str, accounts: Sequence[str], books: Books, found: Found
) -> Findings:
    """Where holdings and cash of these accounts are not what they must be."""
    findings = Findings()
    if found.lost_tonnes:
        findings.lost.add(f"{found.lost_tonnes} t are nowhere")
    if found.doubled_tonnes:
        findings.duplicated.add(f"{found.doubled_tonnes} t are in more than one place")
    findings.broken |= {f"{key} owes {-fen} fen" for key, fen in books.cash.items() if fen < 0}
    seen = await asyncio.gather(*(_account(desk, token, number) for number in accounts))
    holdings: dict[tuple[str, Place], list[Block]] = {}
    for number, (blocks, reserved, cash) in zip(accounts, seen, strict=True):
        holdings |= blocks
        findings.broken |= set(_wrongly_held(number, reserved, books))
        for venue in cash.keys() | {venue for owner, venue in books.cash if owner == number}:
            if cash.get(venue, 0) != books.cash[number, venue]:
                findings.broken.add(
                    f"{number} has {cash.get(venue, 0)} fen at {venue}, must have {books.cash[number, venue]}"
                )
    findings.broken |= set(_differences(found.blocks, holdings))
    return findings


def _wrongly_held(number: str, reserved: Counter[str], books: Books) -> Iterator[str]:
    for venue in {of for owner, of in books.reserved if owner == number} | reserved.keys():
        if reserved[venue] != books.reserved[number, venue]:
            expected = books.reserved[number, venue]
            yield f"{number} has {reserved[venue]} t held at {venue}, must have {expected}"


def _differences(expected: Seen, seen: Seen) -> Iterator[str]:
    for batch, place in expected.keys() | seen.keys():
        ours = merged(expected.get((batch, place), ()))
        theirs = merged(seen.get((batch, place), ()))
        if ours != theirs:
            yield f"{' '.join(map(str, place))} shows {theirs[:5]} of batch {batch}, must be {ours[:5]}"


async def _account(
    desk: Desk, token: str, number: str
) -> tuple[dict[tuple[str, Place], list[Block]], Counter[str], dict[str, int]]:
    """What an account shows: its blocks, the tonnes held for captured trades by venue, its cash.

    Held credits are still the seller's, at the same venue.
    """
    reserved: Counter[str] = Counter()
    blocks: dict[tuple[str, Place], list[Block]] = defaultdict(list)
    after: str | None = None
    while True:
        answer = await desk.query(_ACCOUNT, token, number=number, after=after)
        account = answer["account"]
        for edge in account["holdings"]["edges"]:
            node = edge["node"]
            is_held = node["bucket"] == RESERVED
            place = number, EXCHANGE if is_held else node["bucket"], node["venueCode"]
            block = int(node["firstSerial"]), int(node["lastSerial"]) + 1
            blocks[node["batchId"], place].append(block)
            reserved[node["venueCode"]] += (block[1] - block[0]) * is_held
        if not account["holdings"]["pageInfo"]["hasNextPage"]:
            return (
                blocks,
                reserved,
                {one["venueCode"]: int(one["balanceFen"]) for one in account["cash"]},
            )
        after = account["holdings"]["pageInfo"]["endCursor"]


async def compared_markets(
    desk: Desk, token: str, programmes: Mapping[str, str], ears: Ears
) -> Findings:
    """Where the published figures of a programme are not those of the settled trades; by venue its programme."""
    findings = Findings()
    for venue, programme in programmes.items():
        told = [one.content for one in ears.events.values() if one.type == SETTLED]
        own = [one for one in told if one["venue"] == venue]
        expected = {
            "trades": len(own),
            "tonnes": sum(one["quantity"] for one in own),
            "turnoverFen": sum(one["amount_fen"] for one in own),
        }
        market = (await desk.query(_MARKET, token, programme=programme))["market"]
        shown = {name: int(market[name]) for name in expected} if market else {}
        if shown != expected and any(expected.values()):
            findings.broken.add(f"market of {programme} shows {shown}, must be {expected}")
    return findings


async def compared_trades(desk: Desk, token: str, ears: Ears) -> Findings:
    """Where the list of all trades does not show what was told of them."""
    nodes: list[Mapping[str, Any]] = await desk.everything(_TRADES, "trades", token)
    shown = {f"trade/{n['venueCode']}/{n['tradeId']}": n for n in nodes}
    findings = Findings()
    for heard in ears.events.values():
        if heard.type not in (SETTLED, REJECTED):
            continue
        node = shown.get(heard.subject)
        state = "SETTLED" if heard.type == SETTLED else "REJECTED"
        if node is None:
            if heard.type == SETTLED:
                findings.lost.add(f"{heard.subject} is not published")
        elif node["state"] != state or (
            heard.type == SETTLED and int(node["amountFen"]) != heard.content["amount_fen"]
        ):
            findings.broken.add(f"{heard.subject} is published as {node['state']}")
    return findings
