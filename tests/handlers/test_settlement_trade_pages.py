"""The list of trades: what each viewer finds is what the naive predicate says, and no history makes a page dearer."""

import itertools
import random
from typing import Any

import pytest

from tests.handlers.ledgers import (
    ACCOUNTS,
    ALPHA,
    BETA,
    PROJECTS,
    REGISTRAR,
    VENUES,
    Ledger,
    Viewer,
)

Filters = tuple[str | None, str | None, str | None, str | None]
Key = tuple[Any, str, str]

VIEWERS = {
    "registrar": REGISTRAR,
    "auditor": Viewer("an.auditor", BETA, ("auditor",)),
    "owner": Viewer("op.a", ALPHA, ("owner-operator",)),
    "other owner": Viewer("op.b", BETA, ("owner-operator",)),
    "venue": Viewer("CBGEX", None, ("venue",)),
    "venue that is not admitted": Viewer("ABSENT", None, ("venue",)),
    "venue with an account": Viewer("CBGEX", ALPHA, ("venue", "owner-operator")),
    "stranger": Viewer("op.x", None, ("owner-operator",)),
    "nobody": Viewer(),
}
NAIVE = """
SELECT t.executed_at, t.venue, t.trade_id
FROM settlement.any_trade t
WHERE t.executed_at IS NOT NULL
  AND settlement_read.may_see_trade($1, $2, $3, t.venue, t.seller_account, t.buyer_account)
  AND ($4::text IS NULL OR t.venue = $4)
  AND ($5::text IS NULL OR $5 IN (t.seller_account, t.buyer_account))
  AND ($6::text IS NULL OR t.project = $6)
  AND ($7::text IS NULL OR t.state = $7)
ORDER BY t.executed_at DESC, t.venue DESC, t.trade_id DESC
"""


async def pages(ledger: Ledger, viewer: Viewer, filters: Filters, page_size: int) -> list[Key]:
    """Every key, page after page."""
    keys: list[Key] = []
    after: tuple[Any, Any, Any] = None, None, None
    while True:
        found = await ledger.read("trades", viewer, *filters, *after, page_size)
        page = [(one["executed_at"], one["venue"], one["trade_id"]) for one in found]
        keys += page
        if len(page) < page_size:
            return keys
        after = page[-1]


@pytest.mark.parametrize("viewer", VIEWERS.values(), ids=VIEWERS.keys())
async def test_every_viewer_finds_what_it_may_see_and_nothing_else(
    ledger: Ledger, viewer: Viewer
) -> None:
    """By filters of every kind, on pages of any size; many trades share an instant."""
    await ledger.trade(1, 300)
    await ledger.capture(250, 320)
    chance, seen = random.Random(16), 0
    combined = list(
        itertools.product(
            (None, "CBGEX", "ABSENT", "NOWHERE"),
            (None, *ACCOUNTS, "ACC-X"),
            (None, PROJECTS[0], "NONE"),
            (None, "SETTLED", "REJECTED", "CAPTURED", "WAITING"),
        )
    )
    for filters in [combined[0], *chance.sample(combined, 60)]:
        asked = viewer.subject, viewer.organisation, list(viewer.roles)
        naive = [tuple(one) for one in await ledger.connection.fetch(NAIVE, *asked, *filters)]
        found = await pages(ledger, viewer, filters, chance.choice((1 + len(naive) // 3, 20, 500)))
        assert found == naive, filters
        seen += len(found)
    assert (seen > 0) == (viewer not in (VIEWERS["stranger"], VIEWERS["nobody"]))


PAGES: dict[str, tuple[Viewer, Filters]] = {
    "all": (REGISTRAR, (None, None, None, None)),
    "all of a venue": (REGISTRAR, (VENUES[1], None, None, None)),
    "all of a project": (REGISTRAR, (None, None, PROJECTS[0], None)),
    "all of a project at a venue": (REGISTRAR, (VENUES[0], None, PROJECTS[1], "REJECTED")),
    "all rejected": (REGISTRAR, (None, None, None, "REJECTED")),
    "all captured": (REGISTRAR, (None, None, None, "CAPTURED")),
    "an account's": (REGISTRAR, (None, "ACC-B", None, None)),
    "own": (VIEWERS["owner"], (None, None, None, None)),
    "own of a project": (VIEWERS["owner"], (None, None, PROJECTS[2], None)),
    "own with another": (VIEWERS["owner"], (None, "ACC-B", None, None)),
    "a venue's": (VIEWERS["venue"], (None, None, None, None)),
    "a venue's of an account": (VIEWERS["venue"], (None, "ACC-C", None, None)),
}


async def test_a_page_costs_the_same_after_a_hundred_thousand_trades(ledger: Ledger) -> None:
    """The first page, and one in the middle of the history, read hardly more blocks than with a thousand trades."""
    await ledger.trade(1, 1_000)
    await ledger.capture(1, 20)
    await ledger.connection.execute("ANALYZE trade")
    small = {name: await _dearest(ledger, *page) for name, page in PAGES.items()}

    await ledger.trade(1_001, 100_000)
    await ledger.connection.execute("ANALYZE trade")
    large = {name: await _dearest(ledger, *page) for name, page in PAGES.items()}

    grown = {name: (small[name], large[name]) for name in PAGES if large[name] > 3 * small[name]}
    assert grown == {}
    assert max(large.values()) < 4_000


async def _dearest(ledger: Ledger, viewer: Viewer, filters: Filters) -> int:
    middle = await ledger.connection.fetchrow(
        "SELECT executed_at, venue, trade_id FROM trade ORDER BY executed_at"
        " OFFSET (SELECT count(*) / 2 FROM trade) LIMIT 1"
    )
    assert middle
    first = await ledger.blocks("trades", viewer, *filters, None, None, None, 51)
    return max(first, await ledger.blocks("trades", viewer, *filters, *middle, 51))
