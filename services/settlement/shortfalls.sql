-- name: insert_revocation
-- The id of the message is the last line: what was revoked counts once, for ever.
INSERT INTO revocation (message_id, reduction_id, batch_id, account, programme, tonnes, cancelled_tonnes, retirements, reason,
    revoked_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: has_revocation
SELECT EXISTS (SELECT FROM revocation WHERE message_id = $1)

-- name: get_batch_programme
SELECT programme FROM batch WHERE batch_id = $1

-- name: list_nearest
-- What an owner holds that can go for the credits of a batch: first of the batch itself, then of its project, then of its
-- programme; each from the registry, venues, freezes and the buffer, the oldest first; no more than suffices.
SELECT batch_id, first_serial, next_serial, account, bucket, venue
FROM (
    SELECT h.*, sum(h.next_serial - h.first_serial) OVER (
        ORDER BY b.batch_id = revoked.batch_id DESC, b.project = revoked.project DESC,
            array_position(ARRAY['registry', 'exchange', 'frozen', 'buffer'], h.bucket), h.venue,
            b.issued_at, b.batch_id, h.first_serial
    ) - (h.next_serial - h.first_serial) AS before
    FROM batch revoked
    JOIN batch b ON b.programme = revoked.programme
    JOIN holding h ON h.account = $2 AND h.batch_id = b.batch_id
        AND h.bucket IN ('registry', 'exchange', 'frozen', 'buffer')
    WHERE revoked.batch_id = $1
) AS near
WHERE before < $3
ORDER BY before

-- name: get_shortfall
SELECT shortfall_id, account, programme, reduction_id, tonnes, outstanding, state, opened_at
FROM shortfall
WHERE shortfall_id = $1

-- name: put_shortfall
INSERT INTO shortfall (shortfall_id, account, programme, reduction_id, tonnes, outstanding, state, opened_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (shortfall_id) DO UPDATE
SET tonnes = excluded.tonnes, outstanding = excluded.outstanding, state = excluded.state

-- name: stop_account
UPDATE account
SET short_of = array_append(array_remove(short_of, $2), $2)
WHERE number = $1

-- name: free_account
UPDATE account
SET short_of = array_remove(short_of, $2)
WHERE number = $1

-- name: insert_making_good
INSERT INTO making_good (retirement_id, shortfall_id, tonnes)
VALUES ($1, $2, $3)
