-- Proofs of compliance: what was met, as it was then. A proof is never changed; it ends when more becomes due.

CREATE TABLE proof (
    proof_number  text        PRIMARY KEY CHECK (proof_number LIKE 'ETS-%'),
    account       text        NOT NULL REFERENCES account,
    -- As its latest certificate calls whoever used it; null if nothing had to be discharged.
    entity        text,
    emission_year integer     NOT NULL,
    version       integer     NOT NULL,
    plan          text        NOT NULL,
    is_draft      boolean     NOT NULL,
    due           bigint      NOT NULL,
    surrendered   bigint      NOT NULL,
    offset_used   bigint      NOT NULL,
    deadline      timestamptz NOT NULL,
    met_at        timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL,
    -- Of what was surrendered and offset, in the order of their numbers.
    certificates  text[]      NOT NULL,
    CHECK (due <= surrendered + offset_used)
);
CREATE INDEX proof_obligation ON proof (account, emission_year);
ALTER TABLE obligation ADD FOREIGN KEY (proof_number) REFERENCES proof;
