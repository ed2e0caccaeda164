-- What settlement publishes of obligations in the national ETS: to the organisation that owes, and to registrars, auditors
-- and authorities. Filters that are null are none.

CREATE TYPE settlement_read.seen_obligation AS (account text, emission_year integer, version integer, due bigint,
    offset_max bigint, surrendered bigint, offset_used bigint, outstanding bigint, deadline timestamptz,
    allowance_vintages integer[], credits_registered_after date, plan text, is_draft boolean, state text, proof_number text,
    set_at timestamptz, recorded_at timestamptz);

-- The latest year first, by account.
CREATE FUNCTION settlement_read.obligations(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    account_number text, year integer, obligation_state text, after_year integer, after_account text, page_size integer)
RETURNS SETOF settlement_read.seen_obligation
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT o.account, o.emission_year, o.version, o.due, o.offset_max, o.surrendered, o.offset_used,
        greatest(0, o.due - o.surrendered - o.offset_used), o.deadline, o.allowance_vintages, o.credits_registered_after,
        o.plan, o.is_draft, o.state, o.proof_number, v.effective_at, v.recorded_at
    FROM (SELECT settlement_read.own_accounts(viewer_organisation, viewer_roles)) AS viewer (accounts)
    JOIN obligation o ON viewer.accounts IS NULL OR o.account = ANY (viewer.accounts)
    JOIN obligation_version v USING (account, emission_year, version)
    WHERE (account_number IS NULL OR o.account = account_number)
      AND (year IS NULL OR o.emission_year = year)
      AND (obligation_state IS NULL OR o.state = obligation_state)
      AND (after_year IS NULL OR o.emission_year < after_year
        OR o.emission_year = after_year AND o.account > after_account)
    ORDER BY o.emission_year DESC, o.account
    LIMIT page_size
$$;

-- The retirements that count towards an obligation, the latest first.
CREATE FUNCTION settlement_read.discharges(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    account_number text, year integer, after_retired_at timestamptz, after_id uuid, page_size integer)
RETURNS TABLE (obligation text, retirement_id uuid, certificate_number text, purpose text, programme text, project text,
    vintage integer, tonnes bigint, retired_at timestamptz, recorded_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT r.account || '/' || r.reporting_period, r.retirement_id, r.certificate_number, r.purpose, r.programme, r.project,
        r.vintage, r.tonnes, r.retired_at, r.recorded_at
    FROM retirement r
    WHERE r.account = account_number AND r.reporting_period = year::text
      AND r.purpose IN ('ETS_SURRENDER', 'ETS_OFFSET_NATIONAL')
      AND settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, account_number)
      AND (after_id IS NULL OR (r.retired_at, r.retirement_id) < (after_retired_at, after_id))
    ORDER BY r.retired_at DESC, r.retirement_id DESC
    LIMIT page_size
$$;

-- What was still owed for each year after the first instant, what became due and what was discharged until the second, and
-- what was owed then: opening and due less surrendered and offset is closing, which less than nothing is what was paid above
-- what a later version asks for. An entry counts from two instants, as in statement().
CREATE FUNCTION settlement_read.obligation_statement(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    account_number text, from_instant timestamptz, until_instant timestamptz, recorded_until timestamptz)
RETURNS TABLE (emission_year integer, opening bigint, due bigint, surrendered bigint, offset_used bigint, closing bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT entry.emission_year,
        coalesce(sum(entry.due - entry.surrendered - entry.offset_used) FILTER (WHERE entry.effective_at <= from_instant), 0)::bigint,
        coalesce(sum(entry.due) FILTER (WHERE entry.effective_at > from_instant), 0)::bigint,
        coalesce(sum(entry.surrendered) FILTER (WHERE entry.effective_at > from_instant), 0)::bigint,
        coalesce(sum(entry.offset_used) FILTER (WHERE entry.effective_at > from_instant), 0)::bigint,
        sum(entry.due - entry.surrendered - entry.offset_used)::bigint
    FROM (
        SELECT v.emission_year, v.due - lag(v.due, 1, 0::bigint) OVER (PARTITION BY v.emission_year ORDER BY v.version),
            0::bigint, 0::bigint, v.effective_at, v.recorded_at
        FROM obligation_version v
        WHERE v.account = account_number
        UNION ALL
        SELECT r.reporting_period::integer, 0, CASE r.purpose WHEN 'ETS_SURRENDER' THEN r.tonnes ELSE 0 END,
            CASE r.purpose WHEN 'ETS_SURRENDER' THEN 0 ELSE r.tonnes END, r.retired_at, r.recorded_at
        FROM retirement r
        WHERE r.account = account_number AND r.purpose IN ('ETS_SURRENDER', 'ETS_OFFSET_NATIONAL')
    ) AS entry (emission_year, due, surrendered, offset_used, effective_at, recorded_at)
    WHERE entry.effective_at <= until_instant AND from_instant <= until_instant
      AND entry.recorded_at <= coalesce(recorded_until, 'infinity')
      AND settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, account_number)
    GROUP BY entry.emission_year
    HAVING sum(entry.due - entry.surrendered - entry.offset_used) <> 0 OR bool_or(entry.effective_at > from_instant)
    ORDER BY entry.emission_year
$$;
