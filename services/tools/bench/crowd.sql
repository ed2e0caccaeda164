-- Holdings that nobody trades, put beside those that are traded: batches of their own, every serial in one place,
-- every holding with the entry that it came by. The search path is settlement's.

-- name: insert_batch
-- Like any other batch, but of a project of its own.
INSERT INTO batch (batch_id, programme, country, project, vintage, batch_number, first_serial, next_serial, is_opening, issued_at)
SELECT $1, programme, country, 'CROWD', vintage, $2, 1, 1 + $3::bigint, is_opening, issued_at
FROM batch
WHERE project <> 'CROWD'
LIMIT 1

-- name: insert_holdings
-- Block after block, one account after the other.
INSERT INTO holding (batch_id, first_serial, next_serial, account, bucket)
SELECT $1, 1 + block * $3::bigint, 1 + (block + 1) * $3::bigint, numbers[1 + block % cardinality(numbers)], 'registry'
FROM generate_series(0, $2::bigint - 1) AS block
CROSS JOIN (SELECT array_agg(number ORDER BY number) AS numbers FROM account) AS every

-- name: insert_entries
INSERT INTO credit_entry (posting, batch_id, first_serial, next_serial, to_account, to_bucket, effective_at, recorded_at)
SELECT 'holding/' || h.batch_id, h.batch_id, h.first_serial, h.next_serial, h.account, h.bucket, b.issued_at, b.issued_at
FROM holding h JOIN batch b USING (batch_id)
WHERE h.batch_id = $1
