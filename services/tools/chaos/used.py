"""What was used, owed and frozen: what was answered beside what was told, and beside what everybody may read."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from services.tools.chaos import tally
from services.tools.chaos.ears import Ears, Heard
from services.tools.chaos.judge import Findings
from services.tools.chaos.sent import CANCELLED, DISCHARGED, NOTIFIED, RETIRED, Contest, Sent
from services.tools.chaos.tally import Debt, Use
from services.tools.client import Desk

_STOPPED = ("settlement.account.frozen", "settlement.credits.frozen")
_LET_GO = "settlement.freeze.released"
_RETIREMENTS = """query($after: String) { retirements(first: 100, after: $after) {
  edges { node { retirementId certificateNumber bucket accountNumber projectCode vintage tonnes purpose } }
  pageInfo { hasNextPage endCursor } } }"""
_OBLIGATIONS = """query($after: String) { obligations(first: 100, after: $after) {
  edges { node { accountNumber emissionYear due cap surrendered offset outstanding state proofNumber } }
  pageInfo { hasNextPage endCursor } } }"""
_FREEZES = """query($after: String) { freezes(filter: {state: ACTIVE}, first: 100, after: $after) {
  edges { node { freezeId accountNumber } } pageInfo { hasNextPage endCursor } } }"""


def judged_uses(sent: Sent, ears: Ears) -> Findings:
    """Where uses, obligations and freezes were not told as they were answered."""
    findings = Findings()
    uses = {use.id: use for use in tally.uses(sent)}
    for use in uses.values():
        _judge_use(use, ears.of(f"retirement/{use.id}", RETIRED, CANCELLED), findings)
    for heard in ears.events.values():
        if heard.type in (RETIRED, CANCELLED) and heard.content["retirement_id"] not in uses:
            findings.broken.add(f"{heard.type} of {heard.subject}, which nobody was granted")
    for contest in sent.contests:
        findings.broken |= set(_judge_contest(contest, sent))
    obligations = {one.subject for one in ears.events.values() if one.type == NOTIFIED}
    for subject in obligations:
        findings.broken |= set(_judge_steps(subject, ears.of(subject, NOTIFIED, DISCHARGED)))
    _judge_freezes(sent, ears, findings)
    return findings


def _judge_use(use: Use, told: Sequence[Heard], findings: Findings) -> None:
    """Told once, as it was asked for."""
    if not told:
        findings.lost.add(f"{use.purpose} {use.id} was granted and never told")
        return
    if len(told) > 1:
        findings.duplicated.add(f"{use.purpose} {use.id} was told {len(told)} times")
    kind = RETIRED if use.bucket == "retired" else CANCELLED
    said = told[0].content
    goods = said["project"], said["vintage"]
    expected = kind, use.account, use.goods, use.tonnes, use.purpose, use.period
    words = (said[name] for name in ("tonnes", "purpose", "reporting_period"))
    if (told[0].type, said["account"], goods, *words) != expected:
        findings.broken.add(f"{use.purpose} {use.id} is told otherwise")


def _judge_contest(contest: Contest, sent: Sent) -> Iterator[str]:
    """The room is never exceeded, and nobody is refused for whom there was room to the very end."""
    granted = [ask for ask in contest.asks if ask.approval_id in sent.approved]
    won = sum(ask.fields["tonnes"] for ask in granted)
    purpose, account = (contest.asks[0].fields[name] for name in ("purpose", "account"))
    if won > contest.room:
        yield f"{purpose} of {account}: {won} t were granted, and there was room for {contest.room}"
    for ask in contest.asks:
        if ask not in granted and won + ask.fields["tonnes"] <= contest.room:
            yield f"{purpose} {ask.id} of {account} was refused, although there was room for it"


def _judge_steps(subject: str, told: Iterable[Heard]) -> Iterator[str]:
    """Step by step: each adds what it says, and never is more offset than the cap, or paid than due."""
    cap = due = surrendered = offset = 0
    for one in sorted(told, key=lambda heard: heard.sequence):
        said = one.content
        if one.type == NOTIFIED:
            cap, due = max(cap, said["offset_max"]), max(due, said["due"])
            continue
        is_offset = said["purpose"] == tally.OFFSET
        offset += said["tonnes"] if is_offset else 0
        surrendered += 0 if is_offset else said["tonnes"]
        if (said["surrendered"], said["offset"]) != (surrendered, offset):
            yield f"{subject}: event {one.sequence} does not add up"
        if offset > cap:
            yield f"{subject}: {offset} t are offset, above the cap of {cap}"
        if surrendered + offset > due:
            yield f"{subject}: {surrendered + offset} t are paid of {due}"


def _judge_freezes(sent: Sent, ears: Ears, findings: Findings) -> None:
    """Each freeze is told once, and its end once if it has one."""
    standing = tally.standing_freezes(sent)
    granted = {str(ask.id) for ask in sent.granted("freezeAccount", "freezeCredits")}
    for freeze_id in granted:
        ends = 0 if freeze_id in standing else 1
        for kinds, times in ((_STOPPED, 1), ((_LET_GO,), ends)):
            told = len(ears.of(f"freeze/{freeze_id}", *kinds))
            if told < times:
                findings.lost.add(f"{kinds[0]} of {freeze_id} was granted and never told")
            if told > times:
                findings.duplicated.add(f"{kinds[0]} of {freeze_id} was told {told} times")
    for heard in ears.events.values():
        if heard.type in _STOPPED and heard.content["freeze_id"] not in granted:
            findings.broken.add(f"{heard.type} of {heard.subject}, which nobody was granted")


async def compared_standing(desk: Desk, token: str, sent: Sent) -> Findings:
    """Where obligations and freezes are not published as they must be."""
    findings = Findings()
    nodes = await desk.everything(_OBLIGATIONS, "obligations", token)
    owed = {f"{one['accountNumber']}/{one['emissionYear']}": one for one in nodes}
    debts = tally.debts(sent)
    findings.lost |= {f"obligation {name} is not published" for name in debts.keys() - owed.keys()}
    for name, node in owed.items():
        findings.broken |= set(_judge_debt(name, node, debts.get(name)))
    freezes = await desk.everything(_FREEZES, "freezes", token)
    shown = {one["freezeId"]: one["accountNumber"] for one in freezes}
    must = tally.standing_freezes(sent)
    findings.lost |= {f"freeze {one} does not stand" for one in must.keys() - shown.keys()}
    findings.broken |= {f"freeze {one} stands, and must not" for one in shown.keys() - must.keys()}
    findings.broken |= {
        f"freeze {one} is of {shown[one]}"
        for one in shown.keys() & must.keys()
        if shown[one] != must[one].fields["account"]
    }
    return findings


def _judge_debt(name: str, node: Mapping[str, Any], debt: Debt | None) -> Iterator[str]:
    """As it is published, beside what was sent and answered."""
    words = "due", "cap", "surrendered", "offset", "outstanding"
    due, cap, surrendered, offset, outstanding = (int(node[word]) for word in words)
    if debt is None:
        yield f"obligation {name} is published, and nobody has set it"
        return
    if offset > cap:
        yield f"obligation {name}: {offset} t are offset, above the cap of {cap}"
    if (due, cap, surrendered, offset) != (debt.due, debt.cap, debt.surrendered, debt.offset):
        yield f"obligation {name} shows {node}, must be {debt}"
    if (outstanding, node["state"]) != (debt.outstanding, debt.state):
        yield f"obligation {name} is {node['state']} with {outstanding} t left, must be {debt}"
    if bool(node["proofNumber"]) != (debt.state == "MET"):
        yield f"obligation {name} has the proof {node['proofNumber']} and is {debt.state}"


async def compared_uses(desk: Desk, token: str, sent: Sent) -> Findings:
    """Where the list of all retirements does not show what was granted, each once and under a number of its own."""
    findings = Findings()
    nodes = await desk.everything(_RETIREMENTS, "retirements", token)
    times = Counter(node["retirementId"] for node in nodes)
    numbers = Counter(node["certificateNumber"] for node in nodes)
    findings.duplicated |= {
        f"retirement {one} is shown {n} times" for one, n in times.items() if n > 1
    }
    findings.duplicated |= {
        f"certificate {one} is of {n} uses" for one, n in numbers.items() if n > 1
    }
    shown = {node["retirementId"]: node for node in nodes}
    uses = {use.id: use for use in tally.uses(sent)}
    findings.lost |= {f"retirement {one} is not published" for one in uses.keys() - shown.keys()}
    findings.broken |= {
        f"retirement {one} was granted to nobody" for one in shown.keys() - uses.keys()
    }
    for name in uses.keys() & shown.keys():
        node, use = shown[name], uses[name]
        goods = node["projectCode"], node["vintage"]
        said = node["accountNumber"], goods, int(node["tonnes"]), node["purpose"], node["bucket"]
        if said != (use.account, use.goods, use.tonnes, use.purpose, use.bucket):
            findings.broken.add(f"retirement {name} is published as {said}")
    return findings
