-- Balances and statements, read from the entries; the daily reconciliation with venue and bank; reference prices and bands.
-- An entry counts from two instants: when it took effect, and when it was recorded. A bound that is null is none.

-- What the account held in each place, by what had taken effect until the first instant and was recorded until the second.
CREATE FUNCTION settlement_read.balances(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    account_number text, effective_until timestamptz, recorded_until timestamptz)
RETURNS TABLE (programme text, project text, vintage integer, bucket text, venue text, tonnes bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT b.programme, b.project, b.vintage, side.bucket, side.venue, sum(side.tonnes)::bigint
    FROM (
        SELECT batch_id, to_bucket, to_venue, next_serial - first_serial, effective_at, recorded_at
        FROM credit_entry WHERE to_account = account_number
        UNION ALL
        SELECT batch_id, from_bucket, from_venue, first_serial - next_serial, effective_at, recorded_at
        FROM credit_entry WHERE from_account = account_number
    ) AS side (batch_id, bucket, venue, tonnes, effective_at, recorded_at)
    JOIN batch b USING (batch_id)
    WHERE side.effective_at <= coalesce(effective_until, 'infinity')
      AND side.recorded_at <= coalesce(recorded_until, 'infinity')
      AND settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, account_number)
    GROUP BY b.programme, b.project, b.vintage, side.bucket, side.venue
    HAVING sum(side.tonnes) <> 0
    ORDER BY b.programme, b.project, b.vintage, side.bucket, side.venue
$$;

CREATE FUNCTION settlement_read.cash_balances(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    account_number text, effective_until timestamptz, recorded_until timestamptz)
RETURNS TABLE (venue text, currency text, balance_fen bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT side.venue, side.currency, sum(side.fen)::bigint
    FROM (
        SELECT venue, currency, amount_fen, effective_at, recorded_at
        FROM cash_entry WHERE to_account = account_number
        UNION ALL
        SELECT venue, currency, -amount_fen, effective_at, recorded_at
        FROM cash_entry WHERE from_account = account_number
    ) AS side (venue, currency, fen, effective_at, recorded_at)
    WHERE side.effective_at <= coalesce(effective_until, 'infinity')
      AND side.recorded_at <= coalesce(recorded_until, 'infinity')
      AND settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, account_number)
    GROUP BY side.venue, side.currency
    HAVING sum(side.fen) <> 0
    ORDER BY side.venue, side.currency
$$;

-- A sum as far as every reader of JSON can hold it: null beyond 2^53 - 1, which money that comes and goes adds up to sooner
-- than any balance.
CREATE FUNCTION settlement_read.readable(sum numeric) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN abs(sum) < 9007199254740992 THEN sum::bigint END
$$;

-- What each place held after the first instant, what came and went until the second, and what it held then: the opening is
-- balances() of the first instant, the closing that of the second, so that one statement begins where another ended.
CREATE FUNCTION settlement_read.statement(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    account_number text, from_instant timestamptz, until_instant timestamptz, recorded_until timestamptz)
RETURNS TABLE (programme text, project text, vintage integer, bucket text, venue text,
    opening bigint, incoming bigint, outgoing bigint, closing bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT b.programme, b.project, b.vintage, side.bucket, side.venue,
        coalesce(sum(side.tonnes) FILTER (WHERE side.effective_at <= from_instant), 0)::bigint,
        settlement_read.readable(
            coalesce(sum(side.tonnes) FILTER (WHERE side.effective_at > from_instant AND side.tonnes > 0), 0)),
        settlement_read.readable(
            coalesce(-sum(side.tonnes) FILTER (WHERE side.effective_at > from_instant AND side.tonnes < 0), 0)),
        sum(side.tonnes)::bigint
    FROM (
        SELECT batch_id, to_bucket, to_venue, next_serial - first_serial, effective_at, recorded_at
        FROM credit_entry WHERE to_account = account_number
        UNION ALL
        SELECT batch_id, from_bucket, from_venue, first_serial - next_serial, effective_at, recorded_at
        FROM credit_entry WHERE from_account = account_number
    ) AS side (batch_id, bucket, venue, tonnes, effective_at, recorded_at)
    JOIN batch b USING (batch_id)
    WHERE side.effective_at <= until_instant AND from_instant <= until_instant
      AND side.recorded_at <= coalesce(recorded_until, 'infinity')
      AND settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, account_number)
    GROUP BY b.programme, b.project, b.vintage, side.bucket, side.venue
    HAVING sum(side.tonnes) <> 0 OR bool_or(side.effective_at > from_instant)
    ORDER BY b.programme, b.project, b.vintage, side.bucket, side.venue
$$;

CREATE FUNCTION settlement_read.cash_statement(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    account_number text, from_instant timestamptz, until_instant timestamptz, recorded_until timestamptz)
RETURNS TABLE (venue text, currency text, opening_fen bigint, incoming_fen bigint, outgoing_fen bigint, closing_fen bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT side.venue, side.currency,
        coalesce(sum(side.fen) FILTER (WHERE side.effective_at <= from_instant), 0)::bigint,
        settlement_read.readable(
            coalesce(sum(side.fen) FILTER (WHERE side.effective_at > from_instant AND side.fen > 0), 0)),
        settlement_read.readable(
            coalesce(-sum(side.fen) FILTER (WHERE side.effective_at > from_instant AND side.fen < 0), 0)),
        sum(side.fen)::bigint
    FROM (
        SELECT venue, currency, amount_fen, effective_at, recorded_at
        FROM cash_entry WHERE to_account = account_number
        UNION ALL
        SELECT venue, currency, -amount_fen, effective_at, recorded_at
        FROM cash_entry WHERE from_account = account_number
    ) AS side (venue, currency, fen, effective_at, recorded_at)
    WHERE side.effective_at <= until_instant AND from_instant <= until_instant
      AND side.recorded_at <= coalesce(recorded_until, 'infinity')
      AND settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, account_number)
    GROUP BY side.venue, side.currency
    HAVING sum(side.fen) <> 0 OR bool_or(side.effective_at > from_instant)
    ORDER BY side.venue, side.currency
$$;

-- Every movement of the account's credits, newest first.
CREATE FUNCTION settlement_read.credit_entries(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    account_number text, after_entry bigint, page_size integer)
RETURNS TABLE (entry_id bigint, posting text, batch_id uuid, programme text, project text, vintage integer,
    first_serial bigint, last_serial bigint, serials text, tonnes bigint, from_account text, from_bucket text,
    from_venue text, to_account text, to_bucket text, to_venue text, effective_at timestamptz, recorded_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    WITH bound AS MATERIALIZED (
        SELECT coalesce(after_entry, 9223372036854775807) AS entry_id
        WHERE settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, account_number)
    ),
    found AS (
        SELECT e.entry_id FROM bound CROSS JOIN LATERAL (
            SELECT c.entry_id FROM credit_entry c WHERE c.to_account = account_number AND c.entry_id < bound.entry_id
            ORDER BY c.entry_id DESC LIMIT page_size) AS e
        UNION
        SELECT e.entry_id FROM bound CROSS JOIN LATERAL (
            SELECT c.entry_id FROM credit_entry c WHERE c.from_account = account_number AND c.entry_id < bound.entry_id
            ORDER BY c.entry_id DESC LIMIT page_size) AS e
        ORDER BY entry_id DESC LIMIT page_size
    )
    SELECT e.entry_id, e.posting, e.batch_id, b.programme, b.project, b.vintage, e.first_serial, e.next_serial - 1,
        settlement_read.serials(b, e.first_serial, e.next_serial), e.next_serial - e.first_serial,
        e.from_account, e.from_bucket, e.from_venue, e.to_account, e.to_bucket, e.to_venue, e.effective_at, e.recorded_at
    FROM found JOIN credit_entry e USING (entry_id) JOIN batch b USING (batch_id)
    ORDER BY e.entry_id DESC
$$;

-- Every movement of the account's cash, newest first; a side that is null is the bank.
CREATE FUNCTION settlement_read.cash_entries(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    account_number text, after_entry bigint, page_size integer)
RETURNS TABLE (entry_id bigint, posting text, venue text, currency text, from_account text, to_account text,
    amount_fen bigint, effective_at timestamptz, recorded_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    WITH bound AS MATERIALIZED (
        SELECT coalesce(after_entry, 9223372036854775807) AS entry_id
        WHERE settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, account_number)
    ),
    found AS (
        SELECT e.entry_id FROM bound CROSS JOIN LATERAL (
            SELECT c.entry_id FROM cash_entry c WHERE c.to_account = account_number AND c.entry_id < bound.entry_id
            ORDER BY c.entry_id DESC LIMIT page_size) AS e
        UNION
        SELECT e.entry_id FROM bound CROSS JOIN LATERAL (
            SELECT c.entry_id FROM cash_entry c WHERE c.from_account = account_number AND c.entry_id < bound.entry_id
            ORDER BY c.entry_id DESC LIMIT page_size) AS e
        ORDER BY entry_id DESC LIMIT page_size
    )
    SELECT e.entry_id, e.posting, e.venue, e.currency, e.from_account, e.to_account, e.amount_fen, e.effective_at, e.recorded_at
    FROM found JOIN cash_entry e USING (entry_id)
    ORDER BY e.entry_id DESC
$$;

-- A venue's days by three hands, the latest first: the venue's count beside what was captured, and the bank's newest
-- statement beside what was booked when it came. What has not been compared yet is null, and so is what the bank holds to
-- those who may not see it; is_matched says whether all that was compared is equal, but for what is explained.
CREATE FUNCTION settlement_read.reconciliations(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    venue_code text, from_date date, until_date date, after_date date, page_size integer)
RETURNS TABLE (venue text, date date, trades bigint, tonnes bigint, turnover_fen bigint, captured_trades bigint,
    captured_tonnes bigint, captured_turnover_fen bigint, trades_are_matched boolean, statement_id text, currency text,
    deposits_fen bigint, withdrawals_fen bigint, closing_fen bigint, booked_deposits_fen bigint,
    booked_withdrawals_fen bigint, booked_closing_fen bigint, explained_fen bigint, cash_is_matched boolean, is_matched boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT day.venue, day.date,
        v.trades, v.tonnes, v.turnover_fen, v.captured_trades, v.captured_tonnes, v.captured_turnover_fen, v.is_matched,
        bank.statement_id, bank.currency, bank.deposits_fen, bank.withdrawals_fen, bank.closing_fen,
        bank.booked_deposits_fen, bank.booked_withdrawals_fen, bank.booked_closing_fen, bank.explained_fen,
        newest.is_matched,
        CASE WHEN NOT v.is_matched OR NOT newest.is_matched THEN false ELSE v.is_matched AND newest.is_matched END
    FROM (SELECT d.venue, d.date FROM venue_day d UNION SELECT b.venue, b.date FROM bank_statement b) AS day
    LEFT JOIN venue_day v ON v.venue = day.venue AND v.date = day.date
    LEFT JOIN LATERAL (
        SELECT b.statement_id, b.is_matched FROM bank_statement b
        WHERE b.venue = day.venue AND b.currency = 'CNY' AND b.date = day.date
        ORDER BY b.arrival DESC LIMIT 1
    ) AS newest ON true
    LEFT JOIN bank_statement bank ON bank.statement_id = newest.statement_id
        AND settlement_read.may_see_bank(viewer_subject, viewer_organisation, viewer_roles, day.venue)
    WHERE day.venue = venue_code
      AND (from_date IS NULL OR day.date >= from_date)
      AND (until_date IS NULL OR day.date <= until_date)
      AND (after_date IS NULL OR day.date < after_date)
    ORDER BY day.date DESC
    LIMIT page_size
$$;

-- What halted a venue, the latest first; others do not learn how it is explained.
CREATE FUNCTION settlement_read.gaps(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    venue_code text, still_open boolean, after_date date, after_kind text, page_size integer)
RETURNS TABLE (venue text, date date, kind text, opened_at timestamptz, cleared_at timestamptz, explanation text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT g.venue, g.date, g.kind, g.opened_at, g.cleared_at,
        CASE WHEN settlement_read.may_see_bank(viewer_subject, viewer_organisation, viewer_roles, g.venue)
            THEN g.explanation END
    FROM gap g
    WHERE g.venue = venue_code
      AND (still_open IS NULL OR (g.cleared_at IS NULL) = still_open)
      AND (after_date IS NULL OR (g.date, g.kind) < (after_date, after_kind))
    ORDER BY g.date DESC, g.kind DESC
    LIMIT page_size
$$;

-- The day's reference price of an instrument in fen: the average of the listing trades of the latest earlier day that had
-- any, weighted by volume and rounded half up to the day's tick, of which it is at least one; before the first one the
-- declared price, or null.
CREATE FUNCTION settlement_read.reference_price(venue_code text, project_code text, vintage_year integer, day date)
RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT coalesce(
        (SELECT greatest(tick.fen,
            div(2 * d.listing_turnover_fen + d.listing_tonnes * tick.fen, 2 * d.listing_tonnes * tick.fen) * tick.fen)::bigint
        FROM instrument_day d
        CROSS JOIN (SELECT coalesce(
            (SELECT (m.terms ->> 'tick_fen')::numeric
            FROM market_terms m JOIN instrument i USING (venue, programme)
            WHERE i.venue = venue_code AND i.project = project_code AND i.vintage = vintage_year AND m.valid_from <= day
            ORDER BY m.valid_from DESC
            LIMIT 1), 1)) AS tick (fen)
        WHERE d.venue = venue_code AND d.project = project_code AND d.vintage = vintage_year
          AND d.date < day AND d.listing_tonnes > 0
        ORDER BY d.date DESC
        LIMIT 1),
        (SELECT i.first_price_fen FROM instrument i
        WHERE i.venue = venue_code AND i.project = project_code AND i.vintage = vintage_year))
$$;

-- Between which prices each method may trade an instrument on a day, both ends allowed and rounded to the tick inward; a
-- method without a band has no ends.
CREATE FUNCTION settlement_read.price_limits(venue_code text, project_code text, vintage_year integer, day date)
RETURNS TABLE (method text, reference_fen bigint, band_basis_points integer, lowest_fen bigint, highest_fen bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT said.method, price.reference_fen, said.band,
        (ceil(price.reference_fen::numeric * (10000 - said.band) / (10000 * terms.tick_fen)) * terms.tick_fen)::bigint,
        (floor(price.reference_fen::numeric * (10000 + said.band) / (10000 * terms.tick_fen)) * terms.tick_fen)::bigint
    FROM instrument i
    CROSS JOIN LATERAL (
        SELECT m.terms -> 'methods' AS methods, (m.terms ->> 'tick_fen')::bigint AS tick_fen
        FROM market_terms m
        WHERE m.venue = i.venue AND m.programme = i.programme AND m.valid_from <= day
        ORDER BY m.valid_from DESC
        LIMIT 1
    ) AS terms
    CROSS JOIN LATERAL json_to_recordset(terms.methods) AS one (method text, band_basis_points integer)
    CROSS JOIN LATERAL (SELECT one.method, one.band_basis_points) AS said (method, band)
    CROSS JOIN LATERAL (
        SELECT settlement_read.reference_price(venue_code, project_code, vintage_year, day)) AS price (reference_fen)
    WHERE i.venue = venue_code AND i.project = project_code AND i.vintage = vintage_year
    ORDER BY said.method
$$;

-- What may be traded today in Beijing, with the day's reference price.
CREATE VIEW settlement_read.instrument_today AS
SELECT i.venue, i.project, i.vintage, i.programme, i.listed_on, i.first_price_fen, today.day,
    settlement_read.reference_price(i.venue, i.project, i.vintage, today.day) AS reference_fen
FROM instrument i CROSS JOIN (SELECT (now() AT TIME ZONE 'Asia/Shanghai')::date) AS today (day);
