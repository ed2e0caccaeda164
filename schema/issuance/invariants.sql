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
-- The batches of a project and vintage are numbered from 1 without a gap; what a conversion has reserved keeps its number.
SELECT project, vintage
FROM (
    SELECT project, vintage, batch_number FROM credit_batch
    UNION
    SELECT target_project, target_vintage, batch_number FROM conversion
) AS numbered
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
-- A batch that was issued from a reduction is the one that the reduction names, for the project's owner.
SELECT credit_batch.batch_id
FROM credit_batch
LEFT JOIN reduction ON reduction.batch_id = credit_batch.batch_id
LEFT JOIN project ON project.code = credit_batch.project
WHERE credit_batch.reduction_id IS NOT NULL
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

-- name: allowances_issued_as_paid
-- What an emitter was paid is what was issued to its account, as allowances of the year and of its plan's programme.
SELECT year.compliance_id
FROM compliance_year AS year
JOIN allocation_plan AS plan USING (plan, plan_version)
LEFT JOIN credit_batch AS batch USING (compliance_id)
GROUP BY year.compliance_id, plan.programme
HAVING coalesce(sum(batch.tonnes), 0) <> year.paid
    OR NOT coalesce(bool_and(
        (batch.holder_account, batch.vintage, batch.programme, batch.project)
            = (year.account, year.emission_year, plan.programme, plan.programme)
    ), true)

-- name: allowances_paid_as_entitled
-- Whoever was allocated has at least what it is entitled to; what it has above that was paid before a change.
SELECT compliance_id
FROM compliance_year
WHERE state IN ('PREALLOCATED', 'ALLOCATED') AND paid < entitled

-- name: due_as_verified
-- What is due is what the units emitted, and the allocation is theirs and what the limit of the gap added.
SELECT year.compliance_id
FROM compliance_year AS year
LEFT JOIN compliance_unit AS unit USING (compliance_id, obligation_version)
GROUP BY year.compliance_id
HAVING coalesce(sum(unit.verified), 0) <> coalesce(year.due, 0)
    OR year.state = 'ALLOCATED' AND sum(unit.initial + unit.topup) + year.topup IS DISTINCT FROM year.final

-- name: obligation_told_as_set
-- Every version of an obligation is told once, and the last one says what is due.
SELECT year.compliance_id
FROM compliance_year AS year
LEFT JOIN event
    ON event.aggregate = 'compliance/' || year.compliance_id AND event.type = 'issuance.obligation.set'
GROUP BY year.compliance_id
HAVING count(event.id) <> year.obligation_version
    OR max((event.body ->> 'due')::bigint)
        FILTER (WHERE (event.body ->> 'version')::integer = year.obligation_version) IS DISTINCT FROM year.due

-- name: target_lives_once_its_source_is_dead
-- A conversion that is issued has its batch, and any other has none (rule 25).
SELECT conversion.conversion_id
FROM conversion
LEFT JOIN credit_batch USING (conversion_id)
WHERE (conversion.state = 'ISSUED') <> (credit_batch.batch_id IS NOT NULL)

-- name: nothing_converted_into_the_national_ets
-- Nothing was ever converted into what counts in the national ETS, nor to or from allowances (rule 25); these are carried over
-- from one year into a later one, and nothing else is.
SELECT conversion.conversion_id
FROM conversion
JOIN programme ON programme.code IN (conversion.source_programme, conversion.target_programme)
WHERE (programme.kind = 'ALLOWANCE') <> (conversion.compliance_id IS NOT NULL)
    OR programme.is_ets_eligible AND programme.code = conversion.target_programme

-- name: carried_over_by_the_plan
-- What is carried over into a year are allowances of its plan's programme, of vintages that some version of the plan names.
SELECT conversion.conversion_id
FROM conversion
JOIN compliance_year AS year USING (compliance_id)
WHERE NOT EXISTS (
    SELECT
    FROM allocation_plan AS plan
    CROSS JOIN json_array_elements(plan.terms -> 'emission_years') AS planned
    CROSS JOIN json_array_elements_text(planned -> 'carry_over' -> 'source_vintages') AS named
    WHERE plan.plan = year.plan AND plan.programme = conversion.target_programme
        AND (planned ->> 'emission_year')::integer = conversion.target_vintage
        AND named::integer = conversion.source_vintage
)

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
