-- name: get_venue_day
SELECT digest FROM venue_day WHERE venue = $1 AND date = $2

-- name: insert_venue_day
INSERT INTO venue_day (venue, date, digest, causation_id, trades, tonnes, turnover_fen, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: list_countable_days
-- Closed days of which no trade waits any longer, beside what was captured.
SELECT d.venue, d.date, d.causation_id, d.trades, d.tonnes, d.turnover_fen,
    captured.trades AS captured_trades, captured.tonnes AS captured_tonnes,
    captured.turnover_fen AS captured_turnover_fen
FROM venue_day d
CROSS JOIN LATERAL (
    SELECT coalesce(sum(i.trades), 0)::bigint AS trades, coalesce(sum(i.tonnes), 0)::bigint AS tonnes,
        coalesce(sum(i.turnover_fen), 0)::bigint AS turnover_fen
    FROM instrument_day i WHERE i.venue = d.venue AND i.date = d.date
) AS captured
WHERE d.captured_trades IS NULL
  AND NOT EXISTS (SELECT FROM waiting_trade w WHERE w.venue = d.venue AND w.traded_on = d.date)
ORDER BY d.venue, d.date
LIMIT $1

-- name: count_venue_day
UPDATE venue_day
SET captured_trades = $3, captured_tonnes = $4, captured_turnover_fen = $5
WHERE venue = $1 AND date = $2
RETURNING is_matched

-- name: open_gap
-- One that was cleared opens again; of one that is open there is no row.
INSERT INTO gap (venue, date, kind, opened_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (venue, date, kind) DO UPDATE
SET opened_at = EXCLUDED.opened_at, cleared_at = NULL, cleared_by = NULL, approved_by = NULL, explanation = NULL
WHERE gap.cleared_at IS NOT NULL
RETURNING venue

-- name: clear_gap
UPDATE gap
SET cleared_at = $4, cleared_by = $5, approved_by = $6, explanation = $7
WHERE venue = $1 AND date = $2 AND kind = $3 AND cleared_at IS NULL
RETURNING venue

-- name: insert_day_confirmation
INSERT INTO day_confirmation (venue, date, confirmed_by, confirmed_at, recorded_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
RETURNING venue

-- name: next_to_settle
-- A venue that is not halted and whose first captured trade is of a day with both confirmations; and the first captured
-- trade that is of another day, where it has one: what was captured after that may be paid from it.
SELECT venue.code AS venue, unconfirmed.capture AS until_capture
FROM venue
CROSS JOIN LATERAL (SELECT min(capture) AS capture FROM captured_trade c WHERE c.venue = venue.code) AS first
CROSS JOIN LATERAL (
    SELECT min(c.capture) AS capture
    FROM captured_trade c
    WHERE c.venue = venue.code
      AND NOT EXISTS (
        SELECT FROM day_confirmation d JOIN venue_day v USING (venue, date)
        WHERE d.venue = c.venue AND d.date = c.traded_on AND v.captured_trades IS NOT NULL)
) AS unconfirmed
WHERE first.capture IS NOT NULL
  AND unconfirmed.capture IS DISTINCT FROM first.capture
  AND NOT EXISTS (SELECT FROM gap WHERE gap.venue = venue.code AND cleared_at IS NULL)
ORDER BY venue.code
LIMIT 1

-- name: is_day_counted
SELECT EXISTS (SELECT FROM venue_day WHERE venue = $1 AND date = $2 AND captured_trades IS NOT NULL)
