-- Proofs of compliance, to everybody, as every use is.

-- SHA-256, in hexadecimal digits, over one line of UTF-8 that is ended by a line feed: proof number, account, emission year,
-- version, plan, draft or final, due, surrendered, offset, deadline and when it was met in UTC, the certificates with a comma
-- between, the entity (nothing if there is none), with a bar between, as in
-- ETS-2026-00000001|ACC-00000001|2025|1|CEA-2025|draft|1000|950|50|2026-12-31T16:00:00.000000Z|2026-03-02T02:00:00.000000Z|RET-2026-00000001,RET-2026-00000002|Smelter
CREATE FUNCTION settlement_read.proof_sha256(found settlement.proof)
RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT encode(sha256(convert_to(concat_ws('|', found.proof_number, found.account, found.emission_year, found.version,
        found.plan, CASE WHEN found.is_draft THEN 'draft' ELSE 'final' END, found.due, found.surrendered, found.offset_used,
        to_char(found.deadline AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        to_char(found.met_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        array_to_string(found.certificates, ','), coalesce(found.entity, '')) || E'\n', 'UTF8')), 'hex')
$$;

-- It ended with the first version by which more was due than had been discharged.
CREATE FUNCTION settlement_read.public_proof(number text)
RETURNS TABLE (proof_number text, account text, entity text, emission_year integer, version integer, plan text,
    is_draft boolean, due bigint, surrendered bigint, offset_used bigint, deadline timestamptz, met_at timestamptz,
    ended_at timestamptz, discharges jsonb, proof_sha256 text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = settlement, pg_temp AS $$
    SELECT p.proof_number, p.account, p.entity, p.emission_year, p.version, p.plan, p.is_draft, p.due, p.surrendered,
        p.offset_used, p.deadline, p.met_at,
        (SELECT v.effective_at FROM obligation_version v
            WHERE v.account = p.account AND v.emission_year = p.emission_year AND v.version > p.version
              AND v.due > p.surrendered + p.offset_used
            ORDER BY v.version LIMIT 1),
        (SELECT coalesce(jsonb_agg(jsonb_build_object('certificate_number', r.certificate_number, 'purpose', r.purpose,
                'tonnes', r.tonnes) ORDER BY r.certificate_number), '[]')
            FROM retirement r WHERE r.certificate_number = ANY (p.certificates)),
        settlement_read.proof_sha256(p)
    FROM proof p
    WHERE p.proof_number = number
$$;
