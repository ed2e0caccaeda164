-- Published by every service alike ({service} is its name): commands that wait, or waited, for a second person.
-- Nobody has to come by for one to expire: it is shown as expired from its last instant on.
-- Visible to the maker, the maker's organisation, the registry's own approvers, registrars, auditors and authorities; of what
-- one party alone decides, that party is the only approver.

CREATE TYPE {service}_read.seen_approval AS (id uuid, command_type text, command json, approver_role text, maker text, organisation uuid,
    state text, requested_at timestamptz, expires_at timestamptz, decided_by text, decided_at timestamptz, reason text);

CREATE FUNCTION {service}_read.approvals(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    approval_state text, after_requested_at timestamptz, after_id uuid, page_size integer)
RETURNS SETOF {service}_read.seen_approval
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = {service}, pg_temp AS $$
    SELECT a.id, a.command_type, a.command, a.approver_role, a.maker, a.organisation,
        CASE WHEN a.state = 'PENDING' AND a.expires_at < now() THEN 'EXPIRED' ELSE a.state END, a.requested_at, a.expires_at, a.decided_by, a.decided_at, a.reason
    FROM approval a
    WHERE (a.maker = viewer_subject OR a.organisation = viewer_organisation
            OR (a.approver_role = ANY (viewer_roles) AND viewer_organisation IS NULL
                AND (a.approver IS NULL OR a.approver = viewer_subject))
            OR viewer_roles && ARRAY['registrar', 'auditor', 'authority'])
      AND (approval_state IS NULL
            OR approval_state = CASE WHEN a.state = 'PENDING' AND a.expires_at < now() THEN 'EXPIRED' ELSE a.state END)
      AND (after_id IS NULL OR (a.requested_at, a.id) < (after_requested_at, after_id))
    ORDER BY a.requested_at DESC, a.id DESC
    LIMIT page_size
$$;

CREATE FUNCTION {service}_read.approval(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], approval_id uuid)
RETURNS SETOF {service}_read.seen_approval
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = {service}, pg_temp AS $$
    SELECT a.id, a.command_type, a.command, a.approver_role, a.maker, a.organisation,
        CASE WHEN a.state = 'PENDING' AND a.expires_at < now() THEN 'EXPIRED' ELSE a.state END, a.requested_at, a.expires_at, a.decided_by, a.decided_at, a.reason
    FROM approval a
    WHERE a.id = approval_id
      AND (a.maker = viewer_subject OR a.organisation = viewer_organisation
            OR (a.approver_role = ANY (viewer_roles) AND viewer_organisation IS NULL
                AND (a.approver IS NULL OR a.approver = viewer_subject))
            OR viewer_roles && ARRAY['registrar', 'auditor', 'authority'])
$$;
