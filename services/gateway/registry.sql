-- What the registry publishes. Every statement reads from what one service publishes, and from nothing else.
-- Lists take their filters, then the key after which the page begins (all null: the first page), then the row count.

-- name: list_projects_by_code
SELECT *
FROM registry_read.project
WHERE ($1::text IS NULL OR programme = $1)
    AND ($2::text IS NULL OR methodology = $2)
    AND ($3::text IS NULL OR status = $3)
    AND ($4::text IS NULL OR province = $4)
    AND ($5::text IS NULL OR owner_account = $5)
    AND ($6::text IS NULL OR (search_pairs @> registry_read.search_pairs($6)
        AND search_text LIKE ALL (registry_read.search_patterns($6))))
    AND ($7::text IS NULL OR code > $7)
ORDER BY code
LIMIT $8

-- name: list_projects_by_size
-- The largest expected reductions first.
SELECT *
FROM registry_read.project
WHERE ($1::text IS NULL OR programme = $1)
    AND ($2::text IS NULL OR methodology = $2)
    AND ($3::text IS NULL OR status = $3)
    AND ($4::text IS NULL OR province = $4)
    AND ($5::text IS NULL OR owner_account = $5)
    AND ($6::text IS NULL OR (search_pairs @> registry_read.search_pairs($6)
        AND search_text LIKE ALL (registry_read.search_patterns($6))))
    AND ($7::bigint IS NULL OR (expected_annual_tonnes, code) < ($7, $8::text))
ORDER BY expected_annual_tonnes DESC, code DESC
LIMIT $9

-- name: list_projects_by_notice
-- The latest noticed first.
SELECT *
FROM registry_read.project
WHERE ($1::text IS NULL OR programme = $1)
    AND ($2::text IS NULL OR methodology = $2)
    AND ($3::text IS NULL OR status = $3)
    AND ($4::text IS NULL OR province = $4)
    AND ($5::text IS NULL OR owner_account = $5)
    AND ($6::text IS NULL OR (search_pairs @> registry_read.search_pairs($6)
        AND search_text LIKE ALL (registry_read.search_patterns($6))))
    AND ($7::timestamptz IS NULL OR (notice_opened_at, code) < ($7, $8::text))
ORDER BY notice_opened_at DESC, code DESC
LIMIT $9

-- name: projects_by_code
SELECT * FROM registry_read.project WHERE code = ANY ($1::text[])

-- name: comments_of_projects
-- One page for each of many projects.
SELECT part.*
FROM unnest($1::text[]) AS wanted (project)
CROSS JOIN LATERAL (
    SELECT *
    FROM registry_read.project_comment
    WHERE project_comment.project = wanted.project
        AND ($2::timestamptz IS NULL OR (commented_at, comment_id) > ($2, $3::uuid))
    ORDER BY commented_at, comment_id
    LIMIT $4
) AS part
ORDER BY part.commented_at, part.comment_id

-- name: validations_of_projects
SELECT * FROM registry_read.validation WHERE project = ANY ($1::text[])

-- name: documents_of_projects
SELECT * FROM registry_read.project_document WHERE project = ANY ($1::text[]) ORDER BY attached_at, kind, sha256

-- name: duplicates_of_projects
-- At most a hundred of each of many projects.
SELECT part.*
FROM unnest($1::text[]) AS wanted (project)
CROSS JOIN LATERAL (
    SELECT *
    FROM registry_read.project_duplicate
    WHERE project_duplicate.project = wanted.project
    ORDER BY found_at, other
    LIMIT 100
) AS part
ORDER BY part.found_at, part.other

-- name: list_project_drafts
SELECT * FROM registry_read.project_drafts($1, $2, $3, $4, $5, $6)

-- name: list_official_days
SELECT *
FROM registry_read.official_days
WHERE ($1::integer IS NULL OR year = $1)
    AND ($2::bigint IS NULL OR number > $2)
ORDER BY number
LIMIT $3

-- name: list_programme_figures
SELECT *
FROM registry_read.project_counter
WHERE ($1::text IS NULL OR programme = $1)
    AND ($2::text IS NULL OR programme > $2)
ORDER BY programme
LIMIT $3

-- name: programme_figures_by_code
SELECT * FROM registry_read.project_counter WHERE programme = ANY ($1::text[])

-- name: expected_of_programmes
-- One page for each of many programmes.
SELECT part.*
FROM unnest($1::text[]) AS wanted (programme)
CROSS JOIN LATERAL (
    SELECT *
    FROM registry_read.expected_reduction
    WHERE expected_reduction.programme = wanted.programme
        AND ($2::text IS NULL OR (methodology, province) > ($2, $3::text))
    ORDER BY methodology, province
    LIMIT $4
) AS part
ORDER BY part.methodology, part.province

-- name: roles_of_programmes
SELECT assigned.*, wanted.programme
FROM unnest($1::text[]) AS wanted (programme)
CROSS JOIN LATERAL registry_read.role_assignments($2, $3, $4, wanted.programme) AS assigned

-- name: get_document_content
SELECT encode(content, 'base64') AS content FROM registry_read.document_content WHERE sha256 = $1

-- name: list_programmes
SELECT *
FROM registry_read.programme
WHERE ($1::text IS NULL OR code > $1)
ORDER BY code
LIMIT $2

-- name: programmes_by_code
SELECT * FROM registry_read.programme WHERE code = ANY ($1::text[])

-- name: list_methodologies
SELECT *
FROM registry_read.methodology
WHERE ($1::text IS NULL OR programme = $1)
    AND ($2::text IS NULL OR code > $2)
ORDER BY code
LIMIT $3

-- name: methodologies_by_code
SELECT * FROM registry_read.methodology WHERE code = ANY ($1::text[])

-- name: get_account
SELECT * FROM registry_read.account($1, $2, $3, $4)

-- name: accounts_by_id
-- Those of many accounts that this viewer may see.
SELECT account.*
FROM unnest($4::uuid[]) AS wanted (account_id)
CROSS JOIN LATERAL registry_read.account_by_id($1, $2, $3, wanted.account_id) AS account

-- name: list_account_applications
SELECT * FROM registry_read.account_applications($1, $2, $3, $4, $5, $6, $7, $8)

-- name: get_organisation
SELECT * FROM registry_read.organisation($1, $2, $3, $4)

-- name: list_registry_histories
-- One page for each of many objects.
SELECT happening.*, wanted.subject
FROM unnest($1::text[]) AS wanted (subject)
CROSS JOIN LATERAL registry_read.history($2, $3, $4, wanted.subject, $5, $6) AS happening
ORDER BY happening.sequence

-- name: get_registry_approval
SELECT *, id AS approval_id, 'registry' AS service FROM registry_read.approval($1, $2, $3, $4)

-- name: list_registry_approvals
SELECT *, id AS approval_id, 'registry' AS service FROM registry_read.approvals($1, $2, $3, $4, $5, $6, $7)
