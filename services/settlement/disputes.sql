-- name: get_disputed_trade
SELECT state, seller_account, buyer_account, programme, traded_on
FROM trade
WHERE venue = $1 AND trade_id = $2
UNION ALL
SELECT 'CAPTURED', seller_account, buyer_account, programme, traded_on
FROM captured_trade
WHERE venue = $1 AND trade_id = $2

-- name: insert_dispute
INSERT INTO dispute (dispute_id, venue, trade_id, account, reason, state, opened_by, opened_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, 'OPEN', $6, $7, $8)
ON CONFLICT DO NOTHING
RETURNING dispute_id

-- name: get_dispute
SELECT dispute_id, venue, trade_id, account, state, opened_at
FROM dispute
WHERE dispute_id = $1

-- name: close_dispute
UPDATE dispute
SET state = $2, closed_by = $3, closed_at = $4, explanation = $5
WHERE dispute_id = $1 AND state = 'OPEN'
