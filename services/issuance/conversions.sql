-- name: lock_conversion_terms
-- One at a time sets terms of these two programmes; they have no row of their own to lock.
SELECT pg_advisory_xact_lock(hashtextextended('conversion_terms/' || $1 || '/' || $2, 0))

-- name: list_conversion_terms
SELECT source_programme, target_programme, factor, valid_from, source
FROM conversion_terms
WHERE source_programme = $1 AND target_programme = $2

-- name: insert_conversion_terms
INSERT INTO conversion_terms (
    source_programme, target_programme, factor, valid_from, source, set_by, approved_by, set_at, recorded_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: get_programme_of_instrument
-- Of what was issued here; a code belongs to one programme.
SELECT programme
FROM credit_batch
WHERE project = $1 AND vintage = $2
LIMIT 1

-- name: is_conversion_known
SELECT EXISTS (SELECT FROM conversion WHERE conversion_id = $1)

-- name: insert_conversion
INSERT INTO conversion (
    conversion_id, source_programme, source_project, source_vintage, source_tonnes, factor, state, batch_id,
    target_programme, country, target_project, target_vintage, batch_number, target_tonnes, account, compliance_id,
    requested_by, approved_by, requested_at, recorded_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)

-- name: lock_conversion
SELECT
    conversion_id, source_programme, source_project, source_vintage, source_tonnes, factor, state, batch_id,
    target_programme, country, target_project, target_vintage, batch_number, target_tonnes, account, compliance_id
FROM conversion
WHERE conversion_id = $1
FOR UPDATE

-- name: set_conversion_issued
UPDATE conversion
SET state = $2, certificate_number = $3, source_ranges = $4, decided_at = $5
WHERE conversion_id = $1

-- name: set_conversion_refused
UPDATE conversion
SET state = $2, code = $3, message = $4, fields = $5, decided_at = $6
WHERE conversion_id = $1
