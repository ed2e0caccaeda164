-- name: find_taken_organisation
-- The one of the two keys that is taken, if any.
SELECT organisation_id::text FROM organisation WHERE organisation_id = $1
UNION ALL
SELECT credit_code FROM organisation WHERE credit_code = $2
LIMIT 1

-- name: insert_organisation
INSERT INTO organisation (organisation_id, name, credit_code, country, category, effective_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: lock_organisation
-- One account at a time is applied for and opened for an organisation.
SELECT organisation_id, name, credit_code, country, category
FROM organisation
WHERE organisation_id = $1
FOR UPDATE

-- name: insert_admission
INSERT INTO admission (category, is_admitted, reason, decided_by, effective_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: list_admitted
-- Of each category the last decision.
SELECT category
FROM (SELECT DISTINCT ON (category) category, is_admitted FROM admission ORDER BY category, admission_id DESC) AS last
WHERE is_admitted

-- name: insert_application
INSERT INTO account_application (account_id, organisation_id, kind, state, applied_by, applied_at, recorded_at)
VALUES ($1, $2, $3, 'APPLIED', $4, $5, $6)

-- name: lock_application
SELECT account_id, organisation_id, kind, state, applied_at
FROM account_application
WHERE account_id = $1
FOR UPDATE

-- name: get_application_of_organisation
-- The one that waits for its decision.
SELECT account_id, organisation_id, kind, state, applied_at
FROM account_application
WHERE organisation_id = $1 AND state = 'APPLIED'

-- name: set_application_decided
UPDATE account_application
SET state = $2, decided_by = $3, decided_at = $4, reason = $5
WHERE account_id = $1

-- name: list_waiting_applications
-- Those that no alarm has been raised for.
SELECT account_id, organisation_id, kind, state, applied_at
FROM account_application
WHERE state = 'APPLIED' AND overdue_on IS NULL
ORDER BY applied_at, account_id
FOR UPDATE

-- name: set_application_overdue
UPDATE account_application
SET overdue_on = $2
WHERE account_id = $1

-- name: get_account
SELECT account_id, number, organisation_id, kind, category, state,
    ARRAY(SELECT subject FROM operator WHERE account = number AND dismissed_at IS NULL ORDER BY subject) AS operators,
    (SELECT trading.number FROM trading_account AS trading WHERE trading.account = account.number) AS trading_account
FROM account
WHERE account_id = $1

-- name: get_account_of_organisation
SELECT account_id, number, organisation_id, kind, category, state,
    ARRAY(SELECT subject FROM operator WHERE account = number AND dismissed_at IS NULL ORDER BY subject) AS operators,
    (SELECT trading.number FROM trading_account AS trading WHERE trading.account = account.number) AS trading_account
FROM account
WHERE organisation_id = $1

-- name: get_account_by_number
SELECT account_id, number, organisation_id, kind, category, state,
    ARRAY(SELECT subject FROM operator WHERE account = number AND dismissed_at IS NULL ORDER BY subject) AS operators,
    (SELECT trading.number FROM trading_account AS trading WHERE trading.account = account.number) AS trading_account
FROM account
WHERE number = $1

-- name: lock_account
-- The lock comes first: what hangs on the account is read after it is held.
SELECT number
FROM account
WHERE number = $1
FOR UPDATE

-- name: insert_account
-- The registry gives the number, from a sequence.
INSERT INTO account (account_id, organisation_id, category, kind, effective_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING account_id, number, organisation_id, kind, category, state

-- name: is_trading_account_known
SELECT EXISTS (SELECT FROM trading_account WHERE trading_account_id = $1)

-- name: insert_trading_account
INSERT INTO trading_account (trading_account_id, account, category, effective_at, recorded_at)
VALUES ($1, $2, $3, $4, $5)
RETURNING number

-- name: list_slots
-- The taken ones of the five.
SELECT slot
FROM operator
WHERE account = $1 AND dismissed_at IS NULL

-- name: list_employers
-- What the parties are whose accounts the person operates.
SELECT DISTINCT account.category
FROM operator
JOIN account ON account.number = operator.account
WHERE operator.subject = $1 AND operator.dismissed_at IS NULL AND account.state <> 'CLOSED'

-- name: lock_person
-- One appointment of a person at a time, so that two cannot overlook each other.
SELECT pg_advisory_xact_lock(hashtextextended('operator/' || $1, 0))

-- name: insert_operator
INSERT INTO operator (account, subject, name, slot, appointed_by, appointed_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: dismiss_operator
UPDATE operator
SET dismissed_by = $3, dismissed_at = $4, dismissal_reason = $5
WHERE account = $1 AND subject = $2 AND dismissed_at IS NULL

-- name: restrict_account
UPDATE account
SET state = $2, restriction_ground = $3, restriction_reason = $4, restricted_at = $5
WHERE number = $1

-- name: lift_restriction
-- The ground and the reason stay in the history.
UPDATE account
SET state = $2, restriction_ground = NULL, restriction_reason = NULL, restricted_at = NULL
WHERE number = $1

-- name: close_account
UPDATE account
SET state = $2, closure_ground = $3, closure_reason = $4, closed_at = $5
WHERE number = $1

-- name: get_programme
-- By its newest version.
SELECT code, name, country, kind, is_ets_eligible, rule_book, version, valid_from
FROM programme
JOIN programme_version ON programme_version.programme = code
WHERE code = $1
ORDER BY version DESC
LIMIT 1

-- name: lock_programme
SELECT code
FROM programme
WHERE code = $1
FOR UPDATE

-- name: insert_programme
INSERT INTO programme (code, country, kind, is_ets_eligible, effective_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: insert_programme_version
INSERT INTO programme_version (programme, version, name, rule_book, valid_from, reason, effective_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: list_assignments
SELECT role, person
FROM role_assignment
WHERE programme = $1 AND ended_at IS NULL

-- name: insert_assignment
INSERT INTO role_assignment (programme, role, person, reason, assigned_by, assigned_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: end_assignment
UPDATE role_assignment
SET ended_by = $4, ended_at = $5, end_reason = $6
WHERE programme = $1 AND role = $2 AND person = $3 AND ended_at IS NULL

-- name: get_methodology
-- Without its parameters, on which no rule of the registry depends.
SELECT code, programme, name, crediting_years_max, valid_from, valid_until, crediting_years_min, additionality,
    risk_model, risk_rate, formula_id, confidence, source
FROM methodology
WHERE code = $1

-- name: lock_methodology
SELECT code
FROM methodology
WHERE code = $1
FOR UPDATE

-- name: insert_methodology
INSERT INTO methodology (
    code, programme, name, crediting_years_max, valid_from, valid_until, crediting_years_min, additionality,
    risk_model, risk_rate, formula_id, confidence, source, effective_at, recorded_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)

-- name: insert_parameters
INSERT INTO parameter (methodology, name, value, unit, source, edition, confidence)
SELECT $1, * FROM unnest($2::text[], $3::numeric[], $4::text[], $5::text[], $6::text[], $7::text[])

-- name: end_methodology
UPDATE methodology
SET valid_until = $2, end_reason = $3
WHERE code = $1
