-- name: insert_bank_report
INSERT INTO bank_report (bank_reference, digest, state, code, effective_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: get_bank_report
SELECT digest, state
FROM bank_report
WHERE bank_reference = $1

-- name: add_to_bank_days
-- What was booked with the bank, by day: five parallel arrays.
INSERT INTO bank_day (venue, currency, date, deposits_fen, withdrawals_fen)
SELECT venue, currency, date, sum(deposits_fen), sum(withdrawals_fen)
FROM unnest($1::text[], $2::text[], $3::date[], $4::bigint[], $5::bigint[])
    AS new (venue, currency, date, deposits_fen, withdrawals_fen)
GROUP BY venue, currency, date
ORDER BY venue, currency, date
ON CONFLICT (venue, currency, date) DO UPDATE
SET deposits_fen = bank_day.deposits_fen + EXCLUDED.deposits_fen,
    withdrawals_fen = bank_day.withdrawals_fen + EXCLUDED.withdrawals_fen

-- name: get_booked
-- What the ledger booked of the bank on a day, and what all days up to it leave.
SELECT coalesce(sum(deposits_fen) FILTER (WHERE date = $3), 0)::bigint AS deposits_fen,
    coalesce(sum(withdrawals_fen) FILTER (WHERE date = $3), 0)::bigint AS withdrawals_fen,
    coalesce(sum(deposits_fen - withdrawals_fen), 0)::bigint AS closing_fen
FROM bank_day
WHERE venue = $1 AND currency = $2 AND date <= $3

-- name: get_statement_digest
SELECT digest
FROM bank_statement
WHERE statement_id = $1

-- name: get_last_statement
-- The newest statement of this day.
SELECT deposits_fen, withdrawals_fen, closing_fen, booked_deposits_fen, booked_withdrawals_fen, booked_closing_fen,
    explained_fen
FROM bank_statement
WHERE venue = $1 AND currency = $2 AND date = $3
ORDER BY arrival DESC
LIMIT 1

-- name: get_explained
-- By how much the balances of the latest earlier day differed, passing over days that halt the venue still.
SELECT closing_fen - booked_closing_fen
FROM bank_statement s
WHERE venue = $1 AND currency = $2 AND date < $3
  AND NOT EXISTS (
    SELECT FROM gap WHERE gap.venue = s.venue AND gap.date = s.date AND gap.kind = 'CASH' AND cleared_at IS NULL)
ORDER BY date DESC, arrival DESC
LIMIT 1

-- name: insert_statement
INSERT INTO bank_statement (statement_id, digest, venue, currency, date, deposits_fen, withdrawals_fen, closing_fen,
    booked_deposits_fen, booked_withdrawals_fen, booked_closing_fen, explained_fen, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
