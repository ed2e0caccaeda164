-- What issuance publishes: reductions, batches, reports once they are published, and what stands behind them.

CREATE VIEW issuance_read.reduction AS
SELECT
    reduction.reduction_id, reduction.project, project.programme, reduction.period_number, reduction.period_start,
    reduction.period_end, reduction.vintage, reduction.tonnes, reduction.state AS status,
    reduction.verification_body, reduction.evidence, reduction.batch_id, reduction.recorded_at, reduction.basis,
    reduction.report_id, reduction.revoked_tonnes, coalesce(verification.trace_sha256, report.trace_sha256) AS trace_sha256
FROM reduction
JOIN project ON project.code = reduction.project
LEFT JOIN report ON report.report_id = reduction.report_id
LEFT JOIN verification ON verification.report_id = reduction.report_id;

-- What issuance made of the methodologies that the registry published.
CREATE VIEW issuance_read.methodology AS
SELECT code, unreadable
FROM methodology;

CREATE VIEW issuance_read.credit_batch AS
SELECT
    batch_id, programme, country, project, vintage, batch_number, first_serial, last_serial, tonnes, serials,
    reduction_id, source IS NOT NULL AS is_opening, issued_at, buffer_tonnes, conversion_id,
    (
        SELECT (effective_at AT TIME ZONE 'Asia/Shanghai')::date
        FROM reduction
        WHERE reduction.reduction_id = credit_batch.reduction_id
    ) AS registered_on
FROM credit_batch;

-- Reports: a draft is its owner's own affair, and so is one that was withdrawn before it was published. What was computed
-- for the verification stands instead of what the report said.
CREATE VIEW issuance_read.report AS
SELECT
    report.report_id, report.project, report.programme, report.methodology, report.period_number, report.period_start,
    report.period_end, report.basis, report.state AS status,
    coalesce(newer.inputs_sha256, report.inputs_sha256) AS inputs_sha256,
    coalesce(newer.trace_sha256, report.trace_sha256) AS trace_sha256,
    coalesce(newer.cautions, report.cautions) AS cautions, coalesce(newer.unverified, report.unverified) AS unverified,
    report.verification_body, report.notice_starts_on, report.notice_ends_on,
    report.notice_is_provisional, report.applied_on, report.decide_by, report.decision_is_provisional,
    report.overdue_told_on IS NOT NULL AS is_overdue, report.reason, report.submitted_at, report.changed_at,
    stated.reported_tonnes, stated.verified_tonnes
FROM report
LEFT JOIN verification AS newer ON newer.report_id = report.report_id
CROSS JOIN LATERAL (
    SELECT sum(reported)::bigint AS reported_tonnes, sum(verified)::bigint AS verified_tonnes
    FROM report_vintage
    WHERE report_vintage.report_id = report.report_id
) AS stated
WHERE report.notice_starts_on IS NOT NULL;

-- Whether the viewer may see a report: everybody once it is published, else the organisation that owns the project and
-- those who oversee the market.
CREATE FUNCTION issuance_read.may_see_report(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], id uuid
)
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = issuance, pg_temp
AS $$
    SELECT EXISTS (
        SELECT
        FROM report
        JOIN project ON project.code = report.project
        LEFT JOIN account ON account.number = project.owner_account
        WHERE report.report_id = id
            AND (report.notice_starts_on IS NOT NULL OR account.organisation_id = viewer_organisation
                OR viewer_roles && '{registrar,auditor,authority}')
    )
$$;

-- The same, drafts included, to the organisation that owns the project and to those who oversee the market; newest first.
CREATE FUNCTION issuance_read.own_reports(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    project_code text, id uuid, after_submitted_at timestamptz, after_id uuid, page_size integer
)
RETURNS TABLE (
    report_id uuid, project text, period_number integer, period_start date, period_end date, basis text, status text,
    reported_tonnes bigint, inputs_sha256 text, trace_sha256 text, cautions jsonb, unverified text[], reason text,
    submitted_at timestamptz, changed_at timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = issuance, pg_temp
AS $$
    SELECT
        report.report_id, report.project, report.period_number, report.period_start, report.period_end, report.basis,
        report.state, (SELECT sum(reported)::bigint FROM report_vintage WHERE report_vintage.report_id = report.report_id),
        coalesce(newer.inputs_sha256, report.inputs_sha256), coalesce(newer.trace_sha256, report.trace_sha256),
        coalesce(newer.cautions, report.cautions), coalesce(newer.unverified, report.unverified), report.reason,
        report.submitted_at, report.changed_at
    FROM report
    LEFT JOIN verification AS newer ON newer.report_id = report.report_id
    JOIN project ON project.code = report.project
    LEFT JOIN account ON account.number = project.owner_account
    WHERE (project_code IS NULL OR report.project = project_code)
        AND (id IS NULL OR report.report_id = id)
        AND (account.organisation_id = viewer_organisation OR viewer_roles && '{registrar,auditor,authority}')
        AND (after_id IS NULL OR (report.submitted_at, report.report_id) < (after_submitted_at, after_id))
    ORDER BY report.submitted_at DESC, report.report_id DESC
    LIMIT page_size
$$;

-- Tonnes by calendar year; the reductions exist once they are registered.
CREATE FUNCTION issuance_read.report_vintages(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], ids uuid[]
)
RETURNS TABLE (report_id uuid, vintage integer, reported_tonnes bigint, computed_tonnes bigint, verified_tonnes bigint,
    reduction_id uuid, batch_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = issuance, pg_temp
AS $$
    SELECT
        report_vintage.report_id, report_vintage.vintage, report_vintage.reported, report_vintage.computed,
        report_vintage.verified, reduction.reduction_id, reduction.batch_id
    FROM unnest(ids) AS wanted (id)
    JOIN report_vintage ON report_vintage.report_id = wanted.id
    LEFT JOIN reduction
        ON reduction.report_id = report_vintage.report_id AND reduction.vintage = report_vintage.vintage
    WHERE issuance_read.may_see_report(viewer_subject, viewer_organisation, viewer_roles, wanted.id)
    ORDER BY report_vintage.report_id, report_vintage.vintage
$$;

CREATE VIEW issuance_read.report_comment AS
SELECT comment_id, report_id, author, text, commented_at
FROM report_comment;

CREATE VIEW issuance_read.verification AS
SELECT report_id, verification_body, team, reviewer, findings, statement AS statement_sha256, verified_at
FROM verification;

-- Documents by their digests; of what is kept here the size is known, else it is what the report says.
CREATE FUNCTION issuance_read.report_documents(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], ids uuid[]
)
RETURNS TABLE (report_id uuid, kind text, sha256 text, name text, size_bytes bigint, media_type text, is_kept boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = issuance, pg_temp
AS $$
    SELECT
        document.report_id, document.kind, document.sha256, document.name,
        coalesce(octet_length(kept.content), document.size_bytes), document.media_type, kept.sha256 IS NOT NULL
    FROM unnest(ids) AS wanted (id)
    JOIN report_document AS document ON document.report_id = wanted.id
    LEFT JOIN document_content AS kept USING (sha256)
    WHERE issuance_read.may_see_report(viewer_subject, viewer_organisation, viewer_roles, wanted.id)
    ORDER BY document.report_id, document.kind, document.name, document.sha256
$$;

-- The content of a document, if it is kept here and belongs to a report that the viewer may see.
CREATE FUNCTION issuance_read.document_content(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], document_sha256 text
)
RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = issuance, pg_temp
AS $$
    SELECT content
    FROM document_content
    WHERE sha256 = document_sha256
        AND EXISTS (
            SELECT
            FROM report_document AS document
            WHERE document.sha256 = document_sha256
                AND issuance_read.may_see_report(viewer_subject, viewer_organisation, viewer_roles, document.report_id)
        )
$$;

-- Everything that it takes to compute a report's tonnes again, by the report's id or a reduction's.
CREATE FUNCTION issuance_read.trace(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], id uuid
)
RETURNS TABLE (report_id uuid, inputs_sha256 text, trace_sha256 text, trace json)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = issuance, pg_temp
AS $$
    SELECT
        report.report_id, coalesce(newer.inputs_sha256, report.inputs_sha256),
        coalesce(newer.trace_sha256, report.trace_sha256), coalesce(newer.trace, report.trace)
    FROM report
    LEFT JOIN verification AS newer ON newer.report_id = report.report_id
    WHERE report.trace IS NOT NULL
        AND report.report_id = coalesce((SELECT reduction.report_id FROM reduction WHERE reduction_id = trace.id), trace.id)
        AND issuance_read.may_see_report(viewer_subject, viewer_organisation, viewer_roles, report.report_id)
$$;

CREATE VIEW issuance_read.grid_factor AS
SELECT region, year, operating_margin, build_margin, published_on, source, edition, confidence
FROM grid_factor;

-- Separate figures per programme, never to be added up: what is published, verified, registered and issued. What was
-- registered stays counted when it is issued, and what was revoked is shown beside it. Opening batches are neither.
CREATE VIEW issuance_read.reduction_counter AS
SELECT
    programme.code AS programme, reported.noticed_reports, reported.verified_reports,
    counted.registered_reductions, counted.registered_tonnes, counted.registered_quantified_tonnes,
    counted.registered_attested_tonnes, counted.issued_reductions, counted.issued_tonnes,
    counted.issued_quantified_tonnes, counted.issued_attested_tonnes, counted.revoked_tonnes
FROM programme
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE notice_starts_on IS NOT NULL) AS noticed_reports,
        count(*) FILTER (WHERE EXISTS (SELECT FROM verification WHERE verification.report_id = report.report_id))
            AS verified_reports
    FROM report
    WHERE report.programme = programme.code
) AS reported
CROSS JOIN LATERAL (
    SELECT
        count(*) AS registered_reductions,
        coalesce(sum(tonnes), 0)::bigint AS registered_tonnes,
        coalesce(sum(tonnes) FILTER (WHERE basis = 'QUANTIFIED'), 0)::bigint AS registered_quantified_tonnes,
        coalesce(sum(tonnes) FILTER (WHERE basis = 'ATTESTED'), 0)::bigint AS registered_attested_tonnes,
        count(batch_id) AS issued_reductions,
        coalesce(sum(tonnes) FILTER (WHERE batch_id IS NOT NULL), 0)::bigint AS issued_tonnes,
        coalesce(sum(tonnes) FILTER (WHERE batch_id IS NOT NULL AND basis = 'QUANTIFIED'), 0)::bigint
            AS issued_quantified_tonnes,
        coalesce(sum(tonnes) FILTER (WHERE batch_id IS NOT NULL AND basis = 'ATTESTED'), 0)::bigint
            AS issued_attested_tonnes,
        coalesce(sum(revoked_tonnes), 0)::bigint AS revoked_tonnes
    FROM reduction
    JOIN project ON project.code = reduction.project
    WHERE project.programme = programme.code AND reduction.basis IS NOT NULL
) AS counted;

-- What happened to an object, who did it and when: reductions, batches, factors, methodologies and published reports to
-- everybody, a draft to the organisation that owns its project and to those who oversee the market, approvals, conversions and
-- compliance years to those who see them; who asked for a conversion, only to those who may know.
CREATE FUNCTION issuance_read.history(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    subject text, after_sequence bigint, page_size integer
)
RETURNS TABLE (sequence bigint, type text, effective_at timestamptz, recorded_at timestamptz, actor text,
    approved_by text, body json)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = issuance, pg_temp
AS $$
    SELECT event.sequence, event.type, event.effective_at, event.recorded_at,
        CASE WHEN seen.is_full THEN event.actor END, CASE WHEN seen.is_full THEN event.approved_by END,
        CASE WHEN seen.is_full THEN event.body ELSE (event.body::jsonb - ARRAY['requested_by', 'approved_by'])::json END
    FROM event
    CROSS JOIN LATERAL (
        SELECT split_part(subject, '/', 1) <> 'conversion' OR viewer_roles && '{registrar,auditor,authority}'
            OR EXISTS (SELECT FROM conversion JOIN account ON account.number = conversion.account
                WHERE conversion_id = CASE split_part(subject, '/', 1) WHEN 'conversion' THEN split_part(subject, '/', 2)::uuid END
                    AND account.organisation_id = viewer_organisation)
    ) AS seen (is_full)
    WHERE event.aggregate = subject
        AND (after_sequence IS NULL OR event.sequence > after_sequence)
        AND (split_part(subject, '/', 1) IN (
                'reduction', 'batch', 'grid_factor', 'allocation_plan', 'methodology', 'conversion_terms', 'day')
            OR viewer_roles && '{registrar,auditor,authority}'
            OR issuance_read.may_see_report(viewer_subject, viewer_organisation, viewer_roles,
                CASE split_part(subject, '/', 1) WHEN 'report' THEN split_part(subject, '/', 2)::uuid END)
            OR EXISTS (SELECT FROM issuance_read.approval(viewer_subject, viewer_organisation, viewer_roles,
                CASE split_part(subject, '/', 1) WHEN 'approval' THEN split_part(subject, '/', 2)::uuid END))
            OR EXISTS (SELECT FROM conversion JOIN account ON account.number = conversion.account
                WHERE conversion_id = CASE split_part(subject, '/', 1) WHEN 'conversion' THEN split_part(subject, '/', 2)::uuid END
                    AND (state = 'ISSUED' OR account.organisation_id = viewer_organisation))
            OR EXISTS (SELECT FROM compliance_year JOIN account ON account.number = compliance_year.account
                WHERE compliance_id = CASE split_part(subject, '/', 1) WHEN 'compliance' THEN split_part(subject, '/', 2)::uuid END
                    AND account.organisation_id = viewer_organisation))
    ORDER BY event.sequence
    LIMIT page_size
$$;
