"""The second half: what courts and authorities order, what is cancelled, and what is revoked and made good."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from services.issuance.messages.reductions import ReductionsRevoked
from services.kernel.actors import Actor
from services.kernel.ids import derived_id, new_id
from services.settlement.messages.freezes import (
    EnforceTransfer,
    FreezeAccount,
    FreezeCredits,
    ReleaseFreeze,
    Span,
)
from services.settlement.messages.retirements import CancelCredits
from services.settlement.messages.shortfalls import MakeGood
from tests.handlers.desk import REGISTRAR
from tests.properties.credit_market import SHA, MarketWalk
from tests.properties.credit_places import INSTRUMENTS, TRADED, Freeze, Serial
from tests.properties.credit_walk import Given

AUTHORITY = Actor("authority-1", None, frozenset({"authority"}))
ORDER: dict[str, Any] = {
    "kind": "JUDICIAL",
    "ordered_by": "court",
    "document_number": "7",
    "document_sha256": SHA,
    "reason": "debt",
}


class OrderWalk(MarketWalk):
    """What is done without the holder."""

    def freeze_account(self, given: Given) -> None:
        """All of an account is stopped; every other time another freeze ends instead."""
        standing = [one for one in self.model.freezes if one.is_of_account and not one.is_released]
        if standing and given.choice % 3:
            self._release(standing[0])
            return
        command = FreezeAccount(freeze_id=new_id(), account=self.full(given.account), **ORDER)
        verdict = self.model.freeze_account(given.account, str(command.freeze_id))
        self.does("freeze_account", verdict, command, REGISTRAR)

    def freeze_credits(self, given: Given) -> None:
        """Exactly these serials are stopped, wherever the account has them free, or none of them."""
        account = given.account
        wanted = [
            self._span(account, given.choice * 13 + place * 5, 1 + given.choice % 6, given.is_so)
            for place in range(1 + given.choice % 3)
        ]
        command = FreezeCredits(
            freeze_id=new_id(),
            account=self.full(account),
            spans=tuple(
                Span(
                    batch_id=self.world.batch(serials[0][0]),
                    first_serial=serials[0][1],
                    last_serial=serials[-1][1],
                )
                for serials in wanted
            ),
            **ORDER,
        )
        verdict = self.model.freeze(account, wanted, str(command.freeze_id))
        self.does("freeze_credits", verdict, command, AUTHORITY)

    def _span(self, account: str, choice: int, tonnes: int, is_short: bool) -> list[Serial]:
        """Serials that the account has free, or such as begin there and go beyond."""
        stacks = [self.model.free(account, instrument) for instrument in INSTRUMENTS]
        free = sorted(serial for stack in stacks for each in stack for serial in each)
        batch, first = free[choice % len(free)] if free else (1, 1)
        serials = [(batch, first + n) for n in range(tonnes)]
        if is_short and free:
            held = set(free)
            gap = next((n for n, one in enumerate(serials) if one not in held), tonnes)
            return serials[:gap]
        return serials

    def release(self, given: Given) -> None:
        """A freeze ends; one that has ended before does not end again."""
        if not self.model.freezes:
            self.freeze_credits(given)
            return
        self._release(self._freeze(given))

    def _freeze(self, given: Given) -> Freeze:
        """One of those that stand, if any does; at times one that has ended."""
        standing = [one for one in self.model.freezes if not one.is_released]
        return given.one_of((given.choice % 8 and standing) or self.model.freezes)

    def _release(self, freeze: Freeze) -> None:
        command = ReleaseFreeze(freeze_id=UUID(freeze.name), document_sha256=SHA, reason="paid")
        self.does("release", self.model.release(freeze), command, REGISTRAR)

    def enforce(self, given: Given) -> None:
        """Title changes on documents: of what is free, in the registry and then at venues."""
        bucket, venue = ("exchange", given.venue) if given.is_so else ("registry", "")
        giver, instrument = self.holding(given, bucket, venue)
        tonnes = given.tonnes(sum(map(len, self.model.free(giver, instrument))))
        self.change_title(giver, given.other, instrument, tonnes)

    def change_title(self, giver: str, taker: str, instrument: str, tonnes: int) -> None:
        verdict = self.named(self.model.enforce(giver, taker, instrument, tonnes), instrument)
        what = self.world.of(instrument) | {"tonnes": tonnes}
        self._enforce("enforce", verdict, giver, taker, what)

    def enforce_frozen(self, given: Given) -> None:
        """The same of everything that a freeze holds."""
        if not self.model.freezes:
            self.freeze_credits(given)
            return
        freeze, taker = self._freeze(given), given.other
        verdict = self.model.enforce_frozen(freeze, freeze.account, taker)
        what = {"freeze_id": UUID(freeze.name)}
        self._enforce("enforce_frozen", verdict, freeze.account, taker, what)

    def _enforce(self, kind: str, verdict: Any, giver: str, taker: str, what: Any) -> None:
        command = EnforceTransfer(
            transfer_id=new_id(),
            from_account=self.full(giver),
            to_account=self.full(taker),
            ground="ENFORCEMENT",
            document_sha256=SHA,
            reason="judgment",
            **what,
        )
        self.does(kind, verdict, command, AUTHORITY)

    def cancel(self, given: Given) -> None:
        """Out of the registry, or to stand in for a reversal out of the buffer."""
        purpose = given.one_of(["OMGE", "SOP", "FORCED", "REVERSAL_COMPENSATION"])
        bucket = "buffer" if purpose == "REVERSAL_COMPENSATION" else "registry"
        account, instrument = self.holding(given, bucket)
        there = self.model.at((account, bucket, ""), instrument)
        tonnes, target = given.tonnes(len(there)), (account, "cancelled", "")
        verdict = self.model.taken(tonnes, there, target=target)
        self._cancel("cancel " + bucket, verdict, account, instrument, tonnes, purpose)

    def cancel_frozen(self, given: Given) -> None:
        """Out of what a freeze holds, and nothing that is free; mostly of its own account."""
        if not self.model.freezes:
            self.freeze_credits(given)
            return
        freeze = self._freeze(given)
        account = freeze.account if given.choice % 4 else given.account
        held = {serial: self.model.batches[serial[0]].instrument for serial in freeze.held}
        instrument = given.one_of(sorted(set(held.values())) or [given.instrument])
        there = frozenset(serial for serial, known in held.items() if known == instrument)
        tonnes = given.tonnes(len(there))
        verdict = self.model.taken(tonnes, there, target=(account, "cancelled", ""))
        verdict = verdict.unless("UNKNOWN", when=account != freeze.account)
        freeze_id = UUID(freeze.name)
        self._cancel(
            "cancel frozen", verdict, account, instrument, tonnes, "FORCED", freeze_id=freeze_id
        )

    def _cancel(
        self, kind: str, verdict: Any, account: str, instrument: str, tonnes: int, purpose: str,
        **more: Any,
    ) -> None:  # fmt: skip
        verdict = self.named(verdict, instrument)
        command = CancelCredits(
            retirement_id=new_id(),
            account=self.full(account),
            tonnes=tonnes,
            purpose=purpose,
            document_sha256=SHA,
            reason="as ordered",
            **self.world.of(instrument),
            **more,
        )
        self.does(kind, verdict, command, REGISTRAR)

    def revoke(self, given: Given) -> None:
        """The reductions behind a batch were false: as much is cancelled, and the rest is owed."""
        known = [n for n, one in self.model.batches.items() if one.programme == "N"]
        frozen = sorted({serial[0] for one in self.model.freezes for serial in one.held} & {*known})
        number = given.one_of((given.is_so and frozen) or known)
        tonnes = given.drawn if given.drawn > 0 else 20
        batch = self.model.batches[number]
        account = batch.first_holder
        event = ReductionsRevoked(
            reduction_id=derived_id("reduction", self.world.batch(number)),
            report_id=None,
            batch_id=self.world.batch(number),
            owner_account=self.full(account),
            tonnes=tonnes,
            reason="falsified",
            **self.world.of(batch.instrument),
        )
        verdict = self.model.revoke(account, number, tonnes)
        cancelled = sum(flow.tonnes for flow in verdict.flows)
        verdict.effect = lambda: self.model.owe(account, number, tonnes - cancelled)
        letter = "settlement", event, new_id()
        self.hears("revoke" + " short" * (cancelled < tonnes), verdict, letter)
        self.heard.append(letter)

    def make_good(self, given: Given) -> None:
        """The owner gives credits of the same programme for what is owed."""
        if not self.model.shortfalls:
            self.revoke(replace(given, drawn=0))
            return
        still_owed = [n for n, one in self.model.shortfalls.items() if one.left]
        number = given.one_of(still_owed or list(self.model.shortfalls))
        owed = self.model.shortfalls[number]
        tonnes = given.tonnes(owed.left)
        stock = {kind: sum(map(len, self.model.free(owed.account, kind))) for kind in TRADED}
        instrument = max(stock, key=lambda kind: (kind[0] == "N", stock[kind]))
        instrument = instrument if given.choice % 7 else given.one_of(TRADED)
        reduction_id = derived_id("reduction", self.world.batch(number))
        command = MakeGood(
            retirement_id=new_id(),
            shortfall_id=derived_id("shortfall", reduction_id, self.full(owed.account)),
            tonnes=tonnes,
            reason="as ordered",
            **self.world.of(instrument),
        )
        verdict = self.model.make_good(number, instrument, tonnes)
        self.does("make_good", verdict, command, self.world.owner(owed.account))
