-- What the registry publishes: projects, programmes and methodologies to everybody, parties to those who may see them.

CREATE VIEW registry_read.project AS
SELECT
    project.project_id, project.code, project.programme, project.methodology, project.owner_account,
    organisation.name AS owner_name, project.name, project.province, project.longitude, project.latitude,
    project.construction_started_on, project.crediting_from, project.crediting_until,
    project.expected_annual_tonnes, project.validation_body, project.state AS status,
    project.submitted_at, project.registered_at, project.notes
FROM project
JOIN account ON account.number = project.owner_account
JOIN organisation USING (organisation_id);

CREATE VIEW registry_read.programme AS
SELECT code, name, country, kind, is_ets_eligible
FROM programme;

CREATE VIEW registry_read.methodology AS
SELECT code, programme, name, crediting_years_max
FROM methodology;

CREATE TYPE registry_read.seen_account AS (
    account_id uuid, number text, kind text, status text, organisation_id uuid, organisation_name text,
    credit_code text, opened_at timestamptz
);

-- An account, to its organisation and to those who oversee the market. There is no way yet to restrict or close one.
CREATE FUNCTION registry_read.account(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], account_number text
)
RETURNS SETOF registry_read.seen_account
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = registry, pg_temp
AS $$
    SELECT
        account.account_id, account.number, account.kind, 'OPEN', account.organisation_id, organisation.name,
        organisation.credit_code, account.effective_at
    FROM account
    JOIN organisation USING (organisation_id)
    WHERE account.number = account_number
        AND (account.organisation_id = viewer_organisation OR viewer_roles && '{registrar,auditor,authority}')
$$;

-- An organisation, to itself and to those who oversee the market.
CREATE FUNCTION registry_read.organisation(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], id uuid
)
RETURNS TABLE (organisation_id uuid, name text, credit_code text, country text, registered_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = registry, pg_temp
AS $$
    SELECT organisation.organisation_id, organisation.name, organisation.credit_code, organisation.country,
        organisation.effective_at
    FROM organisation
    WHERE organisation.organisation_id = id
        AND (id = viewer_organisation OR viewer_roles && '{registrar,auditor,authority}')
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
