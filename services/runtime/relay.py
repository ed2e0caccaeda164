"""The relay: tells the broker what was committed, and forgets it only when the broker has confirmed."""

import asyncio
import time
from collections.abc import Callable

import asyncpg

from services.runtime import failpoints, telemetry
from services.runtime.outbox import envelope, sql
from services.runtime.postgres import OUTAGES, Connection, opened_connection
from services.runtime.publishing import Outgoing, Publisher

_ROWS_AT_ONCE = 50
_EVENTS_AT_ONCE = 1_000
"""Or what the first row alone has to say: the broker confirms so many well within its time."""
_POLL_SECONDS = 0.5
_PRUNED_AT_ONCE = 5_000
_PRUNING_PAUSE_SECONDS = 3_600.0
_ELECTION_KEY = 7_001

log = telemetry.logger("relay")


def narrow_key(event_type: str, subject: str) -> str:
    """The second routing key of each event: its type and whose it is, such as ``settlement.trade.settled.CBGEX``."""
    return f"{event_type}.{subject.split('/')[1]}"


class Relay:
    """One relay a service is active: it holds an advisory lock on its own database connection."""

    def __init__(self, service: str, database_url: str, is_listened: Callable[[str], bool]) -> None:
        self._service = service
        self._database_url = database_url
        self._is_listened = is_listened
        self._woken = asyncio.Event()
        self._is_stopping = False
        self._pruned_until = 0.0
        """By the monotonic clock: before that there is nothing more to forget."""

    def wake(self) -> None:
        """There is something to say: called after a commit in this process."""
        self._woken.set()

    def stop(self) -> None:
        """Says what is left, then ends."""
        self._is_stopping = True
        self._woken.set()

    async def run(self, publisher: Publisher) -> None:
        """Relays until stopped; a database outage only delays it."""
        while not self._is_stopping:
            try:
                connection = await opened_connection(self._database_url, self._service)
                try:
                    await self._run_elected(connection, publisher)
                finally:
                    await connection.close(timeout=2)
            except OUTAGES as outage:
                log.warning("database lost", reason=str(outage) or repr(outage))
                await asyncio.sleep(_POLL_SECONDS)

    async def _run_elected(self, connection: Connection, publisher: Publisher) -> None:
        while not await self._is_elected(connection):
            if self._is_stopping:
                return
            await asyncio.sleep(_POLL_SECONDS)
        while True:
            self._woken.clear()
            while await self._relay_some(connection, publisher):
                pass
            if self._is_stopping:
                return
            await self._prune_some(connection)
            await self._rest()

    async def _is_elected(self, connection: Connection) -> bool:
        return await connection.fetchval(
            "SELECT pg_try_advisory_lock($1, hashtext(current_schema()))", _ELECTION_KEY
        )

    async def _prune_some(self, connection: Connection) -> None:
        """Forgets a portion of the old answers while there is nothing to say; a failure keeps no events waiting."""
        now = time.monotonic()
        if now < self._pruned_until:
            return
        try:
            status = await connection.execute(sql["prune_inbox"], _PRUNED_AT_ONCE)
        except asyncpg.PostgresError as failure:
            log.warning("not pruned", service=self._service, reason=repr(failure))
            status = ""
        if status != f"DELETE {_PRUNED_AT_ONCE}":
            self._pruned_until = now + _PRUNING_PAUSE_SECONDS

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(_POLL_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _relay_some(self, connection: Connection, publisher: Publisher) -> int:
        """Publishes the oldest rows; deletes those whose every event was confirmed; returns how many."""
        rows = await connection.fetch(sql["list_outbox"], _ROWS_AT_ONCE, _EVENTS_AT_ONCE)
        telemetry.outbox_rows.set(len(rows))
        if not rows:
            return 0
        positions = [position for row in rows for position in row["positions"]]
        events = await connection.fetch(sql["list_events"], positions)
        publishing = publisher.publish_many([self._outgoing(event) for event in events])
        failures = await failpoints.amid(failpoints.IN_PUBLISH, publishing)
        for failure in failures:
            if failure is not None:
                raise failure
        failpoints.reach(failpoints.AFTER_PUBLISH)
        await connection.execute(sql["delete_outbox"], [row["id"] for row in rows])
        telemetry.published.inc(len(events))
        return len(rows)

    def _outgoing(self, event: asyncpg.Record) -> Outgoing:
        """An event that a service of ours listens to must find a queue; others may find nobody."""
        return Outgoing(
            exchange="tonne.events",
            routing_key=event["type"],
            body=envelope(self._service, event),
            message_id=str(event["id"]),
            mandatory=self._is_listened(event["type"]),
            headers={"CC": [narrow_key(event["type"], event["aggregate"])]},
        )
