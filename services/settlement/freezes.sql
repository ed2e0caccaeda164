-- name: insert_freeze
INSERT INTO freeze_order (freeze_id, account, scope, kind, ordered_by, document_number, document_sha256, reason, tonnes, state,
    requested_by, approved_by, frozen_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'ACTIVE', $10, $11, $12, $13)
ON CONFLICT DO NOTHING
RETURNING freeze_id

-- name: get_freeze
SELECT freeze_id, account, scope, state, frozen_at
FROM freeze_order
WHERE freeze_id = $1

-- name: release_freeze
UPDATE freeze_order
SET state = 'RELEASED', release_document_sha256 = $2, release_reason = $3, release_requested_by = $4,
    release_approved_by = $5, released_at = $6
WHERE freeze_id = $1 AND state = 'ACTIVE'

-- name: freeze_account
UPDATE account
SET frozen_by = array_append(frozen_by, $2)
WHERE number = $1

-- name: unfreeze_account
UPDATE account
SET frozen_by = array_remove(frozen_by, $2)
WHERE number = $1

-- name: list_frozen
-- What a freeze holds, in the order of the ledger, and where it goes back to.
SELECT f.batch_id, f.first_serial, f.next_serial, freeze_order.account, f.bucket, f.venue
FROM frozen_block f
JOIN freeze_order USING (freeze_id)
JOIN batch b USING (batch_id)
WHERE f.freeze_id = $1
ORDER BY b.issued_at, f.batch_id, f.first_serial

-- name: thaw_blocks
-- Blocks that no freeze holds any more, all of each or its tail; the caller requires the count.
WITH gone AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS gone (batch_id, first_serial, next_serial)
),
cut AS (
    UPDATE frozen_block f
    SET next_serial = gone.first_serial
    FROM gone
    WHERE f.batch_id = gone.batch_id AND f.next_serial = gone.next_serial AND f.first_serial < gone.first_serial
    RETURNING f.batch_id
),
ended AS (
    DELETE FROM frozen_block f
    USING gone
    WHERE f.batch_id = gone.batch_id AND f.first_serial = gone.first_serial AND f.next_serial = gone.next_serial
    RETURNING f.batch_id
)
SELECT (SELECT count(*) FROM cut) + (SELECT count(*) FROM ended)

-- name: list_free_within
-- What of the account is free and shares serials with each of these ranges, in the order of the serials.
SELECT wanted.place, h.batch_id, h.first_serial, h.next_serial, h.account, h.bucket, h.venue
FROM unnest($2::uuid[], $3::bigint[], $4::bigint[])
    WITH ORDINALITY AS wanted (batch_id, first_serial, next_serial, place)
JOIN holding h ON h.account = $1 AND h.batch_id = wanted.batch_id AND h.bucket IN ('registry', 'exchange')
    AND h.first_serial < wanted.next_serial AND wanted.first_serial < h.next_serial
ORDER BY wanted.place, h.first_serial

-- name: list_free
-- What of an instrument is free: in the registry, then at venues, the oldest batch first; no more than suffices.
SELECT batch_id, first_serial, next_serial, account, bucket, venue
FROM (
    SELECT h.*, sum(h.next_serial - h.first_serial) OVER (
        ORDER BY h.bucket DESC, h.venue, b.issued_at, b.batch_id, h.first_serial
    ) - (h.next_serial - h.first_serial) AS before
    FROM batch b
    JOIN holding h ON h.account = $1 AND h.batch_id = b.batch_id AND h.bucket IN ('registry', 'exchange')
    WHERE b.project = $2 AND b.vintage = $3
) AS free
WHERE before < $4
ORDER BY before

-- name: list_instruments
SELECT DISTINCT project, vintage
FROM batch
WHERE batch_id = ANY ($1::uuid[])

-- name: insert_enforcement
INSERT INTO enforcement (transfer_id, from_account, to_account, freeze_id, tonnes, ground, document_sha256, reason,
    requested_by, approved_by, enforced_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT DO NOTHING
RETURNING transfer_id
