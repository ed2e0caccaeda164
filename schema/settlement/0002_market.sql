-- Venues, the rules of their markets, and the trades that they report.

-- Learned from the registry: which days China works, so that trading days can be counted.
CREATE TABLE calendar_notice (
    notice_id    uuid    PRIMARY KEY,
    year         integer NOT NULL,
    holidays     date[]  NOT NULL,
    working_days date[]  NOT NULL,
    recorded_at  timestamptz NOT NULL
);

CREATE TABLE venue (
    code text PRIMARY KEY,
    name text NOT NULL,
    mode text NOT NULL DEFAULT 'LIVE' CHECK (mode IN ('LIVE', 'REPLAY'))
);
GRANT UPDATE (mode) ON venue TO tonne_settlement;

-- The rules of a programme's market at a venue, from a day on until the next version; never changed.
CREATE TABLE market_terms (
    venue      text NOT NULL REFERENCES venue,
    programme  text NOT NULL REFERENCES programme,
    valid_from date NOT NULL,
    cycle      text NOT NULL CHECK (cycle IN ('IMMEDIATE', 'DAY_END')),
    terms      json NOT NULL,
    set_by     text NOT NULL,
    approved_by text NOT NULL CHECK (approved_by <> set_by),
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (venue, programme, valid_from)
);

-- What a venue trades: a project's credits of one vintage, listed when they first came there.
CREATE TABLE instrument (
    venue           text    NOT NULL REFERENCES venue,
    project         text    NOT NULL,
    vintage         integer NOT NULL,
    programme       text    NOT NULL REFERENCES programme,
    listed_on       date    NOT NULL,
    first_price_fen bigint  CHECK (first_price_fen > 0),
    declared_by     text    REFERENCES account,
    PRIMARY KEY (venue, project, vintage),
    CHECK ((first_price_fen IS NULL) = (declared_by IS NULL))
);
GRANT UPDATE (first_price_fen, declared_by) ON instrument TO tonne_settlement;
CREATE INDEX instrument_programme ON instrument (programme, venue);

-- What was traded of an instrument on a day, and what of it has settled; the listing trades make the next reference price.
CREATE TABLE instrument_day (
    venue                text    NOT NULL,
    project              text    NOT NULL,
    vintage              integer NOT NULL,
    date                 date    NOT NULL,
    trades               bigint  NOT NULL CHECK (trades >= 0),
    tonnes               bigint  NOT NULL CHECK (tonnes >= 0),
    turnover_fen         bigint  NOT NULL CHECK (turnover_fen >= 0),
    listing_tonnes       bigint  NOT NULL CHECK (listing_tonnes BETWEEN 0 AND tonnes),
    listing_turnover_fen bigint  NOT NULL CHECK (listing_turnover_fen BETWEEN 0 AND turnover_fen),
    settled_trades       bigint  NOT NULL CHECK (settled_trades BETWEEN 0 AND trades),
    settled_tonnes       bigint  NOT NULL CHECK (settled_tonnes BETWEEN 0 AND tonnes),
    settled_turnover_fen bigint  NOT NULL CHECK (settled_turnover_fen BETWEEN 0 AND turnover_fen),
    PRIMARY KEY (venue, project, vintage, date),
    FOREIGN KEY (venue, project, vintage) REFERENCES instrument
) WITH (fillfactor = 50);
GRANT UPDATE (trades, tonnes, turnover_fen, listing_tonnes, listing_turnover_fen,
    settled_trades, settled_tonnes, settled_turnover_fen) ON instrument_day TO tonne_settlement;
CREATE INDEX instrument_day_date ON instrument_day (venue, date);

-- When an account last bought and last sold an instrument: opposite trades keep a gap.
CREATE TABLE last_trade (
    account   text    NOT NULL,
    venue     text    NOT NULL,
    project   text    NOT NULL,
    vintage   integer NOT NULL,
    bought_on date,
    sold_on   date,
    PRIMARY KEY (account, venue, project, vintage)
) WITH (fillfactor = 80);
GRANT UPDATE (bought_on, sold_on) ON last_trade TO tonne_settlement;

-- The final outcome of a reported trade, written once: nobody may update or delete it.
CREATE TABLE trade (
    venue          text        NOT NULL,
    trade_id       text        NOT NULL,
    digest         bytea       NOT NULL,
    state          text        NOT NULL CHECK (state IN ('SETTLED', 'REJECTED')),
    method         text,
    programme      text,
    project        text,
    vintage        integer,
    seller_account text,
    buyer_account  text,
    quantity       bigint,
    price_fen      bigint,
    currency       text,
    amount_fen     bigint,
    seller_fee_fen bigint,
    buyer_fee_fen  bigint,
    executed_at    timestamptz,
    traded_on      date,
    recorded_at    timestamptz NOT NULL,
    code           text,
    message        text,
    fields         jsonb,
    PRIMARY KEY (venue, trade_id),
    CHECK ((state = 'REJECTED') = (code IS NOT NULL)),
    CHECK (state = 'REJECTED' OR (
        quantity > 0 AND amount_fen = price_fen * quantity AND seller_account <> buyer_account
        AND seller_fee_fen >= 0 AND buyer_fee_fen >= 0
        AND num_nulls(method, programme, project, vintage, price_fen, currency, executed_at, traded_on) = 0))
);
-- Newest first within a venue and a state, of which there are few: a page of all is merged from them.
CREATE INDEX trade_venue ON trade (state, venue, executed_at DESC, trade_id DESC) WHERE executed_at IS NOT NULL;
CREATE INDEX trade_seller ON trade (seller_account, executed_at DESC, venue DESC, trade_id DESC);
CREATE INDEX trade_buyer ON trade (buyer_account, executed_at DESC, venue DESC, trade_id DESC);
CREATE INDEX trade_project ON trade (project, state, venue, executed_at DESC, trade_id DESC);

-- Trades that bind and have not settled: credits and cash are held until both confirmations of the day.
CREATE TABLE captured_trade (
    venue          text        NOT NULL,
    trade_id       text        NOT NULL,
    capture        bigint      GENERATED ALWAYS AS IDENTITY UNIQUE,
    digest         bytea       NOT NULL,
    causation_id   text        NOT NULL,
    method         text        NOT NULL,
    programme      text        NOT NULL,
    project        text        NOT NULL,
    vintage        integer     NOT NULL,
    seller_account text        NOT NULL,
    buyer_account  text        NOT NULL CHECK (buyer_account <> seller_account),
    quantity       bigint      NOT NULL CHECK (quantity > 0),
    price_fen      bigint      NOT NULL CHECK (price_fen > 0),
    currency       text        NOT NULL,
    amount_fen     bigint      NOT NULL CHECK (amount_fen = price_fen * quantity),
    seller_fee_fen bigint      NOT NULL CHECK (seller_fee_fen BETWEEN 0 AND amount_fen),
    buyer_fee_fen  bigint      NOT NULL CHECK (buyer_fee_fen >= 0),
    fee_account    text,
    executed_at    timestamptz NOT NULL,
    traded_on      date        NOT NULL,
    captured_at    timestamptz NOT NULL,
    PRIMARY KEY (venue, trade_id)
);
GRANT DELETE ON captured_trade TO tonne_settlement;
CREATE INDEX captured_trade_order ON captured_trade (venue, capture);
CREATE INDEX captured_trade_seller ON captured_trade (seller_account);
CREATE INDEX captured_trade_buyer ON captured_trade (buyer_account);

-- Trades that cannot be decided yet: on a name that has not reached settlement, until the deadline; or, without one, of a
-- venue that is halted. One of which the decision fails again and again is rejected after the deadline, too.
CREATE TABLE waiting_trade (
    venue          text        NOT NULL,
    trade_id       text        NOT NULL,
    arrival        bigint      GENERATED ALWAYS AS IDENTITY UNIQUE,
    digest         bytea       NOT NULL,
    content        json        NOT NULL,
    causation_id   text        NOT NULL,
    traded_on      date,
    deadline       timestamptz,
    faults         integer     NOT NULL DEFAULT 0,
    received_at    timestamptz NOT NULL,
    PRIMARY KEY (venue, trade_id)
);
GRANT UPDATE (deadline, faults), DELETE ON waiting_trade TO tonne_settlement;

-- A venue's own count of its day, beside what was captured: counted when no trade of the day waits any longer.
CREATE TABLE venue_day (
    venue                 text    NOT NULL,
    date                  date    NOT NULL,
    digest                bytea   NOT NULL,
    causation_id          text    NOT NULL,
    trades                bigint  NOT NULL CHECK (trades >= 0),
    tonnes                bigint  NOT NULL CHECK (tonnes >= 0),
    turnover_fen          bigint  NOT NULL CHECK (turnover_fen >= 0),
    captured_trades       bigint,
    captured_tonnes       bigint,
    captured_turnover_fen bigint,
    is_matched            boolean GENERATED ALWAYS AS (
        trades = captured_trades AND tonnes = captured_tonnes AND turnover_fen = captured_turnover_fen) STORED,
    recorded_at           timestamptz NOT NULL,
    PRIMARY KEY (venue, date),
    CHECK (num_nulls(captured_trades, captured_tonnes, captured_turnover_fen) IN (0, 3))
);
GRANT UPDATE (captured_trades, captured_tonnes, captured_turnover_fen) ON venue_day TO tonne_settlement;
CREATE INDEX venue_day_uncounted ON venue_day (venue, date) WHERE captured_trades IS NULL;

-- The registry's confirmation of a closed day (article 28).
CREATE TABLE day_confirmation (
    venue        text        NOT NULL,
    date         date        NOT NULL,
    confirmed_by text        NOT NULL,
    confirmed_at timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (venue, date),
    FOREIGN KEY (venue, date) REFERENCES venue_day
);

-- Where a count of the venue or of the bank differs from the ledger: the venue is halted until two persons clear it.
CREATE TABLE gap (
    venue       text        NOT NULL REFERENCES venue,
    date        date        NOT NULL,
    kind        text        NOT NULL CHECK (kind IN ('TRADES', 'CASH')),
    opened_at   timestamptz NOT NULL,
    cleared_at  timestamptz,
    cleared_by  text,
    approved_by text        CHECK (approved_by <> cleared_by),
    explanation text,
    PRIMARY KEY (venue, date, kind),
    CHECK (num_nulls(cleared_at, cleared_by, approved_by, explanation) IN (0, 4))
);
GRANT UPDATE (cleared_at, cleared_by, approved_by, explanation) ON gap TO tonne_settlement;
CREATE INDEX gap_open ON gap (venue) WHERE cleared_at IS NULL;

-- Which process settles trades: whoever took the highest epoch; an older one that wakes up is refused.
CREATE TABLE fence (
    name  text   PRIMARY KEY,
    epoch bigint NOT NULL
);
GRANT UPDATE (epoch) ON fence TO tonne_settlement;
INSERT INTO fence VALUES ('trades', 0);

-- Messages on a trade that could change nothing: each is answered once, however often it is sent.
CREATE TABLE retort (
    venue    text  NOT NULL,
    trade_id text  NOT NULL,
    digest   bytea NOT NULL,
    PRIMARY KEY (venue, trade_id, digest)
);

-- Trades that stand: settled, or captured and on the way there.
CREATE VIEW standing_trade AS
SELECT venue, trade_id, project, vintage, seller_account, buyer_account, traded_on FROM trade WHERE state = 'SETTLED'
UNION ALL
SELECT venue, trade_id, project, vintage, seller_account, buyer_account, traded_on FROM captured_trade;
