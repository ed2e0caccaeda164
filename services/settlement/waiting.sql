-- name: list_waiting
-- The waiting trades after this arrival, in the order of arrival; those of a halted venue go on waiting.
SELECT arrival, venue, trade_id
FROM waiting_trade
WHERE arrival > $1
  AND NOT EXISTS (SELECT FROM gap WHERE gap.venue = waiting_trade.venue AND cleared_at IS NULL)
ORDER BY arrival
LIMIT $2

-- name: set_deadlines
-- Of these trades those that had none, given as two parallel arrays.
UPDATE waiting_trade
SET deadline = $3
WHERE deadline IS NULL AND (venue, trade_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))

-- name: count_fault
-- One more; who waits for its venue only gets a deadline from now on, so that the venue's next trades go on.
UPDATE waiting_trade
SET faults = faults + 1, deadline = coalesce(deadline, $3)
WHERE venue = $1 AND trade_id = $2
RETURNING faults, deadline
