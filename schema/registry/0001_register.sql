-- Organisations, accounts, people, programmes and methodologies. Of each, the time from which it is effective and
-- the time at which it was recorded.

CREATE TABLE organisation (
    organisation_id uuid        PRIMARY KEY,
    name            text        NOT NULL CHECK (btrim(name) <> ''),
    credit_code     text        NOT NULL UNIQUE CHECK (length(credit_code) = CASE country WHEN 'CN' THEN 18 ELSE 20 END),
    country         text        NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    category        text        NOT NULL CHECK (category IN ('ENTERPRISE', 'INSTITUTION', 'VERIFICATION_BODY',
        'REGULATOR', 'REGISTRY', 'EXCHANGE', 'NATURAL_PERSON')),
    effective_at    timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    UNIQUE (organisation_id, category)
);
-- No statement updates the name yet; the right is what FOR UPDATE asks for.
GRANT UPDATE (name) ON organisation TO tonne_registry;

-- Every decision on whether a category is admitted; the last one counts.
CREATE TABLE admission (
    admission_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    category     text        NOT NULL CHECK (category = 'NATURAL_PERSON'),
    is_admitted  boolean     NOT NULL,
    reason       text        NOT NULL CHECK (btrim(reason) <> ''),
    decided_by   text        NOT NULL,
    effective_at timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL
);

-- An application keeps its reason and who decided; the account that it leads to has the application's id.
CREATE TABLE account_application (
    account_id      uuid        PRIMARY KEY,
    organisation_id uuid        NOT NULL REFERENCES organisation,
    kind            text        NOT NULL CHECK (kind IN ('OWNER', 'EMITTER', 'TRADER', 'VERIFIER', 'AUTHORITY')),
    state           text        NOT NULL CHECK (state IN ('APPLIED', 'OPENED', 'REFUSED')),
    applied_by      text        NOT NULL,
    applied_at      timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    decided_by      text,
    decided_at      timestamptz CHECK (decided_at >= applied_at),
    reason          text,
    overdue_on      date,
    CHECK ((state = 'APPLIED') = (decided_at IS NULL)),
    CHECK ((decided_at IS NULL) = (decided_by IS NULL)),
    CHECK ((state = 'REFUSED') = (reason IS NOT NULL))
);
CREATE UNIQUE INDEX account_application_one_a_party ON account_application (organisation_id) WHERE state = 'APPLIED';
CREATE INDEX account_application_waiting ON account_application (applied_at) WHERE state = 'APPLIED' AND overdue_on IS NULL;
CREATE INDEX account_application_newest ON account_application (applied_at, account_id);
GRANT UPDATE (state, decided_by, decided_at, reason, overdue_on) ON account_application TO tonne_registry;

CREATE SEQUENCE account_number MAXVALUE 99999999;

-- One account for one entity, for ever, and of a kind that its category may hold.
CREATE TABLE account (
    account_id         uuid        PRIMARY KEY,
    number             text        NOT NULL UNIQUE DEFAULT 'ACC-' || to_char(nextval('account_number'), 'FM00000000'),
    organisation_id    uuid        NOT NULL UNIQUE,
    category           text        NOT NULL,
    kind               text        NOT NULL CHECK (CASE category
        WHEN 'VERIFICATION_BODY' THEN kind = 'VERIFIER'
        WHEN 'REGULATOR' THEN kind = 'AUTHORITY'
        WHEN 'NATURAL_PERSON' THEN kind = 'TRADER'
        WHEN 'ENTERPRISE' THEN kind IN ('OWNER', 'EMITTER', 'TRADER')
        WHEN 'INSTITUTION' THEN kind IN ('OWNER', 'EMITTER', 'TRADER')
        ELSE false END),
    state              text        NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'RESTRICTED', 'CLOSED')),
    restriction_ground text        CHECK (restriction_ground IN ('PAPERS_MISMATCH', 'CHANGES_UNFILED', 'RULES_BROKEN')),
    restriction_reason text,
    restricted_at      timestamptz,
    closure_ground     text        CHECK (closure_ground IN ('MERGER', 'SPLIT', 'DISSOLUTION', 'BANKRUPTCY', 'DEATH')),
    closure_reason     text,
    closed_at          timestamptz,
    effective_at       timestamptz NOT NULL,
    recorded_at        timestamptz NOT NULL,
    UNIQUE (number, category),
    FOREIGN KEY (organisation_id, category) REFERENCES organisation (organisation_id, category),
    CHECK (state = 'CLOSED' OR (state = 'RESTRICTED') = (restricted_at IS NOT NULL)),
    CHECK ((state = 'CLOSED') = (closed_at IS NOT NULL)),
    CHECK (num_nulls(restriction_ground, restriction_reason, restricted_at) IN (0, 3)),
    CHECK (num_nulls(closure_ground, closure_reason, closed_at) IN (0, 3))
);
GRANT UPDATE (state, restriction_ground, restriction_reason, restricted_at, closure_ground, closure_reason, closed_at)
    ON account TO tonne_registry;

CREATE SEQUENCE trading_account_number MAXVALUE 99999999;

-- One trading account for one account, and never one for a party that is barred from trading.
CREATE TABLE trading_account (
    trading_account_id uuid        PRIMARY KEY,
    number             text        NOT NULL UNIQUE DEFAULT 'TRD-' || to_char(nextval('trading_account_number'), 'FM00000000'),
    account            text        NOT NULL UNIQUE,
    category           text        NOT NULL CHECK (category IN ('ENTERPRISE', 'INSTITUTION', 'NATURAL_PERSON')),
    effective_at       timestamptz NOT NULL,
    recorded_at        timestamptz NOT NULL,
    FOREIGN KEY (account, category) REFERENCES account (number, category)
);

-- At most five operators at a time: each has one of five slots.
CREATE TABLE operator (
    operator_id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account          text        NOT NULL REFERENCES account (number),
    subject          text        NOT NULL,
    name             text        NOT NULL CHECK (btrim(name) <> ''),
    slot             integer     NOT NULL CHECK (slot BETWEEN 1 AND 5),
    appointed_by     text        NOT NULL,
    appointed_at     timestamptz NOT NULL,
    recorded_at      timestamptz NOT NULL,
    dismissed_by     text,
    dismissed_at     timestamptz,
    dismissal_reason text,
    CHECK (num_nulls(dismissed_by, dismissed_at, dismissal_reason) IN (0, 3))
);
CREATE UNIQUE INDEX operator_slot ON operator (account, slot) WHERE dismissed_at IS NULL;
CREATE UNIQUE INDEX operator_once ON operator (account, subject) WHERE dismissed_at IS NULL;
CREATE INDEX operator_employers ON operator (subject) WHERE dismissed_at IS NULL;
GRANT UPDATE (dismissed_by, dismissed_at, dismissal_reason) ON operator TO tonne_registry;

CREATE TABLE programme (
    code            text        PRIMARY KEY,
    country         text        NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    kind            text        NOT NULL CHECK (kind IN (
        'NATIONAL', 'NATIONAL_LEGACY', 'PILOT_ASSOCIATION', 'ALLOWANCE'
    )),
    is_ets_eligible boolean     NOT NULL CHECK (NOT is_ets_eligible OR kind = 'NATIONAL'),
    effective_at    timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL
);
-- No statement updates the kind; the right is what FOR UPDATE asks for.
GRANT UPDATE (kind) ON programme TO tonne_registry;

-- What a programme is called and by which rules it goes; each version until the day before the next.
CREATE TABLE programme_version (
    programme    text        NOT NULL REFERENCES programme,
    version      integer     NOT NULL CHECK (version > 0),
    name         text        NOT NULL CHECK (btrim(name) <> ''),
    rule_book    text        NOT NULL,
    valid_from   date        NOT NULL,
    reason       text        NOT NULL,
    effective_at timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (programme, version),
    UNIQUE (programme, valid_from)
);

-- Who holds a role in a programme; a role that nobody holds there is anybody's whose token names it.
CREATE TABLE role_assignment (
    assignment_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme     text        NOT NULL REFERENCES programme,
    role          text        NOT NULL CHECK (role IN ('registrar', 'verifier')),
    person        text        NOT NULL,
    reason        text        NOT NULL CHECK (btrim(reason) <> ''),
    assigned_by   text        NOT NULL,
    assigned_at   timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL,
    ended_by      text,
    ended_at      timestamptz,
    end_reason    text,
    CHECK (num_nulls(ended_by, ended_at, end_reason) IN (0, 3))
);
CREATE UNIQUE INDEX role_assignment_once ON role_assignment (programme, role, person) WHERE ended_at IS NULL;
GRANT UPDATE (ended_by, ended_at, end_reason) ON role_assignment TO tonne_registry;

-- A version never changes but for its last day, which is set once.
CREATE TABLE methodology (
    code                text        PRIMARY KEY,
    programme           text        NOT NULL REFERENCES programme,
    name                text        NOT NULL CHECK (btrim(name) <> ''),
    crediting_years_max integer     NOT NULL CHECK (crediting_years_max BETWEEN 1 AND 100),
    valid_from          date        NOT NULL,
    valid_until         date        CHECK (valid_until >= valid_from),
    crediting_years_min integer     NOT NULL CHECK (crediting_years_min BETWEEN 1 AND crediting_years_max),
    additionality       text        NOT NULL CHECK (additionality IN ('EXEMPT', 'CONDITIONAL', 'PROOF')),
    risk_model          text        NOT NULL CHECK (risk_model IN ('NONE', 'DEDUCTION', 'BUFFER')),
    risk_rate           numeric     CHECK (risk_rate > 0 AND risk_rate < 1),
    formula_id          text        CHECK (btrim(formula_id) <> ''),
    confidence          text        NOT NULL CHECK (confidence IN ('VERIFIED', 'UNVERIFIED')),
    source              text        NOT NULL,
    end_reason          text,
    effective_at        timestamptz NOT NULL,
    recorded_at         timestamptz NOT NULL,
    UNIQUE (code, programme),
    CHECK ((risk_model = 'NONE') = (risk_rate IS NULL))
);
GRANT UPDATE (valid_until, end_reason) ON methodology TO tonne_registry;

CREATE TABLE parameter (
    methodology text    NOT NULL REFERENCES methodology,
    name        text    NOT NULL CHECK (btrim(name) <> ''),
    value       numeric NOT NULL CHECK (value >= 0 AND value < 1e15 AND scale(value) <= 12),
    unit        text    NOT NULL CHECK (btrim(unit) <> ''),
    source      text    NOT NULL CHECK (btrim(source) <> ''),
    edition     text    NOT NULL CHECK (btrim(edition) <> ''),
    confidence  text    NOT NULL CHECK (confidence IN ('VERIFIED', 'UNVERIFIED')),
    PRIMARY KEY (methodology, name)
);
