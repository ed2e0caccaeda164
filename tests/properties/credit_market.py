"""The first half of what happens in the walk: batches, moves, trades, offers, corrections, and days that pass."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from services.issuance.messages.batches import CreditsIssued, ImportOpeningBatch
from services.kernel.ids import new_id
from services.registry.messages.accounts import AccountRestricted, RestrictionLifted
from services.runtime.messages import Event
from services.settlement.messages.holdings import (
    AcceptTransfer,
    CorrectPosting,
    MoveFromVenue,
    MoveToVenue,
    ProposeTransfer,
    RefuseTransfer,
    WithdrawTransfer,
)
from services.settlement.messages.market import ConfirmDay, OpenDay
from tests.handlers.desk import REGISTRAR
from tests.properties.credit_places import ACCOUNTS, TRADED, Verdict
from tests.properties.credit_trades import Offer, Trade
from tests.properties.credit_walk import Given, Walk

SHA = "ab" * 32


class MarketWalk(Walk):
    """What owners and venues do, and what time does."""

    def issue(self, given: Given) -> None:
        """A batch comes from issuance, at times with a part that stands in for reversals."""
        kinds = "N1", "N1", "N1", "N2", "A21", "A21", "A19"
        buffered = 3 if given.choice % 3 == 0 else 0
        self.born(given.account, given.one_of(kinds), 1 + given.choice % 15, buffered, given.is_so)

    def born(
        self, holder: str, instrument: str, tonnes: int, buffered: int, is_young: bool
    ) -> None:
        event = CreditsIssued(
            **self.world.of(instrument),
            batch_id=new_id(),
            programme=self.full(instrument[0]),
            country="CN",
            batch_number=len(self.world.batches) + 1,
            first_serial=1,
            last_serial=tonnes,
            tonnes=tonnes,
            holder_account=self.full(holder),
            serials="-",
            is_opening=False,
            buffer_first_serial=max(1, tonnes - buffered + 1) if buffered else None,
            registered_on=date(2021, 6, 1) if is_young else date(2020, 6, 1),
        )
        verdict = self.receive(event, instrument=instrument, is_young=is_young)
        self.hears("issue", verdict, ("settlement", event, new_id()))

    def bring_in(self, given: Given) -> None:
        """Credits of another registry are brought in: issuance says so, and settlement hears it."""
        command = ImportOpeningBatch(
            batch_id=new_id(),
            programme=self.full("L"),
            tonnes=4 + given.choice % 12,
            holder_account=self.full(given.account),
            source="the old registry",
            **self.world.of("L"),
        )
        said = self.does("bring_in", Verdict(), command, REGISTRAR) or ()
        event = next(one for one in said if isinstance(one, CreditsIssued))
        verdict = self.receive(event, instrument="L", is_young=False)
        self.hears("issue", verdict, ("settlement", event, new_id()))

    def move(self, given: Given) -> None:
        """To a venue, or back."""
        inward, venue = given.choice % 3 > 0, given.venue
        bucket, at = ("registry", "") if inward else ("exchange", venue)
        account, instrument = self.holding(given, bucket, at, "NA")
        if instrument not in TRADED:
            instrument = "N1"
        tonnes = given.tonnes(len(self.model.at((account, bucket, at), instrument)))
        self.to_venue(account, venue, instrument, tonnes, inward=inward)

    def to_venue(
        self, account: str, venue: str, instrument: str, tonnes: int, *, inward: bool
    ) -> None:
        kind = MoveToVenue if inward else MoveFromVenue
        command = kind(
            move_id=new_id(),
            account=self.full(account),
            venue=self.full(venue),
            tonnes=tonnes,
            **self.world.of(instrument),
        )
        verdict = self.model.move(account, venue, instrument, tonnes, inward)
        if self.does("move", verdict, command, self.world.owner(account)):
            self.model.postings[-1].name = f"move/{command.move_id}"

    def trade(self, given: Given) -> None:
        """The venue reports a trade, which binds or is rejected."""
        venue, buyer, yuan = given.venue, given.other, 1 + given.choice % 4
        seller, instrument = self.holding(given, "exchange", venue)
        if instrument not in TRADED:
            instrument = "N1"
        if given.choice % 5:
            able = [one for one in ACCOUNTS if one != seller and not self.model.stops(one)]
            buyer = given.one_of(able or [another(seller)])
        tonnes = given.tonnes(len(self.model.at((seller, "exchange", venue), instrument)))
        report = self.world.report(venue, instrument, seller, buyer, tonnes, yuan)
        trade = Trade(venue, instrument, seller, buyer, tonnes, tonnes * yuan * 100, report)
        desk = self.world.desks[venue]
        self.wait(desk.report(report))
        (state,) = self.wait(desk.states(report))
        bound = "CAPTURED" if venue == "D" else "SETTLED"
        self.judge("trade " + venue, self.model.trade(trade), None if state == bound else state)
        if state == "CAPTURED":
            self.of_day.append(report)

    def cancel_trade(self, given: Given) -> None:
        """The venue takes back what is held; it stays as it was if the seller could then not pay."""
        if not self.model.held:
            self.trade(replace(given, venue="D"))
            return
        trade = given.one_of(self.model.held)
        verdict, desk = self.model.take_back(trade), self.world.desks["D"]
        self.wait(desk.cancel(trade.report))
        (state,) = self.wait(desk.states(trade.report))
        code = "PROCEEDS_SPENT" if state == "CAPTURED" else None
        assert state in ("CAPTURED", "CANCELLED_BY_VENUE")
        self.judge("cancel_trade", verdict, code)
        if code is None:
            self.of_day.remove(trade.report)

    def pass_time(self, given: Given) -> None:
        """An hour, or up to the last second of the day, or the day ends."""
        self.wait_for(given.one_of(["hour", "eve", "day", "day"]))

    def wait_for(self, until: str) -> None:
        """At the end of a day what is held settles."""
        midnight = self.world.midnight
        later = midnight - SECOND
        if until == "hour":
            later = min(self.world.now + timedelta(hours=1), later)
        self.world.now = max(self.world.now, later)
        if until == "day":
            self._end_day()
            self.world.now = midnight
        self.judge("pass_time " + until, Verdict(), None)

    def _end_day(self) -> None:
        """Closed and confirmed; the day is the one that ends now."""
        desk, day = self.world.desks["D"], self.world.today
        self.wait(desk.close(*self.of_day, day=str(day)))
        self.does("confirm", Verdict(), ConfirmDay(venue=desk.name, date=day), REGISTRAR)
        verdict = self.model.settle_day()
        self.wait(desk.sweep())
        assert set(self.wait(desk.states(*self.of_day))) <= {"SETTLED"}
        self.judge("settle_day", verdict, None)
        self.of_day = []

    def open_day(self, given: Given) -> None:
        """The clock says that the day has begun, as often as it likes."""
        verdict = self.model.open_day(self.world.now)
        self.does("open_day", verdict, OpenDay(date=self.world.today), REGISTRAR)

    def offer(self, given: Given) -> None:
        """An owner offers credits to another one, until a day."""
        giver, instrument = self.holding(given, "registry")
        taker = given.other if given.other != giver else another(giver)
        tonnes = given.tonnes(len(self.model.at((giver, "registry", ""), instrument)))
        days = given.choice % 3
        command = ProposeTransfer(
            transfer_id=new_id(),
            from_account=self.full(giver),
            to_account=self.full(taker),
            tonnes=tonnes,
            ground="PROGRAMME_RULE",
            document_sha256=SHA,
            reason="as agreed",
            expires_on=self.world.today + timedelta(days=days),
            **self.world.of(instrument),
        )
        name = f"transfer/{command.transfer_id}"
        offer = Offer(giver, taker, instrument, tonnes, command.expires_on, name)
        verdict = self.named(self.model.offer(offer), instrument)
        self.does("offer", verdict, command, self.world.owner(giver))

    def decide(self, given: Given) -> None:
        """An offer is decided on, by the one who may."""
        if not self.model.offers:
            self.offer(given)
            return
        still_open = [one for one in self.model.offers if one.is_open and given.choice % 8]
        offer = given.one_of(still_open or self.model.offers)
        kind: Any = given.one_of(
            [AcceptTransfer, AcceptTransfer, RefuseTransfer, AcceptTransfer, WithdrawTransfer]
        )
        reason = {} if kind is AcceptTransfer else {"reason": "changed my mind"}
        command = kind(transfer_id=UUID(offer.name.removeprefix("transfer/")), **reason)
        verdict = self.model.decide(offer, self.world.today, is_taken=kind is AcceptTransfer)
        actor = self.world.owner(offer.giver if kind is WithdrawTransfer else offer.taker)
        self.does(kind.__name__, verdict, command, actor)

    def correct(self, given: Given) -> None:
        """The opposite of a move or a transfer is booked, once."""
        posting = given.one_of(self.model.postings[-4:])
        command = CorrectPosting(correction_id=new_id(), posting=posting.name, reason="a mistake")
        self.does("correct", self.model.correct(posting), command, REGISTRAR)

    def restrict(self, given: Given) -> None:
        """The registry stops an account, or lets it be used again; both services hear of it."""
        if self.model.restricted:
            number = self.full(self.model.restricted.pop())
            event: Event = RestrictionLifted(account_id=new_id(), number=number, reason="r")
        elif given.choice % 3:
            self.move(given)
            return
        else:
            self.model.restricted.add(given.account)
            number = self.full(given.account)
            event = AccountRestricted(
                account_id=new_id(), number=number, ground="RULES_BROKEN", reason="r"
            )
        self.wait(self.world.learn(event, "settlement", "issuance"))
        self.judge("restrict", Verdict(), None)


def another(account: str) -> str:
    """Somebody else."""
    return ACCOUNTS[(ACCOUNTS.index(account) + 1) % len(ACCOUNTS)]


SECOND = timedelta(seconds=1)
