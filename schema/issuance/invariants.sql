-- What is always true of issuance: each query returns no row.

-- name: batch_tonnes_are_its_serials
-- A batch has as many serials as tonnes, beginning with 1, and its public range says so.
SELECT batch_id
FROM credit_batch
WHERE first_serial <> 1
    OR last_serial - first_serial + 1 <> tonnes
    OR serials <> concat_ws(
        '-', programme, country, project, vintage, lpad(batch_number::text, greatest(3, length(batch_number::text)), '0'),
        first_serial, last_serial
    )

-- name: batch_numbers_gapless
-- The batches of a project and vintage are numbered from 1 without a gap.
SELECT project, vintage
FROM credit_batch
GROUP BY project, vintage
HAVING min(batch_number) <> 1 OR max(batch_number) <> count(*)

-- name: reduction_issued_as_its_tonnes
-- What was issued from a reduction is all of its tonnes or, if it names no batch, nothing; revoked ones may have been.
SELECT reduction.reduction_id
FROM reduction
LEFT JOIN credit_batch ON credit_batch.reduction_id = reduction.reduction_id
GROUP BY reduction.reduction_id
HAVING coalesce(sum(credit_batch.tonnes), 0)
    <> CASE WHEN reduction.batch_id IS NULL THEN 0 ELSE reduction.tonnes END

-- name: batch_and_reduction_agree
-- A batch that is no opening batch is the one that its reduction names, for the project's owner.
SELECT credit_batch.batch_id
FROM credit_batch
LEFT JOIN reduction ON reduction.batch_id = credit_batch.batch_id
LEFT JOIN project ON project.code = credit_batch.project
WHERE credit_batch.source IS NULL
    AND (reduction.reduction_id, project.owner_account)
        IS DISTINCT FROM (credit_batch.reduction_id, credit_batch.holder_account)

-- name: batch_told_once
-- Every batch is told in the history exactly once, with its holder and tonnes.
SELECT credit_batch.batch_id
FROM credit_batch
LEFT JOIN event ON event.aggregate = 'batch/' || credit_batch.batch_id AND event.type = 'issuance.credits.issued'
GROUP BY credit_batch.batch_id
HAVING count(event.id) <> 1
    OR min(event.body ->> 'holder_account') <> credit_batch.holder_account
    OR min((event.body ->> 'tonnes')::bigint) <> credit_batch.tonnes

-- name: monitoring_periods_apart
-- Monitoring periods of one project do not overlap (rule 25).
SELECT one.project, one.number, other.number AS other_number
FROM monitoring_period AS one
JOIN monitoring_period AS other
    ON other.project = one.project AND other.number > one.number
    AND other.starts_on <= one.ends_on AND other.ends_on >= one.starts_on

-- name: reduction_within_crediting_period
-- Nothing is credited outside the project's crediting period.
SELECT reduction.reduction_id
FROM reduction
JOIN project ON project.code = reduction.project
WHERE reduction.period_start < project.crediting_from OR reduction.period_end > project.crediting_until

-- name: registered_as_verified
-- Of each vintage exactly the verified tonnes are registered, and those of no other report (rule 7).
SELECT report.report_id, report_vintage.vintage
FROM report
JOIN report_vintage USING (report_id)
LEFT JOIN reduction ON reduction.report_id = report.report_id AND reduction.vintage = report_vintage.vintage
GROUP BY report.report_id, report_vintage.vintage, report_vintage.verified
HAVING coalesce(sum(reduction.tonnes), 0)
    <> CASE WHEN report.state IN ('REGISTERED', 'ISSUED', 'REVOKED') THEN report_vintage.verified ELSE 0 END

-- name: report_issued_with_its_last_reduction
-- A report is issued if and only if credits were issued from all of its reductions, and revoked if any were falsified.
SELECT report.report_id
FROM report
JOIN reduction USING (report_id)
GROUP BY report.report_id
HAVING report.state <> CASE
    WHEN bool_or(reduction.state = 'REVOKED') THEN 'REVOKED'
    WHEN bool_and(reduction.batch_id IS NOT NULL) THEN 'ISSUED'
    ELSE 'REGISTERED'
END

-- name: report_holds_its_period
-- A published report has its period as long as it is neither refused nor withdrawn, and no draft has one.
SELECT report.report_id
FROM report
LEFT JOIN monitoring_period AS period
    ON period.report_id = report.report_id AND period.project = report.project
    AND period.number = report.period_number AND period.starts_on = report.period_start
    AND period.ends_on = report.period_end
WHERE (report.state NOT IN ('DRAFT', 'REFUSED', 'WITHDRAWN')) <> (period.report_id IS NOT NULL)

-- name: report_holds_its_claims
-- What counts once only is claimed by a published report that is neither refused nor withdrawn, and by no draft.
SELECT report.report_id
FROM report
LEFT JOIN claim USING (report_id)
GROUP BY report.report_id
HAVING count(claim.claimed)
    <> CASE WHEN report.state IN ('DRAFT', 'REFUSED', 'WITHDRAWN') THEN 0 ELSE coalesce(cardinality(report.claims), 0) END

-- name: verifier_is_not_the_validator
-- Reductions are verified by another body than the one that validated the project (rule 6).
SELECT verification.report_id
FROM verification
JOIN report USING (report_id)
JOIN project ON project.code = report.project
WHERE verification.verification_body IN (project.validation_body) OR verification.verification_body <> report.verification_body

-- name: report_verified_by_a_statement
-- There is a verifier's statement if and only if the report has come so far.
SELECT report.report_id
FROM report
LEFT JOIN verification USING (report_id)
WHERE report.state <> 'WITHDRAWN'
    AND (verification.report_id IS NOT NULL)
        <> (report.state IN ('VERIFIED', 'REGISTRATION_APPLIED', 'REGISTERED', 'ISSUED', 'REFUSED', 'REVOKED'))

-- name: event_sequence_gapless
-- The events of an aggregate are numbered from 1 without a gap.
SELECT aggregate
FROM event
GROUP BY aggregate
HAVING min(sequence) <> 1 OR max(sequence) <> count(*)

-- name: outbox_row_older_than_60_seconds
-- What is committed is told within a minute.
SELECT id
FROM outbox
WHERE recorded_at < clock_timestamp() - interval '60 seconds'
