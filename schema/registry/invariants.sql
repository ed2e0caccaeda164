-- What is always true of the registry: each query returns no row.

-- name: account_opened_once
-- Every account has exactly one opening in the history, under its own number.
SELECT account.number
FROM account
LEFT JOIN event ON event.aggregate = 'account/' || account.account_id AND event.type = 'registry.account.opened'
GROUP BY account.number
HAVING count(event.id) <> 1 OR min(event.body ->> 'number') <> account.number

-- name: account_state_told
-- Where an account is follows from the last of its events that say so.
SELECT account.number, account.state, last.type
FROM account
LEFT JOIN LATERAL (
    SELECT event.type FROM event
    WHERE event.aggregate = 'account/' || account.account_id AND event.type IN ('registry.account.opened',
        'registry.account.restricted', 'registry.account.restriction_lifted', 'registry.account.closed')
    ORDER BY event.sequence DESC LIMIT 1
) AS last ON true
WHERE account.state <> CASE last.type
    WHEN 'registry.account.restricted' THEN 'RESTRICTED'
    WHEN 'registry.account.closed' THEN 'CLOSED'
    ELSE 'OPEN' END

-- name: trading_account_has_operator
-- Whoever trades is operated by one to five people.
SELECT trading_account.account, count(operator.operator_id)
FROM trading_account
LEFT JOIN operator ON operator.account = trading_account.account AND operator.dismissed_at IS NULL
GROUP BY trading_account.account
HAVING count(operator.operator_id) NOT BETWEEN 1 AND 5

-- name: barred_party_trades
-- Regulators, the registry, exchanges and verification bodies have no trading account.
SELECT trading_account.account, organisation.category
FROM trading_account
JOIN account ON account.number = trading_account.account
JOIN organisation USING (organisation_id)
WHERE organisation.category IN ('REGULATOR', 'REGISTRY', 'EXCHANGE', 'VERIFICATION_BODY')

-- name: project_registered_once
-- A project is registered if and only if the history says so, once, at that time.
SELECT project.code
FROM project
LEFT JOIN event ON event.aggregate = 'project/' || project.code AND event.type = 'registry.project.registered'
GROUP BY project.code
HAVING count(event.id) <> (project.registered_at IS NOT NULL)::int OR min(event.effective_at) <> project.registered_at

-- name: project_state_told
-- Where a project is follows from the last of its events that say so.
SELECT project.code, project.state, last.type
FROM project
LEFT JOIN LATERAL (
    SELECT event.type, event.body ->> 'is_positive' AS is_positive FROM event
    WHERE event.aggregate = 'project/' || project.code AND event.type IN ('registry.project.drafted',
        'registry.project.notice_opened', 'registry.project.notice_ended', 'registry.project.withdrawn',
        'registry.project.validated', 'registry.project.registration_applied', 'registry.project.registered',
        'registry.project.refused', 'registry.project.cancelled', 'registry.project.revoked')
    ORDER BY event.sequence DESC LIMIT 1
) AS last ON true
WHERE project.state IS DISTINCT FROM CASE last.type
    WHEN 'registry.project.drafted' THEN 'DRAFT'
    WHEN 'registry.project.notice_opened' THEN 'IN_PUBLIC_NOTICE'
    WHEN 'registry.project.notice_ended' THEN 'NOTICE_ENDED'
    WHEN 'registry.project.withdrawn' THEN 'WITHDRAWN'
    WHEN 'registry.project.validated' THEN CASE last.is_positive WHEN 'true' THEN 'VALIDATED_POSITIVE' ELSE 'VALIDATED_NEGATIVE' END
    WHEN 'registry.project.registration_applied' THEN 'REGISTRATION_APPLIED'
    WHEN 'registry.project.registered' THEN 'REGISTERED'
    WHEN 'registry.project.refused' THEN 'REFUSED'
    WHEN 'registry.project.cancelled' THEN 'CANCELLED'
    WHEN 'registry.project.revoked' THEN 'REVOKED' END

-- name: project_registered_twice
-- Of two projects that may be one, both stand on the register only if a person has said that they are not.
SELECT duplicate.project, duplicate.other
FROM duplicate
JOIN project ON project.code = duplicate.project AND project.state = 'REGISTERED'
JOIN project AS other ON other.code = duplicate.other AND other.state = 'REGISTERED'
WHERE duplicate.state <> 'DISMISSED'

-- name: project_validated_by_verifier
-- Projects are validated by the body that their notice named.
SELECT validation.project
FROM validation
JOIN project ON project.code = validation.project
JOIN account ON account.number = validation.validation_body
WHERE account.kind <> 'VERIFIER' OR project.validation_body <> validation.validation_body
    OR validation.is_positive = (project.state = 'VALIDATED_NEGATIVE')

-- name: project_owned_by_owner
-- The credits of a project go to an account of kind OWNER.
SELECT project.code
FROM project
JOIN account ON account.number = project.owner_account
WHERE account.kind <> 'OWNER'

-- name: event_sequence_gapless
-- The events of an aggregate are numbered from 1 without a gap.
SELECT aggregate
FROM event
GROUP BY aggregate
HAVING min(sequence) <> 1 OR max(sequence) <> count(*)

-- name: outbox_row_older_than_60_seconds
-- What is committed is told within a minute.
SELECT id
FROM outbox
WHERE recorded_at < clock_timestamp() - interval '60 seconds'
