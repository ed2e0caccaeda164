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
SELECT
    report.report_id, project, period_number, period_start, period_end, basis, state, changed_at, stated.vintages,
    stated.reported, stated.verified, coalesce(claims, '{}') AS claims, verification_body, notice_starts_on,
    notice_ends_on, notice_is_provisional, applied_on, decide_by, decision_is_provisional, reason
FROM report
CROSS JOIN LATERAL (
    SELECT
        array_agg(vintage ORDER BY vintage) AS vintages, array_agg(reported ORDER BY vintage) AS reported,
        array_agg(verified ORDER BY vintage) AS verified
    FROM report_vintage
    WHERE report_vintage.report_id = report.report_id
) AS stated
WHERE report.report_id = $1
FOR UPDATE OF report

-- name: lock_noticed
-- Reports whose notice is over on this day.
SELECT
    report.report_id, project, period_number, period_start, period_end, basis, state, changed_at, stated.vintages,
    stated.reported, stated.verified, coalesce(claims, '{}') AS claims, verification_body, notice_starts_on,
    notice_ends_on, notice_is_provisional, applied_on, decide_by, decision_is_provisional, reason
FROM report
CROSS JOIN LATERAL (
    SELECT
        array_agg(vintage ORDER BY vintage) AS vintages, array_agg(reported ORDER BY vintage) AS reported,
        array_agg(verified ORDER BY vintage) AS verified
    FROM report_vintage
    WHERE report_vintage.report_id = report.report_id
) AS stated
WHERE state = 'IN_PUBLIC_NOTICE' AND notice_ends_on < $1
ORDER BY report.report_id
FOR UPDATE OF report

-- name: lock_undecided
-- Applications that should have been decided before this day, and of which nobody was told.
SELECT
    report.report_id, project, period_number, period_start, period_end, basis, state, changed_at, stated.vintages,
    stated.reported, stated.verified, coalesce(claims, '{}') AS claims, verification_body, notice_starts_on,
    notice_ends_on, notice_is_provisional, applied_on, decide_by, decision_is_provisional, reason
FROM report
CROSS JOIN LATERAL (
    SELECT
        array_agg(vintage ORDER BY vintage) AS vintages, array_agg(reported ORDER BY vintage) AS reported,
        array_agg(verified ORDER BY vintage) AS verified
    FROM report_vintage
    WHERE report_vintage.report_id = report.report_id
) AS stated
WHERE state = 'REGISTRATION_APPLIED' AND decide_by < $1 AND overdue_told_on IS NULL
ORDER BY report.report_id
FOR UPDATE OF report

-- name: lock_waiting
-- Reports with a date that is still to come.
SELECT
    report.report_id, project, period_number, period_start, period_end, basis, state, changed_at, stated.vintages,
    stated.reported, stated.verified, coalesce(claims, '{}') AS claims, verification_body, notice_starts_on,
    notice_ends_on, notice_is_provisional, applied_on, decide_by, decision_is_provisional, reason
FROM report
CROSS JOIN LATERAL (
    SELECT
        array_agg(vintage ORDER BY vintage) AS vintages, array_agg(reported ORDER BY vintage) AS reported,
        array_agg(verified ORDER BY vintage) AS verified
    FROM report_vintage
    WHERE report_vintage.report_id = report.report_id
) AS stated
WHERE state IN ('IN_PUBLIC_NOTICE', 'REGISTRATION_APPLIED')
ORDER BY report.report_id
FOR UPDATE OF report

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
SET verified = one.verified
FROM unnest($2::integer[], $3::bigint[]) AS one (vintage, verified)
WHERE report_vintage.report_id = $1 AND report_vintage.vintage = one.vintage

-- name: insert_verification
INSERT INTO verification (
    report_id, verification_body, team, reviewer, findings, statement, verified_by, verified_at, recorded_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)

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
-- What was known by its digest alone may get its content later; its size was part of what the digest was given with.
INSERT INTO document (sha256, size_bytes, media_type, content, recorded_at)
SELECT sha256, size_bytes, media_type, content, $5
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bytea[]) AS one (sha256, size_bytes, media_type, content)
ORDER BY sha256
ON CONFLICT (sha256) DO UPDATE SET content = coalesce(document.content, excluded.content)
RETURNING sha256, size_bytes

-- name: insert_report_documents
INSERT INTO report_document (report_id, sha256, name)
SELECT $1, sha256, name
FROM unnest($2::text[], $3::text[]) AS one (sha256, name)
ON CONFLICT DO NOTHING

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
