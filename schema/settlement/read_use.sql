-- The record of what left circulation for ever: everything that was used or cancelled, to everybody. A natural person's name
-- only if the record says so; who asked and who approved only to those who may see the account.

CREATE TYPE settlement_read.seen_retirement AS (retirement_id uuid, certificate_number text, bucket text, account text,
    programme text, project text, vintage integer, tonnes bigint, purpose text, beneficiary_kind text, beneficiary_name text,
    beneficiary_id text, beneficiary_country text, on_behalf_of text, reporting_period text, reason text, document_sha256 text,
    is_public boolean, requested_by text, approved_by text, retired_at timestamptz, recorded_at timestamptz, ranges jsonb,
    entry_sha256 text);

-- SHA-256, in hexadecimal digits, over the credit entries of a posting in the order in which they were booked. Each of them
-- is one line of UTF-8, ended by a line feed: posting, serials, account, bucket, instant in UTC, with a bar between, as in
-- retirement/0190...|CCER-CN-A1-2024-001-1-7|ACC-00000001|retired|2026-03-02T02:00:00.000000Z
CREATE FUNCTION settlement_read.entry_sha256(posting_name text)
RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT encode(sha256(convert_to(string_agg(concat_ws('|', e.posting,
        settlement_read.serials(b, e.first_serial, e.next_serial), e.to_account, e.to_bucket,
        to_char(e.effective_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) || E'\n', '' ORDER BY e.entry_id), 'UTF8')), 'hex')
    FROM credit_entry e JOIN batch b USING (batch_id)
    WHERE e.posting = posting_name
$$;

CREATE FUNCTION settlement_read.shown_retirement(found settlement.retirement, is_full boolean)
RETURNS SETOF settlement_read.seen_retirement
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT found.retirement_id, found.certificate_number, found.bucket, found.account, found.programme, found.project,
        found.vintage, found.tonnes, found.purpose, found.beneficiary_kind,
        CASE WHEN is_full OR found.is_named THEN found.beneficiary_name END,
        CASE WHEN is_full OR found.is_named THEN found.beneficiary_id END,
        found.beneficiary_country,
        CASE WHEN is_full OR found.is_named THEN found.on_behalf_of END,
        found.reporting_period, found.reason, found.document_sha256, found.is_public,
        CASE WHEN is_full THEN found.requested_by END, CASE WHEN is_full THEN found.approved_by END,
        found.retired_at, found.recorded_at, settlement_read.ranges('retirement/' || found.retirement_id),
        settlement_read.entry_sha256('retirement/' || found.retirement_id)
$$;

CREATE FUNCTION settlement_read.retirements(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    account_number text, project_code text, after_retired_at timestamptz, after_id uuid, page_size integer)
RETURNS SETOF settlement_read.seen_retirement
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT seen.*
    FROM retirement r
    CROSS JOIN LATERAL settlement_read.shown_retirement(r, settlement_read.may_see_account(
        viewer_subject, viewer_organisation, viewer_roles, r.account)) AS seen
    WHERE (account_number IS NULL OR r.account = account_number)
      AND (project_code IS NULL OR r.project = project_code)
      AND (after_id IS NULL OR (r.retired_at, r.retirement_id) < (after_retired_at, after_id))
    ORDER BY r.retired_at DESC, r.retirement_id DESC
    LIMIT page_size
$$;

CREATE FUNCTION settlement_read.retirement(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], id uuid)
RETURNS SETOF settlement_read.seen_retirement
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT seen.*
    FROM retirement r
    CROSS JOIN LATERAL settlement_read.shown_retirement(r, settlement_read.may_see_account(
        viewer_subject, viewer_organisation, viewer_roles, r.account)) AS seen
    WHERE r.retirement_id = id
$$;

CREATE FUNCTION settlement_read.public_retirement(number text)
RETURNS SETOF settlement_read.seen_retirement
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT seen.*
    FROM retirement r
    CROSS JOIN LATERAL settlement_read.shown_retirement(r, false) AS seen
    WHERE r.certificate_number = number
$$;

-- What ended serials that a public number names: one of them (...-2024-001-7) or a range (...-2024-001-1-7). What has ended
-- lies in one place for ever, so that only the last entry before the first serial can reach it.
CREATE FUNCTION settlement_read.enders_of(serials text)
RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT DISTINCT substr(e.posting, 12)::uuid
    FROM (VALUES ('^(.+)-(\d{1,18})$'), ('^(.+)-(\d{1,18})-(\d{1,18})$')) AS form (pattern)
    CROSS JOIN regexp_match(serials, form.pattern) AS part
    JOIN batch b ON part[1] = b.programme || '-' || b.country || '-' || b.project || '-' || b.vintage::text || '-'
        || lpad(b.batch_number::text, greatest(3, length(b.batch_number::text)), '0')
    JOIN credit_entry e ON e.batch_id = b.batch_id AND e.to_bucket IN ('retired', 'cancelled')
        AND e.first_serial <= part[cardinality(part)]::bigint AND e.next_serial > part[2]::bigint
        AND e.first_serial >= coalesce((
            SELECT max(first_serial) FROM credit_entry
            WHERE batch_id = b.batch_id AND to_bucket IN ('retired', 'cancelled') AND first_serial <= part[2]::bigint), 1)
$$;

-- Newest first; each given value must match. What is asked for is found by its index and looked up by its key: OFFSET keeps
-- the planner from walking through all that was ever used instead.
CREATE FUNCTION settlement_read.public_retirements(
    serials text, beneficiary text, after_retired_at timestamptz, after_id uuid, page_size integer)
RETURNS SETOF settlement_read.seen_retirement
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    WITH following AS NOT MATERIALIZED (
        SELECT r AS record, r.*
        FROM retirement r
        WHERE (r.retired_at, r.retirement_id)
            < (coalesce(after_retired_at, 'infinity'), coalesce(after_id, '00000000-0000-0000-0000-000000000000'))
    ),
    found AS (
        SELECT enders_of AS retirement_id FROM settlement_read.enders_of(serials)
        UNION
        (SELECT retirement_id FROM following
            WHERE serials IS NULL AND is_named AND beneficiary_name = beneficiary
            ORDER BY retired_at DESC, retirement_id DESC LIMIT page_size)
        UNION
        (SELECT retirement_id FROM following
            WHERE serials IS NULL AND is_named AND beneficiary_id = beneficiary
            ORDER BY retired_at DESC, retirement_id DESC LIMIT page_size)
        UNION
        (SELECT retirement_id FROM following
            WHERE serials IS NULL AND beneficiary IS NULL
            ORDER BY retired_at DESC, retirement_id DESC LIMIT page_size)
    ),
    page AS (
        SELECT one.record FROM found CROSS JOIN LATERAL (
            SELECT * FROM following WHERE following.retirement_id = found.retirement_id OFFSET 0) AS one
        WHERE beneficiary IS NULL OR one.is_named AND beneficiary IN (one.beneficiary_name, one.beneficiary_id)
        ORDER BY one.retired_at DESC, one.retirement_id DESC LIMIT page_size
    )
    SELECT seen.*
    FROM page CROSS JOIN LATERAL settlement_read.shown_retirement(page.record, false) AS seen
    ORDER BY seen.retired_at DESC, seen.retirement_id DESC
$$;
