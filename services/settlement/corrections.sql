-- name: list_credit_legs
-- What a posting moved of each instrument between two places; what was issued came from none, and is no leg.
SELECT b.project, b.vintage, e.from_account, e.from_bucket, e.from_venue, e.to_account, e.to_bucket, e.to_venue,
    sum(e.next_serial - e.first_serial)::bigint AS tonnes, max(e.effective_at) AS effective_at
FROM credit_entry e JOIN batch b USING (batch_id)
WHERE e.posting = $1 AND e.from_account IS NOT NULL
GROUP BY b.project, b.vintage, e.from_account, e.from_bucket, e.from_venue, e.to_account, e.to_bucket, e.to_venue
ORDER BY min(e.entry_id)

-- name: list_cash_legs
-- What a posting paid, in the order in which it was booked.
SELECT venue, currency, from_account, to_account, amount_fen, effective_at
FROM cash_entry
WHERE posting = $1
ORDER BY entry_id

-- name: get_correction_of
SELECT correction_id FROM correction WHERE posting = $1

-- name: insert_correction
-- The key of the posting is the last line: a second correction of it is refused by the database too.
INSERT INTO correction (correction_id, posting, accounts, tonnes, amount_fen, reason, requested_by, approved_by,
    corrected_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (correction_id) DO NOTHING
RETURNING correction_id
