-- Acts that are not trades: transfers between holders, corrections by opposite entries, and disputes about trades.

-- Offers of credits without a trade: while one is PROPOSED its credits lie in the giver's bucket 'reserved', at no venue.
CREATE TABLE transfer (
    transfer_id     uuid        PRIMARY KEY,
    from_account    text        NOT NULL REFERENCES account,
    to_account      text        NOT NULL REFERENCES account CHECK (to_account <> from_account),
    programme       text        NOT NULL REFERENCES programme,
    project         text        NOT NULL,
    vintage         integer     NOT NULL,
    tonnes          bigint      NOT NULL CHECK (tonnes > 0),
    ground          text        NOT NULL CHECK (ground IN ('INHERITANCE', 'ENFORCEMENT', 'PROGRAMME_RULE')),
    document_sha256 text        NOT NULL CHECK (document_sha256 ~ '^[0-9a-f]{64}$'),
    reason          text        NOT NULL,
    expires_on      date        NOT NULL,
    state           text        NOT NULL CHECK (state IN ('PROPOSED', 'ACCEPTED', 'REFUSED', 'WITHDRAWN', 'EXPIRED')),
    proposed_by     text        NOT NULL,
    proposed_at     timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    decided_by      text,
    decided_at      timestamptz CHECK (decided_at >= proposed_at),
    decision_reason text,
    CHECK (num_nulls(decided_by, decided_at) = CASE state WHEN 'PROPOSED' THEN 2 ELSE 0 END),
    CHECK ((decision_reason IS NOT NULL) = (state IN ('REFUSED', 'WITHDRAWN'))),
    -- A day is Beijing's: whoever decides does so by the end of the last one, and only then the offer expires.
    CHECK (((decided_at AT TIME ZONE 'Asia/Shanghai')::date > expires_on) = (state = 'EXPIRED'))
);
GRANT UPDATE (state, decided_by, decided_at, decision_reason) ON transfer TO tonne_settlement;
CREATE INDEX transfer_due ON transfer (expires_on) WHERE state = 'PROPOSED';
CREATE INDEX transfer_newest ON transfer (proposed_at DESC, transfer_id DESC);
CREATE INDEX transfer_giver ON transfer (from_account, proposed_at DESC, transfer_id DESC);
CREATE INDEX transfer_receiver ON transfer (to_account, proposed_at DESC, transfer_id DESC);

-- The opposite of a posting, booked under 'correction/<id>': once for each posting, for ever, by two persons.
CREATE TABLE correction (
    correction_id uuid        PRIMARY KEY,
    posting       text        NOT NULL UNIQUE CHECK (posting ~ '^(trade|move|transfer|cash)/'),
    accounts      text[]      NOT NULL CHECK (cardinality(accounts) > 0),
    tonnes        bigint      NOT NULL CHECK (tonnes >= 0),
    amount_fen    bigint      NOT NULL CHECK (amount_fen >= 0),
    reason        text        NOT NULL,
    requested_by  text        NOT NULL,
    approved_by   text        NOT NULL CHECK (approved_by <> requested_by),
    corrected_at  timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL,
    CHECK (tonnes > 0 OR amount_fen > 0)
);
CREATE INDEX correction_newest ON correction (corrected_at DESC, correction_id DESC);
CREATE INDEX correction_accounts ON correction USING gin (accounts);

-- A party disagrees with a trade, once; it undoes nothing.
CREATE TABLE dispute (
    dispute_id  uuid        PRIMARY KEY,
    venue       text        NOT NULL REFERENCES venue,
    trade_id    text        NOT NULL,
    account     text        NOT NULL REFERENCES account,
    reason      text        NOT NULL,
    state       text        NOT NULL CHECK (state IN ('OPEN', 'UPHELD', 'DISMISSED')),
    opened_by   text        NOT NULL,
    opened_at   timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    closed_by   text,
    closed_at   timestamptz CHECK (closed_at >= opened_at),
    explanation text,
    UNIQUE (venue, trade_id, account),
    CHECK (num_nulls(closed_by, closed_at, explanation) = CASE state WHEN 'OPEN' THEN 3 ELSE 0 END)
);
GRANT UPDATE (state, closed_by, closed_at, explanation) ON dispute TO tonne_settlement;
CREATE INDEX dispute_newest ON dispute (opened_at DESC, dispute_id DESC);
