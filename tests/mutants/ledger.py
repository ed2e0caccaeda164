"""Mutants of the ledger: its rules, what the database refuses by itself, and how trades are taken and settle."""

from tests.mutants.mutant import Mutant

_LEDGER = "tests/rules/test_ledger.py::"
_FREEZES = "tests/rules/test_freezes.py::"
_MARKET = "tests/rules/test_market.py::"
_TRADES = "tests/rules/test_trades.py::"
_OVERLAP = "tests/properties/test_overlap.py::"
_LOCKS = "tests/handlers/test_settlement_locks.py::"
_SETTLEMENT = "tests/handlers/test_settlement.py::"
_DAY_END = "tests/handlers/test_settlement_day_end.py::"
_TABLES = "schema/settlement/0001_ledger.sql"
_MARKET_TABLES = "schema/settlement/0002_market.sql"

RULES = [
    Mutant(
        name="a split moves the head",
        danger="Venue and registry would name different serials for the same credits.",
        file="services/kernel/blocks.py",
        was="head, tail = block.split_tail(missing)",
        becomes="tail, head = block.split_tail(block.tonnes - missing)",
        caught_by=_LEDGER
        + "test_the_oldest_batch_moves_first_then_the_lowest_block_and_of_the_last_the_tail",
    ),
    Mutant(
        name="the newest batch moves first",
        danger="Old credits would stay behind until they may no longer be used.",
        file="services/settlement/books.py",
        was="return self.batches[block.batch].issued_at, block.batch, block.first",
        becomes="return -self.batches[block.batch].issued_at.timestamp(), block.batch, block.first",
        caught_by=_LEDGER
        + "test_the_oldest_batch_moves_first_then_the_lowest_block_and_of_the_last_the_tail",
    ),
    Mutant(
        name="expected proceeds leave the venue",
        danger="A trade that is cancelled afterwards would have been paid to somebody who is gone.",
        file="services/settlement/books.py",
        was="self.require_free(key, -amount_fen)",
        becomes="self.require_spendable(key, -amount_fen)",
        caught_by=_LEDGER + "test_the_bank_pays_out_neither_what_is_expected_nor_what_is_held",
    ),
    Mutant(
        name="a frozen account trades",
        danger="What a court has stopped would be sold before the court is heard.",
        file="services/settlement/settling.py",
        was="    require_not_frozen(account)\n",
        becomes="",
        caught_by=_FREEZES
        + "test_nothing_is_traded_with_a_frozen_account_but_what_is_captured_binds",
    ),
    Mutant(
        name="a span with a hole is frozen all the same",
        danger="The order would name serials that were never stopped.",
        file="services/settlement/freezes.py",
        was="    if following < wanted.next:\n",
        becomes="    if following == wanted.first:\n",
        caught_by=_FREEZES + "test_the_first_serial_that_is_not_free_is_named",
    ),
    Mutant(
        name="a cancelled trade keeps its hold",
        danger="The buyer's cash would be held for ever for a trade that does not exist.",
        file="services/settlement/settling.py",
        was="""captured.proceeds_fen, left)
    books.release(captured.buyer, captured.seller, captured.cost_fen, captured.proceeds_fen)
""",
        becomes="captured.proceeds_fen, left)\n",
        caught_by=_TRADES + "test_a_cancelled_trade_leaves_the_books_and_the_market_as_they_were",
    ),
    Mutant(
        name="the commission is not funded",
        danger="At settlement the buyer would lack what the receiver of commissions is owed.",
        file="services/settlement/settling.py",
        was="books.require_free(captured.buyer, captured.cost_fen)",
        becomes="books.require_free(captured.buyer, captured.amount_fen)",
        caught_by=_MARKET + "test_rule_17_the_buyers_commission_is_funded_too",
    ),
    Mutant(
        name="the band is rounded outward",
        danger="A price beyond the exchange's limit would settle.",
        file="services/settlement/terms.py",
        was="lowest = -(-reference_fen * (10_000 - basis_points) // (10_000 * tick_fen)) * tick_fen",
        becomes="lowest = reference_fen * (10_000 - basis_points) // (10_000 * tick_fen) * tick_fen",
        caught_by=_MARKET
        + "test_rule_14_the_limits_of_the_band_are_rounded_inward_and_belong_to_it",
    ),
    Mutant(
        name="the average is rounded half even",
        danger="The reference price, and so every limit of the next day, would be a fen off.",
        file="services/kernel/money.py",
        was="return (2 * turnover_fen + tonnes * tick_fen) // (2 * tonnes * tick_fen) * tick_fen",
        becomes="return round(turnover_fen / tonnes / tick_fen) * tick_fen",
        caught_by=_MARKET
        + "test_rule_15_the_reference_is_the_average_of_the_last_day_with_listing_trades",
    ),
    Mutant(
        name="trades of the day move its own reference",
        danger="Step by step a price could be walked anywhere within one day.",
        file="services/settlement/market.py",
        was="if one < day and totals.listing_tonnes]",
        becomes="if one <= day and totals.listing_tonnes]",
        caught_by=_MARKET
        + "test_rule_15_the_reference_is_the_average_of_the_last_day_with_listing_trades",
    ),
    Mutant(
        name="the gap is a day short",
        danger="Who bought could sell again a trading day too early.",
        file="services/settlement/market.py",
        was="if later < after_trading_days(books.calendar, terms.days, earlier, gap):",
        becomes="if later < after_trading_days(books.calendar, terms.days, earlier, gap - 1):",
        caught_by=_MARKET + "test_rule_18_opposite_trades_lie_five_trading_days_apart",
    ),
]
"""The rules of ledger and market: these tests need nothing but the interpreter."""

BOOKS = [
    Mutant(
        name="no trigger looks at holdings that change",
        danger="A program's mistake would put one serial into two hands.",
        file=_TABLES,
        was="""CREATE TRIGGER holding_overlap_update AFTER UPDATE ON holding
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_overlap();
""",
        becomes="",
        caught_by=_OVERLAP + "test_a_block_cannot_grow_over_its_neighbour",
    ),
    Mutant(
        name="neighbours are read without a lock",
        danger="Two writers that do not see each other yet would both keep the same serials.",
        file=_TABLES,
        was="    PERFORM lock_batches(ARRAY(SELECT DISTINCT batch_id FROM changed));\n",
        becomes="",
        caught_by=_OVERLAP
        + "test_a_writer_waits_for_another_of_the_same_batch_and_is_then_refused",
    ),
    Mutant(
        name="retired credits may come back",
        danger="The same tonne would offset twice.",
        file=_TABLES,
        was="WHEN (OLD.bucket IN ('retired', 'cancelled')) EXECUTE",
        becomes="WHEN (OLD.bucket IN ('cancelled')) EXECUTE",
        caught_by=_OVERLAP + "test_what_is_retired_or_cancelled_never_comes_back",
    ),
    Mutant(
        name="a balance may be negative",
        danger="Cash that nobody deposited would pay for credits.",
        file=_TABLES,
        was="balance_fen bigint NOT NULL CHECK (balance_fen >= 0),",
        becomes="balance_fen bigint NOT NULL,",
        caught_by=_SETTLEMENT + "test_cash_that_is_not_there_is_refused_by_the_database",
    ),
    Mutant(
        name="more may be held than there is",
        danger="Two captured trades would be funded by the same cash.",
        file=_TABLES,
        was="""    PRIMARY KEY (account, venue, currency),
    CHECK (held_fen <= balance_fen + pending_fen)
""",
        becomes="    PRIMARY KEY (account, venue, currency)\n",
        caught_by=_SETTLEMENT + "test_cash_that_is_not_there_is_refused_by_the_database",
    ),
    Mutant(
        name="trades have no key",
        danger="What one process forgot, another would settle a second time.",
        file=_MARKET_TABLES,
        was="    PRIMARY KEY (venue, trade_id),\n    CHECK ((state = 'REJECTED')",
        becomes="    CHECK ((state = 'REJECTED')",
        caught_by=_SETTLEMENT
        + "test_what_took_effect_once_is_refused_a_second_time_by_the_database[trade]",
    ),
    Mutant(
        name="bank references have no key",
        danger="One deposit would be booked twice.",
        file=_TABLES,
        was="bank_reference text        PRIMARY KEY,",
        becomes="bank_reference text        NOT NULL,",
        caught_by=_SETTLEMENT
        + "test_what_took_effect_once_is_refused_a_second_time_by_the_database[bank_report]",
    ),
    Mutant(
        name="accounts are locked in no order",
        danger="Writers of the same accounts would wait in a circle: a deadlock, and a fiftieth of the rate.",
        file="services/settlement/queries.sql",
        was="ORDER BY number\nFOR UPDATE",
        becomes="ORDER BY random()\nFOR UPDATE",
        caught_by=_LOCKS
        + "test_accounts_are_locked_in_the_order_of_their_numbers_in_whatever_order_they_are_given",
    ),
    Mutant(
        name="accounts are not locked",
        danger="Two writers would spend the same balance, each on what it has read.",
        file="services/settlement/queries.sql",
        was="ORDER BY number\nFOR UPDATE",
        becomes="ORDER BY number",
        caught_by=_LOCKS
        + "test_accounts_are_locked_in_the_order_of_their_numbers_in_whatever_order_they_are_given",
    ),
    Mutant(
        name="batches are locked in no order",
        danger="A trade and a transfer of the same two batches would wait for each other.",
        file=_TABLES,
        was="ORDER BY batch_id FOR NO KEY UPDATE",
        becomes="ORDER BY random() FOR NO KEY UPDATE",
        caught_by=_LOCKS + "test_batches_are_locked_in_the_order_of_their_ids",
    ),
    Mutant(
        name="the bank's accounts are locked one by one",
        danger="Deposits in the order of the bank and trades in ours would wait for each other.",
        file="services/settlement/bank.py",
        was="            await _lock_accounts(connection, read)\n",
        becomes="",
        caught_by=_LOCKS
        + "test_what_the_bank_reports_of_many_accounts_locks_them_in_order_before_it_books_any",
    ),
]
"""What the database refuses by itself, and the order of locks."""

CAPTURE = [
    Mutant(
        name="no fence",
        danger="A process that wakes up after its successor has begun would settle beside it, out of order.",
        file="services/settlement/capture.py",
        was="if await trade_store.lock_epoch(tx) != self._epoch:",
        becomes="if await trade_store.lock_epoch(tx) < self._epoch:",
        caught_by=_SETTLEMENT + "test_an_older_process_that_wakes_up_is_refused_and_writes_nothing",
    ),
    Mutant(
        name="the outbox is written after the commit",
        danger="A process that dies between the two would leave settled trades of which nobody hears.",
        file="services/settlement/capture.py",
        was="            await outbox.enqueue(connection, said)\n        return verdicts",
        becomes="        await outbox.enqueue(connection, said)\n        return verdicts",
        caught_by=_SETTLEMENT + "test_a_batch_that_fails_at_its_end_leaves_no_leg_behind",
    ),
    Mutant(
        name="known trades are decided again",
        danger="What the broker delivers twice would stop settlement, or settle twice.",
        file="services/settlement/capture.py",
        was="elif report.key not in known:",
        becomes="else:",
        caught_by=_SETTLEMENT
        + "test_a_redelivered_batch_whose_acknowledgement_was_lost_changes_nothing",
        complaint="trade_pkey",
    ),
    Mutant(
        name="the same trade may come with other content",
        danger="A venue's second version would vanish without a word.",
        file="services/settlement/capture.py",
        was="if digests.setdefault(report.key, report.digest) != report.digest:",
        becomes="if not digests.setdefault(report.key, report.digest):",
        caught_by=_SETTLEMENT
        + "test_a_known_trade_with_other_content_conflicts_and_its_first_outcome_stands",
    ),
    Mutant(
        name="a day settles without the registry",
        danger="Trades would be final before the registry has confirmed the venue's day.",
        file="services/settlement/days.sql",
        was="SELECT FROM day_confirmation d JOIN venue_day v USING (venue, date)",
        becomes="SELECT FROM venue_day d JOIN venue_day v USING (venue, date)",
        caught_by=_DAY_END + "test_rule_19_a_day_settles_after_both_confirmations",
    ),
    Mutant(
        name="a halted venue settles",
        danger="Trades would be final although the venue counts otherwise than the ledger.",
        file="services/settlement/days.sql",
        was="""  AND NOT EXISTS (SELECT FROM gap WHERE gap.venue = venue.code AND cleared_at IS NULL)
ORDER BY venue.code
""",
        becomes="ORDER BY venue.code\n",
        caught_by=_DAY_END
        + "test_a_halted_venues_confirmed_day_settles_only_when_the_gap_is_cleared",
    ),
]
"""How trades are taken from the queue and settle."""
