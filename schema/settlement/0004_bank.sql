-- The bank's side of cash: what the ledger booked of it by day, and what its statements say; and what reads by account need.

-- Deposits and withdrawals by day in Beijing, as the entries with the bank add up: a statement is compared with sums.
CREATE TABLE bank_day (
    venue           text   NOT NULL,
    currency        text   NOT NULL,
    date            date   NOT NULL,
    deposits_fen    bigint NOT NULL CHECK (deposits_fen >= 0),
    withdrawals_fen bigint NOT NULL CHECK (withdrawals_fen >= 0),
    PRIMARY KEY (venue, currency, date)
);
GRANT UPDATE (deposits_fen, withdrawals_fen) ON bank_day TO tonne_settlement;

-- The bank's statements beside what was booked when each came: an id counts once, for ever; of a day the newest is read.
-- A balance may differ by what two persons explained of an earlier day.
CREATE TABLE bank_statement (
    statement_id           text        PRIMARY KEY,
    arrival                bigint      GENERATED ALWAYS AS IDENTITY UNIQUE,
    digest                 bytea       NOT NULL,
    venue                  text        NOT NULL REFERENCES venue,
    currency               text        NOT NULL,
    date                   date        NOT NULL,
    deposits_fen           bigint      NOT NULL CHECK (deposits_fen >= 0),
    withdrawals_fen        bigint      NOT NULL CHECK (withdrawals_fen >= 0),
    closing_fen            bigint      NOT NULL,
    booked_deposits_fen    bigint      NOT NULL,
    booked_withdrawals_fen bigint      NOT NULL,
    booked_closing_fen     bigint      NOT NULL,
    explained_fen          bigint      NOT NULL,
    is_matched             boolean     NOT NULL GENERATED ALWAYS AS (
        deposits_fen = booked_deposits_fen AND withdrawals_fen = booked_withdrawals_fen
        AND closing_fen = booked_closing_fen + explained_fen) STORED,
    recorded_at            timestamptz NOT NULL
);
CREATE INDEX bank_statement_day ON bank_statement (venue, currency, date, arrival DESC);

-- A new statement of a day whose gap is cleared may open it again.
GRANT UPDATE (opened_at) ON gap TO tonne_settlement;

-- The entries of an account, newest first: balances at past instants and statements read nothing of others.
CREATE INDEX credit_entry_to ON credit_entry (to_account, entry_id);
CREATE INDEX credit_entry_from ON credit_entry (from_account, entry_id);
CREATE INDEX cash_entry_to ON cash_entry (to_account, entry_id);
CREATE INDEX cash_entry_from ON cash_entry (from_account, entry_id);

-- Whose trades an organisation may see.
CREATE INDEX account_organisation ON account (organisation_id);
