-- name: find_taken_organisation
-- The one of the two keys that is taken, if any.
SELECT organisation_id::text FROM organisation WHERE organisation_id = $1
UNION ALL
SELECT credit_code FROM organisation WHERE credit_code = $2
LIMIT 1

-- name: insert_organisation
INSERT INTO organisation (organisation_id, name, credit_code, country, effective_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: lock_organisation
-- One account at a time is opened for an organisation.
SELECT organisation_id, name, credit_code, country
FROM organisation
WHERE organisation_id = $1
FOR UPDATE

-- name: get_account
SELECT account_id, number, organisation_id, kind
FROM account
WHERE account_id = $1

-- name: get_account_of_organisation
SELECT account_id, number, organisation_id, kind
FROM account
WHERE organisation_id = $1

-- name: get_account_by_number
SELECT account_id, number, organisation_id, kind
FROM account
WHERE number = $1

-- name: insert_account
-- The registry gives the number, from a sequence.
INSERT INTO account (account_id, organisation_id, kind, effective_at, recorded_at)
VALUES ($1, $2, $3, $4, $5)
RETURNING account_id, number, organisation_id, kind

-- name: get_programme
SELECT code, name, country, kind, is_ets_eligible
FROM programme
WHERE code = $1

-- name: insert_programme
INSERT INTO programme (code, name, country, kind, is_ets_eligible, effective_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: get_methodology
SELECT code, programme, name, crediting_years_max
FROM methodology
WHERE code = $1

-- name: insert_methodology
INSERT INTO methodology (code, programme, name, crediting_years_max, effective_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: find_taken_project
-- The one of the two keys that is taken, if any: a code stays taken for ever.
SELECT project_id::text FROM project WHERE project_id = $1
UNION ALL
SELECT code FROM project WHERE code = $2
LIMIT 1

-- name: insert_project
INSERT INTO project (
    project_id, code, programme, methodology, owner_account, name, province, longitude, latitude,
    construction_started_on, crediting_from, crediting_until, expected_annual_tonnes, validation_body, notes,
    state, submitted_at, submission_recorded_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)

-- name: lock_project
SELECT
    project.project_id, project.code, project.programme, project.methodology, project.owner_account,
    programme.country, project.state, project.submitted_at, project.crediting_from, project.crediting_until
FROM project
JOIN programme ON programme.code = project.programme
WHERE project.code = $1
FOR UPDATE OF project

-- name: set_project_registered
UPDATE project
SET state = $2, registered_at = $3, registration_recorded_at = $4
WHERE code = $1
