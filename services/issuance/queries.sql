-- name: insert_programme
-- Heard from the registry; a repeat changes nothing.
INSERT INTO programme (code, country, kind, is_ets_eligible)
VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING

-- name: insert_methodology
INSERT INTO methodology (code, formula_id, risk_model, risk_rate, parameters, unreadable)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING

-- name: insert_project
INSERT INTO project (
    code, programme, country, owner_account, registered_on, crediting_from, crediting_until, methodology,
    validation_body, status
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT DO NOTHING

-- name: set_project_status
UPDATE project
SET status = $2
WHERE code = $1
RETURNING true

-- name: insert_barred_owner
INSERT INTO barred_owner (organisation_id, project, barred_until)
VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING

-- name: get_barred_until
SELECT max(barred_until)
FROM barred_owner
WHERE organisation_id = $1

-- name: insert_organisation
INSERT INTO organisation (organisation_id, credit_code)
VALUES ($1, $2)
ON CONFLICT DO NOTHING

-- name: get_organisation
SELECT organisation_id, credit_code
FROM organisation
WHERE organisation_id = $1

-- name: insert_account
INSERT INTO account (number, organisation_id, kind, status)
VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING

-- name: set_account_status
UPDATE account
SET status = $2
WHERE number = $1
RETURNING true

-- name: insert_operator
INSERT INTO operator (account, person)
VALUES ($1, $2)
ON CONFLICT DO NOTHING

-- name: delete_operator
DELETE FROM operator
WHERE account = $1 AND person = $2

-- name: insert_programme_role
INSERT INTO programme_role (programme, role, person)
VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING

-- name: delete_programme_role
DELETE FROM programme_role
WHERE programme = $1 AND role = $2 AND person = $3

-- name: list_programme_roles
SELECT role, person
FROM programme_role
WHERE programme = $1

-- name: insert_calendar_notice
INSERT INTO calendar_notice (notice_id, year, holidays, working_days)
VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING

-- name: list_calendar_notices
SELECT year, holidays, working_days
FROM calendar_notice
ORDER BY position

-- name: get_programme
SELECT code, country, kind, is_ets_eligible
FROM programme
WHERE code = $1

-- name: get_methodology
SELECT code, formula_id, risk_model, risk_rate, parameters, unreadable
FROM methodology
WHERE code = $1

-- name: get_project
SELECT
    code, programme, country, owner_account, registered_on, crediting_from, crediting_until, methodology,
    validation_body, status
FROM project
WHERE code = $1

-- name: lock_project
-- One at a time reports, records or issues reductions of a project.
SELECT
    code, programme, country, owner_account, registered_on, crediting_from, crediting_until, methodology,
    validation_body, status
FROM project
WHERE code = $1
FOR UPDATE

-- name: get_account
SELECT
    number, organisation_id, kind, status,
    ARRAY(SELECT person FROM operator WHERE operator.account = account.number) AS operators
FROM account
WHERE number = $1

-- name: list_periods
SELECT number, starts_on, ends_on
FROM monitoring_period
WHERE project = $1
ORDER BY number

-- name: insert_period
-- Several vintages that were registered before Tonne share one period.
INSERT INTO monitoring_period (project, number, starts_on, ends_on)
VALUES ($1, $2, $3, $4)
ON CONFLICT (project, number) DO NOTHING

-- name: is_period_reported
SELECT EXISTS (SELECT FROM monitoring_period WHERE project = $1 AND number = $2 AND report_id IS NOT NULL)

-- name: is_reduction_known
SELECT EXISTS (SELECT FROM reduction WHERE reduction_id = $1)

-- name: find_reduction
SELECT reduction_id
FROM reduction
WHERE project = $1 AND period_number = $2 AND vintage = $3

-- name: get_project_of_reduction
SELECT project
FROM reduction
WHERE reduction_id = $1

-- name: lock_reduction
SELECT
    reduction_id, project, period_number, period_start, period_end, vintage, tonnes, verification_body, evidence,
    state, effective_at, basis, report_id, revoked_tonnes, batch_id
FROM reduction
WHERE reduction_id = $1
FOR UPDATE

-- name: insert_reduction
INSERT INTO reduction (
    reduction_id, project, period_number, period_start, period_end, vintage, tonnes, verification_body, evidence,
    state, effective_at, basis, report_id, revoked_tonnes, batch_id, recorded_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)

-- name: set_reduction_issued
UPDATE reduction
SET state = $2, batch_id = $3
WHERE reduction_id = $1

-- name: set_reduction_state
UPDATE reduction
SET state = $2
WHERE reduction_id = $1

-- name: set_reduction_revoked
UPDATE reduction
SET state = $2, revoked_tonnes = $3
WHERE reduction_id = $1

-- name: is_batch_known
-- Issued, or reserved by a conversion.
SELECT EXISTS (SELECT FROM credit_batch WHERE batch_id = $1) OR EXISTS (SELECT FROM conversion WHERE batch_id = $1)

-- name: lock_batch_numbers
-- The project of an opening batch has no row of its own to lock, and neither has the id of a batch that is to be.
SELECT pg_advisory_xact_lock(hashtextextended($1, 0)), pg_advisory_xact_lock(hashtextextended($2, 0))

-- name: next_batch_number
-- Numbers that conversions have reserved are taken, whatever becomes of them.
SELECT greatest(
    (SELECT coalesce(max(batch_number), 0) FROM credit_batch WHERE project = $1 AND vintage = $2),
    (SELECT coalesce(max(batch_number), 0) FROM conversion WHERE target_project = $1 AND target_vintage = $2)
) + 1

-- name: get_other_programme_of
-- By which another programme's credits are named after this project, or are to be.
SELECT programme FROM credit_batch WHERE project = $1 AND programme <> $2
UNION ALL
SELECT target_programme FROM conversion WHERE target_project = $1 AND target_programme <> $2
LIMIT 1

-- name: insert_batch
INSERT INTO credit_batch (
    batch_id, programme, country, project, vintage, batch_number, first_serial, last_serial, tonnes, serials,
    holder_account, reduction_id, source, buffer_tonnes, conversion_id, compliance_id, issued_at,
    recorded_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
