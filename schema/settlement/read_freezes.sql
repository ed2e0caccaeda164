-- What settlement publishes of freezes, enforcements and shortfalls: to the organisations of the accounts, and to registrars,
-- auditors and authorities. Newest first; filters that are null are none.

CREATE TYPE settlement_read.seen_freeze AS (freeze_id uuid, account text, scope text, kind text, ordered_by text,
    document_number text, document_sha256 text, reason text, tonnes bigint, state text, requested_by text, approved_by text,
    frozen_at timestamptz, recorded_at timestamptz, release_document_sha256 text, release_reason text,
    release_requested_by text, release_approved_by text, released_at timestamptz, ranges jsonb, held jsonb);

CREATE FUNCTION settlement_read.shown_freeze(found settlement.freeze_order)
RETURNS SETOF settlement_read.seen_freeze
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT found.freeze_id, found.account, found.scope, found.kind, found.ordered_by, found.document_number,
        found.document_sha256, found.reason, found.tonnes, found.state, found.requested_by, found.approved_by,
        found.frozen_at, found.recorded_at, found.release_document_sha256, found.release_reason,
        found.release_requested_by, found.release_approved_by, found.released_at,
        settlement_read.ranges('freeze/' || found.freeze_id),
        (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'batch_id', h.batch_id, 'first_serial', h.first_serial, 'last_serial', h.next_serial - 1,
                'serials', settlement_read.serials(b, h.first_serial, h.next_serial))
                ORDER BY h.batch_id, h.first_serial), '[]')
            FROM frozen_block h JOIN batch b USING (batch_id)
            WHERE h.freeze_id = found.freeze_id)
$$;

CREATE FUNCTION settlement_read.freezes(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    account_number text, freeze_state text, after_frozen_at timestamptz, after_id uuid, page_size integer)
RETURNS SETOF settlement_read.seen_freeze
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT seen.*
    FROM (SELECT settlement_read.own_accounts(viewer_organisation, viewer_roles)) AS viewer (accounts)
    JOIN freeze_order f ON viewer.accounts IS NULL OR f.account = ANY (viewer.accounts)
    CROSS JOIN LATERAL settlement_read.shown_freeze(f) AS seen
    WHERE (account_number IS NULL OR f.account = account_number)
      AND (freeze_state IS NULL OR f.state = freeze_state)
      AND (after_id IS NULL OR (f.frozen_at, f.freeze_id) < (after_frozen_at, after_id))
    ORDER BY f.frozen_at DESC, f.freeze_id DESC
    LIMIT page_size
$$;

CREATE FUNCTION settlement_read.freeze(viewer_subject text, viewer_organisation uuid, viewer_roles text[], id uuid)
RETURNS SETOF settlement_read.seen_freeze
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT seen.*
    FROM freeze_order f
    CROSS JOIN LATERAL settlement_read.shown_freeze(f) AS seen
    WHERE f.freeze_id = id
      AND settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, f.account)
$$;

CREATE TYPE settlement_read.seen_enforcement AS (transfer_id uuid, from_account text, to_account text, freeze_id uuid,
    tonnes bigint, ground text, document_sha256 text, reason text, requested_by text, approved_by text,
    enforced_at timestamptz, recorded_at timestamptz, ranges jsonb);

CREATE FUNCTION settlement_read.enforcements(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    account_number text, after_enforced_at timestamptz, after_id uuid, page_size integer)
RETURNS SETOF settlement_read.seen_enforcement
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    WITH viewer AS MATERIALIZED (
        SELECT settlement_read.own_accounts(viewer_organisation, viewer_roles) AS accounts
    ),
    seen AS (
        SELECT e.* FROM viewer JOIN enforcement e ON viewer.accounts IS NULL
        UNION
        SELECT e.* FROM viewer JOIN enforcement e ON e.from_account = ANY (viewer.accounts)
        UNION
        SELECT e.* FROM viewer JOIN enforcement e ON e.to_account = ANY (viewer.accounts)
    )
    SELECT e.transfer_id, e.from_account, e.to_account, e.freeze_id, e.tonnes, e.ground, e.document_sha256, e.reason,
        e.requested_by, e.approved_by, e.enforced_at, e.recorded_at, settlement_read.ranges('enforcement/' || e.transfer_id)
    FROM seen e
    WHERE (account_number IS NULL OR account_number IN (e.from_account, e.to_account))
      AND (after_id IS NULL OR (e.enforced_at, e.transfer_id) < (after_enforced_at, after_id))
    ORDER BY e.enforced_at DESC, e.transfer_id DESC
    LIMIT page_size
$$;

CREATE FUNCTION settlement_read.enforcement(viewer_subject text, viewer_organisation uuid, viewer_roles text[], id uuid)
RETURNS SETOF settlement_read.seen_enforcement
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT e.transfer_id, e.from_account, e.to_account, e.freeze_id, e.tonnes, e.ground, e.document_sha256, e.reason,
        e.requested_by, e.approved_by, e.enforced_at, e.recorded_at, settlement_read.ranges('enforcement/' || e.transfer_id)
    FROM enforcement e
    WHERE e.transfer_id = id
      AND (settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, e.from_account)
        OR settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, e.to_account))
$$;

-- How much of it was made good is what is owed no more.
CREATE TYPE settlement_read.seen_shortfall AS (shortfall_id uuid, account text, programme text, reduction_id uuid,
    tonnes bigint, outstanding bigint, state text, opened_at timestamptz, recorded_at timestamptz);

CREATE FUNCTION settlement_read.shortfalls(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    account_number text, shortfall_state text, after_opened_at timestamptz, after_id uuid, page_size integer)
RETURNS SETOF settlement_read.seen_shortfall
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT s.shortfall_id, s.account, s.programme, s.reduction_id, s.tonnes, s.outstanding, s.state, s.opened_at, s.recorded_at
    FROM (SELECT settlement_read.own_accounts(viewer_organisation, viewer_roles)) AS viewer (accounts)
    JOIN shortfall s ON viewer.accounts IS NULL OR s.account = ANY (viewer.accounts)
    WHERE (account_number IS NULL OR s.account = account_number)
      AND (shortfall_state IS NULL OR s.state = shortfall_state)
      AND (after_id IS NULL OR (s.opened_at, s.shortfall_id) < (after_opened_at, after_id))
    ORDER BY s.opened_at DESC, s.shortfall_id DESC
    LIMIT page_size
$$;

CREATE FUNCTION settlement_read.shortfall(viewer_subject text, viewer_organisation uuid, viewer_roles text[], id uuid)
RETURNS SETOF settlement_read.seen_shortfall
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT s.shortfall_id, s.account, s.programme, s.reduction_id, s.tonnes, s.outstanding, s.state, s.opened_at, s.recorded_at
    FROM shortfall s
    WHERE s.shortfall_id = id
      AND settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, s.account)
$$;
