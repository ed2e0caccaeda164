-- Conversions as settlement has decided on their source, once for ever: the source is dead by the record of its
-- cancellation, or it lives on for the reason that the code names.
CREATE TABLE conversion (
    conversion_id uuid        PRIMARY KEY,
    -- What will live in the source's stead; it is credited once issuance has issued it.
    batch_id      uuid        NOT NULL UNIQUE,
    target_tonnes bigint      NOT NULL CHECK (target_tonnes > 0),
    account       text        NOT NULL REFERENCES account,
    retirement_id uuid        UNIQUE REFERENCES retirement CHECK (retirement_id = conversion_id),
    code          text,
    decided_at    timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL,
    CHECK ((retirement_id IS NULL) = (code IS NOT NULL))
);
