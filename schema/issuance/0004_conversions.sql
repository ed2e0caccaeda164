-- Conversions between programmes, and of allowances from one year into a later one: the source dies in settlement's books
-- before the target is issued here.

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
    target_programme   text        NOT NULL REFERENCES programme,
    country            text        NOT NULL,
    target_project     text        NOT NULL,
    target_vintage     integer     NOT NULL,
    batch_number       integer     NOT NULL CHECK (batch_number > 0),
    target_tonnes      bigint      NOT NULL CHECK (target_tonnes > 0 AND target_tonnes = floor(source_tonnes * factor)),
    account            text        NOT NULL REFERENCES account (number),
    -- The compliance year into which allowances are carried over; anything else is converted for a project.
    compliance_id      uuid,
    converted_for      text        GENERATED ALWAYS AS (CASE WHEN compliance_id IS NULL THEN target_project END) STORED
        REFERENCES project,
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
    FOREIGN KEY (compliance_id, account, target_vintage) REFERENCES compliance_year (compliance_id, account, emission_year),
    CHECK (CASE WHEN compliance_id IS NULL
        THEN target_programme <> source_programme AND target_vintage = source_vintage
        ELSE target_vintage > source_vintage
            AND (source_programme, source_project, target_project, factor)
                = (target_programme, target_programme, target_programme, 1) END),
    CHECK ((state = 'PENDING') = (decided_at IS NULL)),
    CHECK (num_nonnulls(certificate_number, source_ranges) = CASE state WHEN 'ISSUED' THEN 2 ELSE 0 END),
    CHECK (num_nonnulls(code, message, fields) = CASE state WHEN 'REFUSED' THEN 3 ELSE 0 END)
);
GRANT UPDATE (state, certificate_number, source_ranges, code, message, fields, decided_at) ON conversion TO tonne_issuance;
CREATE INDEX conversion_newest ON conversion (requested_at DESC, conversion_id DESC);
CREATE INDEX conversion_account ON conversion (account, requested_at DESC, conversion_id DESC);
CREATE INDEX conversion_compliance ON conversion (compliance_id) WHERE compliance_id IS NOT NULL;

-- A batch is issued from reductions, from another registry's record, as allowances, or in the stead of credits that are dead.
ALTER TABLE credit_batch
    ADD COLUMN conversion_id uuid UNIQUE,
    ADD FOREIGN KEY (conversion_id, batch_id, project, vintage, batch_number, tonnes, holder_account)
        REFERENCES conversion (conversion_id, batch_id, target_project, target_vintage, batch_number, target_tonnes, account),
    ADD CHECK (num_nonnulls(reduction_id, source, compliance_id, conversion_id) = 1);

-- A compliance year as it is published, with whose it is and what was carried over into it.
CREATE VIEW stated_compliance_year AS
SELECT
    year.compliance_id, year.account, account.organisation_id, organisation.credit_code, year.emission_year, year.sector,
    year.province, year.plan, year.plan_version, plan.is_draft, year.state, year.last_verified AS last_verified_tonnes,
    year.preallocation_ppm, year.preallocated AS preallocated_tonnes, year.deducted AS deducted_tonnes,
    year.refunded AS refunded_tonnes, year.preallocation_paid AS preallocation_paid_tonnes, year.due AS due_tonnes,
    year.offset_max AS offset_max_tonnes, year.obligation_version,
    CASE WHEN year.due IS NOT NULL THEN make_timestamptz(year.emission_year + 2, 1, 1, 0, 0, 0, 'Asia/Shanghai') END AS deadline,
    year.final AS final_tonnes, year.topup AS topup_tonnes, year.final - coalesce(year.preallocated, 0) AS true_up_tonnes,
    year.gap_rate_percent, year.differentiated_reason, year.paid AS paid_tonnes,
    greatest(0, year.paid - year.entitled) AS overpaid_tonnes, carried.tonnes AS carried_over_tonnes, year.trace_sha256,
    year.opened_at, year.changed_at
FROM compliance_year AS year
JOIN allocation_plan AS plan USING (plan, plan_version)
JOIN account ON account.number = year.account
LEFT JOIN organisation USING (organisation_id)
CROSS JOIN LATERAL (
    SELECT coalesce(sum(conversion.target_tonnes), 0)::bigint AS tonnes
    FROM conversion
    WHERE conversion.compliance_id = year.compliance_id AND conversion.state = 'ISSUED'
) AS carried;
