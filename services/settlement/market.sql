-- name: insert_venue
INSERT INTO venue (code, name)
VALUES ($1, $2)
ON CONFLICT DO NOTHING
RETURNING code

-- name: list_venues
-- Admitted venues, with what stops them.
SELECT code, name, mode,
    (SELECT max(date) FROM venue_day WHERE venue_day.venue = venue.code) AS closed_on,
    EXISTS (SELECT FROM gap WHERE gap.venue = venue.code AND cleared_at IS NULL) AS is_halted,
    EXISTS (SELECT FROM waiting_trade w WHERE w.venue = venue.code AND deadline IS NULL) AS has_backlog
FROM venue
WHERE code = ANY ($1::text[])

-- name: list_closed_days
-- Which of these days their venues have closed, given as two parallel arrays.
SELECT venue, date
FROM venue_day
WHERE (venue, date) IN (SELECT * FROM unnest($1::text[], $2::date[]))

-- name: set_venue_mode
UPDATE venue SET mode = $2 WHERE code = $1

-- name: insert_market_terms
INSERT INTO market_terms (venue, programme, valid_from, cycle, terms, set_by, approved_by, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: list_market_terms
-- Every version of the terms of these venues.
SELECT venue, programme, terms
FROM market_terms
WHERE venue = ANY ($1::text[])
ORDER BY venue, programme, valid_from

-- name: list_listings
-- These instruments at these venues, given as three parallel arrays.
SELECT venue, project, vintage, programme, listed_on, first_price_fen
FROM instrument
WHERE (venue, project, vintage) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::int[]))

-- name: insert_instrument
INSERT INTO instrument (venue, project, vintage, programme, listed_on)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
RETURNING project

-- name: set_first_price
-- Once, and before the first trade that could make a reference price.
UPDATE instrument
SET first_price_fen = $4, declared_by = $5
WHERE venue = $1 AND project = $2 AND vintage = $3 AND first_price_fen IS NULL
  AND NOT EXISTS (
    SELECT FROM instrument_day d
    WHERE d.venue = $1 AND d.project = $2 AND d.vintage = $3 AND d.listing_tonnes > 0)
RETURNING project

-- name: has_moved_in
-- Whether this account ever brought credits of the instrument to the venue.
SELECT EXISTS (
    SELECT FROM move WHERE account = $1 AND venue = $2 AND project = $3 AND vintage = $4 AND to_bucket = 'exchange')

-- name: list_instrument_days
-- Of each instrument the day itself, and the latest earlier one that had listing trades.
SELECT DISTINCT day.*
FROM unnest($1::text[], $2::text[], $3::int[], $4::date[]) AS wanted (venue, project, vintage, date)
CROSS JOIN LATERAL (
    (SELECT venue, project, vintage, date, trades, tonnes, turnover_fen, listing_tonnes, listing_turnover_fen,
        settled_trades, settled_tonnes, settled_turnover_fen
    FROM instrument_day d
    WHERE d.venue = wanted.venue AND d.project = wanted.project AND d.vintage = wanted.vintage
      AND d.date = wanted.date)
    UNION ALL
    (SELECT venue, project, vintage, date, trades, tonnes, turnover_fen, listing_tonnes, listing_turnover_fen,
        settled_trades, settled_tonnes, settled_turnover_fen
    FROM instrument_day d
    WHERE d.venue = wanted.venue AND d.project = wanted.project AND d.vintage = wanted.vintage
      AND d.date < wanted.date AND d.listing_tonnes > 0
    ORDER BY d.date DESC
    LIMIT 1)
) AS day

-- name: open_instrument_days
INSERT INTO instrument_day (venue, project, vintage, date, trades, tonnes, turnover_fen, listing_tonnes,
    listing_turnover_fen, settled_trades, settled_tonnes, settled_turnover_fen)
SELECT venue, project, vintage, date, 0, 0, 0, 0, 0, 0, 0, 0
FROM unnest($1::text[], $2::text[], $3::int[], $4::date[]) AS new (venue, project, vintage, date)
ON CONFLICT DO NOTHING

-- name: add_to_instrument_days
-- By difference, under the CHECK that no total is negative.
UPDATE instrument_day
SET trades = instrument_day.trades + new.trades, tonnes = instrument_day.tonnes + new.tonnes,
    turnover_fen = instrument_day.turnover_fen + new.turnover_fen,
    listing_tonnes = instrument_day.listing_tonnes + new.listing_tonnes,
    listing_turnover_fen = instrument_day.listing_turnover_fen + new.listing_turnover_fen,
    settled_trades = instrument_day.settled_trades + new.settled_trades,
    settled_tonnes = instrument_day.settled_tonnes + new.settled_tonnes,
    settled_turnover_fen = instrument_day.settled_turnover_fen + new.settled_turnover_fen
FROM unnest($1::text[], $2::text[], $3::int[], $4::date[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
        $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[])
    AS new (venue, project, vintage, date, trades, tonnes, turnover_fen, listing_tonnes, listing_turnover_fen,
        settled_trades, settled_tonnes, settled_turnover_fen)
WHERE instrument_day.venue = new.venue
  AND instrument_day.project = new.project
  AND instrument_day.vintage = new.vintage
  AND instrument_day.date = new.date

-- name: list_last_trades
-- When these accounts last traded these instruments, given as four parallel arrays: one look-up each, never the history.
SELECT last.*
FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) AS asked (account, venue, project, vintage)
CROSS JOIN LATERAL (
    SELECT account, venue, project, vintage, bought_on, sold_on
    FROM last_trade l
    WHERE l.account = asked.account AND l.venue = asked.venue AND l.project = asked.project
      AND l.vintage = asked.vintage
    LIMIT 1
) AS last

-- name: set_last_trades
INSERT INTO last_trade (account, venue, project, vintage, bought_on, sold_on)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::date[], $6::date[])
ON CONFLICT (account, venue, project, vintage) DO UPDATE
SET bought_on = EXCLUDED.bought_on, sold_on = EXCLUDED.sold_on

-- name: recount_last_trade
-- After a cancellation: the account's last standing trades in the instrument, on each side.
UPDATE last_trade
SET bought_on = (SELECT max(traded_on) FROM standing_trade t WHERE t.buyer_account = $1 AND t.venue = $2
        AND t.project = $3 AND t.vintage = $4),
    sold_on = (SELECT max(traded_on) FROM standing_trade t WHERE t.seller_account = $1 AND t.venue = $2
        AND t.project = $3 AND t.vintage = $4)
WHERE account = $1 AND venue = $2 AND project = $3 AND vintage = $4

-- name: insert_calendar_notice
INSERT INTO calendar_notice (notice_id, year, holidays, working_days, recorded_at)
VALUES ($1, $2, $3, $4, $5)

-- name: list_calendar_notices
SELECT notice_id, year, holidays, working_days
FROM calendar_notice
ORDER BY recorded_at, notice_id
