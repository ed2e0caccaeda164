-- Inbox, event, outbox and approval: the same four tables in every service's schema.

-- What was handled, and what was answered: a repeat gets the first answer.
CREATE TABLE inbox (
    consumer    text        NOT NULL,
    message_id  text        NOT NULL CHECK (length(message_id) <= 200),
    digest      bytea       NOT NULL,
    answer      bytea,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (consumer, message_id)
);

-- Old answers are pruned without reading the young ones.
CREATE INDEX inbox_received ON inbox USING brin (received_at);

-- What happened, appended for ever: history, catch-up and resumable subscriptions read it.
CREATE TABLE event (
    position     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           uuid        NOT NULL,
    type         text        NOT NULL,
    aggregate    text        NOT NULL,
    sequence     bigint      NOT NULL CHECK (sequence > 0),
    effective_at timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    actor        text        NOT NULL,
    approved_by  text,
    causation_id text        NOT NULL,
    body         json        NOT NULL,
    UNIQUE (aggregate, sequence)
);

-- What is committed and not yet confirmed by the broker: one row a transaction.
CREATE TABLE outbox (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    positions   bigint[]    NOT NULL CHECK (cardinality(positions) > 0),
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Irreversible commands that wait for a second person (four eyes): nothing effective after expires_at decides them, and
-- after lapses_at by the clock nothing at all; the two differ for what was requested in the past.
CREATE TABLE approval (
    id            uuid        PRIMARY KEY,
    command_type  text        NOT NULL,
    command       json        NOT NULL,
    approver_role text        NOT NULL,
    approver      text,
    maker         text        NOT NULL,
    organisation  uuid,
    roles         text[]      NOT NULL,
    state         text        NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'APPROVED', 'REFUSED', 'EXPIRED')),
    requested_at  timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL CHECK (expires_at > requested_at),
    lapses_at     timestamptz NOT NULL CHECK (lapses_at >= expires_at),
    decided_by    text        CHECK (decided_by <> maker),
    decided_at    timestamptz,
    reason        text,
    CHECK ((state = 'PENDING') = (decided_at IS NULL)),
    CHECK ((state IN ('APPROVED', 'REFUSED')) <= (decided_by IS NOT NULL))
);
CREATE INDEX approval_newest ON approval (requested_at DESC, id DESC);
