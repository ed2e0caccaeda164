"""Mutants of what ends credits and what stops them: uses, freezes, shortfalls, obligations, conversions."""

from tests.mutants.mutant import Mutant

_OBLIGATIONS = "tests/rules/test_obligations.py::"
_CONVERSIONS = "tests/rules/test_conversions.py::"
_RETIREMENTS = "tests/handlers/test_settlement_retirements.py::"
_REVOCATIONS = "tests/handlers/test_settlement_revocations.py::"
_SOURCES = "tests/handlers/test_settlement_conversions.py::"
_TARGETS = "tests/handlers/test_issuance_conversions.py::"
_LOCKS = "tests/handlers/test_settlement_locks.py::"
_OVERLAP = "tests/properties/test_overlap.py::"
_FOUR_EYES = "tests/contracts/test_four_eyes.py::"
_DISCHARGES = "services/settlement/discharges.py"

OBLIGATIONS = [
    Mutant(
        name="the cap is a tonne higher",
        danger="An entity would offset more than its share of what is due.",
        file=_DISCHARGES,
        was="obligation.offset_used + use.tonnes > obligation.offset_max",
        becomes="obligation.offset_used + use.tonnes > obligation.offset_max + 1",
        caught_by=_OBLIGATIONS + "test_rule_21_offsets_end_at_the_cap",
    ),
    Mutant(
        name="the cap is for each offset",
        danger="Ten small offsets would pass a cap that one large one respects.",
        file=_DISCHARGES,
        was="obligation.offset_used + use.tonnes > obligation.offset_max",
        becomes="use.tonnes > obligation.offset_max",
        caught_by=_OBLIGATIONS
        + "test_rule_21_the_cap_is_one_for_all_offsets_of_an_entity_and_year",
    ),
    Mutant(
        name="the deadline is a moment later",
        danger="What is offset in the first instant of the next year would count as in time.",
        file=_DISCHARGES,
        was="use.at >= obligation.deadline",
        becomes="use.at > obligation.deadline",
        caught_by=_OBLIGATIONS + "test_rule_22_after_the_deadline_only_allowances_count",
    ),
    Mutant(
        name="credits of the day itself are young enough",
        danger="Credits that the plan shuts out would offset.",
        file=_DISCHARGES,
        was="registered <= after)",
        becomes="registered < after)",
        caught_by=_OBLIGATIONS + "test_rule_21_credits_count_that_were_registered_after_the_day",
    ),
    Mutant(
        name="with enough that counts everything counts",
        danger="An entity's own and old credits would be retired in the place of those that count.",
        file=_DISCHARGES,
        was="return [one.holding for one in usable]",
        becomes="return [one.holding for one in stocks]",
        caught_by=_OBLIGATIONS
        + "test_rule_21_of_an_instrument_only_the_accepted_batches_are_given",
    ),
    Mutant(
        name="missed obligations are locked in no order",
        danger="The clock and two emitters would wait for each other in a circle.",
        file="services/settlement/obligations.sql",
        was="ORDER BY account, emission_year\nFOR UPDATE",
        becomes="ORDER BY random()\nFOR UPDATE",
        caught_by=_LOCKS
        + "test_obligations_that_are_missed_are_locked_in_the_order_of_their_accounts",
    ),
    Mutant(
        name="what is owed is read without a lock",
        danger="A surrender would be judged by what was due before issuance told of less.",
        file="services/settlement/obligations.sql",
        was="WHERE account = $1 AND emission_year = $2\nFOR UPDATE",
        becomes="WHERE account = $1 AND emission_year = $2",
        caught_by=_LOCKS
        + "test_what_is_owed_is_read_under_its_lock_after_those_of_account_and_batch",
        complaint="ObligationChangedError",
    ),
]
"""What the national ETS asks for."""

ENDS = [
    Mutant(
        name="cancelled credits may come back",
        danger="What was cancelled for a false reduction, or for a conversion, would live again.",
        file="schema/settlement/0001_ledger.sql",
        was="WHEN (OLD.bucket IN ('retired', 'cancelled')) EXECUTE",
        becomes="WHEN (OLD.bucket IN ('retired')) EXECUTE",
        caught_by=_OVERLAP + "test_what_is_retired_or_cancelled_never_comes_back",
    ),
    Mutant(
        name="one person cancels",
        danger="A registrar alone could take anybody's credits out of circulation for ever.",
        file="services/settlement/retirement_handlers.py",
        was="FOUR_EYES: Mapping[type[Command], Role] = dict.fromkeys(COMMANDS, Role.APPROVER)",
        becomes="FOUR_EYES: Mapping[type[Command], Role] = {RetireCredits: Role.APPROVER}",
        caught_by=_FOUR_EYES
        + "test_what_cannot_be_taken_back_is_asked_by_one_person_and_approved_by_another",
    ),
    Mutant(
        name="the maker of a cancellation approves it",
        danger="Two roles in one hand would do what takes two persons.",
        file="services/runtime/approval.py",
        was="    if actor.subject == waiting.maker:\n",
        becomes="    if actor == waiting.maker_actor and not actor.roles:\n",
        caught_by=_RETIREMENTS + "test_nobody_approves_a_cancellation_that_they_ordered",
        complaint="retirement_check",
    ),
    Mutant(
        name="the record may name one person twice",
        danger="What went past the approval would stand on record as approved.",
        file="schema/settlement/0005_use.sql",
        was="    approved_by         text        CHECK (approved_by <> requested_by),\n",
        becomes="    approved_by         text,\n",
        caught_by=_RETIREMENTS + "test_rule_23_the_database_refuses_a_record_of",
    ),
    Mutant(
        name="a certificate number is skipped",
        danger="Nobody could tell a missing certificate from one that never was.",
        file="services/settlement/retirements.sql",
        was="SET issued = certificate_count.issued + 1",
        becomes="SET issued = certificate_count.issued + 2",
        caught_by=_RETIREMENTS
        + "test_each_kind_and_year_of_beijing_is_numbered_from_one_without_a_gap",
    ),
    Mutant(
        name="a freeze keeps what was cancelled",
        danger="Its release would bring back what is gone, or never come.",
        file="services/settlement/retirement_handlers.py",
        was="    await freeze_store.thaw(tx, blocks if command.freeze_id else [])\n",
        becomes="",
        caught_by=_RETIREMENTS + "test_a_freeze_gives_what_it_holds_and_nothing_that_is_free",
        complaint="BooksChangedError",
    ),
    Mutant(
        name="the target lives before its source is dead",
        danger="The same tonne would be in two programmes at once.",
        file="services/issuance/conversion_handlers.py",
        was="    await conversion_store.insert_conversion(tx, conversion, tx.approved_by)\n",
        becomes="    await conversion_store.insert_conversion(tx, conversion, tx.approved_by)\n"
        "    await store.insert_batch(tx, conversion.target)\n",
        caught_by=_TARGETS + "test_rule_25_the_target_lives_once_the_source_is_dead",
    ),
    Mutant(
        name="a part of a tonne is converted into a whole one",
        danger="Whoever converts in many small parts would make credits out of nothing.",
        file="services/issuance/conversions.py",
        was="target = tonnes * numerator // denominator",
        becomes="target = -(-tonnes * numerator // denominator)",
        caught_by=_CONVERSIONS + "test_tonnes_are_rounded_down",
    ),
]
"""What leaves circulation, and what lives in its stead."""

STOPS = [
    Mutant(
        name="a frozen account gives",
        danger="What a court has stopped would be gone before the court is heard.",
        file="services/settlement/owners.py",
        was="    require_not_frozen(account)\n",
        becomes="",
        caught_by=_SOURCES + "test_an_account_that_may_not_give_converts_nothing",
        complaint="too many values to unpack",
    ),
    Mutant(
        name="who owes credits gives others away",
        danger="An owner of false credits would be rid of the true ones before they are asked for.",
        file="services/settlement/owners.py",
        was="    require_free(account)\n    require_none(account)\n",
        becomes="    require_free(account)\n",
        caught_by=_SOURCES + "test_an_account_that_may_not_give_converts_nothing",
        complaint="too many values to unpack",
    ),
    Mutant(
        name="what was cancelled at once is owed as well",
        danger="An owner would pay twice for the same false tonne.",
        file="services/settlement/shortfall_handlers.py",
        was="await _owe(tx, event, programme, event.tonnes - cancelled)",
        becomes="await _owe(tx, event, programme, event.tonnes)",
        caught_by=_REVOCATIONS + "test_the_buffer_goes_last_and_the_same_message_counts_once",
        complaint="too many values to unpack",
    ),
    Mutant(
        name="a revocation that comes twice counts twice",
        danger="What the broker delivers again would stop settlement, or cancel twice.",
        file="services/settlement/shortfall_handlers.py",
        was="    if await shortfall_store.has_revocation(tx):\n        return []\n",
        becomes="",
        caught_by=_REVOCATIONS + "test_the_buffer_goes_last_and_the_same_message_counts_once",
        complaint="ALREADY_EXISTS",
    ),
]
"""What stops an account, and what follows from false reductions."""

USES = [*OBLIGATIONS, *ENDS, *STOPS]
