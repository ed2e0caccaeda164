-- What is always true of the registry: each query returns no row.

-- name: account_opened_once
-- Every account has exactly one opening in the history, under its own number.
SELECT account.number
FROM account
LEFT JOIN event ON event.aggregate = 'account/' || account.account_id AND event.type = 'registry.account.opened'
GROUP BY account.number
HAVING count(event.id) <> 1 OR min(event.body ->> 'number') <> account.number

-- name: project_registered_once
-- A project is registered if and only if the history says so, once, at that time.
SELECT project.code
FROM project
LEFT JOIN event ON event.aggregate = 'project/' || project.code AND event.type = 'registry.project.registered'
GROUP BY project.code
HAVING count(event.id) <> (project.state = 'REGISTERED')::int OR min(event.effective_at) <> project.registered_at

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
