-- The national ETS: allocation plans as versioned data, and what each emitter is allocated, is paid and owes for a year.

-- Appended for ever; the newest version of a plan counts.
CREATE TABLE allocation_plan (
    plan         text        NOT NULL,
    plan_version integer     NOT NULL CHECK (plan_version > 0),
    programme    text        NOT NULL REFERENCES programme,
    is_draft     boolean     NOT NULL,
    terms        json        NOT NULL,
    published_at timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (plan, plan_version)
);

-- In tonnes. An account has each emission year once.
CREATE TABLE compliance_year (
    compliance_id         uuid        PRIMARY KEY,
    account               text        NOT NULL REFERENCES account,
    emission_year         integer     NOT NULL,
    sector                text        NOT NULL CHECK (sector IN ('POWER', 'STEEL', 'CEMENT', 'ALUMINIUM')),
    province              text        NOT NULL,
    plan                  text        NOT NULL,
    -- By which its latest step was computed.
    plan_version          integer     NOT NULL,
    state                 text        NOT NULL CHECK (state IN ('OPENED', 'PREALLOCATED', 'VERIFIED', 'ALLOCATED')),
    last_verified         bigint      NOT NULL CHECK (last_verified BETWEEN 0 AND 9007199254740991),
    deducted              bigint      NOT NULL CHECK (deducted BETWEEN 0 AND 9007199254740991),
    refunded              bigint      NOT NULL CHECK (refunded BETWEEN 0 AND deducted),
    preallocation_ppm     integer     CHECK (preallocation_ppm BETWEEN 0 AND 1000000),
    preallocated          bigint      CHECK (preallocated BETWEEN 0 AND last_verified),
    preallocation_paid    bigint      CHECK (preallocation_paid BETWEEN 0 AND preallocated),
    due                   bigint      CHECK (due BETWEEN 0 AND 9007199254740991),
    offset_max            bigint      CHECK (offset_max BETWEEN 0 AND due),
    obligation_version    integer     NOT NULL CHECK (obligation_version >= 0),
    final                 bigint      CHECK (final BETWEEN 0 AND 9007199254740991),
    topup                 bigint      CHECK (topup BETWEEN 0 AND final),
    gap_rate_percent      numeric,
    differentiated_reason text        CHECK (btrim(differentiated_reason) <> ''),
    -- How the final allocation was computed.
    trace                 json,
    trace_sha256          text        CHECK (trace_sha256 = encode(sha256(convert_to(trace::text, 'UTF8')), 'hex')),
    paid                  bigint      NOT NULL CHECK (paid BETWEEN 0 AND 9007199254740991),
    -- What the emitter should have been paid by now.
    entitled              bigint      NOT NULL GENERATED ALWAYS AS (coalesce(final, preallocated, 0) - deducted + refunded) STORED,
    opened_at             timestamptz NOT NULL,
    -- When its latest step took effect: no later step is effective before it.
    changed_at            timestamptz NOT NULL CHECK (changed_at >= opened_at),
    recorded_at           timestamptz NOT NULL,
    UNIQUE (account, emission_year),
    UNIQUE (compliance_id, account, emission_year),
    FOREIGN KEY (plan, plan_version) REFERENCES allocation_plan,
    CHECK ((preallocated IS NULL) = (preallocation_ppm IS NULL)),
    CHECK ((preallocated IS NULL) = (preallocation_paid IS NULL)),
    CHECK ((state IN ('VERIFIED', 'ALLOCATED')) = (due IS NOT NULL)),
    CHECK ((due IS NULL) = (offset_max IS NULL)),
    CHECK ((due IS NULL) = (obligation_version = 0)),
    CHECK (state <> 'ALLOCATED' OR final IS NOT NULL),
    CHECK ((final IS NULL) = (topup IS NULL)),
    CHECK ((final IS NULL) = (gap_rate_percent IS NULL)),
    CHECK ((final IS NULL) = (trace IS NULL)),
    CHECK ((final IS NULL) = (trace_sha256 IS NULL))
);
GRANT UPDATE (
    plan_version, state, refunded, preallocation_ppm, preallocated, preallocation_paid, due, offset_max, obligation_version,
    final, topup, gap_rate_percent, differentiated_reason, trace, trace_sha256, paid, changed_at
) ON compliance_year TO tonne_issuance;
CREATE INDEX compliance_year_newest ON compliance_year (emission_year DESC, compliance_id DESC);

-- What each unit emitted, by the version of the obligation that it belongs to, and what it was allocated for that.
CREATE TABLE compliance_unit (
    compliance_id      uuid    NOT NULL REFERENCES compliance_year,
    obligation_version integer NOT NULL CHECK (obligation_version > 0),
    unit_id            text    NOT NULL,
    unit_type          text    NOT NULL,
    verified           bigint  NOT NULL CHECK (verified BETWEEN 0 AND 9007199254740991),
    output             numeric CHECK (output >= 0),
    heat               numeric CHECK (heat >= 0),
    load_factor        numeric CHECK (load_factor >= 0),
    correction         numeric CHECK (correction >= 0),
    initial            bigint  CHECK (initial BETWEEN 0 AND 9007199254740991),
    topup              bigint  CHECK (topup BETWEEN 0 AND 9007199254740991),
    PRIMARY KEY (compliance_id, obligation_version, unit_id),
    CHECK ((initial IS NULL) = (topup IS NULL))
);
GRANT UPDATE (initial, topup) ON compliance_unit TO tonne_issuance;

-- Allowances are issued to an emitter for a year, under the code of their programme.
ALTER TABLE credit_batch ADD COLUMN compliance_id uuid REFERENCES compliance_year;
CREATE INDEX credit_batch_by_compliance ON credit_batch (compliance_id) WHERE compliance_id IS NOT NULL;
