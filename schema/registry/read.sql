-- What the registry publishes: programmes and methodologies to everybody, parties to those who may see them.

-- A programme by the newest version of its rules, with all of them.
CREATE VIEW registry_read.programme AS
SELECT programme.code, newest.name, programme.country, programme.kind, programme.is_ets_eligible, newest.rule_book,
    newest.version, newest.valid_from, all_of.versions
FROM programme
CROSS JOIN LATERAL (
    SELECT * FROM programme_version WHERE programme_version.programme = programme.code ORDER BY version DESC LIMIT 1
) AS newest
CROSS JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object('version', one.version, 'name', one.name, 'rule_book', one.rule_book,
        'valid_from', one.valid_from, 'valid_until', one.next_from - 1, 'reason', one.reason) ORDER BY one.version) AS versions
    FROM (
        SELECT *, lead(valid_from) OVER (ORDER BY version) AS next_from
        FROM programme_version WHERE programme_version.programme = programme.code
    ) AS one
) AS all_of;

-- A version of a methodology with its figures; values are decimal strings, so that no reader rounds them.
CREATE VIEW registry_read.methodology AS
SELECT code, programme, name, crediting_years_max, valid_from, valid_until, crediting_years_min, additionality,
    risk_model, risk_rate, formula_id, confidence, source, end_reason,
    coalesce((
        SELECT jsonb_agg(jsonb_build_object('name', parameter.name, 'value', parameter.value::text, 'unit', unit,
            'source', parameter.source, 'edition', edition, 'confidence', parameter.confidence) ORDER BY parameter.name)
        FROM parameter WHERE parameter.methodology = methodology.code
    ), '[]') AS parameters
FROM methodology;

CREATE TYPE registry_read.seen_account AS (
    account_id uuid, number text, kind text, status text, organisation_id uuid, organisation_name text,
    credit_code text, opened_at timestamptz, category text, trading_account text, trading_opened_at timestamptz,
    operators jsonb, restriction_ground text, restriction_reason text, restricted_at timestamptz,
    closure_ground text, closure_reason text, closed_at timestamptz
);

-- An account, to its organisation and to those who oversee the market.
CREATE FUNCTION registry_read.account(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], account_number text
)
RETURNS SETOF registry_read.seen_account
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = registry, pg_temp
AS $$
    SELECT
        account.account_id, account.number, account.kind, account.state, account.organisation_id, organisation.name,
        organisation.credit_code, account.effective_at, account.category, trading.number, trading.effective_at,
        coalesce((
            SELECT jsonb_agg(jsonb_build_object('operator', operator.subject, 'name', operator.name,
                'appointed_at', operator.appointed_at, 'appointed_by', operator.appointed_by) ORDER BY operator.slot)
            FROM operator WHERE operator.account = account.number AND operator.dismissed_at IS NULL
        ), '[]'),
        account.restriction_ground, account.restriction_reason, account.restricted_at,
        account.closure_ground, account.closure_reason, account.closed_at
    FROM account
    JOIN organisation USING (organisation_id)
    LEFT JOIN trading_account AS trading ON trading.account = account.number
    WHERE account.number = account_number
        AND (account.organisation_id = viewer_organisation OR viewer_roles && '{registrar,auditor,authority}')
$$;

-- An organisation, to itself and to those who oversee the market.
CREATE FUNCTION registry_read.organisation(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], id uuid
)
RETURNS TABLE (organisation_id uuid, name text, credit_code text, country text, registered_at timestamptz, category text,
    account text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = registry, pg_temp
AS $$
    SELECT organisation.organisation_id, organisation.name, organisation.credit_code, organisation.country,
        organisation.effective_at, organisation.category, account.number
    FROM organisation
    LEFT JOIN account USING (organisation_id)
    WHERE organisation.organisation_id = id
        AND (id = viewer_organisation OR viewer_roles && '{registrar,auditor,authority}')
$$;

-- Applications for accounts, the newest first, to the organisation and to those who oversee the market.
CREATE FUNCTION registry_read.account_applications(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    application_state text, application_id uuid, after_applied_at timestamptz, after_id uuid, page_size integer
)
RETURNS TABLE (account_id uuid, organisation_id uuid, organisation_name text, kind text, state text,
    applied_at timestamptz, decided_at timestamptz, reason text, overdue_on date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = registry, pg_temp
AS $$
    SELECT a.account_id, a.organisation_id, organisation.name, a.kind, a.state, a.applied_at, a.decided_at, a.reason,
        a.overdue_on
    FROM account_application AS a
    JOIN organisation USING (organisation_id)
    WHERE (a.organisation_id = viewer_organisation OR viewer_roles && '{registrar,auditor,authority}')
        AND (application_state IS NULL OR a.state = application_state)
        AND (application_id IS NULL OR a.account_id = application_id)
        AND (after_id IS NULL OR (a.applied_at, a.account_id) < (after_applied_at, after_id))
    ORDER BY a.applied_at DESC, a.account_id DESC
    LIMIT page_size
$$;

-- Who holds which role in a programme, to its registrars and to those who oversee the market.
CREATE FUNCTION registry_read.role_assignments(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], programme_code text
)
RETURNS TABLE (role text, person text, reason text, assigned_by text, assigned_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = registry, pg_temp
AS $$
    SELECT a.role, a.person, a.reason, a.assigned_by, a.assigned_at
    FROM role_assignment AS a
    WHERE a.programme = programme_code AND a.ended_at IS NULL
        AND (a.person = viewer_subject OR viewer_roles && '{registrar,auditor,authority}')
    ORDER BY a.role, a.person
$$;

-- The same by the account's id, which is what the client that opened it knows.
CREATE FUNCTION registry_read.account_by_id(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], id uuid
)
RETURNS SETOF registry_read.seen_account
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = registry, pg_temp
AS $$
    SELECT seen.*
    FROM account,
        registry_read.account(viewer_subject, viewer_organisation, viewer_roles, account.number) AS seen
    WHERE account.account_id = id
$$;
