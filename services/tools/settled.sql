-- What two services must say alike once everything sent has arrived: one key and one content a row.

-- name: issuance_batches
SELECT batch_id::text AS key, concat_ws('|', programme, country, project, vintage, batch_number, first_serial,
    last_serial + 1, source IS NOT NULL, issued_at) AS content
FROM credit_batch

-- name: settlement_batches
SELECT batch_id::text AS key, concat_ws('|', programme, country, project, vintage, batch_number, first_serial,
    next_serial, is_opening, issued_at) AS content
FROM batch

-- name: registry_accounts
SELECT number AS key, concat_ws('|', account_id, organisation_id, kind, state,
    (SELECT trading.number FROM trading_account AS trading WHERE trading.account = account.number),
    ARRAY(SELECT subject FROM operator WHERE account = number AND dismissed_at IS NULL ORDER BY subject)) AS content
FROM account

-- name: settlement_accounts
SELECT number AS key, concat_ws('|', account_id, organisation_id, kind, status, trading_account,
    ARRAY(SELECT unnest(operators) AS operator ORDER BY operator)) AS content
FROM account

-- name: registry_programmes
SELECT code AS key, concat_ws('|', kind, is_ets_eligible) AS content
FROM programme

-- name: settlement_programmes
SELECT code AS key, concat_ws('|', kind, is_ets_eligible) AS content
FROM programme

-- name: issuance_holders
-- To whom each batch was issued.
SELECT batch_id::text AS key, concat_ws('|', holder_account, tonnes) AS content
FROM credit_batch

-- name: settlement_holders
-- To whom each batch was first credited, by the ledger's own entries: one, or two if a part went into the buffer.
SELECT batch_id::text AS key, concat_ws('|', to_account, sum(next_serial - first_serial)) AS content
FROM credit_entry
WHERE from_account IS NULL
GROUP BY batch_id, to_account

-- name: issuance_conversions
-- What died and what lives in its stead, rounded down; once everything has arrived, none waits to be decided any more.
SELECT conversion_id::text AS key, CASE state
    WHEN 'ISSUED' THEN concat_ws('|', account, source_programme, source_project, source_vintage, source_tonnes,
        certificate_number, batch_id, floor(source_tonnes * factor)::bigint)
    WHEN 'REFUSED' THEN concat_ws('|', account, code, batch_id)
    ELSE state END AS content
FROM conversion

-- name: settlement_conversions
-- The same by the ledger's own entries: all that was cancelled in the conversion's name, and all that was credited of its target.
SELECT conversion_id::text AS key, CASE WHEN code IS NULL
    THEN concat_ws('|', conversion.account, programme, project, vintage,
        (SELECT sum(next_serial - first_serial) FROM credit_entry
            WHERE posting = 'retirement/' || conversion_id AND to_bucket = 'cancelled'),
        certificate_number, batch_id,
        (SELECT sum(next_serial - first_serial) FROM credit_entry
            WHERE credit_entry.batch_id = conversion.batch_id AND from_account IS NULL))
    ELSE concat_ws('|', conversion.account, code, batch_id) END AS content
FROM conversion
LEFT JOIN retirement USING (retirement_id)

-- name: issuance_obligations
-- What each emitter owes for a year, as it was told last.
SELECT account || '/' || emission_year AS key, concat_ws('|', obligation_version, due, offset_max) AS content
FROM compliance_year
WHERE obligation_version > 0

-- name: settlement_obligations
SELECT account || '/' || emission_year AS key, concat_ws('|', version, due, offset_max) AS content
FROM obligation

-- name: registry_methodologies
-- What issuance computes with.
SELECT code AS key, concat_ws('|', coalesce(formula_id, ''), risk_model, coalesce(trim_scale(risk_rate)::text, ''), ARRAY(
        SELECT concat_ws('=', name, trim_scale(value), unit) FROM parameter WHERE methodology = code ORDER BY 1
    )) AS content
FROM methodology

-- name: issuance_methodologies
SELECT code AS key, concat_ws('|', coalesce(formula_id, ''), risk_model, coalesce(trim_scale(risk_rate)::text, ''), ARRAY(
        SELECT concat_ws('=', one ->> 'name', trim_scale((one ->> 'value')::numeric), one ->> 'unit')
        FROM json_array_elements(parameters) AS one ORDER BY 1
    )) AS content
FROM methodology

-- name: registry_organisations
-- Of natural persons and foreigners only that they are there.
SELECT organisation_id::text AS key, CASE WHEN country = 'CN' AND category <> 'NATURAL_PERSON' THEN credit_code ELSE '' END
    AS content
FROM organisation

-- name: issuance_organisations
SELECT organisation_id::text AS key, coalesce(credit_code, '') AS content
FROM organisation
