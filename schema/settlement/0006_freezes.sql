-- What is done without the holder: freezes of accounts and serials, title that changes on documents, and what an owner owes
-- when reductions are revoked.

-- What stops an account, beside it, so that whoever locks the account sees it: the freezes of all of it, and what it owes.
ALTER TABLE account
    ADD COLUMN frozen_by uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN short_of  uuid[] NOT NULL DEFAULT '{}';
GRANT UPDATE (frozen_by, short_of) ON account TO tonne_settlement;

-- Orders of courts and authorities. Frozen serials lie in the holder's bucket 'frozen'.
CREATE TABLE freeze_order (
    freeze_id               uuid        PRIMARY KEY,
    account                 text        NOT NULL REFERENCES account,
    scope                   text        NOT NULL CHECK (scope IN ('ACCOUNT', 'CREDITS')),
    kind                    text        NOT NULL CHECK (kind IN ('JUDICIAL', 'ADMINISTRATIVE')),
    ordered_by              text        NOT NULL,
    document_number         text        NOT NULL,
    document_sha256         text        NOT NULL CHECK (document_sha256 ~ '^[0-9a-f]{64}$'),
    reason                  text        NOT NULL,
    tonnes                  bigint      NOT NULL CHECK (CASE scope WHEN 'CREDITS' THEN tonnes > 0 ELSE tonnes = 0 END),
    state                   text        NOT NULL CHECK (state IN ('ACTIVE', 'RELEASED')),
    requested_by            text        NOT NULL,
    approved_by             text        NOT NULL CHECK (approved_by <> requested_by),
    frozen_at               timestamptz NOT NULL,
    recorded_at             timestamptz NOT NULL,
    release_document_sha256 text        CHECK (release_document_sha256 ~ '^[0-9a-f]{64}$'),
    release_reason          text,
    release_requested_by    text,
    release_approved_by     text        CHECK (release_approved_by <> release_requested_by),
    released_at             timestamptz CHECK (released_at >= frozen_at),
    CHECK (num_nulls(release_document_sha256, release_reason, release_requested_by, release_approved_by, released_at)
        = CASE state WHEN 'ACTIVE' THEN 5 ELSE 0 END)
);
GRANT UPDATE (state, release_document_sha256, release_reason, release_requested_by, release_approved_by, released_at)
    ON freeze_order TO tonne_settlement;
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what % says already is final', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER freeze_final BEFORE UPDATE ON freeze_order FOR EACH ROW
WHEN (OLD.state = 'RELEASED') EXECUTE FUNCTION refuse_change();
CREATE INDEX freeze_newest ON freeze_order (frozen_at DESC, freeze_id DESC);
CREATE INDEX freeze_account ON freeze_order (account, frozen_at DESC, freeze_id DESC);

-- What each freeze holds now, block by block as it lies in the bucket 'frozen', and where it was.
CREATE TABLE frozen_block (
    batch_id     uuid   NOT NULL REFERENCES batch,
    first_serial bigint NOT NULL,
    next_serial  bigint NOT NULL CHECK (next_serial > first_serial),
    freeze_id    uuid   NOT NULL REFERENCES freeze_order,
    bucket       text   NOT NULL CHECK (bucket IN ('registry', 'exchange')),
    venue        text   CHECK ((venue IS NOT NULL) = (bucket = 'exchange')),
    PRIMARY KEY (batch_id, first_serial)
);
GRANT UPDATE (next_serial), DELETE ON frozen_block TO tonne_settlement;
CREATE INDEX frozen_block_freeze ON frozen_block (freeze_id);

-- Title that changed without the holder: credits went from any place of the one account to the registry of the other.
CREATE TABLE enforcement (
    transfer_id     uuid        PRIMARY KEY,
    from_account    text        NOT NULL REFERENCES account,
    to_account      text        NOT NULL REFERENCES account CHECK (to_account <> from_account),
    freeze_id       uuid        REFERENCES freeze_order,
    tonnes          bigint      NOT NULL CHECK (tonnes > 0),
    ground          text        NOT NULL CHECK (ground IN ('ENFORCEMENT', 'INHERITANCE')),
    document_sha256 text        NOT NULL CHECK (document_sha256 ~ '^[0-9a-f]{64}$'),
    reason          text        NOT NULL,
    requested_by    text        NOT NULL,
    approved_by     text        NOT NULL CHECK (approved_by <> requested_by),
    enforced_at     timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL
);
CREATE INDEX enforcement_newest ON enforcement (enforced_at DESC, transfer_id DESC);
CREATE INDEX enforcement_giver ON enforcement (from_account, enforced_at DESC, transfer_id DESC);
CREATE INDEX enforcement_receiver ON enforcement (to_account, enforced_at DESC, transfer_id DESC);

-- What issuance revoked, message by message: so much was cancelled for it at once, the rest is owed.
CREATE TABLE revocation (
    message_id       text        PRIMARY KEY,
    reduction_id     uuid        NOT NULL,
    batch_id         uuid        NOT NULL REFERENCES batch,
    account          text        NOT NULL REFERENCES account,
    programme        text        NOT NULL REFERENCES programme,
    tonnes           bigint      NOT NULL CHECK (tonnes > 0),
    cancelled_tonnes bigint      NOT NULL CHECK (cancelled_tonnes BETWEEN 0 AND tonnes),
    retirements      uuid[]      NOT NULL,
    reason           text        NOT NULL,
    revoked_at       timestamptz NOT NULL,
    recorded_at      timestamptz NOT NULL
);
CREATE INDEX revocation_reduction ON revocation (reduction_id, account);

CREATE TABLE shortfall (
    shortfall_id uuid        PRIMARY KEY,
    account      text        NOT NULL REFERENCES account,
    programme    text        NOT NULL REFERENCES programme,
    reduction_id uuid        NOT NULL,
    tonnes       bigint      NOT NULL CHECK (tonnes > 0),
    outstanding  bigint      NOT NULL CHECK (outstanding BETWEEN 0 AND tonnes),
    state        text        NOT NULL CHECK (state = CASE outstanding WHEN 0 THEN 'CLOSED' ELSE 'OPEN' END),
    opened_at    timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    UNIQUE (reduction_id, account)
);
GRANT UPDATE (tonnes, outstanding, state) ON shortfall TO tonne_settlement;
CREATE INDEX shortfall_newest ON shortfall (opened_at DESC, shortfall_id DESC);
CREATE INDEX shortfall_account ON shortfall (account, opened_at DESC, shortfall_id DESC);

-- The cancellations by which owners made good what they owed.
CREATE TABLE making_good (
    retirement_id uuid   PRIMARY KEY REFERENCES retirement,
    shortfall_id  uuid   NOT NULL REFERENCES shortfall,
    tonnes        bigint NOT NULL CHECK (tonnes > 0)
);
CREATE INDEX making_good_shortfall ON making_good (shortfall_id);
