-- What issuance has heard from the registry, verified reductions, and the credit batches issued from them. Of each
-- reduction and batch, the time from which it is effective and the time at which it was recorded.

CREATE TABLE programme (
    code            text    PRIMARY KEY,
    country         text    NOT NULL,
    kind            text    NOT NULL,
    is_ets_eligible boolean NOT NULL
);

-- How the tonnes of a methodology's projects are quantified, and how reversals are insured against. A version never
-- changes, and neither do its parameters.
CREATE TABLE methodology (
    code       text    PRIMARY KEY,
    formula_id text,
    risk_model text    NOT NULL CHECK (risk_model IN ('NONE', 'DEDUCTION', 'BUFFER')),
    risk_rate  numeric CHECK (risk_rate > 0 AND risk_rate < 1),
    parameters json    NOT NULL,
    -- Why its formula could not compute with these parameters when they were learned.
    unreadable text,
    CHECK ((risk_model = 'NONE') = (risk_rate IS NULL))
);

CREATE TABLE project (
    code            text PRIMARY KEY,
    programme       text NOT NULL,
    country         text NOT NULL,
    owner_account   text NOT NULL,
    registered_on   date NOT NULL,
    crediting_from  date NOT NULL,
    crediting_until date NOT NULL,
    methodology     text NOT NULL,
    validation_body text NOT NULL,
    status          text NOT NULL CHECK (status IN ('REGISTERED', 'CANCELLED', 'REVOKED'))
);
GRANT UPDATE (status) ON project TO tonne_issuance;

-- By which code the State knows an entity; of natural persons and foreigners nothing is kept.
CREATE TABLE organisation (
    organisation_id uuid PRIMARY KEY,
    credit_code     text
);

CREATE TABLE account (
    number          text PRIMARY KEY,
    organisation_id uuid NOT NULL,
    kind            text NOT NULL,
    status          text NOT NULL CHECK (status IN ('OPEN', 'RESTRICTED', 'CLOSED'))
);
GRANT UPDATE (status) ON account TO tonne_issuance;

-- Who operates an account, and who holds a role in a programme; without a row anybody whose token says so.
CREATE TABLE operator (
    account text NOT NULL REFERENCES account (number),
    person  text NOT NULL,
    PRIMARY KEY (account, person)
);
GRANT DELETE ON operator TO tonne_issuance;

CREATE TABLE programme_role (
    programme text NOT NULL,
    role      text NOT NULL,
    person    text NOT NULL,
    PRIMARY KEY (programme, role, person)
);
GRANT DELETE ON programme_role TO tonne_issuance;

-- Organisations whose applications are refused until a day, because they falsified.
CREATE TABLE barred_owner (
    organisation_id uuid NOT NULL,
    project         text NOT NULL,
    barred_until    date NOT NULL,
    PRIMARY KEY (organisation_id, project)
);

-- Notices on the working days of years that the software did not come with; a later one replaces an earlier one.
CREATE TABLE calendar_notice (
    position     bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notice_id    uuid    NOT NULL UNIQUE,
    year         integer NOT NULL,
    holidays     date[]  NOT NULL,
    working_days date[]  NOT NULL
);

-- The monitoring periods of a project that are claimed never overlap; several vintages share one period. A report
-- claims its period when it is published; if it is refused or withdrawn the period is free again.
CREATE TABLE monitoring_period (
    project   text    NOT NULL REFERENCES project,
    number    integer NOT NULL CHECK (number > 0),
    starts_on date    NOT NULL,
    ends_on   date    NOT NULL CHECK (ends_on >= starts_on),
    report_id uuid    UNIQUE,
    PRIMARY KEY (project, number),
    UNIQUE (project, number, starts_on, ends_on)
);
GRANT DELETE ON monitoring_period TO tonne_issuance;

-- An exclusion constraint over text and range would need an extension that not every server has.
CREATE FUNCTION refuse_overlapping_period() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM FROM project WHERE code = NEW.project FOR UPDATE;
    IF EXISTS (
        SELECT FROM monitoring_period AS other
        WHERE other.project = NEW.project AND other.number <> NEW.number
            AND other.starts_on <= NEW.ends_on AND other.ends_on >= NEW.starts_on
    ) THEN
        RAISE exclusion_violation USING
            MESSAGE = format('monitoring periods of %s overlap', NEW.project),
            CONSTRAINT = 'monitoring_period_overlap';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER monitoring_period_overlap BEFORE INSERT OR UPDATE ON monitoring_period
    FOR EACH ROW EXECUTE FUNCTION refuse_overlapping_period();

CREATE TABLE reduction (
    reduction_id      uuid        PRIMARY KEY,
    project           text        NOT NULL REFERENCES project,
    period_number     integer,
    period_start      date        NOT NULL,
    period_end        date        NOT NULL CHECK (period_end >= period_start),
    vintage           integer     CHECK (vintage BETWEEN extract(year FROM period_start) AND extract(year FROM period_end)),
    tonnes            bigint      NOT NULL CHECK (tonnes BETWEEN 1 AND 9007199254740991),
    verification_body text,
    evidence          text        NOT NULL CHECK (btrim(evidence) <> ''),
    state             text        NOT NULL CHECK (state IN ('REGISTERED', 'ISSUED', 'REVOKED', 'ESTIMATED', 'WITHDRAWN')),
    batch_id          uuid        UNIQUE,
    basis             text        CHECK (basis IN ('QUANTIFIED', 'ATTESTED')),
    report_id         uuid,
    revoked_tonnes    bigint      NOT NULL DEFAULT 0 CHECK (revoked_tonnes BETWEEN 0 AND tonnes),
    effective_at      timestamptz NOT NULL,
    recorded_at       timestamptz NOT NULL,
    UNIQUE (project, period_number, vintage),
    UNIQUE (reduction_id, project, vintage, tonnes),
    FOREIGN KEY (project, period_number, period_start, period_end)
        REFERENCES monitoring_period (project, number, starts_on, ends_on),
    -- An estimate has no number, vintage or verifier; everything else has all of them.
    CHECK ((state IN ('ESTIMATED', 'WITHDRAWN')) = (period_number IS NULL)),
    CHECK ((state IN ('ESTIMATED', 'WITHDRAWN')) = (vintage IS NULL)),
    CHECK ((state IN ('ESTIMATED', 'WITHDRAWN')) = (verification_body IS NULL)),
    CHECK ((state IN ('ESTIMATED', 'WITHDRAWN')) = (basis IS NULL)),
    -- What was registered before Tonne has no report.
    CHECK (basis IS NOT DISTINCT FROM 'ATTESTED' OR (basis IS NULL) = (report_id IS NULL)),
    CHECK (state = 'REVOKED' OR (state = 'ISSUED') = (batch_id IS NOT NULL)),
    CHECK ((state = 'REVOKED') = (revoked_tonnes > 0))
);
GRANT UPDATE (state, batch_id, revoked_tonnes) ON reduction TO tonne_issuance;

-- Appended for ever. A batch has exactly its reduction's project, vintage and tonnes; an opening batch has a source. From
-- what else batches come is said where it is entered.
CREATE TABLE credit_batch (
    batch_id       uuid        PRIMARY KEY,
    programme      text        NOT NULL REFERENCES programme,
    country        text        NOT NULL,
    project        text        NOT NULL,
    vintage        integer     NOT NULL,
    batch_number   integer     NOT NULL CHECK (batch_number > 0),
    first_serial   bigint      NOT NULL CHECK (first_serial > 0),
    last_serial    bigint      NOT NULL,
    tonnes         bigint      NOT NULL CHECK (tonnes BETWEEN 1 AND 9007199254740991),
    serials        text        NOT NULL UNIQUE,
    holder_account text        NOT NULL,
    reduction_id   uuid        UNIQUE,
    source         text,
    buffer_tonnes  bigint      NOT NULL DEFAULT 0 CHECK (buffer_tonnes BETWEEN 0 AND tonnes),
    issued_at      timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL,
    UNIQUE (project, vintage, batch_number),
    FOREIGN KEY (reduction_id, project, vintage, tonnes) REFERENCES reduction (reduction_id, project, vintage, tonnes),
    CHECK (last_serial - first_serial + 1 = tonnes)
);
ALTER TABLE reduction ADD FOREIGN KEY (batch_id) REFERENCES credit_batch;

-- What is published: batches by their time of issue, all of them or a programme's; an opening batch says so.
CREATE INDEX credit_batch_by_issue           ON credit_batch (issued_at, batch_id);
CREATE INDEX credit_batch_programme_by_issue ON credit_batch (programme, issued_at, batch_id);
CREATE INDEX credit_batch_project_by_issue   ON credit_batch (project, issued_at, batch_id);
