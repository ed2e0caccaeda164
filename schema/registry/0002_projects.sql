-- Projects from draft to cancellation, what is said of them on the way, and the official calendar as registrars add to it.

-- The pairs of neighbouring characters of every word: what search finds Chinese words of two characters by.
CREATE FUNCTION character_pairs(given text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
    SELECT COALESCE(array_agg(DISTINCT substr(word, place, 2)), '{}')
    FROM regexp_split_to_table(lower(normalize(given, NFKC)), '\s+') AS word,
        generate_series(1, length(word) - 1) AS place
$$;

CREATE TABLE project (
    code                    text         PRIMARY KEY,
    project_id              uuid         NOT NULL UNIQUE,
    programme               text         NOT NULL REFERENCES programme,
    methodology             text         NOT NULL,
    activity                text         NOT NULL CHECK (btrim(activity) <> ''),
    owner_account           text         NOT NULL REFERENCES account (number),
    name                    text         NOT NULL CHECK (btrim(name) <> ''),
    province                text         NOT NULL CHECK (btrim(province) <> ''),
    longitude               numeric(9,6) NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    latitude                numeric(8,6) NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    construction_started_on date         NOT NULL,
    crediting_from          date         NOT NULL,
    crediting_until         date         NOT NULL CHECK (crediting_until >= crediting_from),
    expected_annual_tonnes  bigint       NOT NULL CHECK (expected_annual_tonnes BETWEEN 1 AND 9007199254740991),
    notes                   text         NOT NULL,
    drafted_at              timestamptz  NOT NULL,
    recorded_at             timestamptz  NOT NULL,

    state                   text         NOT NULL,
    changed_at              timestamptz  NOT NULL CHECK (changed_at >= drafted_at),
    validation_body         text         REFERENCES account (number),
    notice_opened_at        timestamptz  CHECK (notice_opened_at >= drafted_at),
    notice_ends_on          date,
    notice_is_provisional   boolean,
    validate_by             date,
    is_validation_overdue   boolean      NOT NULL DEFAULT false,
    validated_at            timestamptz,
    applied_at              timestamptz  CHECK (applied_at >= validated_at),
    decide_by               date,
    decision_is_provisional boolean,
    is_decision_overdue     boolean      NOT NULL DEFAULT false,
    registered_at           timestamptz  CHECK (registered_at >= applied_at),
    closed_at               timestamptz,
    closing_reason          text         CHECK (btrim(closing_reason) <> ''),

    search_text  text   NOT NULL GENERATED ALWAYS AS (
        lower(normalize(code || ' ' || name || ' ' || province, NFKC))) STORED,
    search_pairs text[] NOT NULL GENERATED ALWAYS AS (
        character_pairs(code || ' ' || name || ' ' || province)) STORED,

    FOREIGN KEY (methodology, programme) REFERENCES methodology (code, programme),
    CHECK (state IN (
        'DRAFT', 'IN_PUBLIC_NOTICE', 'NOTICE_ENDED', 'VALIDATED_POSITIVE', 'VALIDATED_NEGATIVE', 'REGISTRATION_APPLIED',
        'REGISTERED', 'REFUSED', 'WITHDRAWN', 'CANCELLED', 'REVOKED')),
    CONSTRAINT project_noticed CHECK (
        num_nulls(notice_opened_at, notice_ends_on, notice_is_provisional, validate_by, validation_body)
            = CASE state WHEN 'DRAFT' THEN 5 ELSE 0 END),
    CONSTRAINT project_validated CHECK (
        (validated_at IS NULL) = (state IN ('DRAFT', 'IN_PUBLIC_NOTICE', 'NOTICE_ENDED', 'WITHDRAWN'))),
    CONSTRAINT project_applied CHECK (
        num_nulls(applied_at, decide_by, decision_is_provisional)
            = CASE WHEN state IN ('REGISTRATION_APPLIED', 'REGISTERED', 'REFUSED', 'CANCELLED', 'REVOKED') THEN 0 ELSE 3 END),
    CONSTRAINT project_registered CHECK (
        (registered_at IS NOT NULL) = (state IN ('REGISTERED', 'CANCELLED', 'REVOKED'))),
    CONSTRAINT project_closed CHECK (
        num_nulls(closed_at, closing_reason)
            = CASE WHEN state IN ('WITHDRAWN', 'REFUSED', 'CANCELLED', 'REVOKED') THEN 0 ELSE 2 END),
    -- Rule 4: nobody validates before the last day of the notice, in Beijing, is over.
    CONSTRAINT project_notice_over CHECK ((validated_at AT TIME ZONE 'Asia/Shanghai')::date > notice_ends_on)
);
GRANT UPDATE (
    state, changed_at, validation_body, notice_opened_at, notice_ends_on, notice_is_provisional, validate_by,
    is_validation_overdue, validated_at, applied_at, decide_by, decision_is_provisional, is_decision_overdue,
    registered_at, closed_at, closing_reason
) ON project TO tonne_registry;

-- From these states there is no way back, whoever writes (rule 10).
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'project % is % for ever', OLD.code, OLD.state USING ERRCODE = 'restrict_violation';
END $$;
-- After the update: before it, a trigger would have the text for search computed anew at every step.
CREATE TRIGGER project_is_final AFTER UPDATE ON project FOR EACH ROW
WHEN (OLD.state IN ('VALIDATED_NEGATIVE', 'REFUSED', 'WITHDRAWN', 'CANCELLED', 'REVOKED'))
EXECUTE FUNCTION refuse_change();

-- What a day asks for.
CREATE INDEX project_notice_running   ON project (notice_ends_on) WHERE state = 'IN_PUBLIC_NOTICE';
CREATE INDEX project_validation_awaited ON project (validate_by)
    WHERE state IN ('IN_PUBLIC_NOTICE', 'NOTICE_ENDED') AND NOT is_validation_overdue;
CREATE INDEX project_decision_awaited ON project (decide_by)
    WHERE state = 'REGISTRATION_APPLIED' AND NOT is_decision_overdue;
CREATE INDEX project_revoked          ON project (owner_account, closed_at) WHERE state = 'REVOKED';

-- Where projects of other programmes may be the same.
CREATE INDEX project_place    ON project (latitude, longitude) WHERE state <> 'DRAFT';
CREATE INDEX project_activity ON project (province, activity) WHERE state <> 'DRAFT';

-- Every list that is published, drafts left out: no filter or one, in each of three orders; and its text.
CREATE INDEX project_by_notice                  ON project (notice_opened_at, code) WHERE state <> 'DRAFT';
CREATE INDEX project_by_expectation             ON project (expected_annual_tonnes, code) WHERE state <> 'DRAFT';
CREATE INDEX project_programme                  ON project (programme, code) WHERE state <> 'DRAFT';
CREATE INDEX project_programme_by_notice        ON project (programme, notice_opened_at, code) WHERE state <> 'DRAFT';
CREATE INDEX project_programme_by_expectation   ON project (programme, expected_annual_tonnes, code) WHERE state <> 'DRAFT';
CREATE INDEX project_methodology                ON project (methodology, code) WHERE state <> 'DRAFT';
CREATE INDEX project_methodology_by_notice      ON project (methodology, notice_opened_at, code) WHERE state <> 'DRAFT';
CREATE INDEX project_methodology_by_expectation ON project (methodology, expected_annual_tonnes, code) WHERE state <> 'DRAFT';
CREATE INDEX project_state                      ON project (state, code);
CREATE INDEX project_state_by_notice            ON project (state, notice_opened_at, code) WHERE state <> 'DRAFT';
CREATE INDEX project_state_by_expectation       ON project (state, expected_annual_tonnes, code) WHERE state <> 'DRAFT';
CREATE INDEX project_province                   ON project (province, code) WHERE state <> 'DRAFT';
CREATE INDEX project_province_by_notice         ON project (province, notice_opened_at, code) WHERE state <> 'DRAFT';
CREATE INDEX project_province_by_expectation    ON project (province, expected_annual_tonnes, code) WHERE state <> 'DRAFT';
CREATE INDEX project_owner                      ON project (owner_account, code);
CREATE INDEX project_search ON project USING gin (search_pairs) WITH (fastupdate = off) WHERE state <> 'DRAFT';

-- What anybody said while the notice lasted.
CREATE TABLE project_comment (
    comment_id   uuid        PRIMARY KEY,
    project      text        NOT NULL REFERENCES project,
    author       text        NOT NULL,
    text         text        NOT NULL CHECK (btrim(text) <> ''),
    commented_at timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL
);
CREATE INDEX project_comment_of_project ON project_comment (project, commented_at, comment_id);

-- The validation body's report: one a project.
CREATE TABLE validation (
    project           text        PRIMARY KEY REFERENCES project,
    validation_body   text        NOT NULL REFERENCES account (number),
    is_positive       boolean     NOT NULL,
    team              jsonb       NOT NULL CHECK (jsonb_array_length(team) >= 2),
    reviewer          text        NOT NULL CHECK (btrim(reviewer) <> ''),
    comments_handling text        NOT NULL,
    validated_at      timestamptz NOT NULL,
    recorded_at       timestamptz NOT NULL
);

-- A document is known by the digest of its content.
CREATE TABLE project_document (
    project     text        NOT NULL REFERENCES project,
    kind        text        NOT NULL
        CHECK (kind IN ('PDD', 'VALIDATION_REPORT', 'APPLICATION_FORM', 'COMMITMENT', 'OTHER')),
    sha256      text        NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    name        text        NOT NULL CHECK (btrim(name) <> ''),
    media_type  text        NOT NULL,
    size_bytes  bigint      NOT NULL CHECK (size_bytes > 0),
    attached_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (project, kind, sha256)
);
-- The content, where it was sent along; the digest is checked against it.
CREATE TABLE document_content (
    sha256  text  PRIMARY KEY CHECK (sha256 = encode(sha256(content), 'hex')),
    content bytea NOT NULL
);

-- Two projects that may be one: no registration of either until a person has said that they are not.
CREATE TABLE duplicate (
    project                 text        NOT NULL REFERENCES project,
    other                   text        NOT NULL REFERENCES project CHECK (other <> project),
    distance_metres         bigint      NOT NULL CHECK (distance_metres >= 0),
    name_similarity_percent integer     NOT NULL CHECK (name_similarity_percent BETWEEN 0 AND 100),
    is_same_activity        boolean     NOT NULL,
    state                   text        NOT NULL CHECK (state IN ('OPEN', 'DISMISSED', 'CONFIRMED')),
    found_at                timestamptz NOT NULL,
    resolved_by             text,
    resolved_at             timestamptz CHECK (resolved_at >= found_at),
    reason                  text        CHECK (btrim(reason) <> ''),
    PRIMARY KEY (project, other),
    CHECK (num_nulls(resolved_by, resolved_at, reason) = CASE state WHEN 'OPEN' THEN 3 ELSE 0 END)
);
CREATE INDEX duplicate_other ON duplicate (other);
CREATE UNIQUE INDEX duplicate_once ON duplicate (LEAST(project, other), GREATEST(project, other));
GRANT UPDATE (state, resolved_by, resolved_at, reason) ON duplicate TO tonne_registry;

-- The notices of the State Council that the library does not know yet; of each year the last is the whole truth.
CREATE TABLE official_days (
    notice_id    uuid        PRIMARY KEY,
    number       bigint      GENERATED ALWAYS AS IDENTITY UNIQUE,
    year         integer     NOT NULL CHECK (year BETWEEN 2004 AND 2199),
    holidays     date[]      NOT NULL,
    working_days date[]      NOT NULL CHECK (NOT holidays && working_days),
    source       text        NOT NULL CHECK (btrim(source) <> ''),
    effective_at timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL
);
