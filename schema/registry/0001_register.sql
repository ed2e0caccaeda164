-- Organisations, accounts, programmes, methodologies and projects. Of each, the time from which it is effective and
-- the time at which it was recorded.

CREATE TABLE organisation (
    organisation_id uuid        PRIMARY KEY,
    name            text        NOT NULL CHECK (btrim(name) <> ''),
    credit_code     text        NOT NULL UNIQUE CHECK (country <> 'CN' OR length(credit_code) = 18),
    country         text        NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    effective_at    timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL
);
-- No statement updates the name yet; the right is what FOR UPDATE asks for.
GRANT UPDATE (name) ON organisation TO tonne_registry;

CREATE SEQUENCE account_number MAXVALUE 99999999;

CREATE TABLE account (
    account_id      uuid        PRIMARY KEY,
    number          text        NOT NULL UNIQUE DEFAULT 'ACC-' || to_char(nextval('account_number'), 'FM00000000'),
    organisation_id uuid        NOT NULL UNIQUE REFERENCES organisation,
    kind            text        NOT NULL CHECK (kind IN ('OWNER', 'EMITTER', 'TRADER', 'VERIFIER', 'AUTHORITY')),
    effective_at    timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL
);

CREATE TABLE programme (
    code            text        PRIMARY KEY,
    name            text        NOT NULL CHECK (btrim(name) <> ''),
    country         text        NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    kind            text        NOT NULL CHECK (kind IN ('NATIONAL', 'NATIONAL_LEGACY', 'PILOT_ASSOCIATION')),
    is_ets_eligible boolean     NOT NULL CHECK (NOT is_ets_eligible OR kind = 'NATIONAL'),
    effective_at    timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL
);

CREATE TABLE methodology (
    code                text        PRIMARY KEY,
    programme           text        NOT NULL REFERENCES programme,
    name                text        NOT NULL CHECK (btrim(name) <> ''),
    crediting_years_max integer     NOT NULL CHECK (crediting_years_max BETWEEN 1 AND 100),
    effective_at        timestamptz NOT NULL,
    recorded_at         timestamptz NOT NULL,
    UNIQUE (code, programme)
);

CREATE TABLE project (
    code                     text         PRIMARY KEY,
    project_id               uuid         NOT NULL UNIQUE,
    programme                text         NOT NULL REFERENCES programme,
    methodology              text         NOT NULL,
    owner_account            text         NOT NULL REFERENCES account (number),
    name                     text         NOT NULL CHECK (btrim(name) <> ''),
    province                 text         NOT NULL CHECK (btrim(province) <> ''),
    longitude                numeric(9,6) NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    latitude                 numeric(8,6) NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    construction_started_on  date         NOT NULL,
    crediting_from           date         NOT NULL,
    crediting_until          date         NOT NULL CHECK (crediting_until >= crediting_from),
    expected_annual_tonnes   bigint       NOT NULL CHECK (expected_annual_tonnes BETWEEN 1 AND 9007199254740991),
    validation_body          text         NOT NULL CHECK (btrim(validation_body) <> ''),
    notes                    text         NOT NULL,
    state                    text         NOT NULL CHECK (state IN ('SUBMITTED', 'REGISTERED')),
    submitted_at             timestamptz  NOT NULL,
    submission_recorded_at   timestamptz  NOT NULL,
    registered_at            timestamptz  CHECK (registered_at >= submitted_at),
    registration_recorded_at timestamptz,
    FOREIGN KEY (methodology, programme) REFERENCES methodology (code, programme),
    CHECK ((state = 'REGISTERED') = (registered_at IS NOT NULL)),
    CHECK ((registered_at IS NULL) = (registration_recorded_at IS NULL))
);
GRANT UPDATE (state, registered_at, registration_recorded_at) ON project TO tonne_registry;

-- Every list that is published: no filter or one, in each of three orders.
CREATE INDEX project_by_registration             ON project (registered_at, code);
CREATE INDEX project_by_expectation              ON project (expected_annual_tonnes, code);
CREATE INDEX project_programme                   ON project (programme, code);
CREATE INDEX project_programme_by_registration   ON project (programme, registered_at, code);
CREATE INDEX project_programme_by_expectation    ON project (programme, expected_annual_tonnes, code);
CREATE INDEX project_methodology                 ON project (methodology, code);
CREATE INDEX project_methodology_by_registration ON project (methodology, registered_at, code);
CREATE INDEX project_methodology_by_expectation  ON project (methodology, expected_annual_tonnes, code);
CREATE INDEX project_state                       ON project (state, code);
CREATE INDEX project_state_by_registration       ON project (state, registered_at, code);
CREATE INDEX project_state_by_expectation        ON project (state, expected_annual_tonnes, code);
CREATE INDEX project_province                    ON project (province, code);
CREATE INDEX project_province_by_registration    ON project (province, registered_at, code);
CREATE INDEX project_province_by_expectation     ON project (province, expected_annual_tonnes, code);
