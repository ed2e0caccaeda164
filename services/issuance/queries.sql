-- name: insert_programme
-- Heard from the registry; a repeat changes nothing.
INSERT INTO programme (code, country, kind)
VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING

-- name: insert_project
INSERT INTO project (code, programme, country, owner_account, registered_on, crediting_from, crediting_until)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING

-- name: insert_account
INSERT INTO account (number, organisation_id, kind)
VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING

-- name: get_programme
SELECT code, country, kind
FROM programme
WHERE code = $1

-- name: get_project
SELECT code, programme, country, owner_account, registered_on, crediting_from, crediting_until
FROM project
WHERE code = $1

-- name: lock_project
-- One at a time records or issues reductions of a project.
SELECT code, programme, country, owner_account, registered_on, crediting_from, crediting_until
FROM project
WHERE code = $1
FOR UPDATE

-- name: is_account_known
SELECT EXISTS (SELECT FROM account WHERE number = $1)

-- name: list_periods
SELECT number, starts_on, ends_on
FROM monitoring_period
WHERE project = $1
ORDER BY number

-- name: insert_period
-- Several vintages share one period.
INSERT INTO monitoring_period (project, number, starts_on, ends_on)
VALUES ($1, $2, $3, $4)
ON CONFLICT (project, number) DO NOTHING

-- name: is_reduction_known
SELECT EXISTS (SELECT FROM reduction WHERE reduction_id = $1)

-- name: find_reduction
SELECT reduction_id
FROM reduction
WHERE project = $1 AND period_number = $2 AND vintage = $3

-- name: lock_reduction
SELECT
    reduction_id, project, period_number, period_start, period_end, vintage, tonnes, verification_body, evidence,
    state, effective_at
FROM reduction
WHERE reduction_id = $1
FOR UPDATE

-- name: insert_reduction
INSERT INTO reduction (
    reduction_id, project, period_number, period_start, period_end, vintage, tonnes, verification_body, evidence,
    state, effective_at, recorded_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)

-- name: set_reduction_issued
UPDATE reduction
SET state = $2, batch_id = $3
WHERE reduction_id = $1

-- name: is_batch_known
SELECT EXISTS (SELECT FROM credit_batch WHERE batch_id = $1)

-- name: lock_batch_numbers
-- The project of an opening batch has no row of its own to lock.
SELECT pg_advisory_xact_lock(hashtextextended($1, 0))

-- name: next_batch_number
SELECT coalesce(max(batch_number), 0) + 1
FROM credit_batch
WHERE project = $1 AND vintage = $2

-- name: insert_batch
INSERT INTO credit_batch (
    batch_id, programme, country, project, vintage, batch_number, first_serial, last_serial, tonnes, serials,
    holder_account, reduction_id, source, issued_at, recorded_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
