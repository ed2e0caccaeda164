-- The ledger: who holds which serials in which place, who has how much cash, and every entry that led there.

-- Learned from the registry and from issuance.
CREATE TABLE account (
    number          text PRIMARY KEY,
    account_id      uuid NOT NULL UNIQUE,
    organisation_id uuid NOT NULL,
    kind            text NOT NULL,
    status          text NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'RESTRICTED', 'CLOSED')),
    trading_account text UNIQUE,
    operators       text[] NOT NULL DEFAULT '{}',
    CHECK (trading_account IS NULL OR kind IN ('OWNER', 'EMITTER', 'TRADER'))
);
GRANT UPDATE (status, trading_account, operators) ON account TO tonne_settlement;

CREATE TABLE programme (
    code            text    PRIMARY KEY,
    kind            text    NOT NULL,
    is_ets_eligible boolean NOT NULL
);

CREATE TABLE batch (
    batch_id      uuid        PRIMARY KEY,
    programme     text        NOT NULL REFERENCES programme,
    country       text        NOT NULL,
    project       text        NOT NULL,
    vintage       integer     NOT NULL,
    batch_number  integer     NOT NULL CHECK (batch_number > 0),
    first_serial  bigint      NOT NULL CHECK (first_serial > 0),
    next_serial   bigint      NOT NULL CHECK (next_serial > first_serial),
    is_opening    boolean     NOT NULL,
    issued_at     timestamptz NOT NULL,
    UNIQUE (project, vintage, batch_number)
);

-- Each serial of a batch lies in exactly one row; 'retired' and 'cancelled' are places without a way back. That batch
-- and account exist is required by the trigger below, once a statement: a reference would ask for each row.
CREATE TABLE holding (
    batch_id     uuid   NOT NULL,
    first_serial bigint NOT NULL,
    next_serial  bigint NOT NULL CHECK (next_serial > first_serial),
    account      text   NOT NULL,
    bucket       text   NOT NULL CHECK (bucket IN
        ('registry', 'exchange', 'reserved', 'locked', 'frozen', 'buffer', 'retired', 'cancelled')),
    venue        text,
    PRIMARY KEY (batch_id, first_serial),
    CHECK (CASE bucket WHEN 'exchange' THEN venue IS NOT NULL WHEN 'reserved' THEN true ELSE venue IS NULL END)
) WITH (fillfactor = 80);
CREATE INDEX holding_account ON holding (account, batch_id, first_serial);
GRANT UPDATE (next_serial, account, bucket, venue) ON holding TO tonne_settlement;

-- Two holdings of one batch never overlap, whoever writes: the batch rows are locked in order, so that
-- concurrent writers queue up, and only then are the neighbours read.
CREATE FUNCTION lock_batches(ids uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
BEGIN
    PERFORM 1 FROM batch WHERE batch_id = ANY (ids) ORDER BY batch_id FOR NO KEY UPDATE;
END $$;

CREATE FUNCTION refuse_overlap() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
DECLARE
    broken record;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'holdings are written in read committed: another level does not see its neighbours'
            USING ERRCODE = 'invalid_transaction_state', CONSTRAINT = 'holding_isolation';
    END IF;
    PERFORM lock_batches(ARRAY(SELECT DISTINCT batch_id FROM changed));
    SELECT changed.batch_id, changed.first_serial, changed.next_serial INTO broken
    FROM changed
    LEFT JOIN batch USING (batch_id)
    WHERE batch.batch_id IS NULL
       OR NOT EXISTS (SELECT FROM account WHERE number = changed.account)
       OR changed.first_serial < batch.first_serial
       OR changed.next_serial > batch.next_serial
       OR changed.first_serial < (
            SELECT before.next_serial FROM holding before
            WHERE before.batch_id = changed.batch_id AND before.first_serial < changed.first_serial
            ORDER BY before.first_serial DESC LIMIT 1)
       OR changed.next_serial > (
            SELECT after.first_serial FROM holding after
            WHERE after.batch_id = changed.batch_id AND after.first_serial > changed.first_serial
            ORDER BY after.first_serial LIMIT 1)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'serials % to % of batch % overlap another holding, leave the batch, or belong to nobody known',
            broken.first_serial, broken.next_serial - 1, broken.batch_id
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'holding_overlap';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER holding_overlap_insert AFTER INSERT ON holding
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_overlap();
CREATE TRIGGER holding_overlap_update AFTER UPDATE ON holding
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_overlap();

CREATE FUNCTION refuse_return() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'retired and cancelled credits never come back'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'holding_terminal';
END $$;

CREATE TRIGGER holding_terminal BEFORE UPDATE OR DELETE ON holding FOR EACH ROW
WHEN (OLD.bucket IN ('retired', 'cancelled')) EXECUTE FUNCTION refuse_return();

-- Every movement of credits: out of one place and into another, so that it balances by its form.
CREATE TABLE credit_entry (
    entry_id     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    posting      text        NOT NULL,
    batch_id     uuid        NOT NULL,
    first_serial bigint      NOT NULL,
    next_serial  bigint      NOT NULL CHECK (next_serial > first_serial),
    from_account text,
    from_bucket  text,
    from_venue   text,
    to_account   text        NOT NULL,
    to_bucket    text        NOT NULL,
    to_venue     text,
    effective_at timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    CHECK ((from_account IS NULL) = (from_bucket IS NULL))
);
CREATE INDEX credit_entry_posting ON credit_entry (posting);

-- Cash at a venue, in minor units (fen). Held is what captured trades will cost, pending what they will bring: it may be
-- spent at the venue, and not be withdrawn.
CREATE TABLE cash_position (
    account     text   NOT NULL REFERENCES account,
    venue       text   NOT NULL,
    currency    text   NOT NULL,
    balance_fen bigint NOT NULL CHECK (balance_fen >= 0),
    held_fen    bigint NOT NULL DEFAULT 0 CHECK (held_fen >= 0),
    pending_fen bigint NOT NULL DEFAULT 0 CHECK (pending_fen >= 0),
    PRIMARY KEY (account, venue, currency),
    CHECK (held_fen <= balance_fen + pending_fen)
) WITH (fillfactor = 50);
GRANT UPDATE (balance_fen, held_fen, pending_fen) ON cash_position TO tonne_settlement;

-- Every movement of cash; a side without an account is the bank.
CREATE TABLE cash_entry (
    entry_id     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    posting      text        NOT NULL,
    venue        text        NOT NULL,
    currency     text        NOT NULL,
    from_account text,
    to_account   text,
    amount_fen   bigint      NOT NULL CHECK (amount_fen > 0),
    effective_at timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    CHECK (from_account IS NOT NULL OR to_account IS NOT NULL)
);
CREATE INDEX cash_entry_posting ON cash_entry (posting);

-- What the bank reported, booked or not: a reference counts once, for ever.
CREATE TABLE bank_report (
    bank_reference text        PRIMARY KEY,
    digest         bytea       NOT NULL,
    state          text        NOT NULL CHECK (state IN ('BOOKED', 'REJECTED')),
    code           text,
    effective_at   timestamptz,
    recorded_at    timestamptz NOT NULL,
    CHECK ((state = 'REJECTED') = (code IS NOT NULL))
);

-- Moves between the registry and a venue: an id counts once, for ever.
CREATE TABLE move (
    move_id      uuid        PRIMARY KEY,
    account      text        NOT NULL REFERENCES account,
    venue        text        NOT NULL,
    project      text        NOT NULL,
    vintage      integer     NOT NULL,
    tonnes       bigint      NOT NULL CHECK (tonnes > 0),
    to_bucket    text        NOT NULL CHECK (to_bucket IN ('registry', 'exchange')),
    effective_at timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL
);
