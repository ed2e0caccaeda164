-- Obligations in the national ETS: what an account owes for the emissions of a year, and what has been done about it.

-- By these an obligation accepts credits or does not: when their reductions were registered, and to whom they were issued.
ALTER TABLE batch ADD COLUMN registered_on date, ADD COLUMN first_holder text;
UPDATE batch SET first_holder = (
    SELECT min(e.to_account) FROM credit_entry e WHERE e.posting = 'batch/' || batch.batch_id AND e.from_account IS NULL);

-- What was surrendered and offset are the sums of the retirements for these purposes.
CREATE TABLE obligation (
    account                  text        NOT NULL REFERENCES account,
    emission_year            integer     NOT NULL,
    version                  integer     NOT NULL,
    due                      bigint      NOT NULL CHECK (due >= 0),
    offset_max               bigint      NOT NULL CHECK (offset_max BETWEEN 0 AND due),
    deadline                 timestamptz NOT NULL,
    allowance_vintages       integer[]   NOT NULL,
    credits_registered_after date,
    plan                     text        NOT NULL,
    is_draft                 boolean     NOT NULL,
    state                    text        NOT NULL,
    surrendered              bigint      NOT NULL CHECK (surrendered >= 0),
    offset_used              bigint      NOT NULL CHECK (offset_used >= 0),
    proof_number             text        UNIQUE,
    -- Whose allowances are accepted; that of the plan.
    programme                text,
    PRIMARY KEY (account, emission_year),
    CHECK ((proof_number IS NOT NULL) = (state = 'MET')),
    CHECK (CASE state
        WHEN 'NOTIFIED' THEN due > 0 AND surrendered + offset_used = 0
        WHEN 'PARTIAL' THEN due > surrendered + offset_used
        WHEN 'OVERDUE' THEN due > surrendered + offset_used
        WHEN 'MET' THEN due <= surrendered + offset_used
        WHEN 'ENFORCED' THEN due <= surrendered + offset_used
        ELSE false END)
);
GRANT UPDATE (version, due, offset_max, deadline, allowance_vintages, credits_registered_after, plan, is_draft, state,
    surrendered, offset_used, proof_number, programme) ON obligation TO tonne_settlement;
-- What was surrendered or offset never comes back.
CREATE TRIGGER obligation_final BEFORE UPDATE ON obligation FOR EACH ROW
WHEN (NEW.surrendered < OLD.surrendered OR NEW.offset_used < OLD.offset_used) EXECUTE FUNCTION refuse_change();
CREATE INDEX obligation_open ON obligation (deadline) WHERE state IN ('NOTIFIED', 'PARTIAL');
CREATE INDEX obligation_newest ON obligation (emission_year DESC, account);

-- What was due, by every version that issuance has told.
CREATE TABLE obligation_version (
    account       text        NOT NULL,
    emission_year integer     NOT NULL,
    version       integer     NOT NULL CHECK (version > 0),
    due           bigint      NOT NULL,
    offset_max    bigint      NOT NULL,
    effective_at  timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL,
    PRIMARY KEY (account, emission_year, version),
    FOREIGN KEY (account, emission_year) REFERENCES obligation
);

CREATE INDEX retirement_discharge ON retirement (account, reporting_period, retired_at DESC, retirement_id DESC)
WHERE purpose IN ('ETS_SURRENDER', 'ETS_OFFSET_NATIONAL');
