-- Conversions as settlement has decided on their source, once for ever: the source is dead by the record of its
-- cancellation, or it lives on for the reason that the code names.
CREATE TABLE conversion (
    conversion_id  uuid        PRIMARY KEY,
    -- What will live in the source's stead; it is credited once issuance has issued it.
    batch_id       uuid        NOT NULL UNIQUE,
    target_tonnes  bigint      NOT NULL CHECK (target_tonnes > 0),
    account        text        NOT NULL REFERENCES account,
    retirement_id  uuid        UNIQUE REFERENCES retirement CHECK (retirement_id = conversion_id),
    -- Of a carry-over that was not refused: into which year, and how many tonnes of it the account might have in all.
    carried_into   integer,
    carry_over_max bigint      CHECK (carry_over_max >= target_tonnes),
    code           text,
    decided_at     timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL,
    CHECK ((retirement_id IS NULL) = (code IS NOT NULL)),
    CHECK (num_nonnulls(carried_into, carry_over_max) IN (0, 2)),
    CHECK (carried_into IS NULL OR code IS NULL)
);
CREATE INDEX conversion_carried ON conversion (account, carried_into) WHERE carried_into IS NOT NULL;
