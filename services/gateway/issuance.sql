-- What issuance publishes, by the rules of registry.sql.

-- name: list_issuance_histories
-- One page for each of many objects.
SELECT happening.*, wanted.subject
FROM unnest($1::text[]) AS wanted (subject)
CROSS JOIN LATERAL issuance_read.history($2, $3, $4, wanted.subject, $5, $6) AS happening
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

-- name: list_conversions
SELECT * FROM issuance_read.conversions($1, $2, $3, NULL, $4, $5, $6, $7, $8)

-- name: conversions_by_id
SELECT * FROM issuance_read.conversions($2, $3, $4, $1, NULL, NULL, NULL, NULL, cardinality($1::uuid[]))

-- name: list_conversion_terms
SELECT *
FROM issuance_read.conversion_terms
WHERE ($1::text IS NULL OR (source_programme, target_programme, valid_from) > ($1, $2::text, $3::date))
ORDER BY source_programme, target_programme, valid_from
LIMIT $4

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

-- name: list_allocation_plans
SELECT *
FROM issuance_read.allocation_plan
WHERE ($1::text IS NULL OR plan = $1)
    AND ($2::text IS NULL OR (plan, plan_version) > ($2, $3::integer))
ORDER BY plan, plan_version
LIMIT $4

-- name: allocation_plans_by_key
SELECT * FROM issuance_read.allocation_plan WHERE concat(plan, '/', plan_version) = ANY ($1::text[])

-- name: newest_allocation_plan
SELECT * FROM issuance_read.allocation_plan WHERE plan = $1 ORDER BY plan_version DESC LIMIT 1

-- name: list_compliance_years
SELECT * FROM issuance_read.compliance_years($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: get_compliance_year
SELECT * FROM issuance_read.compliance_year($1, $2, $3, $4)

-- name: units_of_compliance_years
SELECT * FROM issuance_read.compliance_units($2, $3, $4, $1)

-- name: batches_of_compliance_years
SELECT * FROM issuance_read.compliance_batches($2, $3, $4, $1)

-- name: traces_of_compliance_years
SELECT trace.*
FROM unnest($1::uuid[]) AS wanted (compliance_id)
CROSS JOIN LATERAL issuance_read.allocation_trace($2, $3, $4, wanted.compliance_id) AS trace

-- name: get_issuance_approval
SELECT *, id AS approval_id, 'issuance' AS service FROM issuance_read.approval($1, $2, $3, $4)

-- name: list_issuance_approvals
SELECT *, id AS approval_id, 'issuance' AS service FROM issuance_read.approvals($1, $2, $3, $4, $5, $6, $7)
