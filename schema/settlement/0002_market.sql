-- Venues and the trades that they report.

CREATE TABLE venue (
    code       text    PRIMARY KEY,
    name       text    NOT NULL,
    programmes text[]  NOT NULL CHECK (cardinality(programmes) > 0),
    methods    text[]  NOT NULL CHECK (methods <@ ARRAY['LISTING', 'BULK', 'AUCTION', 'BILATERAL']),
    tick_fen   integer NOT NULL CHECK (tick_fen > 0),
    mode       text    NOT NULL DEFAULT 'LIVE' CHECK (mode IN ('LIVE', 'REPLAY'))
);
GRANT UPDATE (mode) ON venue TO tonne_settlement;

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
        AND num_nulls(method, programme, project, vintage, price_fen, currency, executed_at, traded_on) = 0))
);
CREATE INDEX trade_day ON trade (venue, traded_on) WHERE state = 'SETTLED';
CREATE INDEX trade_market ON trade (programme, venue, traded_on) WHERE state = 'SETTLED';
CREATE INDEX trade_newest ON trade (executed_at DESC, venue DESC, trade_id DESC) WHERE executed_at IS NOT NULL;
CREATE INDEX trade_seller ON trade (seller_account, executed_at DESC, venue DESC, trade_id DESC);
CREATE INDEX trade_buyer ON trade (buyer_account, executed_at DESC, venue DESC, trade_id DESC);
CREATE INDEX trade_project ON trade (project, executed_at DESC, venue DESC, trade_id DESC);

-- Trades on a name that has not reached settlement yet: acknowledged, and decided before the deadline.
CREATE TABLE waiting_trade (
    venue          text        NOT NULL,
    trade_id       text        NOT NULL,
    digest         bytea       NOT NULL,
    content        json        NOT NULL,
    causation_id   text        NOT NULL,
    deadline       timestamptz NOT NULL,
    received_at    timestamptz NOT NULL,
    PRIMARY KEY (venue, trade_id)
);
GRANT DELETE ON waiting_trade TO tonne_settlement;

-- A venue's own count of its day, beside what settled.
CREATE TABLE venue_day (
    venue                text    NOT NULL,
    date                 date    NOT NULL,
    digest               bytea   NOT NULL,
    trades               bigint  NOT NULL CHECK (trades >= 0),
    tonnes               bigint  NOT NULL CHECK (tonnes >= 0),
    turnover_fen         bigint  NOT NULL CHECK (turnover_fen >= 0),
    settled_trades       bigint  NOT NULL,
    settled_tonnes       bigint  NOT NULL,
    settled_turnover_fen bigint  NOT NULL,
    is_matched           boolean NOT NULL GENERATED ALWAYS AS (
        trades = settled_trades AND tonnes = settled_tonnes AND turnover_fen = settled_turnover_fen) STORED,
    recorded_at          timestamptz NOT NULL,
    PRIMARY KEY (venue, date)
);

-- Which process settles trades: whoever took the highest epoch; an older one that wakes up is refused.
CREATE TABLE fence (
    name  text   PRIMARY KEY,
    epoch bigint NOT NULL
);
GRANT UPDATE (epoch) ON fence TO tonne_settlement;
INSERT INTO fence VALUES ('trades', 0);
