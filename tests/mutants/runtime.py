"""Mutants of what every service stands on: consumer, inbox, outbox, relay and publisher."""

from tests.mutants.mutant import Mutant

_SETTLEMENT = "tests/handlers/test_settlement.py::"
_CONSUMER = "tests/handlers/test_consumer.py::"
_RELAY = "tests/handlers/test_relay.py::"
_PUBLISHER = "tests/handlers/test_publisher.py::"
_INBOX = "tests/handlers/test_inbox.py::"
_SESSIONS = "tests/handlers/test_sessions.py::"

RUNTIME = [
    Mutant(
        name="acknowledged before the commit",
        danger="A message whose transaction fails would be gone.",
        file="services/runtime/consumer.py",
        was="                return await self._consumption.work(batch)\n",
        becomes="                await self._acknowledge(batch, [Done()] * len(batch))\n"
        "                return await self._consumption.work(batch)\n",
        caught_by=_CONSUMER + "test_nothing_is_acknowledged_before_its_work_has_committed",
    ),
    Mutant(
        name="acknowledged before the answer",
        danger="A caller whose answer was not sent would ask for ever.",
        file="services/runtime/consumer.py",
        was="""        for failure in await self._publisher.publish_many(answers):
            if failure is not None:
                raise failure
        await self._acknowledge(batch, verdicts)
""",
        becomes="""        await self._acknowledge(batch, verdicts)
        for failure in await self._publisher.publish_many(answers):
            if failure is not None:
                raise failure
""",
        caught_by=_CONSUMER + "test_a_command_is_acknowledged_when_its_answer_is_on_its_way",
    ),
    Mutant(
        name="what waits is acknowledged too",
        danger="A command on a name that comes a moment later would never be answered.",
        file="services/runtime/consumer.py",
        was="if batch and not self._waiting:",
        becomes="if batch:",
        caught_by=_CONSUMER
        + "test_what_waits_is_tried_again_and_not_acknowledged_with_what_came_after_it",
    ),
    Mutant(
        name="a fault drops its message",
        danger="A message that met a mistake of ours would be gone before the mistake is mended.",
        file="services/runtime/consumer.py",
        was="await delivery.message.reject(requeue=True)",
        becomes="await delivery.message.reject(requeue=False)",
        caught_by=_CONSUMER + "test_of_a_batch_that_faults_only_the_poison_message_goes_back",
    ),
    Mutant(
        name="a commit need not be on disk",
        danger="After a power cut the broker would have forgotten what the database no longer knows.",
        file="services/runtime/postgres.py",
        was='"synchronous_commit": "on",',
        becomes='"synchronous_commit": "off",',
        caught_by=_SESSIONS + "test_a_commit_is_on_disk_whatever_the_server_is_set_to",
    ),
    Mutant(
        name="no inbox",
        danger="A repeated command would take effect twice, or be refused although it was accepted.",
        file="services/runtime/claims.py",
        was="            raise SameIdOtherContent(message_id)\n        return claim",
        becomes="            raise SameIdOtherContent(message_id)\n        return None",
        caught_by=_INBOX + "test_a_command_twice_in_a_batch_and_once_more_takes_effect_once",
        complaint="inbox_pkey",
    ),
    Mutant(
        name="every message of a batch waits for its locks",
        danger="Commands and trades of the same accounts would wait in a circle, each time for a second.",
        file="services/runtime/claims.py",
        was=' if self.fresh else ""\n',
        becomes=' if self.is_blocked else ""\n',
        caught_by="tests/handlers/test_settlement_locks.py::"
        "test_a_command_that_needs_what_another_holds_leaves_the_ones_before_it_to_commit",
        complaint="TimeoutError",
    ),
    Mutant(
        name="the same id may come with other content",
        danger="A second command under a used id would be answered as if it had been done.",
        file="services/runtime/claims.py",
        was="if claim is not None and claim.digest != content:",
        becomes="if claim is not None and not claim.digest:",
        caught_by=_SETTLEMENT
        + "test_an_event_twice_credits_once_and_with_other_content_is_kept_as_dead",
    ),
    Mutant(
        name="answers are kept for five minutes",
        danger="What is repeated after an outage would take effect a second time.",
        file="services/runtime/queries.sql",
        was="now() - interval '30 days'",
        becomes="now() - interval '5 minutes'",
        caught_by=_RELAY + "test_a_first_answer_is_kept_for_seven_days_at_least",
    ),
    Mutant(
        name="the id of an event leaves out its type",
        danger="Who has heard that a trade was captured would pass over that it settled.",
        file="services/runtime/outbox.py",
        was="derived_id(one.causation_id, kind, subject, place)",
        becomes="derived_id(one.causation_id, subject, place)",
        caught_by=_RELAY
        + "test_one_message_that_leads_to_two_events_of_a_subject_gives_them_two_ids",
    ),
    Mutant(
        name="the relay goes on behind the last row",
        danger="What commits late would never be told: a third of all events under eight writers.",
        file="services/runtime/relay.py",
        was='        rows = await connection.fetch(sql["list_outbox"], _ROWS_AT_ONCE, _EVENTS_AT_ONCE)\n',
        becomes='        rows = await connection.fetch(sql["list_outbox"], _ROWS_AT_ONCE, _EVENTS_AT_ONCE)\n'
        '        rows = [row for row in rows if row["id"] > getattr(self, "_last", 0)]\n'
        '        self._last = max((row["id"] for row in rows), default=getattr(self, "_last", 0))\n',
        caught_by=_RELAY + "test_what_commits_late_is_told_although_later_rows_were_told_before",
    ),
    Mutant(
        name="the relay forgets before it is confirmed",
        danger="What the broker did not take would be told to nobody.",
        file="services/runtime/relay.py",
        was='        events = await connection.fetch(sql["list_events"], positions)\n',
        becomes='        events = await connection.fetch(sql["list_events"], positions)\n'
        '        await connection.execute(sql["delete_outbox"], [row["id"] for row in rows])\n',
        caught_by=_RELAY + "test_a_row_leaves_the_outbox_only_when_all_its_events_are_confirmed",
    ),
    Mutant(
        name="the relay does not look at confirms",
        danger="What the broker did not take would be told to nobody.",
        file="services/runtime/relay.py",
        was="            if failure is not None:\n                raise failure\n",
        becomes="            del failure\n",
        caught_by=_RELAY + "test_a_row_leaves_the_outbox_only_when_all_its_events_are_confirmed",
    ),
    Mutant(
        name="every process relays",
        danger="Events of one aggregate would be told out of order.",
        file="services/runtime/relay.py",
        was="SELECT pg_try_advisory_lock($1, hashtext(current_schema()))",
        becomes="SELECT pg_try_advisory_lock($1, pg_backend_pid())",
        caught_by=_RELAY + "test_one_relay_a_service_is_elected_and_another_when_it_has_gone",
    ),
    Mutant(
        name="events need not find a queue",
        danger="With a binding lost, a service would never learn of credits, and nobody would notice.",
        file="services/runtime/relay.py",
        was='mandatory=self._is_listened(event["type"]),',
        becomes="mandatory=False,",
        caught_by=_RELAY + "test_events_that_a_service_listens_to_must_find_a_queue",
    ),
    Mutant(
        name="what the broker returns raises nothing",
        danger="A message that no queue takes would count as safe.",
        file="services/runtime/publishing.py",
        was="        if tag is not None:\n            assert isinstance(returned",
        becomes="        if tag is None:\n            assert isinstance(returned",
        caught_by=_PUBLISHER + "test_a_message_that_no_queue_takes_is_known_not_to_be_safe",
    ),
    Mutant(
        name="a confirm counts for what comes after it",
        danger="A message that the broker may lose would be forgotten here.",
        file="services/runtime/publishing.py",
        was="list(takewhile(lambda tag: tag <= last, self._unconfirmed))",
        becomes="list(self._unconfirmed)",
        caught_by="tests/handlers/test_frames.py::test_a_confirm_is_for_the_messages_that_it_names",
    ),
    Mutant(
        name="nothing is mandatory",
        danger="A message that no queue takes would count as safe.",
        file="services/runtime/publishing.py",
        was="exchange=exchange, routing_key=routing_key, mandatory=mandatory)",
        becomes="exchange=exchange, routing_key=routing_key)",
        caught_by=_PUBLISHER + "test_a_message_that_no_queue_takes_is_known_not_to_be_safe",
    ),
]
