-- Every statement reads from what one service publishes, and from nothing else.
-- Lists take their filters, then the key after which the page begins (all null: the first page), then the row count.

-- name: list_projects_by_code
SELECT *
FROM registry_read.project
WHERE ($1::text IS NULL OR programme = $1)
    AND ($2::text IS NULL OR methodology = $2)
    AND ($3::text IS NULL OR status = $3)
    AND ($4::text IS NULL OR province = $4)
    AND ($5::text IS NULL OR code > $5)
ORDER BY code
LIMIT $6

-- name: list_projects_by_size
-- The largest expected reductions first.
SELECT *
FROM registry_read.project
WHERE ($1::text IS NULL OR programme = $1)
    AND ($2::text IS NULL OR methodology = $2)
    AND ($3::text IS NULL OR status = $3)
    AND ($4::text IS NULL OR province = $4)
    AND ($5::bigint IS NULL OR (expected_annual_tonnes, code) < ($5, $6::text))
ORDER BY expected_annual_tonnes DESC, code DESC
LIMIT $7

-- name: list_projects_by_submission
-- The latest first.
SELECT *
FROM registry_read.project
WHERE ($1::text IS NULL OR programme = $1)
    AND ($2::text IS NULL OR methodology = $2)
    AND ($3::text IS NULL OR status = $3)
    AND ($4::text IS NULL OR province = $4)
    AND ($5::timestamptz IS NULL OR (submitted_at, code) < ($5, $6::text))
ORDER BY submitted_at DESC, code DESC
LIMIT $7

-- name: projects_by_code
SELECT * FROM registry_read.project WHERE code = ANY ($1::text[])

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

-- name: get_account_by_id
SELECT * FROM registry_read.account_by_id($1, $2, $3, $4)

-- name: get_organisation
SELECT * FROM registry_read.organisation($1, $2, $3, $4)

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
SELECT * FROM registry_read.approval($1, $2, $3, $4)

-- name: get_issuance_approval
SELECT * FROM issuance_read.approval($1, $2, $3, $4)

-- name: get_settlement_approval
SELECT * FROM settlement_read.approval($1, $2, $3, $4)

-- name: list_registry_approvals
SELECT * FROM registry_read.approvals($1, $2, $3, $4, $5, $6, $7)

-- name: list_issuance_approvals
SELECT * FROM issuance_read.approvals($1, $2, $3, $4, $5, $6, $7)

-- name: list_settlement_approvals
SELECT * FROM settlement_read.approvals($1, $2, $3, $4, $5, $6, $7)
