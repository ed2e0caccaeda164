-- What the registry publishes of projects: to everybody from the opening of their notice, drafts to their owners.

-- What is looked up in search_pairs; without a word of two characters nothing is found. Of a Chinese word its first pair:
-- to the planner all pairs are independent, so that it would take a common word for a rare one and sort all that has it.
CREATE FUNCTION registry_read.search_pairs(sought text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
    SELECT array_agg(DISTINCT substr(word, place, 2))
    FROM regexp_split_to_table(lower(normalize(sought, NFKC)), '\s+') AS word,
        generate_series(1, CASE WHEN word ~ '^[ -~]+$' THEN length(word) - 1 ELSE least(length(word) - 1, 1) END) AS place
$$;

-- Every word of it, to be found anywhere in the text.
CREATE FUNCTION registry_read.search_patterns(sought text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
    SELECT array_agg('%' || replace(replace(replace(word, '\', '\\'), '%', '\%'), '_', '\_') || '%')
    FROM regexp_split_to_table(lower(normalize(sought, NFKC)), '\s+') AS word
    WHERE word <> ''
$$;

-- Search: search_pairs @> registry_read.search_pairs($1) AND search_text LIKE ALL (registry_read.search_patterns($1)).
-- Names are looked up one by one, so that only the rows of a page need them and not all that a word is found in.
CREATE VIEW registry_read.project AS
SELECT
    project.project_id, project.code, project.programme, project.methodology, project.activity, project.owner_account,
    (SELECT organisation.name FROM account JOIN organisation USING (organisation_id)
        WHERE account.number = project.owner_account) AS owner_name,
    project.name, project.province, project.longitude, project.latitude,
    project.construction_started_on, project.crediting_from, project.crediting_until,
    project.expected_annual_tonnes, project.notes, project.state AS status, project.changed_at,
    project.validation_body AS validation_account,
    (SELECT organisation.name FROM account JOIN organisation USING (organisation_id)
        WHERE account.number = project.validation_body) AS validation_body,
    project.notice_opened_at, project.notice_ends_on, project.notice_is_provisional, project.validate_by,
    project.is_validation_overdue, project.validated_at, project.applied_at, project.decide_by,
    project.decision_is_provisional, project.is_decision_overdue, project.registered_at, project.closed_at,
    project.closing_reason, project.search_text, project.search_pairs
FROM project
WHERE project.state <> 'DRAFT';

-- Drafts, by code, to their owner and to those who oversee the market.
CREATE FUNCTION registry_read.project_drafts(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    project_code text, after_code text, page_size integer
)
RETURNS TABLE (project_id uuid, code text, programme text, methodology text, activity text, owner_account text,
    owner_name text, name text, province text, longitude numeric, latitude numeric, construction_started_on date,
    crediting_from date, crediting_until date, expected_annual_tonnes bigint, notes text, drafted_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = registry, pg_temp
AS $$
    SELECT project.project_id, project.code, project.programme, project.methodology, project.activity,
        project.owner_account, organisation.name, project.name, project.province, project.longitude, project.latitude,
        project.construction_started_on, project.crediting_from, project.crediting_until,
        project.expected_annual_tonnes, project.notes, project.drafted_at
    FROM project
    JOIN account ON account.number = project.owner_account
    JOIN organisation USING (organisation_id)
    WHERE project.state = 'DRAFT'
        AND (account.organisation_id = viewer_organisation OR viewer_roles && '{registrar,auditor,authority}')
        AND (project_code IS NULL OR project.code = project_code)
        AND (after_code IS NULL OR project.code > after_code)
    ORDER BY project.code
    LIMIT page_size
$$;

-- What the public said while a notice lasted.
CREATE VIEW registry_read.project_comment AS
SELECT comment_id, project, author, text, commented_at
FROM project_comment;

-- What the validation body reported.
CREATE VIEW registry_read.validation AS
SELECT validation.project, validation.validation_body AS validation_account, organisation.name AS validation_body,
    validation.is_positive, validation.team, validation.reviewer, validation.comments_handling, validation.validated_at
FROM validation
JOIN account ON account.number = validation.validation_body
JOIN organisation USING (organisation_id);

-- Documents by their digests; the content is there if it was sent along.
CREATE VIEW registry_read.project_document AS
SELECT document.project, document.kind, document.sha256, document.name, document.media_type, document.size_bytes,
    document.attached_at, kept.sha256 IS NOT NULL AS is_kept
FROM project_document AS document
LEFT JOIN document_content AS kept USING (sha256);

CREATE VIEW registry_read.document_content AS
SELECT sha256, content
FROM document_content;

-- Projects that may be one, and what a person said of them; each pair from both sides.
CREATE VIEW registry_read.project_duplicate AS
SELECT side.project, side.other, project.programme AS other_programme, duplicate.distance_metres,
    duplicate.name_similarity_percent, duplicate.is_same_activity, duplicate.state AS status, duplicate.found_at,
    duplicate.resolved_by, duplicate.resolved_at, duplicate.reason
FROM duplicate
CROSS JOIN LATERAL (
    VALUES (duplicate.project, duplicate.other), (duplicate.other, duplicate.project)
) AS side (project, other)
JOIN project ON project.code = side.other;

-- How far projects have come, by programme: separate figures, of which the earlier contain the later. Never added up.
CREATE VIEW registry_read.project_counter AS
SELECT programme.code AS programme,
    count(project.notice_opened_at) AS noticed,
    count(project.validated_at) FILTER (WHERE project.state <> 'VALIDATED_NEGATIVE') AS validated,
    count(project.registered_at) AS registered,
    count(*) FILTER (WHERE project.state = 'WITHDRAWN') AS withdrawn,
    count(*) FILTER (WHERE project.state = 'REFUSED') AS refused,
    count(*) FILTER (WHERE project.state = 'CANCELLED') AS cancelled,
    count(*) FILTER (WHERE project.state = 'REVOKED') AS revoked
FROM programme
LEFT JOIN project ON project.programme = programme.code
GROUP BY programme.code;

-- What the projects that stand on the register are expected to reduce in a year.
CREATE VIEW registry_read.expected_reduction AS
SELECT programme, methodology, province, count(*) AS projects,
    sum(expected_annual_tonnes)::bigint AS expected_annual_tonnes
FROM project
WHERE state = 'REGISTERED'
GROUP BY programme, methodology, province;

-- The notices that registrars added to the official calendar; of each year the last one is the whole truth.
CREATE VIEW registry_read.official_days AS
SELECT notice_id, number, year, holidays, working_days, source, effective_at AS added_at
FROM official_days;

-- What happened to an object, who did it and when: programmes, methodologies, calendars and noticed projects to everybody,
-- approvals to those who see them, the rest to its own organisation and to those who oversee the market.
CREATE FUNCTION registry_read.history(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    subject text, after_sequence bigint, page_size integer
)
RETURNS TABLE (sequence bigint, type text, effective_at timestamptz, recorded_at timestamptz, actor text,
    approved_by text, body json)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = registry, pg_temp
AS $$
    SELECT event.sequence, event.type, event.effective_at, event.recorded_at, event.actor, event.approved_by, event.body
    FROM event
    WHERE event.aggregate = subject
        AND (after_sequence IS NULL OR event.sequence > after_sequence)
        AND (split_part(subject, '/', 1) IN ('programme', 'methodology', 'calendar', 'day')
            OR viewer_roles && '{registrar,auditor,authority}'
            OR EXISTS (SELECT FROM project JOIN account ON account.number = project.owner_account
                WHERE 'project/' || project.code = subject AND project.code = split_part(subject, '/', 2)
                    AND (project.state <> 'DRAFT' OR account.organisation_id = viewer_organisation))
            OR EXISTS (SELECT FROM account
                WHERE account.organisation_id = viewer_organisation
                    AND subject IN ('account/' || account.account_id, 'organisation/' || account.organisation_id))
            OR EXISTS (SELECT FROM registry_read.approval(viewer_subject, viewer_organisation, viewer_roles,
                CASE split_part(subject, '/', 1) WHEN 'approval' THEN split_part(subject, '/', 2)::uuid END)))
    ORDER BY event.sequence
    LIMIT page_size
$$;
