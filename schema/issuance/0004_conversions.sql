-- Conversions between programmes: the source dies in settlement's books before the target is issued here.

-- By which factor credits are converted from a day on; without a factor they are converted no more. Appended for ever.
CREATE TABLE conversion_terms (
    source_programme text        NOT NULL REFERENCES programme,
    target_programme text        NOT NULL REFERENCES programme CHECK (target_programme <> source_programme),
    valid_from       date        NOT NULL,
    factor           numeric     CHECK (factor > 0 AND factor <= 1),
    source           text        NOT NULL CHECK (btrim(source) <> ''),
    set_by           text        NOT NULL,
    approved_by      text        NOT NULL CHECK (approved_by <> set_by),
    set_at           timestamptz NOT NULL,
    recorded_at      timestamptz NOT NULL,
    PRIMARY KEY (source_programme, target_programme, valid_from)
);

-- The batch that a conversion is to bring is reserved here with its number; it is entered among the batches once the
-- source is dead, and what is refused keeps its number: a number names one batch, for ever.
CREATE TABLE conversion (
    conversion_id      uuid        PRIMARY KEY,
    source_programme   text        NOT NULL,
    source_project     text        NOT NULL,
    source_vintage     integer     NOT NULL,
    source_tonnes      bigint      NOT NULL CHECK (source_tonnes BETWEEN 1 AND 9007199254740991),
    factor             numeric     NOT NULL CHECK (factor > 0 AND factor <= 1),
    batch_id           uuid        NOT NULL UNIQUE,
    target_programme   text        NOT NULL REFERENCES programme CHECK (target_programme <> source_programme),
    country            text        NOT NULL,
    target_project     text        NOT NULL REFERENCES project,
    target_vintage     integer     NOT NULL CHECK (target_vintage = source_vintage),
    batch_number       integer     NOT NULL CHECK (batch_number > 0),
    target_tonnes      bigint      NOT NULL CHECK (target_tonnes > 0 AND target_tonnes = floor(source_tonnes * factor)),
    account            text        NOT NULL REFERENCES account (number),
    state              text        NOT NULL CHECK (state IN ('PENDING', 'ISSUED', 'REFUSED')),
    requested_by       text        NOT NULL,
    approved_by        text        NOT NULL CHECK (approved_by <> requested_by),
    requested_at       timestamptz NOT NULL,
    recorded_at        timestamptz NOT NULL,
    -- What settlement said of the source.
    certificate_number text        UNIQUE,
    source_ranges      jsonb,
    code               text,
    message            text,
    fields             jsonb,
    decided_at         timestamptz,
    UNIQUE (target_project, target_vintage, batch_number),
    UNIQUE (conversion_id, batch_id, target_project, target_vintage, batch_number, target_tonnes, account),
    CHECK ((state = 'PENDING') = (decided_at IS NULL)),
    CHECK (num_nonnulls(certificate_number, source_ranges) = CASE state WHEN 'ISSUED' THEN 2 ELSE 0 END),
    CHECK (num_nonnulls(code, message, fields) = CASE state WHEN 'REFUSED' THEN 3 ELSE 0 END)
);
GRANT UPDATE (state, certificate_number, source_ranges, code, message, fields, decided_at) ON conversion TO tonne_issuance;
CREATE INDEX conversion_newest ON conversion (requested_at DESC, conversion_id DESC);
CREATE INDEX conversion_account ON conversion (account, requested_at DESC, conversion_id DESC);

-- A batch is issued from reductions, from another registry's record, as allowances, or in the stead of credits that are dead.
ALTER TABLE credit_batch
    ADD COLUMN conversion_id uuid UNIQUE,
    ADD FOREIGN KEY (conversion_id, batch_id, project, vintage, batch_number, tonnes, holder_account)
        REFERENCES conversion (conversion_id, batch_id, target_project, target_vintage, batch_number, target_tonnes, account),
    ADD CHECK (num_nonnulls(reduction_id, source, compliance_id, conversion_id) = 1);
