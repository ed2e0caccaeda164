-- name: find_taken_project
-- The one of the two keys that is taken: a code stays taken for ever.
SELECT project_id::text FROM project WHERE project_id = $1
UNION ALL
SELECT code FROM project WHERE code = $2
LIMIT 1

-- name: insert_project
INSERT INTO project (
    project_id, code, programme, methodology, activity, owner_account, name, province, longitude, latitude,
    construction_started_on, crediting_from, crediting_until, expected_annual_tonnes, notes,
    state, drafted_at, changed_at, recorded_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17, $18)
ON CONFLICT DO NOTHING
RETURNING true

-- name: lock_projects
-- In the order of their codes, so that two that lock several cannot wait for each other.
SELECT
    project.project_id, project.code, project.programme, project.methodology, project.activity,
    project.owner_account, account.organisation_id AS owner_organisation, programme.country, project.name,
    project.province, project.longitude, project.latitude, project.crediting_from, project.crediting_until,
    project.state, project.changed_at, project.validation_body, project.notice_opened_at, project.notice_ends_on,
    project.notice_is_provisional, project.validate_by, project.is_validation_overdue, project.validated_at,
    project.applied_at, project.decide_by, project.decision_is_provisional, project.is_decision_overdue,
    project.registered_at, project.closed_at, project.closing_reason
FROM project
JOIN account ON account.number = project.owner_account
JOIN programme ON programme.code = project.programme
WHERE project.code = ANY ($1::text[])
ORDER BY project.code
FOR UPDATE OF project

-- name: list_due_projects
-- What this day ends or finds overdue.
SELECT code
FROM project
WHERE (state = 'IN_PUBLIC_NOTICE' AND notice_ends_on < $1)
    OR (state IN ('IN_PUBLIC_NOTICE', 'NOTICE_ENDED') AND NOT is_validation_overdue AND validate_by < $1)
    OR (state = 'REGISTRATION_APPLIED' AND NOT is_decision_overdue AND decide_by < $1)
ORDER BY code

-- name: list_waiting_projects
-- Those that wait for a date that the calendar gives.
SELECT code
FROM project
WHERE state = 'IN_PUBLIC_NOTICE' OR (state = 'REGISTRATION_APPLIED' AND NOT is_decision_overdue)
ORDER BY code

-- name: update_project
UPDATE project
SET state = $2, changed_at = $3, validation_body = $4, notice_opened_at = $5, notice_ends_on = $6,
    notice_is_provisional = $7, validate_by = $8, is_validation_overdue = $9, validated_at = $10, applied_at = $11,
    decide_by = $12, decision_is_provisional = $13, is_decision_overdue = $14, registered_at = $15, closed_at = $16,
    closing_reason = $17
WHERE code = $1

-- name: get_last_revocation
-- The owner's, under whichever account.
SELECT max(project.closed_at)
FROM project
JOIN account ON account.number = project.owner_account
WHERE account.organisation_id = $1 AND project.state = 'REVOKED'

-- name: get_organisation_name
SELECT organisation.name
FROM account
JOIN organisation USING (organisation_id)
WHERE account.number = $1

-- name: lock_uniqueness
-- One notice is opened at a time, so that two projects cannot overlook each other.
SELECT pg_advisory_xact_lock(hashtextextended('registry/uniqueness', 0))

-- name: list_candidates
-- Noticed projects of other programmes, and cancelled ones of the same, that lie in a box around this one or in its
-- province; of those whose activity differs only the ones that may share its site, for a like name alone says nothing.
SELECT code, programme, activity, name, longitude, latitude, crediting_from, crediting_until, state
FROM project
WHERE code <> $1
    AND (
        activity = $8 AND province = $6
        OR activity = $8 AND latitude BETWEEN $3::numeric - $5 AND $3::numeric + $5
            AND longitude BETWEEN $4::numeric - $5 AND $4::numeric + $5
        OR latitude BETWEEN $3::numeric - $7 AND $3::numeric + $7
            AND (longitude BETWEEN $4::numeric - $5 AND $4::numeric + $5 OR province = $6))
    AND (programme <> $2 AND state IN (
            'IN_PUBLIC_NOTICE', 'NOTICE_ENDED', 'VALIDATED_POSITIVE', 'REGISTRATION_APPLIED', 'REGISTERED', 'CANCELLED',
            'REVOKED')
        OR programme = $2 AND state = 'CANCELLED')
ORDER BY code

-- name: insert_duplicates
INSERT INTO duplicate (
    project, other, distance_metres, name_similarity_percent, is_same_activity, state, found_at
)
SELECT $1, *, 'OPEN', $6 FROM unnest($2::text[], $3::bigint[], $4::integer[], $5::boolean[])

-- name: lock_duplicate
SELECT project, other, state
FROM duplicate
WHERE (project = $1 AND other = $2) OR (project = $2 AND other = $1)
FOR UPDATE

-- name: list_duplicates
-- Every question about the project, whichever of the two raised it.
SELECT project, other, state FROM duplicate WHERE project = $1
UNION ALL
SELECT project, other, state FROM duplicate WHERE other = $1
ORDER BY project, other

-- name: resolve_duplicate
UPDATE duplicate
SET state = $3, resolved_by = $4, resolved_at = $5, reason = $6
WHERE project = $1 AND other = $2

-- name: is_comment_known
SELECT EXISTS (SELECT FROM project_comment WHERE comment_id = $1)

-- name: insert_comment
INSERT INTO project_comment (comment_id, project, author, text, commented_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: count_comments
SELECT count(*) FROM project_comment WHERE project = $1

-- name: insert_validation
INSERT INTO validation (
    project, validation_body, is_positive, team, reviewer, comments_handling, validated_at, recorded_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: insert_documents
-- A document that is attached again under the same kind is there already.
INSERT INTO project_document (project, kind, sha256, name, media_type, size_bytes, attached_at, recorded_at)
SELECT $1, *, $7, $8 FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
ON CONFLICT (project, kind, sha256) DO NOTHING

-- name: insert_contents
INSERT INTO document_content (sha256, content)
SELECT * FROM unnest($1::text[], $2::bytea[])
ON CONFLICT (sha256) DO NOTHING

-- name: list_official_days
SELECT year, holidays, working_days FROM official_days ORDER BY number

-- name: lock_calendar
-- A date is computed before a notice is added, or from it.
SELECT pg_advisory_xact_lock(hashtextextended('registry/calendar', 0))

-- name: share_calendar
SELECT pg_advisory_xact_lock_shared(hashtextextended('registry/calendar', 0))

-- name: is_notice_known
SELECT EXISTS (SELECT FROM official_days WHERE notice_id = $1)

-- name: insert_official_days
INSERT INTO official_days (notice_id, year, holidays, working_days, source, effective_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: has_acted
SELECT EXISTS (
    SELECT FROM event
    WHERE aggregate = $1 AND actor = $2
      AND type IN ('registry.project.drafted', 'registry.project.notice_opened', 'registry.project.validated',
        'registry.project.registration_applied'))
