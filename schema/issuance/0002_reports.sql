-- Monitoring reports: what was measured, what was computed from it, who verified how much, and what became of it.

CREATE TABLE report (
    report_id               uuid        PRIMARY KEY,
    project                 text        NOT NULL REFERENCES project,
    programme               text        NOT NULL REFERENCES programme,
    methodology             text        NOT NULL,
    period_number           integer     NOT NULL CHECK (period_number > 0),
    period_start            date        NOT NULL,
    period_end              date        NOT NULL CHECK (period_end >= period_start),
    basis                   text        NOT NULL CHECK (basis IN ('QUANTIFIED', 'ATTESTED')),
    state                   text        NOT NULL CHECK (state IN (
        'DRAFT', 'IN_PUBLIC_NOTICE', 'NOTICE_ENDED', 'VERIFIED', 'REGISTRATION_APPLIED', 'REGISTERED', 'ISSUED',
        'REFUSED', 'WITHDRAWN', 'REVOKED'
    )),
    -- Of what is quantified: everything that it takes to compute it again, and what was done, with its digest.
    trace                   json,
    trace_sha256            text        CHECK (trace_sha256 = encode(sha256(convert_to(trace::text, 'UTF8')), 'hex')),
    inputs_sha256           text        CHECK (inputs_sha256 ~ '^[0-9a-f]{64}$'),
    cautions                jsonb,
    unverified              text[],
    claims                  text[],
    verification_body       text        REFERENCES account (number),
    notice_starts_on        date,
    notice_ends_on          date        CHECK (notice_ends_on >= notice_starts_on),
    notice_is_provisional   boolean,
    applied_on              date        CHECK (applied_on > notice_ends_on),
    decide_by               date        CHECK (decide_by >= applied_on),
    decision_is_provisional boolean,
    overdue_told_on         date,
    reason                  text        CHECK (btrim(reason) <> ''),
    submitted_by            text        NOT NULL,
    submitted_at            timestamptz NOT NULL,
    -- When its latest step took effect: no later step is effective before it.
    changed_at              timestamptz NOT NULL CHECK (changed_at >= submitted_at),
    recorded_at             timestamptz NOT NULL,
    CHECK ((basis = 'QUANTIFIED') = (trace IS NOT NULL)),
    CHECK ((trace IS NULL) = (trace_sha256 IS NULL)),
    CHECK ((trace IS NULL) = (inputs_sha256 IS NULL)),
    CHECK ((trace IS NULL) = (cautions IS NULL)),
    CHECK ((trace IS NULL) = (unverified IS NULL)),
    CHECK ((trace IS NULL) = (claims IS NULL)),
    -- What a report has by the state that it is in; one that is withdrawn may have come to its notice or not.
    CHECK (state = 'WITHDRAWN' OR (state <> 'DRAFT') = (notice_ends_on IS NOT NULL)),
    CHECK ((notice_ends_on IS NULL) = (notice_starts_on IS NULL)),
    CHECK ((notice_ends_on IS NULL) = (verification_body IS NULL)),
    CHECK ((notice_ends_on IS NULL) = (notice_is_provisional IS NULL)),
    CHECK ((state IN ('REGISTRATION_APPLIED', 'REGISTERED', 'ISSUED', 'REFUSED', 'REVOKED')) = (applied_on IS NOT NULL)),
    CHECK ((applied_on IS NULL) = (decide_by IS NULL)),
    CHECK ((applied_on IS NULL) = (decision_is_provisional IS NULL)),
    CHECK ((state IN ('REFUSED', 'WITHDRAWN', 'REVOKED')) = (reason IS NOT NULL))
);
GRANT UPDATE (
    state, verification_body, notice_starts_on, notice_ends_on, notice_is_provisional, applied_on, decide_by,
    decision_is_provisional, overdue_told_on, reason, changed_at
) ON report TO tonne_issuance;

-- What time causes, and what is published: by period, all of them or a project's, a programme's, a state's.
CREATE INDEX report_noticed             ON report (notice_ends_on) WHERE state = 'IN_PUBLIC_NOTICE';
CREATE INDEX report_undecided           ON report (decide_by) WHERE state = 'REGISTRATION_APPLIED';
CREATE INDEX report_by_period           ON report (period_end, report_id);
CREATE INDEX report_project_by_period   ON report (project, period_end, report_id);
CREATE INDEX report_programme_by_period ON report (programme, period_end, report_id);
CREATE INDEX report_state_by_period     ON report (state, period_end, report_id);

-- Tonnes by calendar year: what the report claims, what its activity comes to on the day of the verification (more or
-- less, if emission factors came out since), and what the verifier confirmed.
CREATE TABLE report_vintage (
    report_id uuid    NOT NULL REFERENCES report,
    vintage   integer NOT NULL,
    reported  bigint  NOT NULL CHECK (reported BETWEEN 0 AND 9007199254740991),
    computed  bigint  CHECK (computed BETWEEN 0 AND 9007199254740991),
    verified  bigint  CHECK (verified BETWEEN 0 AND computed),
    PRIMARY KEY (report_id, vintage),
    UNIQUE (report_id, vintage, verified),
    CHECK ((computed IS NULL) = (verified IS NULL))
);
GRANT UPDATE (computed, verified) ON report_vintage TO tonne_issuance;

-- A report with its tonnes.
CREATE VIEW stated_report AS
SELECT
    report.report_id, project, period_number, period_start, period_end, basis, state, changed_at,
    coalesce(claims, '{}') AS claims, verification_body, notice_starts_on, notice_ends_on, notice_is_provisional,
    applied_on, decide_by, decision_is_provisional, overdue_told_on, reason,
    ARRAY(SELECT vintage FROM report_vintage AS one WHERE one.report_id = report.report_id ORDER BY vintage) AS vintages,
    ARRAY(SELECT reported FROM report_vintage AS one WHERE one.report_id = report.report_id ORDER BY vintage) AS reported,
    ARRAY(SELECT verified FROM report_vintage AS one WHERE one.report_id = report.report_id ORDER BY vintage) AS verified
FROM report;
-- To lock a row takes the right to update it.
GRANT UPDATE (state) ON stated_report TO tonne_issuance;

-- Registered is exactly what was verified (rule 7).
ALTER TABLE reduction ADD FOREIGN KEY (report_id, vintage, tonnes) REFERENCES report_vintage (report_id, vintage, verified);
ALTER TABLE monitoring_period ADD FOREIGN KEY (report_id) REFERENCES report;
CREATE INDEX reduction_by_report ON reduction (report_id);

-- A document is known by its digest; what a report says of it beside that binds no other report.
CREATE TABLE report_document (
    report_id   uuid        NOT NULL REFERENCES report,
    kind        text        NOT NULL CHECK (kind IN ('REPORT', 'STATEMENT')),
    sha256      text        NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    name        text        NOT NULL CHECK (btrim(name) <> ''),
    media_type  text        NOT NULL,
    size_bytes  bigint      NOT NULL CHECK (size_bytes > 0),
    attached_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (report_id, kind, sha256)
);
CREATE INDEX report_document_by_digest ON report_document (sha256);

-- The content, where it was sent along, else whoever holds the document has it; the digest is checked against it.
CREATE TABLE document_content (
    sha256  text  PRIMARY KEY CHECK (sha256 = encode(sha256(content), 'hex')),
    content bytea NOT NULL CHECK (octet_length(content) <= 262144)
);

CREATE TABLE report_comment (
    comment_id   uuid        PRIMARY KEY,
    report_id    uuid        NOT NULL REFERENCES report,
    author       text        NOT NULL,
    text         text        NOT NULL CHECK (btrim(text) <> ''),
    commented_at timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL
);
CREATE INDEX report_comment_by_report ON report_comment (report_id, commented_at, comment_id);

CREATE TABLE verification (
    report_id         uuid        PRIMARY KEY REFERENCES report,
    verification_body text        NOT NULL REFERENCES account (number),
    team              jsonb       NOT NULL CHECK (jsonb_array_length(team) >= 2),
    reviewer          text        NOT NULL,
    findings          text        NOT NULL,
    statement         text        NOT NULL,
    statement_kind    text        NOT NULL GENERATED ALWAYS AS ('STATEMENT') STORED,
    -- How the verified figure was computed, where emission factors came out after the report.
    trace             json,
    trace_sha256      text        CHECK (trace_sha256 = encode(sha256(convert_to(trace::text, 'UTF8')), 'hex')),
    inputs_sha256     text        CHECK (inputs_sha256 ~ '^[0-9a-f]{64}$'),
    cautions          jsonb,
    unverified        text[],
    verified_by       text        NOT NULL,
    verified_at       timestamptz NOT NULL,
    recorded_at       timestamptz NOT NULL,
    CHECK ((trace IS NULL) = (trace_sha256 IS NULL)),
    CHECK ((trace IS NULL) = (inputs_sha256 IS NULL)),
    CHECK ((trace IS NULL) = (cautions IS NULL)),
    CHECK ((trace IS NULL) = (unverified IS NULL)),
    FOREIGN KEY (report_id, statement_kind, statement) REFERENCES report_document (report_id, kind, sha256)
);

-- What counts once only, such as a batch of devices that was weighed in: whichever project or programme comes first has
-- it (rule 25). A report claims it when it is published, and gives it back if it is refused or withdrawn.
CREATE TABLE claim (
    claimed   text PRIMARY KEY,
    report_id uuid NOT NULL REFERENCES report
);
CREATE INDEX claim_by_report ON claim (report_id);
GRANT DELETE ON claim TO tonne_issuance;

-- Emission factors of the grids, as published: a formula takes those of its year that were out by its day.
CREATE TABLE grid_factor (
    region           text        NOT NULL,
    year             integer     NOT NULL,
    operating_margin text        NOT NULL CHECK (operating_margin::numeric > 0 AND operating_margin::numeric <= 2),
    build_margin     text        NOT NULL CHECK (build_margin::numeric > 0 AND build_margin::numeric <= 2),
    published_on     date        NOT NULL,
    source           text        NOT NULL CHECK (btrim(source) <> ''),
    edition          text        NOT NULL CHECK (btrim(edition) <> ''),
    confidence       text        NOT NULL CHECK (confidence IN ('VERIFIED', 'UNVERIFIED')),
    recorded_at      timestamptz NOT NULL,
    PRIMARY KEY (region, year, published_on)
);
