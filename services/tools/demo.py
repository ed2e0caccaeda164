"""The demo: real records through the market's own commands and messages, and the report of what came of it."""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict
from functools import cache

from services.tools import (
    auditor,
    credit_acts,
    ets_acts,
    market_acts,
    pilot_acts,
    register_acts,
    use_acts,
)
from services.tools.cast import Cast
from services.tools.client import opened_desk, opened_sender
from services.tools.launcher.places import write_private
from services.tools.play import OnProgress, Play
from services.tools.records import Records, load_records
from services.tools.stack import Stack
from services.tools.stage import expected_figures
from services.tools.tape import Trade, build_tape

ACCOUNTS_FILE = "accounts.json"

ACTS = (
    register_acts.rule_books,
    register_acts.parties,
    register_acts.projects,
    market_acts.venues,
    credit_acts.issue_all,
    ets_acts.allocate_all,
    market_acts.moves_to_venue,
    market_acts.first_prices,
    market_acts.cash,
    market_acts.tape,
    pilot_acts.pilot_story,
    use_acts.event,
    ets_acts.buy_allowances,
    ets_acts.meet_obligations,
    market_acts.end_replays,
)


@cache
def _script() -> tuple[Records, tuple[Trade, ...]]:
    records = load_records()
    return records, build_tape(records)


def expected() -> dict[str, int]:
    """The figures that the report must show, all but ``seconds``."""
    return asdict(expected_figures(*_script()))


def differences(report: Mapping[str, object]) -> list[str]:
    """What differs from the expected figures, in words; empty if every figure is right."""
    return [
        f"{name} is {report.get(name)}, expected {figure}"
        for name, figure in expected().items()
        if report.get(name) != figure
    ]


async def load(stack: Stack, on_progress: OnProgress) -> dict[str, object]:
    """Plays the demo into the market and returns the report. What was played before is not played twice."""
    began = time.monotonic()
    records, tape = _script()
    async with AsyncExitStack() as opened:
        desk = await opened.enter_async_context(opened_desk(stack.graphql_url))
        senders = {
            user: await opened.enter_async_context(opened_sender(stack.amqp_urls[user], user))
            for user in (*(venue.code for venue in records.story.venues), market_acts.BANK)
        }
        play = Play(records, tape, Cast(stack.token), desk, senders, on_progress)
        for act in ACTS:
            await act(play)
        figures = await _figures(play)
    numbers = json.dumps(play.cast.numbers, ensure_ascii=False, indent=1)
    write_private(stack.folder / ACCOUNTS_FILE, numbers)
    return {
        **figures,
        "invariants_broken": sum((await auditor.verify(stack)).values()),
        "seconds": round(time.monotonic() - began, 1),
    }


async def _figures(play: Play) -> dict[str, object]:
    """What the market itself shows, asked through GraphQL; only what was sent and downloaded is its own count."""
    desk, published = play.desk, set(play.sent)
    projects, batches, days, pilot, obligation = await asyncio.gather(
        desk.everything(_PROJECTS, "projects"),
        desk.everything(_BATCHES, "creditBatches"),
        desk.everything(_DAYS, "venueDays"),
        desk.query(_PILOT, programme=play.records.story.pilot.programme),
        ets_acts.obligation_of(play, ets_acts.short_key(play)),
    )
    return {
        "projects_registered": len(projects),
        "expected_annual_tonnes": sum(int(one["expectedAnnualTonnes"]) for one in projects),
        "batches_issued": len(batches),
        "tonnes_issued": sum(int(one["tonnes"]) for one in batches),
        "trading_days": sum(1 for day in days if day["isMatched"]),
        "tonnes_traded": sum(int(day["capturedTonnes"]) for day in days),
        "turnover_fen": sum(int(day["capturedTurnoverFen"]) for day in days),
        "trades_settled": await market_acts.settled_trades(play),
        "trades_published": len(published),
        "pilot_tonnes_traded": int(pilot["market"]["tonnes"]),
        "pilot_tonnes_retired": sum(
            int(edge["node"]["tonnes"]) for edge in pilot["retirements"]["edges"]
        ),
        "ets_due": int(obligation["due"]),
        "ets_surrendered": int(obligation["surrendered"]),
        "ets_offset": int(obligation["offset"]),
        "certificates": len(play.certificates),
        "duplicates_sent": len(play.sent) - len(published),
    }


_PROJECTS = """query($after: String) {
  projects(filter: {programme: "CCER", status: REGISTERED}, first: 100, after: $after) {
    edges { node { code expectedAnnualTonnes } } pageInfo { hasNextPage endCursor } } }"""
_BATCHES = """query($after: String) {
  creditBatches(filter: {programme: "CCER"}, first: 100, after: $after) {
    edges { node { batchId tonnes isOpening } } pageInfo { hasNextPage endCursor } } }"""
_DAYS = """query($after: String) {
  venueDays(venue: "CBGEX", first: 100, after: $after) {
    edges { node { date isMatched capturedTrades capturedTonnes capturedTurnoverFen } }
    pageInfo { hasNextPage endCursor } } }"""
_PILOT = """query($programme: String!) {
  market(programme: $programme) { tonnes }
  retirements(filter: {project: "HZ-WEEE-0001"}, first: 100) { edges { node { tonnes } } } }"""
