// Package postgres keeps a helpdesk's state in PostgreSQL 15 or newer, through
// pgx, and its key slots in a schema or database of their own.
//
//	st, err := postgres.Open(ctx, "postgres://desk@db.example/app?sslmode=verify-full")
//	...
//	err = st.Migrate(ctx)
//
// The tables live in a schema of their own, "helpdesk" unless [Options] says
// otherwise, and nothing relies on the search_path. Only Migrate changes the
// schema. Connections leave the host only over TLS. Prepared statements are
// cached on each connection, so a pooler between must be in session mode.
//
// Host and helpdesk can share a transaction: [Join] makes a [store.Tx] of the
// host's pgx.Tx, [Unwrap] is the way back.
//
// The event log is read only below the oldest running transaction of the whole
// cluster, so that an event that commits late is never skipped: a transaction
// that stays open, in whatever database, holds up the consumers of events, not
// the desk.
package postgres
