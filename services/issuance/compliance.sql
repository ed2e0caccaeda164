-- name: lock_plans
SELECT pg_advisory_xact_lock(hashtextextended('allocation_plan', 0))

-- name: get_plan
-- The newest version.
SELECT plan_version, terms
FROM allocation_plan
WHERE plan = $1
ORDER BY plan_version DESC
LIMIT 1

-- name: insert_plan
INSERT INTO allocation_plan (plan, plan_version, programme, is_draft, terms, published_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: get_owed
-- What an account was paid above its final allocations, less what was kept back for that.
SELECT (coalesce(sum(greatest(0, paid - entitled)) FILTER (WHERE final IS NOT NULL), 0)
    - coalesce(sum(deducted - refunded), 0))::bigint
FROM compliance_year
WHERE account = $1

-- name: insert_year
INSERT INTO compliance_year (
    compliance_id, account, emission_year, sector, province, plan, plan_version, state, last_verified, deducted, refunded,
    obligation_version, paid, opened_at, changed_at, recorded_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0, $11, $11, $12)
ON CONFLICT DO NOTHING
RETURNING true

-- name: lock_year
SELECT *
FROM compliance_year
WHERE compliance_id = $1
FOR UPDATE

-- name: update_year
-- The trace is that of the final allocation, which other steps do not change.
UPDATE compliance_year
SET
    plan_version = $2, state = $3, changed_at = $4, refunded = $5, preallocation_ppm = $6, preallocated = $7,
    preallocation_paid = $8, due = $9, offset_max = $10, obligation_version = $11, final = $12, topup = $13,
    gap_rate_percent = $14, differentiated_reason = $15, paid = $16, trace = coalesce($17, trace),
    trace_sha256 = coalesce($18, trace_sha256)
WHERE compliance_id = $1

-- name: insert_units
INSERT INTO compliance_unit (
    compliance_id, obligation_version, unit_id, unit_type, verified, output, heat, load_factor, correction
)
SELECT $1, $2, one.*
FROM unnest(
    $3::text[], $4::text[], $5::bigint[], $6::numeric[], $7::numeric[], $8::numeric[], $9::numeric[]
) AS one

-- name: list_units
-- In the order of their ids.
SELECT unit_id, unit_type, verified AS verified_tonnes, output, heat, load_factor, correction
FROM compliance_unit
WHERE compliance_id = $1 AND obligation_version = $2
ORDER BY unit_id

-- name: set_unit_allocations
UPDATE compliance_unit AS unit
SET initial = made.initial, topup = made.topup
FROM unnest($3::text[], $4::bigint[], $5::bigint[]) AS made (unit_id, initial, topup)
WHERE unit.compliance_id = $1 AND unit.obligation_version = $2 AND unit.unit_id = made.unit_id
