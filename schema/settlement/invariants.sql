-- What is true of settlement's books at every instant: each query returns no row.

-- name: issued_equals_held_retired_and_cancelled
-- Every batch's issued tonnes are all somewhere: held, retired or cancelled.
SELECT batch.batch_id, batch.next_serial - batch.first_serial AS issued, sum(h.next_serial - h.first_serial) AS found
FROM batch LEFT JOIN holding h USING (batch_id)
GROUP BY batch.batch_id
HAVING batch.next_serial - batch.first_serial IS DISTINCT FROM sum(h.next_serial - h.first_serial)

-- name: every_serial_in_exactly_one_place
-- No two holdings of a batch overlap, none leaves its batch, and no serial is missing between them.
SELECT *
FROM (
    SELECT h.batch_id, h.first_serial, h.next_serial, b.next_serial AS batch_end,
        lag(h.next_serial, 1, b.first_serial) OVER each AS expected_first,
        lead(h.first_serial, 1, b.next_serial) OVER each AS expected_next
    FROM holding h JOIN batch b USING (batch_id)
    WINDOW each AS (PARTITION BY h.batch_id ORDER BY h.first_serial)
) AS block
WHERE first_serial <> expected_first OR next_serial <> expected_next

-- name: holdings_equal_credit_entries
-- What each place holds of a batch is the sum of what came in less what went out.
SELECT batch_id, account, bucket, venue, sum(held) AS held, sum(moved) AS moved
FROM (
    SELECT batch_id, account, bucket, venue, next_serial - first_serial AS held, 0 AS moved FROM holding
    UNION ALL
    SELECT batch_id, to_account, to_bucket, to_venue, 0, next_serial - first_serial FROM credit_entry
    UNION ALL
    SELECT batch_id, from_account, from_bucket, from_venue, 0, first_serial - next_serial
    FROM credit_entry WHERE from_account IS NOT NULL
) AS both_sides
GROUP BY batch_id, account, bucket, venue
HAVING sum(held) <> sum(moved)

-- name: cash_equals_cash_entries
-- Each cash position is the sum of what came in less what went out.
SELECT account, venue, currency, sum(balance) AS balance, sum(moved) AS moved
FROM (
    SELECT account, venue, currency, balance_fen AS balance, 0::bigint AS moved FROM cash_position
    UNION ALL
    SELECT to_account, venue, currency, 0, amount_fen FROM cash_entry WHERE to_account IS NOT NULL
    UNION ALL
    SELECT from_account, venue, currency, 0, -amount_fen FROM cash_entry WHERE from_account IS NOT NULL
) AS both_sides
GROUP BY account, venue, currency
HAVING sum(balance) <> sum(moved)

-- name: no_negative_balance
-- Nobody has less than nothing.
SELECT account, venue, currency, balance_fen FROM cash_position WHERE balance_fen < 0

-- name: bank_days_equal_bank_entries
-- What each day counts of the bank is what was booked with it on that day in Beijing.
SELECT venue, currency, date, sum(deposits) AS deposits, sum(withdrawals) AS withdrawals
FROM (
    SELECT venue, currency, date, deposits_fen AS deposits, withdrawals_fen AS withdrawals FROM bank_day
    UNION ALL
    SELECT venue, currency, (effective_at AT TIME ZONE 'Asia/Shanghai')::date,
        CASE WHEN from_account IS NULL THEN -amount_fen ELSE 0 END, CASE WHEN to_account IS NULL THEN -amount_fen ELSE 0 END
    FROM cash_entry WHERE from_account IS NULL OR to_account IS NULL
) AS both_sides
GROUP BY venue, currency, date
HAVING sum(deposits) <> 0 OR sum(withdrawals) <> 0

-- name: trades_deliver_versus_pay
-- Each settled trade moved exactly its tonnes from seller to buyer and exactly its price from buyer to seller.
SELECT trade.venue, trade.trade_id, trade.quantity, credits.tonnes, trade.amount_fen, cash.fen
FROM trade
LEFT JOIN LATERAL (
    SELECT sum(e.next_serial - e.first_serial) AS tonnes,
        bool_and(e.from_account = trade.seller_account AND e.to_account = trade.buyer_account) AS between_parties
    FROM credit_entry e WHERE e.posting = 'trade/' || trade.venue || '/' || trade.trade_id
) AS credits ON true
LEFT JOIN LATERAL (
    SELECT sum(e.amount_fen) AS fen,
        coalesce(sum(e.amount_fen) FILTER (WHERE e.to_account <> trade.seller_account), 0) AS fees
    FROM cash_entry e WHERE e.posting = 'trade/' || trade.venue || '/' || trade.trade_id
) AS cash ON true
WHERE CASE trade.state
    WHEN 'SETTLED' THEN (trade.quantity, trade.amount_fen + trade.seller_fee_fen + trade.buyer_fee_fen,
            trade.seller_fee_fen + trade.buyer_fee_fen, true)
        IS DISTINCT FROM (credits.tonnes, cash.fen, cash.fees, credits.between_parties)
    ELSE credits.tonnes IS NOT NULL OR cash.fen IS NOT NULL END

-- name: one_outcome_a_trade
-- A trade has one outcome, said in exactly one event; a trade that waits has none.
SELECT trade.venue, trade.trade_id, trade.state, count(event.position) AS outcomes
FROM trade
LEFT JOIN event ON event.aggregate = 'trade/' || trade.venue || '/' || trade.trade_id
    AND event.type IN ('settlement.trade.settled', 'settlement.trade.rejected')
GROUP BY trade.venue, trade.trade_id, trade.state
HAVING count(event.position) <> 1
    OR max(event.type) <> CASE trade.state WHEN 'SETTLED' THEN 'settlement.trade.settled' ELSE 'settlement.trade.rejected' END
UNION ALL
SELECT venue, trade_id, 'WAITING', 1
FROM waiting_trade JOIN standing_trade USING (venue, trade_id)
UNION ALL
SELECT venue, trade_id, 'CAPTURED', 1
FROM captured_trade JOIN trade USING (venue, trade_id)

-- name: holds_equal_captured_trades
-- What is held and what is expected is exactly what captured trades will cost and bring.
SELECT account, venue, currency, sum(held) AS held, sum(pending) AS pending
FROM (
    SELECT account, venue, currency, held_fen AS held, pending_fen AS pending FROM cash_position
    UNION ALL
    SELECT buyer_account, venue, currency, -amount_fen - buyer_fee_fen, 0 FROM captured_trade
    UNION ALL
    SELECT seller_account, venue, currency, 0, seller_fee_fen - amount_fen FROM captured_trade
) AS both_sides
GROUP BY account, venue, currency
HAVING sum(held) <> 0 OR sum(pending) <> 0

-- name: reserved_credits_equal_captured_trades
-- At a venue exactly the credits are reserved that captured trades will deliver.
SELECT account, venue, project, vintage, sum(tonnes) AS difference
FROM (
    SELECT h.account, h.venue, b.project, b.vintage, h.next_serial - h.first_serial AS tonnes
    FROM holding h JOIN batch b USING (batch_id)
    WHERE h.bucket = 'reserved' AND h.venue IS NOT NULL
    UNION ALL
    SELECT seller_account, venue, project, vintage, -quantity FROM captured_trade
) AS both_sides
GROUP BY account, venue, project, vintage
HAVING sum(tonnes) <> 0

-- name: reserved_credits_equal_proposed_transfers
-- At no venue exactly the credits are reserved that are offered to other holders.
SELECT account, project, vintage, sum(tonnes) AS difference
FROM (
    SELECT h.account, b.project, b.vintage, h.next_serial - h.first_serial AS tonnes
    FROM holding h JOIN batch b USING (batch_id)
    WHERE h.bucket = 'reserved' AND h.venue IS NULL
    UNION ALL
    SELECT from_account, project, vintage, -tonnes FROM transfer WHERE state = 'PROPOSED'
) AS both_sides
GROUP BY account, project, vintage
HAVING sum(tonnes) <> 0

-- name: transfers_deliver_what_was_accepted
-- An accepted transfer moved exactly its tonnes from giver to receiver; any other moved nothing.
SELECT t.transfer_id, t.state, t.tonnes, e.tonnes AS delivered
FROM transfer t
LEFT JOIN LATERAL (
    SELECT sum(e.next_serial - e.first_serial) AS tonnes,
        bool_and(e.from_account = t.from_account AND e.to_account = t.to_account
            AND b.project = t.project AND b.vintage = t.vintage) AS between_parties
    FROM credit_entry e JOIN batch b USING (batch_id)
    WHERE e.posting = 'transfer/' || t.transfer_id
) AS e ON true
WHERE CASE t.state WHEN 'ACCEPTED' THEN (t.tonnes, true) IS DISTINCT FROM (e.tonnes, e.between_parties)
    ELSE e.tonnes IS NOT NULL END

-- name: corrections_book_the_opposite
-- A correction moved exactly as much back as its posting had moved, of credits and of cash; nothing else is a correction.
SELECT correction_id, payer, payee, what, sum(quantity) AS difference
FROM (
    SELECT c.correction_id, e.from_account AS payer, e.to_account AS payee,
        concat_ws('/', b.project, b.vintage) AS what, e.next_serial - e.first_serial AS quantity
    FROM correction c JOIN credit_entry e ON e.posting = c.posting JOIN batch b USING (batch_id)
    UNION ALL
    SELECT c.correction_id, e.to_account, e.from_account,
        concat_ws('/', b.project, b.vintage), e.first_serial - e.next_serial
    FROM correction c JOIN credit_entry e ON e.posting = 'correction/' || c.correction_id JOIN batch b USING (batch_id)
    UNION ALL
    SELECT c.correction_id, e.from_account, e.to_account, concat_ws('/', e.venue, e.currency), e.amount_fen
    FROM correction c JOIN cash_entry e ON e.posting = c.posting
    UNION ALL
    SELECT c.correction_id, e.to_account, e.from_account, concat_ws('/', e.venue, e.currency), -e.amount_fen
    FROM correction c JOIN cash_entry e ON e.posting = 'correction/' || c.correction_id
) AS both_sides
GROUP BY correction_id, payer, payee, what
HAVING sum(quantity) <> 0
UNION ALL
SELECT c.correction_id, NULL, NULL, c.posting, c.tonnes
FROM correction c
WHERE (c.tonnes, c.amount_fen) IS DISTINCT FROM (
    coalesce((SELECT sum(e.next_serial - e.first_serial) FROM credit_entry e WHERE e.posting = 'correction/' || c.correction_id), 0),
    coalesce((SELECT sum(e.amount_fen) FROM cash_entry e WHERE e.posting = 'correction/' || c.correction_id), 0))
UNION ALL
SELECT NULL, NULL, NULL, posting, NULL
FROM (SELECT posting FROM credit_entry UNION SELECT posting FROM cash_entry) AS posted
WHERE posting LIKE 'correction/%'
  AND NOT EXISTS (SELECT FROM correction c WHERE posted.posting = 'correction/' || c.correction_id)

-- name: disputes_are_about_trades
-- Whoever disputes a trade is a party of it.
SELECT d.dispute_id, d.venue, d.trade_id, d.account
FROM dispute d
WHERE NOT EXISTS (
        SELECT FROM trade t
        WHERE t.venue = d.venue AND t.trade_id = d.trade_id AND d.account IN (t.seller_account, t.buyer_account))
  AND NOT EXISTS (
        SELECT FROM captured_trade t
        WHERE t.venue = d.venue AND t.trade_id = d.trade_id AND d.account IN (t.seller_account, t.buyer_account))

-- name: market_days_equal_trades
-- What each instrument's day counts is what was captured and what has settled of it.
SELECT venue, project, vintage, date, sum(trades) AS trades, sum(tonnes) AS tonnes, sum(fen) AS fen,
    sum(settled) AS settled, sum(listing) AS listing
FROM (
    SELECT venue, project, vintage, date, trades, tonnes, turnover_fen AS fen, settled_tonnes AS settled,
        listing_tonnes AS listing
    FROM instrument_day
    UNION ALL
    SELECT venue, project, vintage, traded_on, -1, -quantity, -amount_fen, -quantity,
        CASE method WHEN 'LISTING' THEN -quantity ELSE 0 END
    FROM trade WHERE state = 'SETTLED'
    UNION ALL
    SELECT venue, project, vintage, traded_on, -1, -quantity, -amount_fen, 0,
        CASE method WHEN 'LISTING' THEN -quantity ELSE 0 END
    FROM captured_trade
) AS both_sides
GROUP BY venue, project, vintage, date
HAVING sum(trades) <> 0 OR sum(tonnes) <> 0 OR sum(fen) <> 0 OR sum(settled) <> 0 OR sum(listing) <> 0

-- name: retirements_never_undone
-- A record's credits are where it says, tonne by tonne; nothing is retired or cancelled without its record, or comes back.
SELECT coalesce(r.retirement_id::text, e.posting) AS posting, r.tonnes, e.tonnes AS moved
FROM retirement r
FULL JOIN (
    SELECT e.posting, e.to_bucket, e.from_account, e.to_account, b.programme, b.project, b.vintage,
        sum(e.next_serial - e.first_serial) AS tonnes
    FROM credit_entry e JOIN batch b USING (batch_id)
    WHERE e.to_bucket IN ('retired', 'cancelled') OR e.posting LIKE 'retirement/%'
    GROUP BY e.posting, e.to_bucket, e.from_account, e.to_account, b.programme, b.project, b.vintage
) AS e ON e.posting = 'retirement/' || r.retirement_id
WHERE (r.bucket, r.account, r.account, r.programme, r.project, r.vintage, r.tonnes)
    IS DISTINCT FROM (e.to_bucket, e.from_account, e.to_account, e.programme, e.project, e.vintage, e.tonnes)
UNION ALL
SELECT posting, NULL, next_serial - first_serial FROM credit_entry WHERE from_bucket IN ('retired', 'cancelled')

-- name: certificates_numbered_without_gap
-- The certificates of a kind and year, and the proofs, are numbered 1, 2, 3 ...
SELECT series, year, counted.issued, numbered.certificates, numbered.last
FROM certificate_count AS counted
FULL JOIN (
    SELECT split_part(certificate_number, '-', 1) AS series, split_part(certificate_number, '-', 2)::integer AS year,
        count(*) AS certificates, max(split_part(certificate_number, '-', 3)::bigint) AS last
    FROM (SELECT certificate_number FROM retirement UNION ALL SELECT proof_number FROM proof) AS given (certificate_number)
    GROUP BY 1, 2
) AS numbered USING (series, year)
WHERE (counted.issued, counted.issued) IS DISTINCT FROM (numbered.certificates, numbered.last)

-- name: conversions_leave_one_live_representation
-- What was cancelled for a conversion is its source, and only what lives in its stead was credited after it (rule 25); what
-- is carried over is as much of the same programme, of a later year.
SELECT coalesce(c.conversion_id, r.retirement_id) AS conversion_id, c.code, r.purpose
FROM (SELECT * FROM conversion WHERE retirement_id IS NOT NULL) AS c
FULL JOIN (SELECT * FROM retirement WHERE purpose IN ('CONVERSION_OUT', 'CARRY_OVER')) AS r USING (retirement_id)
LEFT JOIN batch b USING (batch_id)
WHERE (c.account, c.carried_into IS NOT NULL) IS DISTINCT FROM (r.account, r.purpose = 'CARRY_OVER')
    OR c.carried_into IS NOT NULL AND (c.target_tonnes <> r.tonnes OR c.carried_into <= r.vintage
        OR (b.programme, b.project, b.vintage) <> (r.programme, r.project, c.carried_into))
UNION ALL
SELECT c.conversion_id, c.code, NULL
FROM conversion c
JOIN batch b USING (batch_id)
JOIN credit_entry target ON target.batch_id = b.batch_id AND target.from_account IS NULL
WHERE b.next_serial - b.first_serial <> c.target_tonnes
    OR NOT EXISTS (
        SELECT FROM credit_entry source
        WHERE source.posting = 'retirement/' || c.retirement_id AND source.entry_id < target.entry_id)

-- name: nothing_carried_over_above_the_limit
-- Nobody has carried over more into a year than the highest limit by which one of its carry-overs was judged.
SELECT account, carried_into, sum(target_tonnes) AS carried_over, max(carry_over_max) AS carry_over_max
FROM conversion
WHERE carried_into IS NOT NULL
GROUP BY account, carried_into
HAVING sum(target_tonnes) > max(carry_over_max)

-- name: instruments_are_of_one_programme
-- A code stands for the credits of one programme, whatever their vintage: what they may be used for follows from it.
SELECT project FROM batch GROUP BY project HAVING count(DISTINCT programme) > 1

-- name: no_offset_by_ineligible_programme
-- Nothing of a programme that is not eligible was ever offset in an ETS, and only allowances were surrendered.
SELECT r.retirement_id, r.programme, r.tonnes
FROM retirement r JOIN programme p ON p.code = r.programme
WHERE r.purpose IN ('ETS_OFFSET_NATIONAL', 'ETS_OFFSET_LOCAL') AND NOT p.is_ets_eligible
   OR r.purpose = 'ETS_SURRENDER' AND p.kind <> 'ALLOWANCE'

-- name: obligations_equal_retirements
-- What was surrendered and offset is the sum of the records for it, and what is due is what was told last.
SELECT account, emission_year, sum(surrendered) AS surrendered, sum(offset_used) AS offset_used, sum(version) AS version,
    sum(due) AS due, sum(offset_max) AS offset_max
FROM (
    SELECT account, emission_year::text AS emission_year, surrendered, offset_used, version, due, offset_max FROM obligation
    UNION ALL
    SELECT account, reporting_period, CASE purpose WHEN 'ETS_SURRENDER' THEN -tonnes ELSE 0 END,
        CASE purpose WHEN 'ETS_OFFSET_NATIONAL' THEN -tonnes ELSE 0 END, 0, 0, 0
    FROM retirement WHERE purpose IN ('ETS_SURRENDER', 'ETS_OFFSET_NATIONAL')
    UNION ALL
    (SELECT DISTINCT ON (account, emission_year) account, emission_year::text, 0, 0, -version, -due, -offset_max
    FROM obligation_version ORDER BY account, emission_year, version DESC)
) AS both_sides
GROUP BY account, emission_year
HAVING sum(surrendered) <> 0 OR sum(offset_used) <> 0 OR sum(version) <> 0 OR sum(due) <> 0 OR sum(offset_max) <> 0

-- name: no_offset_above_the_cap
-- Nobody offset more than the cap, or discharged more than was due, by any version that was ever told (rule 21).
SELECT o.account, o.emission_year, o.offset_used, o.surrendered + o.offset_used AS discharged, told.offset_max, told.due
FROM obligation o
JOIN (
    SELECT account, emission_year, max(offset_max) AS offset_max, max(due) AS due
    FROM obligation_version GROUP BY account, emission_year
) AS told USING (account, emission_year)
WHERE o.offset_used > told.offset_max OR o.surrendered + o.offset_used > told.due

-- name: offsets_are_of_accepted_credits
-- Whatever was offset came of registered reductions, and was not issued to the organisation that offset it (rule 21).
SELECT r.retirement_id, r.account, b.batch_id, b.registered_on, b.first_holder
FROM retirement r
JOIN credit_entry e ON e.posting = 'retirement/' || r.retirement_id
JOIN batch b USING (batch_id)
JOIN account first ON first.number = b.first_holder
JOIN account own ON own.number = r.account
WHERE r.purpose = 'ETS_OFFSET_NATIONAL' AND (b.registered_on IS NULL OR first.organisation_id = own.organisation_id)

-- name: frozen_credits_equal_active_freezes
-- What lies in bucket 'frozen' is, block by block, what freezes of that account hold that have not ended.
SELECT coalesce(h.batch_id, f.batch_id) AS batch_id, coalesce(h.first_serial, f.first_serial) AS first_serial, h.account,
    f.freeze_id
FROM (SELECT * FROM holding WHERE bucket = 'frozen') AS h
FULL JOIN (
    SELECT b.batch_id, b.first_serial, b.next_serial, b.freeze_id, freeze_order.account, freeze_order.state
    FROM frozen_block b JOIN freeze_order USING (freeze_id)
) AS f ON f.batch_id = h.batch_id AND f.first_serial = h.first_serial
WHERE (h.next_serial, h.account, 'ACTIVE') IS DISTINCT FROM (f.next_serial, f.account, f.state)

-- name: freezes_froze_what_they_name
-- Each freeze of serials froze exactly its tonnes, of its account; nothing else was ever frozen.
SELECT coalesce('freeze/' || f.freeze_id, e.posting) AS posting, f.tonnes, e.tonnes AS frozen
FROM (SELECT * FROM freeze_order WHERE scope = 'CREDITS') AS f
FULL JOIN (
    SELECT posting, from_account, to_account, sum(next_serial - first_serial) AS tonnes
    FROM credit_entry WHERE to_bucket = 'frozen' GROUP BY posting, from_account, to_account
) AS e ON e.posting = 'freeze/' || f.freeze_id
WHERE (f.tonnes, f.account, f.account) IS DISTINCT FROM (e.tonnes, e.from_account, e.to_account)

-- name: accounts_are_stopped_by_what_stands
-- An account names exactly the freezes of it that have not ended, and the shortfalls of it that are open.
SELECT number, frozen_by, short_of
FROM account
WHERE ARRAY(SELECT unnest(frozen_by) ORDER BY 1) <> ARRAY(
        SELECT freeze_id FROM freeze_order WHERE account = number AND scope = 'ACCOUNT' AND state = 'ACTIVE' ORDER BY 1)
   OR ARRAY(SELECT unnest(short_of) ORDER BY 1) <> ARRAY(
        SELECT shortfall_id FROM shortfall WHERE account = number AND state = 'OPEN' ORDER BY 1)

-- name: enforcements_deliver_what_they_name
-- Each enforcement moved exactly its tonnes from the one account to the registry of the other.
SELECT coalesce('enforcement/' || n.transfer_id, e.posting) AS posting, n.tonnes, e.tonnes AS delivered
FROM enforcement n
FULL JOIN (
    SELECT posting, from_account, to_account, to_bucket, sum(next_serial - first_serial) AS tonnes
    FROM credit_entry WHERE posting LIKE 'enforcement/%' GROUP BY posting, from_account, to_account, to_bucket
) AS e ON e.posting = 'enforcement/' || n.transfer_id
WHERE (n.tonnes, n.from_account, n.to_account, 'registry')
    IS DISTINCT FROM (e.tonnes, e.from_account, e.to_account, e.to_bucket)

-- name: revocations_are_answered_in_full
-- What was cancelled at once for revoked reductions stands in records of their account.
SELECT v.message_id, v.tonnes, v.cancelled_tonnes, sum(r.tonnes) AS recorded
FROM revocation v
LEFT JOIN retirement r ON r.retirement_id = ANY (v.retirements)
    AND r.account = v.account AND r.programme = v.programme AND r.purpose = 'FORCED'
GROUP BY v.message_id
HAVING v.cancelled_tonnes <> coalesce(sum(r.tonnes), 0)

-- name: shortfalls_are_what_is_left
-- An account ever owed what was revoked and not cancelled at once, and owes now what of it was not made good.
SELECT reduction_id, account, sum(tonnes) AS tonnes, sum(outstanding) AS outstanding
FROM (
    SELECT reduction_id, account, programme, tonnes, outstanding FROM shortfall
    UNION ALL
    SELECT reduction_id, account, programme, cancelled_tonnes - tonnes, cancelled_tonnes - tonnes FROM revocation
    UNION ALL
    SELECT s.reduction_id, r.account, r.programme, 0, r.tonnes
    FROM making_good m JOIN shortfall s USING (shortfall_id) JOIN retirement r USING (retirement_id)
    WHERE r.purpose = 'FORCED'
) AS all_sides
GROUP BY reduction_id, account, programme
HAVING sum(tonnes) <> 0 OR sum(outstanding) <> 0

-- name: event_sequences_without_gap
-- The events of each aggregate are numbered 1, 2, 3 ...
SELECT aggregate, count(*) AS events, max(sequence) AS last
FROM event GROUP BY aggregate HAVING max(sequence) <> count(*)

-- name: no_old_outbox
-- What was committed is told to the broker within 60 s.
SELECT id, recorded_at FROM outbox WHERE recorded_at < clock_timestamp() - interval '60 seconds'
