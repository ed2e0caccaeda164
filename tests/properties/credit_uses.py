"""What credits are used for in the walk, and what is owed for emissions: surrendered, offset, enforced."""

from datetime import date
from uuid import UUID

from services.issuance.messages.compliance import ObligationSet
from services.kernel.ids import new_id
from services.settlement.messages.obligations import EnforceObligation
from services.settlement.messages.retirements import RetireCredits
from tests.properties.credit_dues import DEADLINE
from tests.properties.credit_market import SHA
from tests.properties.credit_orders import AUTHORITY, OrderWalk
from tests.properties.credit_places import Verdict
from tests.properties.credit_walk import Given


class UseWalk(OrderWalk):
    """What owners do with their credits once, and what the state asks of them."""

    def use(self, given: Given) -> None:
        """Credits are used for what is no obligation."""
        purpose = given.one_of(["EVENT_NEUTRALITY", "ENTERPRISE_OFFSET", "VOLUNTARY_PUBLIC_GOOD"])
        account, instrument = self.holding(given, "registry")
        source, end = (account, "registry", ""), (account, "retired", "")
        tonnes = given.tonnes(len(self.model.at(source, instrument)))
        verdict = self.model.given(account, instrument, tonnes, source, end)
        self._use("use", verdict, account, instrument, tonnes, purpose)

    def _use(
        self, kind: str, verdict: Verdict, account: str, instrument: str, tonnes: int, purpose: str
    ) -> None:
        verdict = self.named(verdict, instrument)
        command = RetireCredits(
            retirement_id=new_id(),
            account=self.full(account),
            tonnes=tonnes,
            purpose=purpose,
            beneficiary_name="Power Station",
            beneficiary_id="91110000000000000A",
            beneficiary_country="CN",
            reporting_period="2020",
            reason="emissions",
            **self.world.of(instrument),
        )
        self.does(kind, verdict, command, self.world.owner(account))

    def owe_anew(self, given: Given) -> None:
        """Issuance says anew what is due; what was done about it stays done."""
        due = 1 + given.choice % 50
        self.owe(given.one_of(sorted(self.model.owed)), due, due * given.one_of(range(40)) // 100)

    def owe(self, account: str, due: int, cap: int) -> None:
        event = ObligationSet(
            compliance_id=UUID(int=1),
            account=self.full(account),
            organisation_id=self.world.organisations[account],
            emission_year=2020,
            due=due,
            offset_max=cap,
            deadline=DEADLINE,
            allowance_vintages=(2020, 2021),
            credits_registered_after=date(2021, 1, 1),
            plan="PLAN",
            is_draft=True,
            version=self.model.versions[account] + 1,
        )
        verdict = self.model.owe_for_emissions(account, due, cap, self.world.now)
        self.hears("owe", verdict, ("settlement", event, new_id()))

    def surrender(self, given: Given) -> None:
        """Allowances are given up for what was emitted."""
        account, instrument = self.holding(given, "registry", "", "A", "SE")
        tonnes, at = given.tonnes(self.model.left(account)), self.world.now
        verdict = self.model.surrender(account, instrument, tonnes, at)
        self._use("surrender", verdict, account, instrument, tonnes, "ETS_SURRENDER")

    def offset(self, given: Given) -> None:
        """Credits stand in for a part of it."""
        account, instrument = self.holding(given, "registry", "", "N", "SE")
        tonnes, at = given.tonnes(self.model.offset_left(account)), self.world.now
        verdict = self.model.offset(account, instrument, tonnes, at)
        self._use("offset", verdict, account, instrument, tonnes, "ETS_OFFSET_NATIONAL")

    def year_ends(self, given: Given) -> None:
        """An offset in the last second that is in time, and one in the first that is not."""
        if self.world.midnight != DEADLINE:
            self.offset(given)
            return
        for until in ("eve", "day"):
            self.wait_for(until)
            self.offset(given)

    def seize(self, given: Given) -> None:
        """What is overdue is surrendered without the entity, wherever it has allowances."""
        places = ("registry", ""), ("exchange", given.venue), ("frozen", "")
        account, instrument = self.holding(given, *given.one_of(places), "A", "SE")
        tonnes, at = given.tonnes(self.model.left(account)), self.world.now
        command = EnforceObligation(
            retirement_id=new_id(),
            account=self.full(account),
            emission_year=2020,
            tonnes=tonnes,
            beneficiary_name="Power Station",
            beneficiary_id="91110000000000000A",
            document_sha256=SHA,
            reason="overdue",
            **self.world.of(instrument),
        )
        verdict = self.named(self.model.seize(account, instrument, tonnes, at), instrument)
        self.does("seize", verdict, command, AUTHORITY)
