-- What issuance publishes of conversions: their terms to everybody, and so a conversion once it is issued, as the record of
-- what died for it is public too; before, and if it is refused, to the holder's organisation and to those who oversee the market.

CREATE VIEW issuance_read.conversion_terms AS
SELECT source_programme, target_programme, valid_from, trim_scale(factor)::text AS factor, source, set_at
FROM conversion_terms;

-- Newest first; filters that are null are none. Who asked and who approved is for those who may see the account.
CREATE FUNCTION issuance_read.conversions(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    ids uuid[], account_number text, conversion_state text, after_requested_at timestamptz, after_id uuid, page_size integer
)
RETURNS TABLE (
    conversion_id uuid, account text, source_programme text, source_project text, source_vintage integer,
    source_tonnes bigint, factor text, target_programme text, target_project text, target_vintage integer,
    target_tonnes bigint, batch_id uuid, compliance_id uuid, state text, requested_by text, approved_by text,
    requested_at timestamptz, decided_at timestamptz, certificate_number text, source_ranges jsonb, code text, message text, fields jsonb
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = issuance, pg_temp
AS $$
    SELECT
        found.conversion_id, found.account, found.source_programme, found.source_project, found.source_vintage,
        found.source_tonnes, trim_scale(found.factor)::text, found.target_programme, found.target_project,
        found.target_vintage, found.target_tonnes, found.batch_id, found.compliance_id, found.state,
        CASE WHEN seen.is_full THEN found.requested_by END, CASE WHEN seen.is_full THEN found.approved_by END,
        found.requested_at, found.decided_at, found.certificate_number, found.source_ranges, found.code, found.message,
        found.fields
    FROM conversion AS found
    JOIN account ON account.number = found.account
    CROSS JOIN LATERAL (
        SELECT coalesce(account.organisation_id = viewer_organisation, false)
            OR viewer_roles && '{registrar,auditor,authority}' AS is_full
    ) AS seen
    WHERE (ids IS NULL OR found.conversion_id = ANY (ids))
        AND (account_number IS NULL OR found.account = account_number)
        AND (conversion_state IS NULL OR found.state = conversion_state)
        AND (after_id IS NULL OR (found.requested_at, found.conversion_id) < (after_requested_at, after_id))
        AND (found.state = 'ISSUED' OR seen.is_full)
    ORDER BY found.requested_at DESC, found.conversion_id DESC
    LIMIT page_size
$$;
