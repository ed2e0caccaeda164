-- What settlement publishes, by the rules of registry.sql; an instrument's name is its venue, project and vintage with
-- slashes between them, as in its events.

-- name: list_venues
SELECT *
FROM settlement_read.venue
WHERE ($1::text IS NULL OR code > $1)
ORDER BY code
LIMIT $2

-- name: venues_by_code
SELECT * FROM settlement_read.venue WHERE code = ANY ($1::text[])

-- name: days_of_venues
-- One page for each of many venues.
SELECT part.*
FROM unnest($1::text[]) AS wanted (venue)
CROSS JOIN LATERAL (
    SELECT *
    FROM settlement_read.venue_day
    WHERE venue_day.venue = wanted.venue
        AND ($2::date IS NULL OR date >= $2)
        AND ($3::date IS NULL OR date <= $3)
        AND ($4::date IS NULL OR date < $4)
    ORDER BY date DESC
    LIMIT $5
) AS part
ORDER BY part.date DESC

-- name: get_venue_day
SELECT * FROM settlement_read.venue_day WHERE venue = $1 AND date = $2

-- name: reconciliations_of_venues
-- One page for each of many venues, the latest first.
SELECT part.*
FROM unnest($1::text[]) AS wanted (venue)
CROSS JOIN LATERAL settlement_read.reconciliations($2, $3, $4, wanted.venue, $5, $6, $7, $8) AS part
ORDER BY part.date DESC

-- name: gaps_of_venues
-- One page for each of many venues, the latest first.
SELECT part.*
FROM unnest($1::text[]) AS wanted (venue)
CROSS JOIN LATERAL settlement_read.gaps($2, $3, $4, wanted.venue, $5, $6, $7, $8) AS part
ORDER BY part.date DESC, part.kind DESC

-- name: get_gap
-- A venue has few.
SELECT * FROM settlement_read.gaps($1, $2, $3, $4, NULL, NULL, NULL, NULL) WHERE date = $5 AND kind = $6

-- name: terms_of_venues
-- One page for each of many venues, the latest first.
SELECT part.*
FROM unnest($1::text[]) AS wanted (venue)
CROSS JOIN LATERAL (
    SELECT *
    FROM settlement_read.market_terms
    WHERE market_terms.venue = wanted.venue
        AND ($2::text IS NULL OR programme = $2)
        AND ($3::text IS NULL OR (programme, valid_from) < ($3, $4::date))
    ORDER BY programme DESC, valid_from DESC
    LIMIT $5
) AS part
ORDER BY part.programme DESC, part.valid_from DESC

-- name: terms_in_force
-- Of each of many venues the version that a day's trades obey.
SELECT part.*
FROM unnest($1::text[]) AS wanted (venue)
CROSS JOIN LATERAL (
    SELECT *
    FROM settlement_read.market_terms
    WHERE market_terms.venue = wanted.venue AND programme = $2 AND valid_from <= $3
    ORDER BY valid_from DESC
    LIMIT 1
) AS part

-- name: get_market_terms
SELECT * FROM settlement_read.market_terms WHERE venue = $1 AND programme = $2 AND valid_from = $3

-- name: newest_market_terms
SELECT *
FROM settlement_read.market_terms
WHERE venue = $1 AND programme = $2
ORDER BY valid_from DESC
LIMIT 1

-- name: instruments_of_venues
-- One page for each of many venues, by project and vintage.
SELECT part.*
FROM unnest($1::text[]) AS wanted (venue)
CROSS JOIN LATERAL (
    SELECT *
    FROM settlement_read.instrument
    WHERE instrument.venue = wanted.venue
        AND ($2::text IS NULL OR programme = $2)
        AND ($3::text IS NULL OR project = $3)
        AND ($4::text IS NULL OR (project, vintage) > ($4, $5::integer))
    ORDER BY project, vintage
    LIMIT $6
) AS part
ORDER BY part.project, part.vintage

-- name: instruments_by_name
SELECT instrument.*
FROM unnest($1::text[]) AS wanted (name)
JOIN settlement_read.instrument ON instrument.venue = split_part(wanted.name, '/', 1)
    AND instrument.project = split_part(wanted.name, '/', 2)
    AND instrument.vintage::text = split_part(wanted.name, '/', 3)

-- name: references_today
SELECT wanted.name, one.reference_fen
FROM unnest($1::text[]) AS wanted (name)
JOIN settlement_read.instrument_today AS one ON one.venue = split_part(wanted.name, '/', 1)
    AND one.project = split_part(wanted.name, '/', 2)
    AND one.vintage = split_part(wanted.name, '/', 3)::integer

-- name: references_on
SELECT wanted.name, settlement_read.reference_price(split_part(wanted.name, '/', 1),
    split_part(wanted.name, '/', 2), split_part(wanted.name, '/', 3)::integer, $2::date) AS reference_fen
FROM unnest($1::text[]) AS wanted (name)

-- name: limits_of_instruments
SELECT wanted.name, limits.*
FROM unnest($1::text[]) AS wanted (name)
CROSS JOIN LATERAL settlement_read.price_limits(split_part(wanted.name, '/', 1),
    split_part(wanted.name, '/', 2), split_part(wanted.name, '/', 3)::integer, $2) AS limits

-- name: days_of_instruments
-- One page for each of many instruments, the latest first.
SELECT part.*, wanted.name
FROM unnest($1::text[]) AS wanted (name)
CROSS JOIN LATERAL (
    SELECT *
    FROM settlement_read.instrument_day
    WHERE instrument_day.venue = split_part(wanted.name, '/', 1)
        AND instrument_day.project = split_part(wanted.name, '/', 2)
        AND instrument_day.vintage = split_part(wanted.name, '/', 3)::integer
        AND ($2::date IS NULL OR date >= $2)
        AND ($3::date IS NULL OR date <= $3)
        AND ($4::date IS NULL OR date < $4)
    ORDER BY date DESC
    LIMIT $5
) AS part
ORDER BY part.date DESC

-- name: list_instrument_days
-- What a venue traded, the latest day first.
SELECT *, concat_ws('/', venue, project, vintage) AS name
FROM settlement_read.instrument_day
WHERE venue = $1
    AND ($2::date IS NULL OR date >= $2)
    AND ($3::date IS NULL OR date <= $3)
    AND ($4::date IS NULL OR (date, project, vintage) < ($4, $5::text, $6::integer))
ORDER BY date DESC, project DESC, vintage DESC
LIMIT $7

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

-- name: list_balances
-- In pages, though all places are added up for each.
SELECT *
FROM settlement_read.balances($1, $2, $3, $4, $5, $6)
WHERE $7::text IS NULL
    OR (programme, project, vintage, bucket, coalesce(venue, '')) > ($7, $8::text, $9::integer, $10::text, $11::text)
ORDER BY programme, project, vintage, bucket, coalesce(venue, '')
LIMIT $12

-- name: list_cash_balances
SELECT * FROM settlement_read.cash_balances($1, $2, $3, $4, $5, $6)

-- name: list_statement
-- In pages, though all places are added up for each.
SELECT *
FROM settlement_read.statement($1, $2, $3, $4, $5, $6, $7)
WHERE $8::text IS NULL
    OR (programme, project, vintage, bucket, coalesce(venue, '')) > ($8, $9::text, $10::integer, $11::text, $12::text)
ORDER BY programme, project, vintage, bucket, coalesce(venue, '')
LIMIT $13

-- name: list_cash_statement
SELECT * FROM settlement_read.cash_statement($1, $2, $3, $4, $5, $6, $7)

-- name: list_credit_entries
SELECT * FROM settlement_read.credit_entries($1, $2, $3, $4, $5, $6)

-- name: list_cash_entries
SELECT * FROM settlement_read.cash_entries($1, $2, $3, $4, $5, $6)

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

-- name: retirements_by_id
-- As much of many as this viewer may see, in the order given.
SELECT retirement.*
FROM unnest($4::uuid[]) WITH ORDINALITY AS wanted (retirement_id, place)
CROSS JOIN LATERAL settlement_read.retirement($1, $2, $3, wanted.retirement_id) AS retirement
ORDER BY wanted.place

-- name: list_public_retirements
SELECT * FROM settlement_read.public_retirements($1, $2, $3, $4, $5)

-- name: get_public_retirement
SELECT * FROM settlement_read.public_retirement($1)

-- name: get_public_proof
SELECT *, offset_used AS "offset" FROM settlement_read.public_proof($1)

-- name: list_settlement_histories
-- One page for each of many objects.
SELECT happening.sequence, happening.type, happening.effective_at, happening.recorded_at, happening.actor,
    happening.approved_by, wanted.subject, happening.body
FROM unnest($1::text[]) AS wanted (subject)
CROSS JOIN LATERAL settlement_read.history($2, $3, $4, wanted.subject, $5, $6) AS happening
ORDER BY happening.sequence

-- name: get_settlement_approval
SELECT *, id AS approval_id, 'settlement' AS service FROM settlement_read.approval($1, $2, $3, $4)

-- name: list_settlement_approvals
SELECT *, id AS approval_id, 'settlement' AS service FROM settlement_read.approvals($1, $2, $3, $4, $5, $6, $7)

-- name: list_transfers
SELECT * FROM settlement_read.transfers($1, $2, $3, $4, $5, $6, $7, $8)

-- name: get_transfer
SELECT * FROM settlement_read.transfer($1, $2, $3, $4)

-- name: list_corrections
SELECT * FROM settlement_read.corrections($1, $2, $3, $4, $5, $6, $7, $8)

-- name: get_correction
SELECT * FROM settlement_read.correction($1, $2, $3, $4)

-- name: corrections_of_postings
-- A posting is corrected once.
SELECT correction.*
FROM unnest($1::text[]) AS wanted (posting)
CROSS JOIN LATERAL settlement_read.corrections($2, $3, $4, NULL, wanted.posting, NULL, NULL, 1) AS correction

-- name: list_disputes
SELECT * FROM settlement_read.disputes($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: get_dispute
SELECT * FROM settlement_read.dispute($1, $2, $3, $4)

-- name: disputes_of_trades
-- A party objects once, so that a trade has two at most.
SELECT dispute.*
FROM unnest($1::text[]) AS wanted (trade)
CROSS JOIN LATERAL settlement_read.disputes($2, $3, $4, split_part(wanted.trade, '/', 1),
    substr(wanted.trade, strpos(wanted.trade, '/') + 1), NULL, NULL, NULL, 2) AS dispute
ORDER BY dispute.opened_at, dispute.dispute_id

-- name: list_obligations
SELECT * FROM settlement_read.obligations($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: get_obligation
SELECT * FROM settlement_read.obligations($1, $2, $3, $4, $5, NULL, NULL, NULL, 1)

-- name: obligations_by_key
-- What this viewer may see of many obligations, in the order given.
SELECT obligation.*
FROM unnest($4::text[], $5::integer[]) WITH ORDINALITY AS wanted (account, emission_year, place)
CROSS JOIN LATERAL settlement_read.obligations($1, $2, $3, wanted.account, wanted.emission_year, NULL, NULL, NULL, 1)
    AS obligation
ORDER BY wanted.place

-- name: discharges_of_obligations
-- One page for each of many obligations, the latest first.
SELECT part.*
FROM unnest($1::text[]) AS wanted (obligation)
CROSS JOIN LATERAL settlement_read.discharges($2, $3, $4, split_part(wanted.obligation, '/', 1),
    split_part(wanted.obligation, '/', 2)::integer, $5, $6, $7) AS part
ORDER BY part.retired_at DESC, part.retirement_id DESC

-- name: list_obligation_statement
SELECT * FROM settlement_read.obligation_statement($1, $2, $3, $4, $5, $6, $7)

-- name: list_freezes
SELECT * FROM settlement_read.freezes($1, $2, $3, $4, $5, $6, $7, $8)

-- name: get_freeze
SELECT * FROM settlement_read.freeze($1, $2, $3, $4)

-- name: freezes_by_id
-- What this viewer may see of many freezes, in the order given.
SELECT seen.*
FROM unnest($4::uuid[]) WITH ORDINALITY AS wanted (freeze_id, place)
CROSS JOIN LATERAL settlement_read.freeze($1, $2, $3, wanted.freeze_id) AS seen
ORDER BY wanted.place

-- name: list_enforcements
SELECT * FROM settlement_read.enforcements($1, $2, $3, $4, $5, $6, $7)

-- name: get_enforcement
SELECT * FROM settlement_read.enforcement($1, $2, $3, $4)

-- name: list_shortfalls
SELECT * FROM settlement_read.shortfalls($1, $2, $3, $4, $5, $6, $7, $8)

-- name: get_shortfall
SELECT * FROM settlement_read.shortfall($1, $2, $3, $4)
