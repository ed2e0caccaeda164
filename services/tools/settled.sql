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
