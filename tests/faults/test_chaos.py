"""Chaos: twenty rounds with every kind of fault lose nothing; and its auditor sees what a broken market would do."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.runtime import failpoints
from services.tools.chaos.books import books_of, found_in
from services.tools.chaos.ears import Ears, Letter
from services.tools.chaos.faults import FAILPOINTS, FAULTS
from services.tools.chaos.judge import Findings, judged
from services.tools.chaos.rounds import Run
from services.tools.chaos.schedule import ROUNDS_FOR_ALL, Kind, scheduled
from services.tools.chaos.sent import CAPTURED, REJECTED, SETTLED, Poison, Sent, Told
from services.tools.launcher.places import CHECKOUT
from tests.deploy.test_commands import TONNE

TRADE = "trade/CBGEX/T-1"
BATCH = "018f0000-0000-7000-8000-000000000001"


def test_twenty_rounds_of_chaos_lose_nothing_and_settle_nothing_twice() -> None:
    done = subprocess.run(
        [*TONNE, "chaos", "--rounds", "20", "--json"],
        cwd=CHECKOUT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=480,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-5_000:]
    figures = json.loads(done.stdout)
    assert figures["rounds"] == 20
    assert (figures["lost"], figures["duplicated"], figures["invariants_broken"]) == (0, 0, 0)
    assert figures["faults"].keys() == {*Kind}
    assert min(figures["faults"].values()) >= 1
    assert min(figures["failpoints"].values()) >= 1
    assert figures["settled"] + figures["rejected"] == figures["sent"]
    assert min(figures["settled"], figures["rejected"], figures["captured"]) >= 500
    assert min(figures["used"].values()) >= 10


@pytest.mark.parametrize("seed", range(100))
def test_every_kind_of_fault_comes_within_twenty_rounds(seed: int) -> None:
    kinds = scheduled(seed, ROUNDS_FOR_ALL)
    assert set(kinds) == set(Kind) == set(FAULTS)
    assert kinds == scheduled(seed, 100)[:ROUNDS_FOR_ALL]
    assert len(set(FAILPOINTS.values())) == len(FAILPOINTS)


def test_a_fault_that_never_fired_fails_the_run() -> None:
    run = Run(seed=1, rounds=ROUNDS_FOR_ALL)
    run.fired.update(Kind)
    assert run.is_sound
    assert not Run(seed=1, rounds=1, unfired=["freeze: gateway was down already"]).is_sound
    del run.fired[Kind.FREEZE]
    assert not run.is_sound
    run.rounds = ROUNDS_FOR_ALL - 1
    assert run.is_sound
    run.findings.lost.add("anything")
    assert not run.is_sound


def test_what_was_told_as_it_must_be_is_no_finding() -> None:
    assert not judged(_sent(), _heard(_settled()))


@pytest.mark.parametrize("is_same_id", [True, False])
def test_a_second_outcome_is_seen(is_same_id: bool) -> None:
    second = _settled(id="e-1" if is_same_id else "e-2", sequence="2")
    findings = judged(_sent(), _heard(_settled(), second))
    assert findings.duplicated == {f"{TRADE} has 2 outcomes"}
    assert bool(findings.broken) is is_same_id


def test_an_event_that_is_told_again_counts_once() -> None:
    ears = _heard(_settled(), _settled())
    assert (ears.told, len(ears.events)) == (2, 1)
    assert not judged(_sent(), ears)


def test_a_missing_outcome_and_a_gap_are_seen() -> None:
    assert judged(_sent(), Ears()).lost == {f"{TRADE} has no outcome"}
    findings = judged(_sent(), _heard(_settled(sequence="3")))
    assert findings.lost == {f"events [1, 2] of /settlement#{TRADE}"}


def test_another_outcome_than_the_rules_allow_is_seen() -> None:
    rejected = _event(REJECTED, TRADE, {"venue": "CBGEX", "code": "SELF_TRADE"})
    assert len(judged(_sent(), _heard(rejected)).broken) == 1
    assert len(judged(_sent(), _heard(_settled(quantity=11))).broken) == 2
    assert len(judged(Sent(), _heard(_settled())).broken) == 1
    held = Sent(trades={("CBGEX", "T-1"): Told(TRADE, CAPTURED)})
    captured = _event(CAPTURED, TRADE, {}, id="e-0")
    too_early = judged(held, _heard(captured, _settled(sequence="2")))
    assert too_early.broken == {f"{TRADE} has an outcome before its day is confirmed"}


def test_buried_honest_messages_and_poison_that_is_gone_are_seen() -> None:
    sent, ears = _sent(), _heard(_settled())
    sent.poison.append(Poison("settlement.trades.dead", "aa"))
    assert len(judged(sent, ears).lost) == 1
    ears.letters += [
        Letter("settlement.trades.dead", "MALFORMED", "aa"),
        Letter("settlement.trades.dead", "FAULT", "bb"),
    ]
    findings = judged(sent, ears)
    assert (len(findings.lost), len(findings.broken)) == (0, 1)


def test_every_serial_is_in_one_place_and_every_fen_accounted_for() -> None:
    issued = [
        _event("issuance.credits.issued", "batch/1", _range(1, 100), id="i"),
        _event("settlement.credits.received", "holding/1", _received(1, 100), id="r"),
        _event("settlement.credits.moved", "move/1", _moved(1, 100), id="m"),
    ]
    books = books_of(_heard(*issued, _settled()).events.values(), {"CBGEX": "ACC-9"})
    found = found_in(books)
    assert (found.lost_tonnes, found.doubled_tonnes) == (0, 0)
    assert found.blocks == {
        (BATCH, ("ACC-1", "exchange", "CBGEX")): [(1, 91)],
        (BATCH, ("ACC-2", "exchange", "CBGEX")): [(91, 101)],
    }
    assert books.cash == {
        ("ACC-2", "CBGEX"): -1_020,
        ("ACC-1", "CBGEX"): 990,
        ("ACC-9", "CBGEX"): 30,
    }


@pytest.mark.parametrize(
    ("first", "last", "lost", "doubled"), [(1, 90, 10, 0), (1, 110, 0, 10), (11, 100, 10, 0)]
)
def test_lost_and_doubled_serials_are_counted(
    first: int, last: int, lost: int, doubled: int
) -> None:
    events = [
        _event("issuance.credits.issued", "batch/1", _range(1, 100), id="i"),
        _event("settlement.credits.received", "holding/1", _received(first, last), id="r"),
    ]
    if doubled:
        events[-1:] = [
            _event("settlement.credits.received", f"holding/{place}", received, id=f"r-{place}")
            for place, received in enumerate([_received(1, 100), _received(91, 100, "ACC-2")])
        ]
    found = found_in(books_of(_heard(*events).events.values(), {}))
    assert (found.lost_tonnes, found.doubled_tonnes) == (lost, doubled)


def test_a_finding_counts_once_however_often_it_is_found() -> None:
    findings = Findings(lost={"a"})
    findings.add(Findings(lost={"a", "b"}, broken={"c"}))
    assert findings.lines() == ["lost: a", "lost: b", "broken: c"]


def test_failpoints_are_nowhere_active_without_their_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Armed for this very process, but nobody named the folder when it started."""
    (tmp_path / failpoints.AFTER_COMMIT).write_text(str(os.getpid()), encoding="ascii")
    monkeypatch.setenv(failpoints.SETTING, str(tmp_path))
    failpoints.reach(failpoints.AFTER_COMMIT)
    assert [path.name for path in tmp_path.iterdir()] == [failpoints.AFTER_COMMIT]


def _sent() -> Sent:
    told = Told(TRADE, SETTLED, None, {"quantity": 10, "seller_account": "ACC-1"})
    return Sent(trades={("CBGEX", "T-1"): told})


def _heard(*events: bytes) -> Ears:
    ears = Ears()
    for event in events:
        ears.hear(event)
    return ears


def _settled(id: str = "e-1", sequence: str = "1", quantity: int = 10) -> bytes:  # noqa: A002
    content = {
        "venue": "CBGEX",
        "trade_id": "T-1",
        "seller_account": "ACC-1",
        "buyer_account": "ACC-2",
        "quantity": quantity,
        "amount_fen": 1_000,
        "seller_fee_fen": 10,
        "buyer_fee_fen": 20,
        "ranges": [_range(91, 100)],
    }
    return _event(SETTLED, TRADE, content, id, sequence)


def _event(
    kind: str,
    subject: str,
    content: dict[str, Any],
    id: str = "e-1",  # noqa: A002
    sequence: str = "1",
) -> bytes:
    source = f"/{kind.partition('.')[0]}"
    envelope = {"specversion": "1.0", "id": id, "source": source, "type": kind}
    told = {"subject": subject, "sequence": sequence, "data": content}
    return msgspec.json.encode(envelope | told)


def _range(first: int, last: int) -> dict[str, Any]:
    return {"batch_id": BATCH, "first_serial": first, "last_serial": last}


def _received(first: int, last: int, account: str = "ACC-1") -> dict[str, Any]:
    return {"account": account, "bucket": "registry", "range": _range(first, last)}


def _moved(first: int, last: int) -> dict[str, Any]:
    place = {"account": "ACC-1", "venue": "CBGEX", "to_bucket": "exchange"}
    return place | {"tonnes": last - first + 1, "ranges": [_range(first, last)]}
