-- name: insert_report
-- With its tonnes by calendar year, of which there are some; nothing is entered if the id is taken.
WITH entered AS (
    INSERT INTO report (
        report_id, project, programme, methodology, period_number, period_start, period_end, basis, state, trace,
        trace_sha256, inputs_sha256, cautions, unverified, claims, submitted_by, submitted_at, changed_at, recorded_at
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17, $18)
    ON CONFLICT DO NOTHING
    RETURNING report_id
)
INSERT INTO report_vintage (report_id, vintage, reported)
SELECT report_id, vintage, reported
FROM entered
CROSS JOIN unnest($19::integer[], $20::bigint[]) AS one (vintage, reported)
RETURNING true

-- name: get_project_of_report
SELECT project
FROM report
WHERE report_id = $1

-- name: lock_report
-- Its project is locked before: whoever steps one report waits for whoever steps another of the project.
SELECT *
FROM stated_report
WHERE report_id = $1
FOR UPDATE

-- name: lock_noticed
-- Reports whose notice is over on this day.
SELECT *
FROM stated_report
WHERE state = 'IN_PUBLIC_NOTICE' AND notice_ends_on < $1
ORDER BY report_id
FOR UPDATE

-- name: lock_undecided
-- Applications that should have been decided before this day, and of which nobody was told.
SELECT *
FROM stated_report
WHERE state = 'REGISTRATION_APPLIED' AND decide_by < $1 AND overdue_told_on IS NULL
ORDER BY report_id
FOR UPDATE

-- name: lock_waiting
-- Reports with a date that is still to come.
SELECT *
FROM stated_report
WHERE state IN ('IN_PUBLIC_NOTICE', 'REGISTRATION_APPLIED')
ORDER BY report_id
FOR UPDATE

-- name: update_reports
-- All of them at once; the columns that a step does not change are written as they were.
UPDATE report
SET
    state = new.state, changed_at = new.changed_at, verification_body = new.verification_body,
    notice_starts_on = new.notice_starts_on, notice_ends_on = new.notice_ends_on,
    notice_is_provisional = new.notice_is_provisional, applied_on = new.applied_on, decide_by = new.decide_by,
    decision_is_provisional = new.decision_is_provisional, reason = new.reason
FROM unnest(
    $1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::date[], $6::date[], $7::boolean[], $8::date[],
    $9::date[], $10::boolean[], $11::text[]
) AS new (
    report_id, state, changed_at, verification_body, notice_starts_on, notice_ends_on, notice_is_provisional,
    applied_on, decide_by, decision_is_provisional, reason
)
WHERE report.report_id = new.report_id

-- name: set_overdue_told
UPDATE report
SET overdue_told_on = $2
WHERE report_id = ANY ($1::uuid[])

-- name: set_verified
UPDATE report_vintage
SET computed = one.computed, verified = one.verified
FROM unnest($2::integer[], $3::bigint[], $4::bigint[]) AS one (vintage, computed, verified)
WHERE report_vintage.report_id = $1 AND report_vintage.vintage = one.vintage

-- name: insert_verification
INSERT INTO verification (
    report_id, verification_body, team, reviewer, findings, statement, trace, trace_sha256, inputs_sha256, cautions,
    unverified, verified_by, verified_at, recorded_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)

-- name: claim_period
INSERT INTO monitoring_period (project, number, starts_on, ends_on, report_id)
VALUES ($1, $2, $3, $4, $5)

-- name: free_period
DELETE FROM monitoring_period
WHERE report_id = $1

-- name: insert_claims
-- What is returned could be claimed; what another report has is not.
INSERT INTO claim (claimed, report_id)
SELECT one, $2
FROM unnest($1::text[]) AS one
ON CONFLICT DO NOTHING
RETURNING claimed

-- name: find_claim
-- What of these another report has, and which one.
SELECT claimed, report_id
FROM claim
WHERE claimed = ANY ($1::text[]) AND report_id <> $2
ORDER BY claimed
LIMIT 1

-- name: free_claims
DELETE FROM claim
WHERE report_id = $1

-- name: insert_comment
INSERT INTO report_comment (comment_id, report_id, author, text, commented_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
RETURNING true

-- name: has_comments
SELECT EXISTS (SELECT FROM report_comment WHERE report_id = $1)

-- name: insert_documents
-- A document that is attached again under the same kind is there already.
INSERT INTO report_document (report_id, kind, sha256, name, media_type, size_bytes, attached_at, recorded_at)
SELECT $1, $2, sha256, name, media_type, size_bytes, $7, $8
FROM unnest($3::text[], $4::text[], $5::text[], $6::bigint[]) AS one (sha256, name, media_type, size_bytes)
ON CONFLICT DO NOTHING

-- name: insert_contents
INSERT INTO document_content (sha256, content)
SELECT sha256, content
FROM unnest($1::text[], $2::bytea[]) AS one (sha256, content)
ORDER BY sha256
ON CONFLICT DO NOTHING

-- name: list_content_sizes
-- Of these documents, those whose content is kept.
SELECT sha256, octet_length(content) AS size_bytes
FROM document_content
WHERE sha256 = ANY ($1::text[])

-- name: get_trace
SELECT trace
FROM report
WHERE report_id = $1

-- name: get_statement
SELECT statement
FROM verification
WHERE report_id = $1

-- name: count_unissued
SELECT count(*)
FROM reduction
WHERE report_id = $1 AND batch_id IS NULL

-- name: list_grid_factors
SELECT region, year, operating_margin, build_margin, published_on, source, edition, confidence
FROM grid_factor
ORDER BY region, year, published_on

-- name: insert_grid_factor
INSERT INTO grid_factor (
    region, year, operating_margin, build_margin, published_on, source, edition, confidence, recorded_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT DO NOTHING
RETURNING true

-- name: has_acted
SELECT EXISTS (
    SELECT FROM event
    WHERE aggregate = $1 AND actor = $2
      AND type IN ('issuance.report.submitted', 'issuance.report.notice_opened', 'issuance.report.verified',
        'issuance.report.applied'))
