"""The judge: compares what was sent and answered with what was heard; what does not agree is named."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.tools.chaos.ears import Ears, Heard
from services.tools.chaos.sent import (
    BOOKED,
    CANCELLED,
    CAPTURED,
    CONVERTED,
    NOT_CONVERTED,
    REFUSED_BY_BOOKS,
    REJECTED,
    RETIRED,
    SETTLED,
    Ask,
    Sent,
    Told,
)

_CONFLICTED = "settlement.trade.conflicted"
_NOT_CANCELLED = "settlement.trade.cancellation_rejected"
_RELEASED = "settlement.freeze.released"
_DECIDED = "settlement.approval.decided"
_RIVALS = (SETTLED, REJECTED), (BOOKED, REFUSED_BY_BOOKS), (CONVERTED, NOT_CONVERTED)
"""Of each pair exactly one becomes of a message."""
_REFUSED = "REFUSED"
_SAME_WORDS = ("account", "venue", "project", "vintage", "tonnes")


@dataclass
class Findings:
    """What is wrong, in words; found again in a later round, it counts once."""

    lost: set[str] = field(default_factory=set[str])
    duplicated: set[str] = field(default_factory=set[str])
    broken: set[str] = field(default_factory=set[str])

    def __bool__(self) -> bool:
        return bool(self.lost or self.duplicated or self.broken)

    def add(self, other: "Findings") -> None:
        """Takes over what another look has found."""
        self.lost |= other.lost
        self.duplicated |= other.duplicated
        self.broken |= other.broken

    def lines(self) -> list[str]:
        """One finding a line."""
        named = {"lost": self.lost, "duplicated": self.duplicated, "broken": self.broken}
        return [f"{word}: {text}" for word, texts in named.items() for text in sorted(texts)]


def outstanding(sent: Sent, ears: Ears) -> int:
    """How much of what was sent has no outcome yet."""
    unanswered = sum(1 for ask in sent.asks.values() if ask.answer is None)
    letters = {(letter.queue, letter.digest) for letter in ears.letters}
    unburied = sum(1 for one in sent.poison if (one.queue, one.digest) not in letters)
    unsaid = sum(1 for _ in _unsaid(sent, ears))
    return sum(not _outcomes(one, ears) for one in sent.told) + unanswered + unburied + unsaid


def judged(sent: Sent, ears: Ears) -> Findings:
    """Everything that does not agree, once nothing is on its way any more."""
    findings = Findings()
    for told in sent.told:
        _judge_outcome(told, ears, findings)
    for ask in sent.asks.values():
        _judge_answer(ask, ears, findings)
    findings.lost |= set(_unsaid(sent, ears))
    findings.broken |= {
        f"answered otherwise when repeated: {one}" for one in sent.answered_otherwise
    }
    findings.broken |= set(_out_of_nothing(sent, ears))
    _judge_sequences(ears, findings)
    _judge_ids(ears, findings)
    _judge_ranges(sent, ears, findings)
    _judge_letters(sent, ears, findings)
    return findings


def _outcomes(told: Told, ears: Ears) -> list[Heard]:
    rivals = next((pair for pair in _RIVALS if told.type in pair), (told.type,))
    return ears.of(told.subject, *rivals)


def _judge_outcome(told: Told, ears: Ears, findings: Findings) -> None:
    """Exactly one outcome, and the one that the rules allow."""
    outcomes = _outcomes(told, ears)
    if not outcomes:
        findings.lost.add(f"{told.subject} has no outcome")
        return
    if len(outcomes) > 1:
        findings.duplicated.add(f"{told.subject} has {len(outcomes)} outcomes")
    if len(ears.of(told.subject, CAPTURED)) > 1:
        findings.duplicated.add(f"{told.subject} was captured more than once")
    if told.type == CAPTURED and ears.of(told.subject, SETTLED, REJECTED):
        findings.broken.add(f"{told.subject} has an outcome before its day is confirmed")
    said = outcomes[0].content
    if (outcomes[0].type, said.get("code")) != (told.type, told.code):
        findings.broken.add(
            f"{told.subject}: {outcomes[0].type} {said.get('code')}, expected {told.type} {told.code}"
        )
    elif wrong := {name for name, value in told.content.items() if said[name] != value}:
        findings.broken.add(f"{told.subject} says otherwise of {', '.join(sorted(wrong))}")


def _judge_answer(ask: Ask, ears: Ears, findings: Findings) -> None:
    """The answer that the rules allow; accepted is what caused an event, refused what caused none."""
    name = f"{ask.name} {ask.id}"
    if ask.answer is None:
        findings.lost.add(f"{name} has no answer")
        return
    outcome, codes = ask.answer["outcome"], [error["code"] for error in ask.answer["errors"]]
    allowed = [(ask.outcome, [ask.code] * bool(ask.code))]
    allowed += [(_REFUSED, [ask.rival_code])] * bool(ask.rival_code)
    if (outcome, codes) not in allowed:
        findings.broken.add(f"{name}: {ask.answer}, expected {allowed}")
    caused = Counter((one.type, one.subject) for one in ears.by_cause.get(str(ask.id), ()))
    is_decision = ask.name == "approve" and codes != ["MAKER_IS_APPROVER"]
    effects = sorted(one for one in caused if not (is_decision and one[0] == _DECIDED))
    if outcome == _REFUSED and effects:
        findings.broken.add(f"{name} was refused and caused {effects}")
    if (outcome != _REFUSED or is_decision) and not caused:
        findings.lost.add(f"{name} was answered {outcome} and caused no event")
    for (kind, subject), times in caused.items():
        if times > 1:
            findings.duplicated.add(f"{name} caused {times} times {kind} of {subject}")


def _unsaid(sent: Sent, ears: Ears) -> Iterable[str]:
    """What the market must have said beside the outcomes, and has not."""
    for subjects, kind in (
        (sent.conflicts, _CONFLICTED),
        (sent.late_cancellations, _NOT_CANCELLED),
    ):
        for subject in subjects:
            if not ears.of(subject, kind):
                yield f"{kind} was never said of {subject}"


def _out_of_nothing(sent: Sent, ears: Ears) -> Iterable[str]:
    """Trades and cash in the books that nobody has sent."""
    known = {told.subject for told in sent.told}
    for heard in ears.events.values():
        is_outcome = heard.type == CAPTURED or any(heard.type in pair for pair in _RIVALS)
        if is_outcome and heard.subject not in known:
            yield f"{heard.type} of {heard.subject}, which nobody has sent"


def _judge_sequences(ears: Ears, findings: Findings) -> None:
    """The events of each aggregate are numbered 1, 2, 3 ..., so that a missing one is seen."""
    for subject, events in ears.by_subject.items():
        numbers = Counter((one.source, one.sequence) for one in events)
        for source in {one.source for one in events}:
            own = {number for of, number in numbers if of == source}
            missing = {*range(1, max(own) + 1)} - own
            if missing:
                findings.lost.add(f"events {sorted(missing)} of {source}#{subject}")
        findings.duplicated |= {
            f"event {number} of {source}#{subject} is {times} events"
            for (source, number), times in numbers.items()
            if times > 1
        }


def _judge_ids(ears: Ears, findings: Findings) -> None:
    """An id stands for one event: listeners drop what they believe to have heard before."""
    told = Counter((source, event_id) for source, event_id, _ in ears.events)
    kinds = {(one.source, one.id): f"{one.type} of {one.subject}" for one in ears.events.values()}
    findings.broken |= {
        f"{times} events under one id: {kinds[key]}" for key, times in told.items() if times > 1
    }


def _judge_ranges(sent: Sent, ears: Ears, findings: Findings) -> None:
    """What moved is what was asked for, tonne by tonne."""
    asks = {str(ask.id): ask for ask in sent.asks.values()}
    for heard in ears.events.values():
        told = heard.content
        if "ranges" not in told or heard.type == _RELEASED:
            continue  # of a release, the tally knows how much went back
        moved = sum(one["last_serial"] - one["first_serial"] + 1 for one in told["ranges"])
        if moved != told.get("tonnes", told.get("quantity")):
            findings.broken.add(f"{heard.subject} moved {moved} t, and says otherwise")
        cause = told["retirement_id"] if heard.type in (RETIRED, CANCELLED) else heard.cause
        if cause in asks and not _agrees(asks[cause], told):
            findings.broken.add(f"{heard.subject} is not what was asked for")


def _agrees(ask: Ask, told: Mapping[str, object]) -> bool:
    return all(ask.fields[n] == told[n] for n in _SAME_WORDS if n in ask.fields and n in told)


def _judge_letters(sent: Sent, ears: Ears, findings: Findings) -> None:
    """All poison, and nothing else, lies among the dead letters, with a reason."""
    poison = {(one.queue, one.digest) for one in sent.poison}
    found = {(letter.queue, letter.digest) for letter in ears.letters}
    findings.lost |= {f"poison {digest[:12]} is not in {q}" for q, digest in poison - found}
    for letter in ears.letters:
        if (letter.queue, letter.digest) not in poison:
            findings.broken.add(f"{letter.queue} holds an honest message: {letter.reason[:200]}")
        if not letter.reason:
            findings.broken.add(f"{letter.queue} holds {letter.digest[:12]} without a reason")
