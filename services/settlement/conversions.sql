-- name: is_conversion_known
SELECT EXISTS (SELECT FROM conversion WHERE conversion_id = $1)

-- name: insert_conversion
INSERT INTO conversion (conversion_id, batch_id, target_tonnes, account, retirement_id, code, decided_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
