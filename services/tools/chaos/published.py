"""What the market publishes of itself, asked through GraphQL as an auditor, beside the auditor's own books."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.tools.chaos.books import (
    CANCELLED,
    EXCHANGE,
    FROZEN,
    RESERVED,
    RETIRED,
    Block,
    Books,
    Found,
    Place,
    merged,
)
from services.tools.chaos.ears import Ears
from services.tools.chaos.judge import Findings
from services.tools.chaos.sent import REJECTED, SETTLED
from services.tools.chaos.tally import HELD, Pile
from services.tools.client import Desk

_ACCOUNT = """query($number: String!, $after: String) { account(number: $number) {
  cash { venueCode balanceFen }
  holdings(first: 100, after: $after) {
    edges { node { batchId projectCode vintage bucket venueCode firstSerial lastSerial } }
    pageInfo { hasNextPage endCursor } } } }"""
_TRADES = """query($after: String) { trades(first: 100, after: $after) {
  edges { node { venueCode tradeId state amountFen } } pageInfo { hasNextPage endCursor } } }"""
_MARKET = (
    "query($programme: String!) { market(programme: $programme) { trades tonnes turnoverFen } }"
)

Seen = Mapping[tuple[str, Place], list[Block]]
Node = Mapping[str, Any]
"""One range of serials as it is shown."""
_USED_UP = (RETIRED, CANCELLED)


async def shown(desk: Desk, token: str, number: str) -> tuple[list[Node], dict[str, int]]:
    """What an account shows: its holdings, and its cash by venue."""
    nodes: list[Node] = []
    after: str | None = None
    while True:
        answer = await desk.query(_ACCOUNT, token, number=number, after=after)
        account = answer["account"]
        nodes += [edge["node"] for edge in account["holdings"]["edges"]]
        if not account["holdings"]["pageInfo"]["hasNextPage"]:
            return nodes, {one["venueCode"]: int(one["balanceFen"]) for one in account["cash"]}
        after = account["holdings"]["pageInfo"]["endCursor"]


async def compared(
    desk: Desk,
    token: str,
    accounts: Sequence[str],
    books: Books,
    found: Found,
    piles: Counter[Pile],
) -> Findings:
    """Where holdings and cash of these accounts are not what they must be."""
    findings = _nowhere(books, found)
    seen = await asyncio.gather(*(shown(desk, token, number) for number in accounts))
    holdings: dict[tuple[str, Place], list[Block]] = {}
    tonnes: Counter[Pile] = Counter()
    for number, (nodes, cash) in zip(accounts, seen, strict=True):
        blocks, reserved = _placed(number, nodes)
        holdings |= blocks
        tonnes += _piled(number, nodes)
        findings.broken |= set(_wrongly_held(number, reserved, books))
        findings.broken |= set(_wrongly_paid(number, cash, books))
    findings.broken |= set(_differences(found.blocks, holdings))
    findings.broken |= {
        f"{account} shows {tonnes[account, goods, state]} t {state} of {goods}, must be {piles[account, goods, state]}"
        for account, goods, state in tonnes.keys() | piles.keys()
        if tonnes[account, goods, state] != piles[account, goods, state]
    }
    return findings


def _nowhere(books: Books, found: Found) -> Findings:
    """What the events alone say is wrong."""
    findings = Findings()
    if found.lost_tonnes:
        findings.lost.add(f"{found.lost_tonnes} t are nowhere")
    if found.doubled_tonnes:
        findings.duplicated.add(f"{found.doubled_tonnes} t are in more than one place")
    if found.misfrozen_tonnes:
        findings.broken.add(f"{found.misfrozen_tonnes} t are frozen that cannot be, or twice")
    findings.broken |= {f"{key} owes {-fen} fen" for key, fen in books.cash.items() if fen < 0}
    return findings


def _placed(
    number: str, nodes: Sequence[Node]
) -> tuple[dict[tuple[str, Place], list[Block]], Counter[str]]:
    """Its blocks, and the tonnes held for captured trades by venue: those are still the seller's, at the same venue."""
    reserved: Counter[str] = Counter()
    blocks: dict[tuple[str, Place], list[Block]] = defaultdict(list)
    for node in nodes:
        is_held = node["bucket"] == RESERVED
        place = number, EXCHANGE if is_held else node["bucket"], node["venueCode"]
        block = int(node["firstSerial"]), int(node["lastSerial"]) + 1
        blocks[node["batchId"], place].append(block)
        reserved[node["venueCode"]] += (block[1] - block[0]) * is_held
    return blocks, reserved


def _piled(number: str, nodes: Sequence[Node]) -> Counter[Pile]:
    """Its tonnes, wherever they are: what is frozen is held as well."""
    found: Counter[Pile] = Counter()
    for node in nodes:
        goods, bucket = (node["projectCode"], node["vintage"]), node["bucket"]
        tonnes = int(node["lastSerial"]) - int(node["firstSerial"]) + 1
        found[number, goods, bucket if bucket in _USED_UP else HELD] += tonnes
        if bucket == FROZEN:
            found[number, goods, FROZEN] += tonnes
    return found


def _wrongly_paid(number: str, cash: Mapping[str, int], books: Books) -> Iterator[str]:
    for venue in cash.keys() | {venue for owner, venue in books.cash if owner == number}:
        if cash.get(venue, 0) != books.cash[number, venue]:
            must = books.cash[number, venue]
            yield f"{number} has {cash.get(venue, 0)} fen at {venue}, must have {must}"


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
