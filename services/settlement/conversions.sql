-- name: is_conversion_known
SELECT EXISTS (SELECT FROM conversion WHERE conversion_id = $1)

-- name: get_carry_over_stand
-- Of the account's allowances of these vintages: what it sold between the two days above what it bought, in trades that were
-- not corrected; what it held at the instant, and what of that waited for a second person to be surrendered or cancelled;
-- and what it has carried over into the year.
SELECT
    (SELECT coalesce(sum(CASE seller_account WHEN $1 THEN quantity ELSE -quantity END), 0)::bigint
    FROM trade
    WHERE state = 'SETTLED' AND (seller_account = $1 OR buyer_account = $1)
      AND project = $2 AND vintage = ANY ($3::integer[]) AND traded_on BETWEEN $4 AND $5
      AND NOT EXISTS (SELECT FROM correction WHERE posting = 'trade/' || trade.venue || '/' || trade.trade_id)) AS net_sold,
    (SELECT coalesce(sum(side.tonnes), 0)::bigint
    FROM (
        SELECT batch_id, to_bucket, next_serial - first_serial, effective_at FROM credit_entry WHERE to_account = $1
        UNION ALL
        SELECT batch_id, from_bucket, first_serial - next_serial, effective_at FROM credit_entry WHERE from_account = $1
    ) AS side (batch_id, bucket, tonnes, effective_at)
    JOIN batch USING (batch_id)
    WHERE project = $2 AND vintage = ANY ($3) AND bucket NOT IN ('retired', 'cancelled') AND effective_at < $6) AS held,
    (SELECT coalesce(sum((command ->> 'tonnes')::bigint), 0)::bigint
    FROM approval
    WHERE command_type IN ('settlement.retire_credits', 'settlement.cancel_credits', 'settlement.enforce_obligation')
      AND command ->> 'account' = $1 AND command ->> 'project' = $2 AND (command ->> 'vintage')::integer = ANY ($3)
      AND requested_at < $6 AND expires_at >= $6 AND coalesce(decided_at, 'infinity') >= $6) AS waiting,
    (SELECT coalesce(sum(target_tonnes), 0)::bigint
    FROM conversion
    WHERE account = $1 AND carried_into = $7) AS carried_over

-- name: insert_conversion
INSERT INTO conversion (
    conversion_id, batch_id, target_tonnes, account, retirement_id, code, carried_into, carry_over_max, decided_at, recorded_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
