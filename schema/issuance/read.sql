-- What issuance publishes to everybody: reductions and credit batches.

CREATE VIEW issuance_read.reduction AS
SELECT
    reduction.reduction_id, reduction.project, project.programme, reduction.period_number, reduction.period_start,
    reduction.period_end, reduction.vintage, reduction.tonnes, reduction.state AS status,
    reduction.verification_body, reduction.evidence, reduction.batch_id, reduction.recorded_at
FROM reduction
JOIN project ON project.code = reduction.project;

CREATE VIEW issuance_read.credit_batch AS
SELECT
    batch_id, programme, country, project, vintage, batch_number, first_serial, last_serial, tonnes, serials,
    reduction_id, reduction_id IS NULL AS is_opening, issued_at
FROM credit_batch;
