"""Who may give what: the owner's account is locked with what it may have to give."""

from services.kernel.actors import Actor, Role, require_operator, require_role
from services.kernel.money import TONNES_MAX
from services.kernel.refusals import AccountNotOpen, NotYetKnown, OutOfRange
from services.runtime.postgres import Transaction
from services.settlement import store
from services.settlement.books import Books
from services.settlement.ledger import Account, Instrument, Place
from services.settlement.store import Wanted


async def lock_own(
    tx: Transaction, source: Place, instrument: Instrument, tonnes: int, *others: str
) -> Books:
    """Locks what an owner gives, and other accounts with it; for anybody else it might as well not exist."""
    if not 0 < instrument.vintage < 10_000:
        raise OutOfRange("vintage", str(instrument.vintage), "a calendar year")
    books = await store.lock_books(
        tx, [source.account, *others], [instrument], [Wanted(source, instrument, tonnes)]
    )
    require_owner(tx.actor, books.accounts.get(source.account), source.account)
    books.programme_of(instrument)
    return books


def require_owner(actor: Actor, account: Account | None, number: str) -> None:
    """Raises a refusal unless the actor may act for the account now."""
    status = require_speaker(actor, account, number).status
    if status != "OPEN":
        raise AccountNotOpen(number, status)


def require_speaker(actor: Actor, account: Account | None, number: str) -> Account:
    """The account, if the actor speaks for it: what gives nothing away a restricted account may do as well.

    An account of others is answered like one that does not exist, as late and in the same words: a number tells nobody
    whether it is taken.
    """
    require_role(actor, Role.OWNER_OPERATOR)
    if account is None or account.organisation_id != actor.organisation:
        raise NotYetKnown("account", number)
    require_operator(actor, number, account.operators)
    return account


def require_tonnes(tonnes: int) -> None:
    if not 0 < tonnes <= TONNES_MAX:
        raise OutOfRange("tonnes", str(tonnes), f"1 to {TONNES_MAX}")
