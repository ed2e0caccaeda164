-- What issuance publishes of the national ETS: plans to everybody; of a compliance year what is allocated, paid and due, to the
-- organisation that has the account and to registrars, auditors and authorities.

CREATE VIEW issuance_read.allocation_plan AS
SELECT plan, plan_version, programme, terms, published_at, recorded_at
FROM allocation_plan;

-- The newest emission year first; filters that are null are none.
CREATE FUNCTION issuance_read.compliance_years(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    account_number text, year integer, compliance_state text, after_year integer, after_id uuid, page_size integer)
RETURNS SETOF stated_compliance_year
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = issuance, pg_temp AS $$
    SELECT *
    FROM stated_compliance_year AS stated
    WHERE (organisation_id = viewer_organisation OR viewer_roles && '{registrar,auditor,authority}')
        AND (account_number IS NULL OR account = account_number)
        AND (year IS NULL OR emission_year = year)
        AND (compliance_state IS NULL OR state = compliance_state)
        AND (after_id IS NULL OR (emission_year, compliance_id) < (after_year, after_id))
    ORDER BY emission_year DESC, compliance_id DESC
    LIMIT page_size
$$;

CREATE FUNCTION issuance_read.compliance_year(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], id uuid)
RETURNS SETOF stated_compliance_year
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = issuance, pg_temp AS $$
    SELECT *
    FROM stated_compliance_year
    WHERE compliance_id = id
        AND (organisation_id = viewer_organisation OR viewer_roles && '{registrar,auditor,authority}')
$$;

-- What the units emitted as it was verified last, and what they were allocated for that.
CREATE FUNCTION issuance_read.compliance_units(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], ids uuid[])
RETURNS TABLE (compliance_id uuid, unit_id text, unit_type text, verified_tonnes bigint, output numeric, heat numeric,
    load_factor numeric, correction numeric, initial_tonnes bigint, topup_tonnes bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = issuance, pg_temp AS $$
    SELECT u.compliance_id, u.unit_id, u.unit_type, u.verified, u.output, u.heat, u.load_factor, u.correction, u.initial, u.topup
    FROM unnest(ids) AS wanted (id)
    CROSS JOIN LATERAL issuance_read.compliance_year(
        viewer_subject, viewer_organisation, viewer_roles, wanted.id) AS c
    JOIN compliance_unit u USING (compliance_id, obligation_version)
    ORDER BY u.compliance_id, u.unit_id
$$;

-- The batches in which allowances were issued, in their order.
CREATE FUNCTION issuance_read.compliance_batches(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], ids uuid[])
RETURNS TABLE (compliance_id uuid, batch_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = issuance, pg_temp AS $$
    SELECT b.compliance_id, b.batch_id
    FROM unnest(ids) AS wanted (id)
    CROSS JOIN LATERAL issuance_read.compliance_year(
        viewer_subject, viewer_organisation, viewer_roles, wanted.id) AS c
    JOIN credit_batch b USING (compliance_id)
    ORDER BY b.issued_at, b.batch_number
$$;

-- Everything that it takes to compute a final allocation again.
CREATE FUNCTION issuance_read.allocation_trace(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], id uuid)
RETURNS TABLE (compliance_id uuid, trace_sha256 text, trace json)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = issuance, pg_temp AS $$
    SELECT own.compliance_id, own.trace_sha256, own.trace
    FROM issuance_read.compliance_year(viewer_subject, viewer_organisation, viewer_roles, id) AS c
    JOIN compliance_year own USING (compliance_id)
    WHERE own.trace IS NOT NULL
$$;
