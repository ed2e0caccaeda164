-- Every statement reads from what one service publishes, and from nothing else.
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

-- name: list_issuance_histories
-- One page for each of many objects.
SELECT happening.*, wanted.subject
FROM unnest($1::text[]) AS wanted (subject)
CROSS JOIN LATERAL issuance_read.history($2, $3, $4, wanted.subject, $5, $6) AS happening
ORDER BY happening.sequence

-- name: list_settlement_histories
-- One page for each of many objects.
SELECT happening.*, wanted.subject
FROM unnest($1::text[]) AS wanted (subject)
CROSS JOIN LATERAL settlement_read.history($2, $3, $4, wanted.subject, $5, $6) AS happening
ORDER BY happening.sequence

-- name: list_reports
-- The latest monitoring period first.
SELECT *
FROM issuance_read.report
WHERE ($1::text IS NULL OR programme = $1)
    AND ($2::text IS NULL OR project = $2)
    AND ($3::text IS NULL OR status = $3)
    AND ($4::date IS NULL OR (period_end, report_id) < ($4, $5::uuid))
ORDER BY period_end DESC, report_id DESC
LIMIT $6

-- name: reports_of_projects
-- One page for each of many projects.
SELECT part.*
FROM unnest($1::text[]) AS wanted (project)
CROSS JOIN LATERAL (
    SELECT *
    FROM issuance_read.report
    WHERE report.project = wanted.project
        AND ($2::date IS NULL OR (period_end, report_id) < ($2, $3::uuid))
    ORDER BY period_end DESC, report_id DESC
    LIMIT $4
) AS part
ORDER BY part.period_end DESC, part.report_id DESC

-- name: reports_by_id
SELECT * FROM issuance_read.report WHERE report_id = ANY ($1::uuid[])

-- name: vintages_of_reports
SELECT * FROM issuance_read.report_vintages($2, $3, $4, $1)

-- name: documents_of_reports
SELECT * FROM issuance_read.report_documents($2, $3, $4, $1)

-- name: comments_of_reports
-- One page for each of many reports.
SELECT part.*
FROM unnest($1::uuid[]) AS wanted (report_id)
CROSS JOIN LATERAL (
    SELECT *
    FROM issuance_read.report_comment
    WHERE report_comment.report_id = wanted.report_id
        AND ($2::timestamptz IS NULL OR (commented_at, comment_id) > ($2, $3::uuid))
    ORDER BY commented_at, comment_id
    LIMIT $4
) AS part
ORDER BY part.commented_at, part.comment_id

-- name: verifications_of_reports
SELECT * FROM issuance_read.verification WHERE report_id = ANY ($1::uuid[])

-- name: traces_of_reports
SELECT trace.*
FROM unnest($1::uuid[]) AS wanted (report_id)
CROSS JOIN LATERAL issuance_read.trace($2, $3, $4, wanted.report_id) AS trace

-- name: list_own_reports
SELECT * FROM issuance_read.own_reports($1, $2, $3, $4, $5, $6, $7, $8)

-- name: get_report_document_content
SELECT encode(content, 'base64') AS content
FROM issuance_read.document_content($1, $2, $3, $4) AS content
WHERE content IS NOT NULL

-- name: get_grid_factor
SELECT * FROM issuance_read.grid_factor WHERE region = $1 AND year = $2 AND published_on = $3

-- name: executions_of_methodologies
SELECT * FROM issuance_read.methodology WHERE code = ANY ($1::text[])

-- name: list_grid_factors
SELECT *
FROM issuance_read.grid_factor
WHERE ($1::text IS NULL OR (region, year, published_on) > ($1, $2::integer, $3::date))
ORDER BY region, year, published_on
LIMIT $4

-- name: reduction_figures_by_programme
SELECT * FROM issuance_read.reduction_counter WHERE programme = ANY ($1::text[])

-- name: list_credit_batches
-- The latest first.
SELECT *
FROM issuance_read.credit_batch
WHERE ($1::text IS NULL OR programme = $1)
    AND ($2::text IS NULL OR project = $2)
    AND ($3::integer IS NULL OR vintage = $3)
    AND ($4::boolean IS NULL OR is_opening = $4)
    AND ($5::timestamptz IS NULL OR (issued_at, batch_id) < ($5, $6::uuid))
ORDER BY issued_at DESC, batch_id DESC
LIMIT $7

-- name: credit_batches_of_projects
-- One page for each of many projects.
SELECT batch.*
FROM unnest($1::text[]) AS wanted (project)
CROSS JOIN LATERAL (
    SELECT *
    FROM issuance_read.credit_batch
    WHERE credit_batch.project = wanted.project
        AND ($2::timestamptz IS NULL OR (issued_at, batch_id) < ($2, $3::uuid))
    ORDER BY issued_at DESC, batch_id DESC
    LIMIT $4
) AS batch
ORDER BY batch.issued_at DESC, batch.batch_id DESC

-- name: credit_batches_by_id
SELECT * FROM issuance_read.credit_batch WHERE batch_id = ANY ($1::uuid[])

-- name: list_reductions
-- The latest monitoring period first.
SELECT *
FROM issuance_read.reduction
WHERE ($1::text IS NULL OR programme = $1)
    AND ($2::text IS NULL OR project = $2)
    AND ($3::text IS NULL OR status = $3)
    AND ($4::date IS NULL OR (period_end, reduction_id) < ($4, $5::uuid))
ORDER BY period_end DESC, reduction_id DESC
LIMIT $6

-- name: reductions_of_projects
-- One page for each of many projects.
SELECT reduction.*
FROM unnest($1::text[]) AS wanted (project)
CROSS JOIN LATERAL (
    SELECT *
    FROM issuance_read.reduction
    WHERE reduction.project = wanted.project
        AND ($2::date IS NULL OR (period_end, reduction_id) < ($2, $3::uuid))
    ORDER BY period_end DESC, reduction_id DESC
    LIMIT $4
) AS reduction
ORDER BY reduction.period_end DESC, reduction.reduction_id DESC

-- name: reductions_by_id
SELECT * FROM issuance_read.reduction WHERE reduction_id = ANY ($1::uuid[])

-- name: reductions_updated
SELECT *
FROM issuance_read.reduction
WHERE reduction_id = ANY ($1::uuid[])
ORDER BY period_end, vintage, reduction_id

-- name: list_venues
SELECT *
FROM settlement_read.venue
WHERE ($1::text IS NULL OR code > $1)
ORDER BY code
LIMIT $2

-- name: venues_by_code
SELECT * FROM settlement_read.venue WHERE code = ANY ($1::text[])

-- name: list_venue_days
-- The latest first.
SELECT *
FROM settlement_read.venue_day
WHERE venue = $1
    AND ($2::date IS NULL OR date < $2)
ORDER BY date DESC
LIMIT $3

-- name: market_totals
SELECT * FROM settlement_read.market_total WHERE programme = ANY ($1::text[])

-- name: list_market_days
-- The latest first.
SELECT *
FROM settlement_read.market_day
WHERE programme = $1
    AND ($2::date IS NULL OR date >= $2)
    AND ($3::date IS NULL OR date <= $3)
    AND ($4::date IS NULL OR (date, venue) < ($4, $5::text))
ORDER BY date DESC, venue DESC
LIMIT $6

-- name: list_holdings
SELECT * FROM settlement_read.holdings($1, $2, $3, $4, $5, $6, $7)

-- name: list_cash
SELECT * FROM settlement_read.cash($1, $2, $3, $4)

-- name: get_available
SELECT * FROM settlement_read.available($1, $2, $3, $4, $5, $6, $7)

-- name: get_trade
SELECT * FROM settlement_read.trade($1, $2, $3, $4, $5)

-- name: trades_by_key
-- What this viewer may see of many trades, in the order given.
SELECT trade.*
FROM unnest($4::text[], $5::text[]) WITH ORDINALITY AS wanted (venue, trade_id, place)
CROSS JOIN LATERAL settlement_read.trade($1, $2, $3, wanted.venue, wanted.trade_id) AS trade
ORDER BY wanted.place

-- name: list_trades
SELECT * FROM settlement_read.trades($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: list_retirements
SELECT * FROM settlement_read.retirements($1, $2, $3, $4, $5, $6, $7, $8)

-- name: get_retirement
SELECT * FROM settlement_read.retirement($1, $2, $3, $4)

-- name: get_registry_approval
SELECT *, id AS approval_id, 'registry' AS service FROM registry_read.approval($1, $2, $3, $4)

-- name: get_issuance_approval
SELECT *, id AS approval_id, 'issuance' AS service FROM issuance_read.approval($1, $2, $3, $4)

-- name: get_settlement_approval
SELECT *, id AS approval_id, 'settlement' AS service FROM settlement_read.approval($1, $2, $3, $4)

-- name: list_registry_approvals
SELECT *, id AS approval_id, 'registry' AS service FROM registry_read.approvals($1, $2, $3, $4, $5, $6, $7)

-- name: list_issuance_approvals
SELECT *, id AS approval_id, 'issuance' AS service FROM issuance_read.approvals($1, $2, $3, $4, $5, $6, $7)

-- name: list_settlement_approvals
SELECT *, id AS approval_id, 'settlement' AS service FROM settlement_read.approvals($1, $2, $3, $4, $5, $6, $7)
