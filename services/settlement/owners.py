"""Who may give what: the owner's account is locked with what it may have to give."""

from services.kernel.actors import Actor, Role, require_operator, require_role
from services.kernel.money import TONNES_MAX
from services.kernel.refusals import AccountNotOpen, NotYetKnown, OutOfRange
from services.runtime.postgres import Transaction
from services.settlement import store
from services.settlement.books import Books
from services.settlement.freezes import require_not_frozen
from services.settlement.ledger import Account, Instrument, Place
from services.settlement.shortfalls import require_none
from services.settlement.store import Wanted


async def lock_own(
    tx: Transaction, source: Place, instrument: Instrument, tonnes: int, *others: str
) -> Books:
    """Locks what an owner gives, and other accounts with it; for anybody else it might as well not exist."""
    books = await lock_source(tx, source, instrument, tonnes, *others)
    require_owner(tx.actor, books.accounts.get(source.account), source.account)
    books.programme_of(instrument)
    return books


async def lock_source(
    tx: Transaction, source: Place, instrument: Instrument, tonnes: int, *others: str
) -> Books:
    """Locks what is taken from a place, whoever may take it, and other accounts with it."""
    require_instrument(instrument)
    wanted = [Wanted(source, instrument, tonnes)]
    return await store.lock_books(tx, [source.account, *others], [instrument], wanted)


def require_owner(actor: Actor, account: Account | None, number: str) -> None:
    """Raises a refusal unless the actor may act for the account, and it may give something away now."""
    require_giving(require_speaker(actor, account, number))


def require_giving(account: Account) -> None:
    """Raises a refusal unless the account is open, not frozen, and owes no credits."""
    require_free(account)
    require_none(account)


def require_free(account: Account) -> None:
    """Raises a refusal unless the account is open and not frozen."""
    if account.status != "OPEN":
        raise AccountNotOpen(account.number, account.status)
    require_not_frozen(account)


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


def require_instrument(instrument: Instrument) -> None:
    """Raises OutOfRange unless the vintage is a year."""
    if not 0 < instrument.vintage < 10_000:
        raise OutOfRange("vintage", str(instrument.vintage), "a calendar year")


def require_tonnes(tonnes: int) -> None:
    if not 0 < tonnes <= TONNES_MAX:
        raise OutOfRange("tonnes", str(tonnes), f"1 to {TONNES_MAX}")
