"""The gateway: one GraphQL schema over what the services publish; it has no rules and no data of its own."""
