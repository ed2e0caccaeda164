"""The settlement benchmark run from beginning to end on a small scale, and the trades that it makes up."""

import json
from collections import Counter, defaultdict
from datetime import date, datetime
from itertools import pairwise

from services.kernel.calendars import CHINA
from services.kernel.clocks import market_day
from services.tools.bench.made_up_market import OWNERS, Market, instruments
from services.tools.bench.made_up_trades import BREACH_EVERY, BREACHES, TRADES_A_DAY, Tape
from tests.deploy.test_commands import tonne

SPREADS = ("trades_per_second", "pgbench_tps", "ratio")
ACCOUNTS = 200


def test_trades_settle_beside_pgbench_live_with_a_kill_and_among_other_holdings() -> None:
    size = ("--trades", "900", "--accounts", "60", "--instruments", "5", "--blocks", "3000")
    done = tonne("bench", "settlement", *size, "--seconds", "1", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert (figures["trades"], figures["accounts"], figures["instruments"]) == (900, 60, 5)
    assert figures["rounds"] == 3
    for name in SPREADS:
        assert 0 < figures[f"{name}_min"] <= figures[name] <= figures[f"{name}_max"]
    assert 0 < figures["latency_p50_ms"] <= figures["latency_p99_ms"]
    assert figures["growth"] > 0
    assert 0 < figures["takeover_seconds"] < 60
    processes = {"settlement", "postgres", "rabbitmq"}
    assert processes <= figures["cpu_us_per_trade"].keys() & figures["rss_mb"].keys()
    assert (figures["decided_otherwise"], figures["invariants_broken"]) == (0, 0)
    assert figures["settled"] > 2 * 900 * 98 // 100


def _tape(trades: int) -> list[dict[str, object]]:
    market = Market([f"ACC-{place}" for place in range(ACCOUNTS)], instruments(100))
    return [json.loads(one.body)["data"] for one in Tape(market).take(trades)]


def test_the_tape_is_the_same_every_time_and_a_known_share_of_it_breaks_each_rule() -> None:
    trades = _tape(3_000)
    assert trades == _tape(3_000)
    broken = Counter(str(trade["trade_id"])[10:] for trade in trades)
    assert broken.pop("") == 3_000 - 3_000 // BREACH_EVERY
    assert broken.keys() == BREACHES.keys()


def test_a_few_accounts_and_instruments_are_in_most_trades() -> None:
    trades = _tape(3_000)
    buyers = Counter(trade["buyer_account"] for trade in trades).most_common(ACCOUNTS // 10)
    traded = Counter(str(trade["instrument"]) for trade in trades).most_common(10)
    assert sum(times for _, times in buyers) > len(trades) / 2
    assert sum(times for _, times in traded) > len(trades) / 2


def test_nobody_buys_and_sells_an_instrument_within_five_trading_days() -> None:
    sides: defaultdict[tuple[object, str], set[tuple[date, str]]] = defaultdict(set)
    for trade in _tape(3 * TRADES_A_DAY):
        if len(str(trade["trade_id"])) == 9:
            day = market_day(datetime.fromisoformat(str(trade["executed_at"])))
            assert CHINA.is_trading(day)
            for side in ("seller", "buyer"):
                key = trade[f"{side}_account"], str(trade["instrument"])
                sides[key].add((day, side))
    resellers = 0
    for days in sides.values():
        for (earlier, side), (later, other) in pairwise(sorted(days)):
            if side != other:
                resellers += 1
                assert CHINA.nth_trading_day(earlier, 6) <= later
    assert resellers > OWNERS
