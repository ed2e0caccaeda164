-- name: insert_transfer
INSERT INTO transfer (transfer_id, from_account, to_account, programme, project, vintage, tonnes, ground, document_sha256,
    reason, expires_on, state, proposed_by, proposed_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'PROPOSED', $12, $13, $14)
ON CONFLICT DO NOTHING
RETURNING transfer_id

-- name: get_transfer
SELECT transfer_id, from_account, to_account, programme, project, vintage, tonnes, expires_on, state, proposed_at
FROM transfer
WHERE transfer_id = $1

-- name: list_due_transfers
-- Offers whose last day is over; read before the accounts are locked, and again under their locks.
SELECT transfer_id, from_account, to_account, programme, project, vintage, tonnes, expires_on, state, proposed_at
FROM transfer
WHERE state = 'PROPOSED' AND expires_on < $1
ORDER BY transfer_id

-- name: end_transfers
-- Only what is still proposed; the caller requires the count.
UPDATE transfer
SET state = $2, decided_by = $3, decided_at = $4, decision_reason = $5
WHERE transfer_id = ANY ($1::uuid[]) AND state = 'PROPOSED'
