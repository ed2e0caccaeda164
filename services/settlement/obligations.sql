-- name: lock_obligation
-- After the locks of accounts and batches, always.
SELECT account, emission_year, version, due, offset_max, deadline, allowance_vintages, credits_registered_after, plan,
    is_draft, state, surrendered, offset_used, proof_number, programme
FROM obligation
WHERE account = $1 AND emission_year = $2
FOR UPDATE

-- name: lock_missed_obligations
-- Those whose deadline is over and of which something is left, in order.
SELECT account, emission_year, version, due, offset_max, deadline, allowance_vintages, credits_registered_after, plan,
    is_draft, state, surrendered, offset_used, proof_number, programme
FROM obligation
WHERE state IN ('NOTIFIED', 'PARTIAL') AND deadline <= $1
ORDER BY account, emission_year
FOR UPDATE

-- name: set_obligation
INSERT INTO obligation (account, emission_year, version, due, offset_max, deadline, allowance_vintages,
    credits_registered_after, plan, is_draft, state, surrendered, offset_used, proof_number, programme)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (account, emission_year) DO UPDATE SET version = excluded.version, due = excluded.due,
    offset_max = excluded.offset_max, deadline = excluded.deadline, allowance_vintages = excluded.allowance_vintages,
    credits_registered_after = excluded.credits_registered_after, plan = excluded.plan, is_draft = excluded.is_draft,
    state = excluded.state, proof_number = excluded.proof_number, programme = excluded.programme

-- name: insert_version
INSERT INTO obligation_version (account, emission_year, version, due, offset_max, effective_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: add_use
-- By difference, and only if it stays below the cap and below what is due: the caller requires the row.
UPDATE obligation
SET surrendered = surrendered + $3, offset_used = offset_used + $4, state = $5, proof_number = $6
WHERE account = $1 AND emission_year = $2
  AND surrendered + $3 + offset_used + $4 <= due
  AND ($4 = 0 OR offset_used + $4 <= offset_max)

-- name: set_overdue
UPDATE obligation
SET state = 'OVERDUE'
FROM unnest($1::text[], $2::integer[]) AS missed (account, emission_year)
WHERE obligation.account = missed.account AND obligation.emission_year = missed.emission_year

-- name: list_stocks
-- What an account has of an instrument in these buckets, and what decides whether an obligation accepts it.
SELECT h.batch_id, h.first_serial, h.next_serial, h.account, h.bucket, h.venue, b.registered_on,
    first.organisation_id AS first_organisation
FROM batch b
JOIN holding h USING (batch_id)
JOIN account first ON first.number = b.first_holder
WHERE h.account = $1 AND b.project = $2 AND b.vintage = $3 AND h.bucket = ANY ($4::text[])
ORDER BY b.issued_at, b.batch_id, h.first_serial

-- name: insert_proof
-- What was met, with the certificates of all that was discharged for it; the latest of them names who used it.
INSERT INTO proof (proof_number, account, entity, emission_year, version, plan, is_draft, due, surrendered, offset_used,
    deadline, met_at, recorded_at, certificates)
SELECT $1, $2, (array_agg(r.beneficiary_name ORDER BY r.certificate_number DESC)
        FILTER (WHERE r.beneficiary_kind = 'ORGANISATION'))[1],
    $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
    coalesce(array_agg(r.certificate_number ORDER BY r.certificate_number), '{}')
FROM retirement r
WHERE r.account = $2 AND r.reporting_period = $3::integer::text AND r.purpose IN ('ETS_SURRENDER', 'ETS_OFFSET_NATIONAL')
