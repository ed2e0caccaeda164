"""Claims: each message takes effect once, and a repeated command gets its first answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.kernel.refusals import Conflict
from services.runtime import outbox
from services.runtime.outbox import Fact
from services.runtime.postgres import Connection

_HURRIED_MS = 50


@dataclass(eq=False)
class SameIdOtherContent(Conflict):
    """This id was used before with other content; the first answer stands."""

    id: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that took effect: what it said, and what was answered."""

    digest: bytes
    answer: bytes | None


@dataclass
class Batch:
    """What one transaction takes from a queue, with what it has to say; stored with one statement of each kind."""

    connection: Connection
    consumer: str
    known: dict[str, Claim]
    """By id the messages that took effect before, in this transaction too."""
    fresh: list[str] = field(default_factory=list[str])
    said: list[Fact] = field(default_factory=list[Fact])
    is_blocked: bool = False
    """Another transaction holds what a message needs: that one and all after it are left for the next batch."""
    _has_savepoint: bool = False

    @classmethod
    async def opened(cls, connection: Connection, consumer: str, ids: Sequence[str]) -> "Batch":
        """A batch of these messages, some of which may have taken effect before."""
        found = await connection.fetch(outbox.sql["list_claims"], consumer, ids)
        known = {one["message_id"]: Claim(one["digest"], one["answer"]) for one in found}
        return cls(connection, consumer, known)

    def claimed(self, message_id: str, content: bytes) -> Claim | None:
        """What became of the message before; raises SameIdOtherContent if the digest differs."""
        claim = self.known.get(message_id)
        if claim is not None and claim.digest != content:
            raise SameIdOtherContent(message_id)
        return claim

    def claim(self, message_id: str, claim: Claim, said: Sequence[Fact]) -> None:
        """The message has taken effect: its repeat gets the same answer and changes nothing."""
        self.known[message_id] = claim
        self.fresh.append(message_id)
        self.said += said

    async def begin(self) -> None:
        """What is done from here on can be undone alone: the savepoint moves on in one round trip.

        A message locks what it needs in order, but not in the order of those before it, whose locks are held until the
        commit: whoever waits for one of these and holds what is needed here would wait in a circle, until the database
        ends it after a second. So only the first message waits for long.
        """
        released = "RELEASE SAVEPOINT message; " if self._has_savepoint else ""
        hurried = f"SET LOCAL lock_timeout = '{_HURRIED_MS}ms'; " if self.fresh else ""
        await self.connection.execute(f"{released}{hurried}SAVEPOINT message")
        self._has_savepoint = True

    async def undo(self) -> None:
        """Undoes what was done since ``begin``."""
        await self.connection.execute("ROLLBACK TO SAVEPOINT message")

    async def close(self) -> None:
        """Stores the claims and what is to be said; a message that another process claimed meanwhile undoes it all."""
        claims = [self.known[message_id] for message_id in self.fresh]
        if claims:
            digests, answers = [one.digest for one in claims], [one.answer for one in claims]
            insert = outbox.sql["insert_claims"]
            await self.connection.execute(insert, self.consumer, self.fresh, digests, answers)
        await outbox.enqueue(self.connection, await outbox.append_facts(self.connection, self.said))
