-- name: list_claims
-- Of these messages the ones that were handled before, with what was answered: one look-up each, never the whole history.
SELECT known.*
FROM unnest($2::text[]) AS asked (message_id)
CROSS JOIN LATERAL (
    SELECT message_id, digest, answer
    FROM inbox
    WHERE consumer = $1 AND inbox.message_id = asked.message_id
    LIMIT 1
) AS known

-- name: insert_claims
-- The primary key refuses a message that another process has handled meanwhile: then nothing of this is done.
INSERT INTO inbox (consumer, message_id, digest, answer)
SELECT $1, message_id, digest, answer
FROM unnest($2::text[], $3::bytea[], $4::bytea[]) AS new (message_id, digest, answer)

-- name: append_events
-- The sequence of an aggregate goes on without a gap; its unique key refuses a second writer.
INSERT INTO event (id, type, aggregate, sequence, effective_at, recorded_at, actor, approved_by, causation_id, body)
SELECT
    new.id, new.type, new.aggregate,
    coalesce((SELECT max(old.sequence) FROM event old WHERE old.aggregate = new.aggregate), 0)
        + row_number() OVER (PARTITION BY new.aggregate ORDER BY new.place),
    new.effective_at, new.recorded_at, new.actor, new.approved_by, new.causation_id, new.body::json
FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[], $8::text[],
    $9::text[]
) WITH ORDINALITY
    AS new (id, type, aggregate, effective_at, recorded_at, actor, approved_by, causation_id, body, place)
ORDER BY new.place
RETURNING position

-- name: insert_outbox
INSERT INTO outbox (positions) VALUES ($1)

-- name: list_outbox
-- The oldest rows, at most so many, until they have so many events to tell; the first one always.
SELECT id, positions
FROM (
    SELECT id, positions, sum(cardinality(positions)) OVER (ORDER BY id) - cardinality(positions) AS told_before
    FROM (SELECT id, positions FROM outbox ORDER BY id LIMIT $1) AS oldest
) AS counted
WHERE told_before < $2
ORDER BY id

-- name: list_events
SELECT id, type, aggregate, sequence, effective_at, recorded_at, actor, approved_by, causation_id, body
FROM event
WHERE position = ANY ($1::bigint[])
ORDER BY position

-- name: delete_outbox
DELETE FROM outbox WHERE id = ANY ($1::bigint[])

-- name: prune_inbox
-- So many at once, of the blocks that the index names: the cutoff is one instant for the whole statement. What takes effect
-- once for ever has a unique key of its own.
DELETE FROM inbox
WHERE ctid = ANY (ARRAY(SELECT ctid FROM inbox WHERE received_at < now() - interval '30 days' LIMIT $1))

-- name: insert_approval
INSERT INTO approval (id, command_type, command, approver_role, approver, maker, organisation, roles, requested_at,
    expires_at, lapses_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: lock_approval
SELECT id, command_type, command, approver_role, approver, maker, organisation, roles, state, requested_at, expires_at,
    lapses_at
FROM approval
WHERE id = $1
FOR UPDATE

-- name: decide_approval
UPDATE approval
SET state = $2, decided_by = $3, decided_at = $4, reason = $5
WHERE id = $1
