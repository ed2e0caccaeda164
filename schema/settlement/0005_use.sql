-- What left circulation for ever: used for a beneficiary, or cancelled without anybody's use; by two persons, with a certificate.

-- How many certificates of a kind were numbered in a year of Beijing: counted in a row, so that there is no gap.
CREATE TABLE certificate_count (
    series text    NOT NULL CHECK (series ~ '^[A-Z]{3}$'),
    year   integer NOT NULL,
    issued bigint  NOT NULL CHECK (issued > 0),
    PRIMARY KEY (series, year)
);
GRANT UPDATE (issued) ON certificate_count TO tonne_settlement;

CREATE TABLE retirement (
    retirement_id       uuid        PRIMARY KEY,
    certificate_number  text        NOT NULL UNIQUE,
    bucket              text        NOT NULL,
    account             text        NOT NULL REFERENCES account,
    programme           text        NOT NULL REFERENCES programme,
    project             text        NOT NULL,
    vintage             integer     NOT NULL,
    tonnes              bigint      NOT NULL CHECK (tonnes > 0),
    purpose             text        NOT NULL,
    beneficiary_kind    text        CHECK (beneficiary_kind IN ('ORGANISATION', 'NATURAL_PERSON')),
    beneficiary_name    text,
    beneficiary_id      text,
    beneficiary_country text,
    on_behalf_of        text,
    reporting_period    text,
    reason              text        NOT NULL,
    document_sha256     text        CHECK (document_sha256 ~ '^[0-9a-f]{64}$'),
    is_public           boolean     NOT NULL,
    -- What follows from a decision of two persons elsewhere, settlement does by itself.
    requested_by        text        NOT NULL,
    approved_by         text        CHECK (approved_by <> requested_by),
    retired_at          timestamptz NOT NULL,
    recorded_at         timestamptz NOT NULL,
    is_named            boolean     NOT NULL GENERATED ALWAYS AS (is_public OR beneficiary_kind = 'ORGANISATION') STORED,
    CHECK (CASE bucket
        WHEN 'retired' THEN certificate_number LIKE 'RET-%' AND approved_by IS NOT NULL AND num_nulls(
                beneficiary_kind, beneficiary_name, beneficiary_id, beneficiary_country, reporting_period) = 0
            AND purpose IN ('ETS_OFFSET_NATIONAL', 'ETS_OFFSET_LOCAL', 'ETS_SURRENDER', 'EVENT_NEUTRALITY',
                'ENTERPRISE_OFFSET', 'VOLUNTARY_PUBLIC_GOOD')
        WHEN 'cancelled' THEN certificate_number LIKE 'CAN-%' AND is_public AND num_nonnulls(
                beneficiary_kind, beneficiary_name, beneficiary_id, beneficiary_country, on_behalf_of, reporting_period) = 0
            AND purpose IN ('OMGE', 'SOP', 'REVERSAL_COMPENSATION', 'FORCED', 'CONVERSION_OUT', 'CARRY_OVER')
            AND (approved_by IS NOT NULL OR requested_by = 'tonne' AND purpose IN ('FORCED', 'CONVERSION_OUT'))
        ELSE false END)
);
CREATE INDEX retirement_newest ON retirement (retired_at DESC, retirement_id DESC);
CREATE INDEX retirement_account ON retirement (account, retired_at DESC, retirement_id DESC);
CREATE INDEX retirement_project ON retirement (project, retired_at DESC, retirement_id DESC);
CREATE INDEX retirement_beneficiary ON retirement (beneficiary_name, retired_at DESC, retirement_id DESC) WHERE is_named;
CREATE INDEX retirement_beneficiary_id ON retirement (beneficiary_id, retired_at DESC, retirement_id DESC) WHERE is_named;

-- What a search by serial needs: the batch by the text with which its serials begin, and what left it for ever.
CREATE UNIQUE INDEX batch_name ON batch ((programme || '-' || country || '-' || project || '-' || vintage::text || '-'
    || lpad(batch_number::text, greatest(3, length(batch_number::text)), '0')));
CREATE INDEX credit_entry_ended ON credit_entry (batch_id, first_serial) WHERE to_bucket IN ('retired', 'cancelled');
