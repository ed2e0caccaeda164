"""Who may give what: the owner's account is locked with what it may have to give."""

from services.kernel.actors import Actor, Role, require_operator, require_organisation, require_role
from services.kernel.money import TONNES_MAX
from services.kernel.refusals import AccountNotOpen, NotYetKnown, OutOfRange
from services.runtime.postgres import Transaction
from services.settlement import store
from services.settlement.books import Books
from services.settlement.ledger import Account, Instrument, Place
from services.settlement.store import Wanted


async def lock_own(tx: Transaction, source: Place, instrument: Instrument, tonnes: int) -> Books:
    """Locks what an owner gives; for anybody else the account might as well not exist."""
    if not 0 < instrument.vintage < 10_000:
        raise OutOfRange("vintage", str(instrument.vintage), "a calendar year")
    books = await store.lock_books(
        tx, [source.account], [instrument], [Wanted(source, instrument, tonnes)]
    )
    require_owner(tx.actor, books.accounts.get(source.account), source.account)
    books.programme_of(instrument)
    return books


def require_owner(actor: Actor, account: Account | None, number: str) -> None:
    require_role(actor, Role.OWNER_OPERATOR)
    if account is None:
        raise NotYetKnown("account", number)
    require_organisation(actor, account.organisation_id)
    require_operator(actor, number, account.operators)
    if account.status != "OPEN":
        raise AccountNotOpen(number, account.status)


def require_tonnes(tonnes: int) -> None:
    if not 0 < tonnes <= TONNES_MAX:
        raise OutOfRange("tonnes", str(tonnes), f"1 to {TONNES_MAX}")
