-- What settlement publishes. Market figures and the record of what was used are for everyone; the rest is for who may see it:
-- the organisation that it belongs to, registrars, auditors and authorities, and a venue for its own trades.

CREATE VIEW settlement_read.venue AS
SELECT code, name, mode, EXISTS (SELECT FROM gap WHERE gap.venue = venue.code AND cleared_at IS NULL) AS is_halted
FROM venue;

-- Every version of the rules of a programme's market at a venue.
CREATE VIEW settlement_read.market_terms AS
SELECT venue, programme, valid_from, cycle, terms, recorded_at FROM market_terms;

CREATE VIEW settlement_read.instrument AS
SELECT venue, project, vintage, programme, listed_on, first_price_fen FROM instrument;

-- A venue's count of its day beside what was captured; is_matched is null until no trade of the day waits any longer.
CREATE VIEW settlement_read.venue_day AS
SELECT d.venue, d.date, d.trades, d.tonnes, d.turnover_fen, d.captured_trades, d.captured_tonnes, d.captured_turnover_fen,
    d.is_matched, c.confirmed_at
FROM venue_day d LEFT JOIN day_confirmation c USING (venue, date);

-- Market figures by day and instrument; the averages are rounded half up to the fen.
CREATE VIEW settlement_read.instrument_day AS
SELECT d.venue, d.project, d.vintage, i.programme, d.date, d.trades, d.tonnes, d.turnover_fen,
    CASE WHEN d.tonnes > 0 THEN div(2 * d.turnover_fen + d.tonnes, 2 * d.tonnes)::bigint END AS average_price_fen,
    d.listing_tonnes, d.listing_turnover_fen, d.settled_trades, d.settled_tonnes, d.settled_turnover_fen
FROM instrument_day d JOIN instrument i USING (venue, project, vintage);

-- What was traded by day in Beijing.
CREATE VIEW settlement_read.market_day AS
SELECT programme, venue, date, sum(trades)::bigint AS trades, sum(tonnes)::bigint AS tonnes,
    sum(turnover_fen)::bigint AS turnover_fen,
    div(2 * sum(turnover_fen) + sum(tonnes), 2 * sum(tonnes))::bigint AS average_price_fen
FROM settlement_read.instrument_day
WHERE tonnes > 0
GROUP BY programme, venue, date;

-- What has settled, ever.
CREATE VIEW settlement_read.market_total AS
SELECT programme, sum(settled_trades)::bigint AS trades, sum(settled_tonnes)::bigint AS tonnes,
    sum(settled_turnover_fen)::bigint AS turnover_fen,
    div(2 * sum(settled_turnover_fen) + sum(settled_tonnes), 2 * sum(settled_tonnes))::bigint AS average_price_fen,
    min(date) AS first_day, max(date) AS last_day
FROM settlement_read.instrument_day
WHERE settled_tonnes > 0
GROUP BY programme;

CREATE FUNCTION settlement_read.may_see_account(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], account_number text)
RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT viewer_roles && ARRAY['registrar', 'auditor', 'authority']
        OR EXISTS (SELECT FROM account WHERE number = account_number AND organisation_id = viewer_organisation)
$$;

CREATE FUNCTION settlement_read.may_see_trade(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    venue_code text, seller_number text, buyer_number text)
RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT viewer_roles && ARRAY['registrar', 'auditor', 'authority']
        OR ('venue' = ANY (viewer_roles) AND viewer_subject = venue_code)
        OR EXISTS (SELECT FROM account
            WHERE number IN (seller_number, buyer_number) AND organisation_id = viewer_organisation)
$$;

CREATE FUNCTION settlement_read.serials(b settlement.batch, first_serial bigint, next_serial bigint)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT concat_ws('-', b.programme, b.country, b.project, b.vintage, lpad(b.batch_number::text, greatest(3, length(b.batch_number::text)), '0'),
        first_serial, next_serial - 1)
$$;

CREATE FUNCTION settlement_read.ranges(posting_name text)
RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'batch_id', e.batch_id, 'first_serial', e.first_serial, 'last_serial', e.next_serial - 1,
        'serials', settlement_read.serials(b, e.first_serial, e.next_serial)) ORDER BY e.entry_id), '[]')
    FROM credit_entry e JOIN batch b USING (batch_id)
    WHERE e.posting = posting_name
$$;

CREATE FUNCTION settlement_read.holdings(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    account_number text, after_batch uuid, after_first bigint, page_size integer)
RETURNS TABLE (batch_id uuid, programme text, project text, vintage integer, bucket text, venue text,
    first_serial bigint, last_serial bigint, tonnes bigint, serials text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT b.batch_id, b.programme, b.project, b.vintage, h.bucket, h.venue,
        h.first_serial, h.next_serial - 1, h.next_serial - h.first_serial,
        settlement_read.serials(b, h.first_serial, h.next_serial)
    FROM holding h JOIN batch b USING (batch_id)
    WHERE h.account = account_number
      AND settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, account_number)
      AND (after_batch IS NULL OR (h.batch_id, h.first_serial) > (after_batch, after_first))
    ORDER BY h.batch_id, h.first_serial
    LIMIT page_size
$$;

-- What a venue asks before it takes an order: credits there of one instrument, and cash there, as far as the account may
-- sell and buy.
CREATE FUNCTION settlement_read.available(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    account_number text, venue_code text, project_code text, vintage_year integer)
RETURNS TABLE (tonnes bigint, cash_fen bigint, currency text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT
        coalesce((SELECT sum(h.next_serial - h.first_serial) FROM holding h JOIN batch b USING (batch_id)
            WHERE h.account = account_number AND h.bucket = 'exchange' AND h.venue = venue_code
              AND b.project = project_code AND b.vintage = vintage_year AND a.frozen_by = '{}' AND a.short_of = '{}'), 0)::bigint,
        coalesce((SELECT balance_fen + pending_fen - held_fen FROM cash_position c
            WHERE c.account = account_number AND c.venue = venue_code AND c.currency = 'CNY' AND a.frozen_by = '{}'), 0),
        'CNY'
    FROM account a
    WHERE a.number = account_number
      AND (('venue' = ANY (viewer_roles) AND viewer_subject = venue_code)
        OR settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, account_number))
$$;

CREATE FUNCTION settlement_read.cash(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], account_number text)
RETURNS TABLE (venue text, currency text, balance_fen bigint, held_fen bigint, pending_fen bigint, spendable_fen bigint,
    withdrawable_fen bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT c.venue, c.currency, c.balance_fen, c.held_fen, c.pending_fen,
        CASE WHEN a.frozen_by = '{}' THEN c.balance_fen + c.pending_fen - c.held_fen ELSE 0 END,
        CASE WHEN a.frozen_by = '{}' THEN greatest(0, c.balance_fen - c.held_fen) ELSE 0 END
    FROM cash_position c JOIN account a ON a.number = c.account
    WHERE c.account = account_number
      AND settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, account_number)
    ORDER BY venue, currency
$$;

-- One shape for trades on every step of their way.
CREATE TYPE settlement_read.seen_trade AS (venue text, trade_id text, state text, method text, programme text, project text, vintage integer,
    seller_account text, buyer_account text, quantity bigint, price_fen bigint, currency text, amount_fen bigint,
    seller_fee_fen bigint, buyer_fee_fen bigint, executed_at timestamptz, recorded_at timestamptz, code text,
    message text, fields jsonb, ranges jsonb);

CREATE OR REPLACE VIEW settlement.any_trade AS
SELECT venue, trade_id, state, method, programme, project, vintage, seller_account, buyer_account,
    quantity, price_fen, currency, amount_fen, seller_fee_fen, buyer_fee_fen, executed_at, recorded_at, code, message, fields
FROM trade
UNION ALL
SELECT venue, trade_id, 'CAPTURED', method, programme, project, vintage, seller_account, buyer_account,
    quantity, price_fen, currency, amount_fen, seller_fee_fen, buyer_fee_fen, executed_at, captured_at, NULL, NULL, NULL
FROM captured_trade;

CREATE FUNCTION settlement_read.trade(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], venue_code text, trade_key text)
RETURNS SETOF settlement_read.seen_trade
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT t.*, settlement_read.ranges('trade/' || t.venue || '/' || t.trade_id)
    FROM (
        SELECT * FROM any_trade
        UNION ALL
        SELECT venue, trade_id, 'WAITING', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            NULL, received_at, NULL, NULL, NULL
        FROM waiting_trade
    ) AS t
    WHERE t.venue = venue_code AND t.trade_id = trade_key
      AND settlement_read.may_see_trade(viewer_subject, viewer_organisation, viewer_roles,
        t.venue, t.seller_account, t.buyer_account)
$$;

-- The accounts whose trades a viewer may see; null for who may see them all.
CREATE FUNCTION settlement_read.own_accounts(viewer_organisation uuid, viewer_roles text[])
RETURNS text[] LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT CASE WHEN NOT viewer_roles && ARRAY['registrar', 'auditor', 'authority']
        THEN (SELECT coalesce(array_agg(number), '{}') FROM account WHERE organisation_id = viewer_organisation) END
$$;

-- Newest first. Filters that are null are none. A page is merged from short index scans, so that its cost does not grow with
-- the history: whoever sees whole venues reads each of them by state (and project); whoever sees accounts reads each of
-- them as seller and as buyer. Trades that are captured are those of the days that are not settled.
CREATE FUNCTION settlement_read.trades(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    venue_code text, account_number text, project_code text, trade_state text,
    after_executed_at timestamptz, after_venue text, after_trade_id text, page_size integer)
RETURNS SETOF settlement_read.seen_trade
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    WITH RECURSIVE viewer AS MATERIALIZED (
        SELECT viewer_roles && ARRAY['registrar', 'auditor', 'authority'] AS is_full,
            CASE WHEN 'venue' = ANY (viewer_roles) THEN viewer_subject END AS own_venue,
            EXISTS (SELECT FROM account WHERE number = account_number AND organisation_id = viewer_organisation) AS is_own,
            coalesce(after_executed_at, 'infinity') AS executed_at, coalesce(after_venue, '') AS venue,
            coalesce(after_trade_id, '') AS trade_id
    ),
    reporting (venue) AS (
        SELECT min(venue) FROM trade
        UNION ALL
        SELECT (SELECT min(t.venue) FROM trade t WHERE t.venue > reporting.venue) FROM reporting WHERE reporting.venue IS NOT NULL
    ),
    -- Each venue that is seen whole, by state, and before which of its trades the page begins.
    stream AS (
        SELECT r.venue, s.state,
            v.executed_at + CASE WHEN r.venue < v.venue THEN interval '1 microsecond' ELSE interval '0' END AS before_at,
            CASE WHEN r.venue = v.venue THEN v.trade_id ELSE '' END AS before_id
        FROM viewer v
        JOIN reporting r ON r.venue IS NOT NULL AND (v.is_full OR r.venue = v.own_venue)
        CROSS JOIN (VALUES ('SETTLED'), ('REJECTED')) AS s (state)
        WHERE account_number IS NULL
          AND (venue_code IS NULL OR r.venue = venue_code)
          AND (trade_state IS NULL OR s.state = trade_state)
    ),
    -- Each account that is seen, at all venues or at the viewer's.
    scanned (account, venue) AS (
        SELECT account_number, CASE WHEN NOT is_full THEN own_venue END
        FROM viewer WHERE account_number IS NOT NULL AND (is_full OR own_venue IS NOT NULL)
        UNION ALL
        SELECT a.number, NULL
        FROM viewer v JOIN account a ON a.organisation_id = viewer_organisation
        WHERE NOT v.is_full AND (account_number IS NULL OR NOT v.is_own OR a.number = account_number)
    ),
    page AS (
        SELECT part.* FROM stream s CROSS JOIN LATERAL (
            SELECT t.executed_at, t.venue, t.trade_id FROM trade t
            WHERE project_code IS NULL AND t.state = s.state AND t.venue = s.venue AND t.executed_at IS NOT NULL
              AND (t.executed_at, t.trade_id) < (s.before_at, s.before_id)
            ORDER BY t.executed_at DESC, t.trade_id DESC LIMIT page_size) AS part
        UNION
        SELECT part.* FROM stream s CROSS JOIN LATERAL (
            SELECT t.executed_at, t.venue, t.trade_id FROM trade t
            WHERE t.project = project_code AND t.state = s.state AND t.venue = s.venue
              AND (t.executed_at, t.trade_id) < (s.before_at, s.before_id)
            ORDER BY t.executed_at DESC, t.trade_id DESC LIMIT page_size) AS part
        UNION
        SELECT part.* FROM viewer v CROSS JOIN scanned s CROSS JOIN LATERAL (
            SELECT t.executed_at, t.venue, t.trade_id FROM trade t
            WHERE t.seller_account = s.account
              AND (t.executed_at, t.venue, t.trade_id) < (v.executed_at, v.venue, v.trade_id)
              AND (s.venue IS NULL OR t.venue = s.venue)
              AND (account_number IS NULL OR account_number IN (t.seller_account, t.buyer_account))
              AND (venue_code IS NULL OR t.venue = venue_code)
              AND (project_code IS NULL OR t.project = project_code)
              AND (trade_state IS NULL OR t.state = trade_state)
            ORDER BY t.executed_at DESC, t.venue DESC, t.trade_id DESC LIMIT page_size) AS part
        UNION
        SELECT part.* FROM viewer v CROSS JOIN scanned s CROSS JOIN LATERAL (
            SELECT t.executed_at, t.venue, t.trade_id FROM trade t
            WHERE t.buyer_account = s.account
              AND (t.executed_at, t.venue, t.trade_id) < (v.executed_at, v.venue, v.trade_id)
              AND (s.venue IS NULL OR t.venue = s.venue)
              AND (account_number IS NULL OR account_number IN (t.seller_account, t.buyer_account))
              AND (venue_code IS NULL OR t.venue = venue_code)
              AND (project_code IS NULL OR t.project = project_code)
              AND (trade_state IS NULL OR t.state = trade_state)
            ORDER BY t.executed_at DESC, t.venue DESC, t.trade_id DESC LIMIT page_size) AS part
        UNION
        SELECT c.executed_at, c.venue, c.trade_id
        FROM viewer v CROSS JOIN LATERAL (
            SELECT c.* FROM captured_trade c
            WHERE account_number IS NULL AND (v.is_full OR c.venue = v.own_venue)
            UNION ALL
            SELECT c.* FROM scanned s JOIN captured_trade c ON c.seller_account = s.account AND (s.venue IS NULL OR c.venue = s.venue)
            UNION ALL
            SELECT c.* FROM scanned s JOIN captured_trade c ON c.buyer_account = s.account AND (s.venue IS NULL OR c.venue = s.venue)
        ) AS c
        WHERE (trade_state IS NULL OR trade_state = 'CAPTURED')
          AND (c.executed_at, c.venue, c.trade_id) < (v.executed_at, v.venue, v.trade_id)
          AND (account_number IS NULL OR account_number IN (c.seller_account, c.buyer_account))
          AND (venue_code IS NULL OR c.venue = venue_code)
          AND (project_code IS NULL OR c.project = project_code)
        ORDER BY executed_at DESC, venue DESC, trade_id DESC
        LIMIT page_size
    )
    SELECT t.*, settlement_read.ranges('trade/' || t.venue || '/' || t.trade_id)
    FROM page JOIN any_trade t ON t.venue = page.venue AND t.trade_id = page.trade_id
    ORDER BY t.executed_at DESC, t.venue DESC, t.trade_id DESC
$$;

-- What the bank holds for a venue's clients, and why a count differed, is for those who watch over it, and for the venue itself.
CREATE FUNCTION settlement_read.may_see_bank(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], venue_code text)
RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT viewer_roles && ARRAY['registrar', 'auditor', 'authority']
        OR ('venue' = ANY (viewer_roles) AND viewer_subject = venue_code)
$$;

-- An event's content without what this viewer may not know: the histories of venues and days are public, the bank's figures
-- and the explanations in them are not.
CREATE FUNCTION settlement_read.shown_content(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[], subject text, content json)
RETURNS json LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT CASE
        WHEN split_part(subject, '/', 1) NOT IN ('venue', 'day')
            OR settlement_read.may_see_bank(viewer_subject, viewer_organisation, viewer_roles, split_part(subject, '/', 2))
            THEN content
        ELSE (content::jsonb - ARRAY['deposits_fen', 'withdrawals_fen', 'closing_balance_fen', 'booked_deposits_fen',
            'booked_withdrawals_fen', 'booked_balance_fen', 'explained_fen', 'explanation'])::json
    END
$$;

-- What happened to an object, who did it and when: venues, markets, instruments and days to everybody, trades and approvals to
-- those who may see them; of a retirement others learn no names, of the bank no figures.
CREATE FUNCTION settlement_read.history(
    viewer_subject text, viewer_organisation uuid, viewer_roles text[],
    subject text, after_sequence bigint, page_size integer)
RETURNS TABLE (sequence bigint, type text, effective_at timestamptz, recorded_at timestamptz, actor text,
    approved_by text, body json)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT event.sequence, event.type, event.effective_at, event.recorded_at,
        CASE WHEN seen.is_full THEN event.actor END, CASE WHEN seen.is_full THEN event.approved_by END,
        settlement_read.shown_content(viewer_subject, viewer_organisation, viewer_roles, subject, event.body)
    FROM (SELECT split_part(subject, '/', 1), split_part(subject, '/', 2)) AS named (kind, key)
    CROSS JOIN LATERAL (
        SELECT bool_or(way.is_full)
        FROM (
            SELECT true WHERE kind IN ('venue', 'day', 'market', 'instrument') OR viewer_roles && ARRAY['registrar', 'auditor', 'authority']
            UNION ALL
            SELECT true
            FROM settlement_read.trade(viewer_subject, viewer_organisation, viewer_roles,
                key, substr(subject, length(kind || key) + 3))
            WHERE kind = 'trade'
            UNION ALL
            SELECT true
            FROM settlement_read.approval(viewer_subject, viewer_organisation, viewer_roles,
                CASE kind WHEN 'approval' THEN key::uuid END)
            UNION ALL
            SELECT settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, r.account)
            FROM retirement r
            WHERE r.retirement_id = CASE kind WHEN 'retirement' THEN key::uuid END
            UNION ALL
            SELECT true
            FROM transfer t
            WHERE t.transfer_id = CASE kind WHEN 'transfer' THEN key::uuid END
              AND (settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, t.from_account)
                OR settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, t.to_account))
            UNION ALL
            SELECT true
            WHERE kind = 'obligation'
              AND settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, key)
            UNION ALL
            SELECT true
            FROM correction c
            WHERE c.correction_id = CASE kind WHEN 'correction' THEN key::uuid END
              AND c.accounts && settlement_read.own_accounts(viewer_organisation, viewer_roles)
            UNION ALL
            SELECT true
            FROM freeze_order f
            WHERE f.freeze_id = CASE named.kind WHEN 'freeze' THEN key::uuid END
              AND settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, f.account)
            UNION ALL
            SELECT true
            FROM enforcement e
            WHERE e.transfer_id = CASE kind WHEN 'enforcement' THEN key::uuid END
              AND (settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, e.from_account)
                OR settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, e.to_account))
            UNION ALL
            SELECT true
            FROM shortfall s
            WHERE s.shortfall_id = CASE kind WHEN 'shortfall' THEN key::uuid END
              AND settlement_read.may_see_account(viewer_subject, viewer_organisation, viewer_roles, s.account)
        ) AS way (is_full)
    ) AS seen (is_full)
    JOIN event ON event.aggregate = subject
    WHERE seen.is_full IS NOT NULL
      AND (after_sequence IS NULL OR event.sequence > after_sequence)
    ORDER BY event.sequence
    LIMIT page_size
$$;
