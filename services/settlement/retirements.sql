-- name: next_certificate_number
-- Counted in a row, not by a sequence: a retirement that is undone leaves no gap.
INSERT INTO certificate_count (series, year, issued)
VALUES ($1, $2, 1)
ON CONFLICT (series, year) DO UPDATE SET issued = certificate_count.issued + 1
RETURNING issued

-- name: insert_retirement
INSERT INTO retirement (retirement_id, certificate_number, bucket, account, programme, project, vintage, tonnes, purpose,
    beneficiary_kind, beneficiary_name, beneficiary_id, beneficiary_country, on_behalf_of, reporting_period, reason,
    document_sha256, is_public, requested_by, approved_by, retired_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
ON CONFLICT (retirement_id) DO NOTHING
RETURNING certificate_number
