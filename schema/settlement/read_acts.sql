-- What settlement publishes of transfers, corrections and disputes: to the parties' organisations, and to registrars,
-- auditors and authorities; of a dispute also to the venue of the trade. Newest first; filters that are null are none.

CREATE TYPE settlement_read.seen_transfer AS (transfer_id uuid, from_account text, to_account text, programme text, project text,
    vintage integer, tonnes bigint, ground text, document_sha256 text, reason text, expires_on date, state text,
    proposed_by text, proposed_at timestamptz, decided_by text, decided_at timestamptz, decision_reason text,
    recorded_at timestamptz, ranges jsonb);

CREATE FUNCTION settlement_read.transfers(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    account_number text, transfer_state text, after_proposed_at timestamptz, after_id uuid, page_size integer)
RETURNS SETOF settlement_read.seen_transfer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    WITH viewer AS MATERIALIZED (
        SELECT settlement_read.own_accounts(viewer_organisation, viewer_roles) AS accounts
    ),
    seen AS (
        SELECT t.* FROM viewer JOIN transfer t ON viewer.accounts IS NULL
        UNION
        SELECT t.* FROM viewer JOIN transfer t ON t.from_account = ANY (viewer.accounts)
        UNION
        SELECT t.* FROM viewer JOIN transfer t ON t.to_account = ANY (viewer.accounts)
    )
    SELECT t.transfer_id, t.from_account, t.to_account, t.programme, t.project, t.vintage, t.tonnes, t.ground,
        t.document_sha256, t.reason, t.expires_on, t.state, t.proposed_by, t.proposed_at, t.decided_by, t.decided_at,
        t.decision_reason, t.recorded_at, settlement_read.ranges('transfer/' || t.transfer_id)
    FROM seen t
    WHERE (account_number IS NULL OR account_number IN (t.from_account, t.to_account))
      AND (transfer_state IS NULL OR t.state = transfer_state)
      AND (after_id IS NULL OR (t.proposed_at, t.transfer_id) < (after_proposed_at, after_id))
    ORDER BY t.proposed_at DESC, t.transfer_id DESC
    LIMIT page_size
$$;

CREATE FUNCTION settlement_read.transfer(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], id uuid)
RETURNS SETOF settlement_read.seen_transfer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT t.transfer_id, t.from_account, t.to_account, t.programme, t.project, t.vintage, t.tonnes, t.ground,
        t.document_sha256, t.reason, t.expires_on, t.state, t.proposed_by, t.proposed_at, t.decided_by, t.decided_at,
        t.decision_reason, t.recorded_at, settlement_read.ranges('transfer/' || t.transfer_id)
    FROM transfer t
    WHERE t.transfer_id = id
      AND (settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, t.from_account)
        OR settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, t.to_account))
$$;

-- The accounts whose entries went back are the parties.
CREATE TYPE settlement_read.seen_correction AS (correction_id uuid, posting text, accounts text[], tonnes bigint, amount_fen bigint,
    reason text, requested_by text, approved_by text, corrected_at timestamptz, recorded_at timestamptz, ranges jsonb);

CREATE FUNCTION settlement_read.corrections(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    account_number text, posting_name text, after_corrected_at timestamptz, after_id uuid, page_size integer)
RETURNS SETOF settlement_read.seen_correction
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT c.correction_id, c.posting, c.accounts, c.tonnes, c.amount_fen, c.reason, c.requested_by, c.approved_by,
        c.corrected_at, c.recorded_at, settlement_read.ranges('correction/' || c.correction_id)
    FROM (SELECT settlement_read.own_accounts(viewer_organisation, viewer_roles)) AS viewer (accounts)
    JOIN correction c ON viewer.accounts IS NULL OR c.accounts && viewer.accounts
    WHERE (account_number IS NULL OR c.accounts @> ARRAY[account_number])
      AND (posting_name IS NULL OR c.posting = posting_name)
      AND (after_id IS NULL OR (c.corrected_at, c.correction_id) < (after_corrected_at, after_id))
    ORDER BY c.corrected_at DESC, c.correction_id DESC
    LIMIT page_size
$$;

CREATE FUNCTION settlement_read.correction(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], id uuid)
RETURNS SETOF settlement_read.seen_correction
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT c.correction_id, c.posting, c.accounts, c.tonnes, c.amount_fen, c.reason, c.requested_by, c.approved_by,
        c.corrected_at, c.recorded_at, settlement_read.ranges('correction/' || c.correction_id)
    FROM (SELECT settlement_read.own_accounts(viewer_organisation, viewer_roles)) AS viewer (accounts)
    JOIN correction c ON viewer.accounts IS NULL OR c.accounts && viewer.accounts
    WHERE c.correction_id = id
$$;

CREATE TYPE settlement_read.seen_dispute AS (dispute_id uuid, venue text, trade_id text, account text, reason text, state text,
    opened_by text, opened_at timestamptz, closed_by text, closed_at timestamptz, explanation text, recorded_at timestamptz);

CREATE FUNCTION settlement_read.disputes(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    venue_code text, trade_key text, dispute_state text, after_opened_at timestamptz, after_id uuid, page_size integer)
RETURNS SETOF settlement_read.seen_dispute
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT d.dispute_id, d.venue, d.trade_id, d.account, d.reason, d.state, d.opened_by, d.opened_at, d.closed_by,
        d.closed_at, d.explanation, d.recorded_at
    FROM dispute d
    JOIN any_trade t USING (venue, trade_id)
    WHERE (venue_code IS NULL OR d.venue = venue_code)
      AND (trade_key IS NULL OR d.trade_id = trade_key)
      AND (dispute_state IS NULL OR d.state = dispute_state)
      AND (after_id IS NULL OR (d.opened_at, d.dispute_id) < (after_opened_at, after_id))
      AND settlement_read.may_see_trade(viewer_subject, viewer_organisation, viewer_roles,
        t.venue, t.seller_account, t.buyer_account)
    ORDER BY d.opened_at DESC, d.dispute_id DESC
    LIMIT page_size
$$;

CREATE FUNCTION settlement_read.dispute(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], id uuid)
RETURNS SETOF settlement_read.seen_dispute
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT d.dispute_id, d.venue, d.trade_id, d.account, d.reason, d.state, d.opened_by, d.opened_at, d.closed_by,
        d.closed_at, d.explanation, d.recorded_at
    FROM dispute d
    JOIN any_trade t USING (venue, trade_id)
    WHERE d.dispute_id = id
      AND settlement_read.may_see_trade(viewer_subject, viewer_organisation, viewer_roles,
        t.venue, t.seller_account, t.buyer_account)
$$;
