-- name: take_epoch
UPDATE fence SET epoch = epoch + 1 WHERE name = 'trades' RETURNING epoch

-- name: lock_epoch
-- Held to the end of the transaction: whoever settles trades does so alone.
SELECT epoch FROM fence WHERE name = 'trades' FOR UPDATE

-- name: list_known_trades
-- Final outcomes and waiting trades among these keys.
SELECT venue, trade_id, digest, state FROM trade
WHERE (venue, trade_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
UNION ALL
SELECT venue, trade_id, digest, 'WAITING' FROM waiting_trade
WHERE (venue, trade_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))

-- name: list_venues
SELECT code, name, programmes, methods, tick_fen, mode,
    (SELECT max(date) FROM venue_day WHERE venue_day.venue = venue.code) AS closed_on
FROM venue
WHERE code = ANY ($1::text[])

-- name: insert_settled_trades
INSERT INTO trade (venue, trade_id, digest, state, method, programme, project, vintage, seller_account, buyer_account,
    quantity, price_fen, currency, amount_fen, executed_at, traded_on, recorded_at)
SELECT venue, trade_id, digest, 'SETTLED', method, programme, project, vintage, seller_account, buyer_account,
    quantity, price_fen, currency, amount_fen, executed_at, traded_on, $16
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::int[], $8::text[],
        $9::text[], $10::bigint[], $11::bigint[], $12::text[], $13::bigint[], $14::timestamptz[], $15::date[])
    AS new (venue, trade_id, digest, method, programme, project, vintage, seller_account, buyer_account,
        quantity, price_fen, currency, amount_fen, executed_at, traded_on)
ON CONFLICT DO NOTHING

-- name: insert_rejected_trade
INSERT INTO trade (venue, trade_id, digest, state, method, project, vintage, seller_account, buyer_account,
    quantity, currency, executed_at, traded_on, recorded_at, code, message, fields)
VALUES ($1, $2, $3, 'REJECTED', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)

-- name: insert_waiting_trade
INSERT INTO waiting_trade (venue, trade_id, digest, content, causation_id, deadline, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: list_waiting_trades
SELECT venue, trade_id, content, causation_id, deadline
FROM waiting_trade
ORDER BY received_at, venue, trade_id
LIMIT $1

-- name: get_waiting_trade
SELECT venue, trade_id, content, causation_id, deadline
FROM waiting_trade
WHERE venue = $1 AND trade_id = $2

-- name: delete_waiting_trade
DELETE FROM waiting_trade WHERE venue = $1 AND trade_id = $2

-- name: get_trade_state
SELECT state FROM trade WHERE venue = $1 AND trade_id = $2
UNION ALL
SELECT 'WAITING' FROM waiting_trade WHERE venue = $1 AND trade_id = $2

-- name: sum_day
-- What settled of a venue's day in Beijing.
SELECT count(*) AS trades, coalesce(sum(quantity), 0)::bigint AS tonnes, coalesce(sum(amount_fen), 0)::bigint AS turnover_fen
FROM trade
WHERE venue = $1 AND traded_on = $2 AND state = 'SETTLED'

-- name: get_venue_day
SELECT digest FROM venue_day WHERE venue = $1 AND date = $2

-- name: insert_venue_day
INSERT INTO venue_day (venue, date, digest, trades, tonnes, turnover_fen,
    settled_trades, settled_tonnes, settled_turnover_fen, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
RETURNING is_matched
