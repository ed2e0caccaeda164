-- name: take_epoch
UPDATE fence SET epoch = epoch + 1 WHERE name = 'trades' RETURNING epoch

-- name: lock_epoch
-- Held to the end of the transaction: whoever settles trades does so alone.
SELECT epoch FROM fence WHERE name = 'trades' FOR UPDATE

-- name: list_known_trades
-- Final outcomes, captured and waiting trades among these keys.
SELECT venue, trade_id, digest, state FROM trade
WHERE (venue, trade_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
UNION ALL
SELECT venue, trade_id, digest, 'CAPTURED' FROM captured_trade
WHERE (venue, trade_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
UNION ALL
SELECT venue, trade_id, digest, 'WAITING' FROM waiting_trade
WHERE (venue, trade_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))

-- name: insert_rejected_trade
INSERT INTO trade (venue, trade_id, digest, state, method, project, vintage, seller_account, buyer_account,
    quantity, currency, executed_at, traded_on, recorded_at, code, message, fields)
VALUES ($1, $2, $3, 'REJECTED', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)

-- name: insert_captured_trades
INSERT INTO captured_trade (venue, trade_id, digest, causation_id, method, programme, project, vintage, seller_account,
    buyer_account, quantity, price_fen, currency, amount_fen, seller_fee_fen, buyer_fee_fen, fee_account,
    executed_at, traded_on, captured_at)
SELECT new.*, $20
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::text[],
        $10::text[], $11::bigint[], $12::bigint[], $13::text[], $14::bigint[], $15::bigint[], $16::bigint[],
        $17::text[], $18::timestamptz[], $19::date[])
    AS new

-- name: list_captured
-- A venue's captured trades in the order of capture, up to one of them.
SELECT venue, trade_id, digest, causation_id, method, programme, project, vintage, seller_account, buyer_account,
    quantity, price_fen, currency, amount_fen, seller_fee_fen, buyer_fee_fen, fee_account, executed_at, traded_on
FROM captured_trade
WHERE venue = $1 AND ($2::bigint IS NULL OR capture < $2)
ORDER BY capture
LIMIT $3

-- name: list_captured_later
-- An account's captured trades at a venue that came after one of them.
SELECT venue, trade_id, digest, causation_id, method, programme, project, vintage, seller_account, buyer_account,
    quantity, price_fen, currency, amount_fen, seller_fee_fen, buyer_fee_fen, fee_account, executed_at, traded_on
FROM captured_trade
WHERE venue = $1 AND (seller_account = $3 OR buyer_account = $3)
  AND capture > (SELECT capture FROM captured_trade WHERE venue = $1 AND trade_id = $2)
ORDER BY capture

-- name: get_captured
SELECT venue, trade_id, digest, causation_id, method, programme, project, vintage, seller_account, buyer_account,
    quantity, price_fen, currency, amount_fen, seller_fee_fen, buyer_fee_fen, fee_account, executed_at, traded_on
FROM captured_trade
WHERE venue = $1 AND trade_id = $2

-- name: delete_captured
DELETE FROM captured_trade
WHERE (venue, trade_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))

-- name: insert_waiting_trade
INSERT INTO waiting_trade (venue, trade_id, digest, content, causation_id, traded_on, deadline, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: get_waiting_trade
SELECT venue, trade_id, content, causation_id, deadline
FROM waiting_trade
WHERE venue = $1 AND trade_id = $2

-- name: delete_waiting_trade
DELETE FROM waiting_trade WHERE venue = $1 AND trade_id = $2

-- name: get_trade_state
SELECT state FROM trade WHERE venue = $1 AND trade_id = $2
UNION ALL
SELECT 'CAPTURED' FROM captured_trade WHERE venue = $1 AND trade_id = $2
UNION ALL
SELECT 'WAITING' FROM waiting_trade WHERE venue = $1 AND trade_id = $2

-- name: insert_retort
-- True the first time: what could change nothing is answered once, however often it is sent.
INSERT INTO retort (venue, trade_id, digest)
VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING
RETURNING true
