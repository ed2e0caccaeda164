-- name: insert_account
INSERT INTO account (number, account_id, organisation_id, kind)
VALUES ($1, $2, $3, $4)

-- name: set_account_status
UPDATE account
SET status = $2
WHERE number = $1
RETURNING number

-- name: set_trading_account
UPDATE account
SET trading_account = $2
WHERE number = $1
RETURNING number

-- name: add_operator
UPDATE account
SET operators = array_append(array_remove(operators, $2), $2)
WHERE number = $1
RETURNING number

-- name: remove_operator
UPDATE account
SET operators = array_remove(operators, $2)
WHERE number = $1
RETURNING number

-- name: insert_programme
INSERT INTO programme (code, kind, is_ets_eligible)
VALUES ($1, $2, $3)

-- name: get_programme
SELECT code, kind, is_ets_eligible
FROM programme
WHERE code = $1

-- name: insert_batch
INSERT INTO batch (batch_id, programme, country, project, vintage, batch_number, first_serial, next_serial, is_opening,
    issued_at, registered_on, first_holder)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)

-- name: lock_accounts
-- Always in the order of their numbers, so that writers of the same accounts queue up and never deadlock.
SELECT number, organisation_id, kind, status, trading_account, operators, frozen_by, short_of
FROM account
WHERE number = ANY ($1::text[])
ORDER BY number
FOR UPDATE

-- name: list_batches
-- The batches of these instruments, given as two parallel arrays.
SELECT batch_id, programme, country, project, vintage, batch_number, issued_at
FROM batch
WHERE (project, vintage) IN (SELECT * FROM unnest($1::text[], $2::int[]))

-- name: lock_batches
SELECT lock_batches($1::uuid[])

-- name: list_first_holdings
-- Of each wanted place and instrument the first blocks that suffice, oldest batch first, then the lowest block; at most so
-- many as are mostly enough, so that those behind them are not looked at.
SELECT wanted.place, few.batch_id, few.first_serial, few.next_serial
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::bigint[])
    WITH ORDINALITY AS wanted (account, bucket, venue, project, vintage, tonnes, place)
CROSS JOIN LATERAL (
    SELECT h.*, sum(h.next_serial - h.first_serial) OVER (
        ORDER BY b.issued_at, b.batch_id, h.first_serial
    ) - (h.next_serial - h.first_serial) AS before
    FROM batch b
    CROSS JOIN LATERAL (
        SELECT batch_id, first_serial, next_serial
        FROM holding
        WHERE account = wanted.account AND holding.batch_id = b.batch_id AND bucket = wanted.bucket
          AND venue IS NOT DISTINCT FROM wanted.venue
        ORDER BY account, batch_id, first_serial
        LIMIT $7
    ) AS h
    WHERE b.project = wanted.project AND b.vintage = wanted.vintage
    ORDER BY b.issued_at, b.batch_id, h.first_serial
    LIMIT $7
) AS few
WHERE few.before < wanted.tonnes

-- name: list_holdings
-- The same without a bound, for places of many small blocks.
SELECT place, batch_id, first_serial, next_serial
FROM (
    SELECT wanted.place, h.batch_id, h.first_serial, h.next_serial, wanted.tonnes,
        sum(h.next_serial - h.first_serial) OVER (
            PARTITION BY wanted.place ORDER BY b.issued_at, b.batch_id, h.first_serial
        ) - (h.next_serial - h.first_serial) AS before
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::bigint[])
        WITH ORDINALITY AS wanted (account, bucket, venue, project, vintage, tonnes, place)
    JOIN batch b ON b.project = wanted.project AND b.vintage = wanted.vintage
    JOIN holding h ON h.account = wanted.account AND h.batch_id = b.batch_id AND h.bucket = wanted.bucket
        AND h.venue IS NOT DISTINCT FROM wanted.venue
) AS blocks
WHERE before < tonnes

-- name: list_cash
SELECT account, venue, currency, balance_fen, held_fen, pending_fen
FROM cash_position
WHERE (account, venue, currency) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))

-- name: change_holdings
-- Only rows that still are as they were read; the caller requires the count. They are found by their key: an equal sign
-- would let the account's index find them too, whose pages are spread as wide as the account's blocks are many.
UPDATE holding
SET next_serial = new.next_serial, account = new.account, bucket = new.bucket, venue = new.venue
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[])
    AS new (batch_id, first_serial, old_next, next_serial, old_account, account, bucket, venue)
WHERE holding.batch_id = new.batch_id
  AND holding.first_serial = new.first_serial
  AND holding.next_serial = new.old_next
  AND holding.account IS NOT DISTINCT FROM new.old_account

-- name: open_cash_positions
-- A first payment makes the position.
INSERT INTO cash_position (account, venue, currency, balance_fen)
SELECT account, venue, currency, 0 FROM unnest($1::text[], $2::text[], $3::text[]) AS new (account, venue, currency)
ON CONFLICT DO NOTHING

-- name: add_cash
-- By difference, under the CHECKs that no part is negative and that what is held is there or expected.
UPDATE cash_position
SET balance_fen = balance_fen + new.balance, held_fen = held_fen + new.held, pending_fen = pending_fen + new.pending
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
    AS new (account, venue, currency, balance, held, pending)
WHERE cash_position.account = new.account
  AND cash_position.venue = new.venue
  AND cash_position.currency = new.currency

-- name: insert_move
INSERT INTO move (move_id, account, venue, project, vintage, tonnes, to_bucket, effective_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT DO NOTHING
RETURNING move_id
