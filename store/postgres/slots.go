package postgres

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// SlotsOptions are the choices beside the connection string of a key store.
// The zero value is usable.
type SlotsOptions struct {
	// Schema is where the slots are; default "helpdesk_keys".
	Schema string
	// MaxConns bounds the pool; default the greater of 4 and the CPUs.
	MaxConns int

	configure func(*pgxpool.Config)
}

// Slots implements [privacy.Slots]. What may be said about backups depends on
// where it is: best in a database of its own that is backed up apart from the
// content. A destroyed key is gone from the tables at once, and from the files
// of the database when VACUUM and the write-ahead log have moved on; every
// slot is under the root key in any case.
type Slots struct {
	schema schema
	pool   *pgxpool.Pool
	id     atomic.Pointer[ticket.ID]
	closed atomic.Bool
}

var _ privacy.Slots = (*Slots)(nil)

// OpenSlots connects to the database of the key store. Errors are those of
// [Open]. Before the first Migrate the key store has no ID.
func OpenSlots(ctx context.Context, dsn string, o SlotsOptions) (*Slots, error) {
	in, config, err := configure(dsn, defaultKeysSchema, Options{
		Schema: o.Schema, MaxConns: o.MaxConns, ApplicationName: "helpdesk-keys", configure: o.configure})
	if err != nil {
		return nil, err
	}
	pool, err := connect(ctx, config)
	if err != nil {
		return nil, err
	}
	s := &Slots{schema: in, pool: pool}
	if err := s.identify(ctx); err != nil && !errors.Is(err, store.ErrSchema) {
		pool.Close()
		return nil, err
	}
	return s, nil
}

// identify reads the ID that Migrate made.
func (s *Slots) identify(ctx context.Context) error {
	var id ticket.ID
	err := s.pool.QueryRow(ctx, s.schema.sql(`SELECT id FROM {s}.keystore`)).Scan(uid{&id})
	if err == nil {
		s.id.Store(&id)
	}
	return classify(ctx, "key store", err)
}

// Migrate creates the schema or brings it to this version. Several processes
// may call it at once; calling it again changes nothing.
func (s *Slots) Migrate(ctx context.Context) error {
	if err := s.usable(ctx, "migrate keys"); err != nil {
		return err
	}
	if err := migrate(ctx, s.pool, s.schema, slotsMigrations); err != nil {
		return err
	}
	return s.identify(ctx)
}

// MigrateTx is Migrate in the host's transaction. It commits nothing; the ID is
// known after the next Migrate or OpenSlots.
func (s *Slots) MigrateTx(ctx context.Context, tx pgx.Tx) error {
	return classify(ctx, "migrate keys", migrateTx(ctx, tx, s.schema, slotsMigrations))
}

// Validate returns [store.ErrSchema] unless the schema is of this version or
// the next one.
func (s *Slots) Validate(ctx context.Context) error {
	if err := s.usable(ctx, "validate keys"); err != nil {
		return err
	}
	return validateSchema(ctx, s.pool, s.schema, slotsMigrations)
}

// Close frees the connections. Closing twice does nothing.
func (s *Slots) Close() error {
	if !s.closed.Swap(true) {
		s.pool.Close()
	}
	return nil
}

// ID implements [privacy.Slots]. It is zero before the first Migrate.
func (s *Slots) ID() ticket.ID {
	if id := s.id.Load(); id != nil {
		return *id
	}
	return ticket.ID{}
}

func (s *Slots) usable(ctx context.Context, op string) error {
	if s.closed.Load() {
		return fail(op+" after Close", store.ErrUnavailable)
	}
	if err := ctx.Err(); err != nil {
		return &Error{Op: op, kind: err}
	}
	return nil
}

const slotColumns = `t.tenant, t.id, t.level, t.parent, t.state, t.wrapped, t.gen, t.under, t.old`

func scanSlots(rows pgx.Rows) ([]privacy.Slot, error) {
	var out []privacy.Slot
	for rows.Next() {
		var v privacy.Slot
		var tenant []byte
		err := rows.Scan(&tenant, uid{&v.ID}, str(&v.Level), uid{&v.Parent}, str(&v.State), octets{&v.Wrapped},
			&v.Gen, &v.Under, octets{&v.Old})
		if err != nil {
			return nil, err
		}
		v.Tenant = ticket.TenantID(tenant)
		out = append(out, v)
	}
	return out, rows.Err()
}

// Get implements [privacy.Slots].
func (s *Slots) Get(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) ([]privacy.Slot, error) {
	if err := s.usable(ctx, "get slots"); err != nil {
		return nil, err
	}
	var out []privacy.Slot
	err := sendBatch(ctx, s.pool, s.schema, []step{{
		sql:  `SELECT ` + slotColumns + ` FROM {s}.slots t WHERE t.tenant = $1 AND t.id = ANY($2::uuid[])`,
		args: []any{[]byte(tenant), uuids(ids)},
		rows: func(rows pgx.Rows) (err error) {
			out, err = scanSlots(rows)
			return err
		},
	}})
	return out, classify(ctx, "get slots", err)
}

// Fence implements [privacy.Slots]. It waits for those who are making slots
// below; whoever comes later finds the slots fenced.
func (s *Slots) Fence(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) error {
	if err := s.usable(ctx, "fence slots"); err != nil {
		return err
	}
	return s.change(ctx, "fence slots", lockSlots(tenant, ids), step{
		sql:  `UPDATE {s}.slots SET state = 'fenced' WHERE tenant = $1 AND id = ANY($2::uuid[]) AND state = 'live'`,
		args: []any{[]byte(tenant), uuids(ids)},
	})
}

// Unfence implements [privacy.Slots].
func (s *Slots) Unfence(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) error {
	if err := s.usable(ctx, "unfence slots"); err != nil {
		return err
	}
	return s.change(ctx, "unfence slots", lockSlots(tenant, ids), step{
		sql:  `UPDATE {s}.slots SET state = 'live' WHERE tenant = $1 AND id = ANY($2::uuid[]) AND state = 'fenced'`,
		args: []any{[]byte(tenant), uuids(ids)},
	})
}

// Destroy implements [privacy.Slots].
func (s *Slots) Destroy(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) error {
	if err := s.usable(ctx, "destroy slots"); err != nil {
		return err
	}
	if err := tenant.Validate(); err != nil {
		return err
	}
	ids = slices.SortedFunc(slices.Values(ids), compareIDs)
	ids = slices.Compact(ids)
	if slices.ContainsFunc(ids, ticket.ID.IsZero) {
		return ticket.ErrBadID
	}
	return s.change(ctx, "destroy slots", lockSlots(tenant, ids), step{
		sql: `INSERT INTO {s}.slots AS t (tenant, id, level, state)
			SELECT $1, x.id, '', 'destroyed' FROM unnest($2::uuid[]) WITH ORDINALITY AS x(id, ord) ORDER BY x.ord
			ON CONFLICT (tenant, id) DO UPDATE SET state = 'destroyed', wrapped = NULL, old = NULL WHERE t.state <> 'destroyed'`,
		args: []any{[]byte(tenant), uuids(ids)},
	})
}

// lockSlots locks slots against those who make slots below them.
func lockSlots(tenant ticket.TenantID, ids []ticket.ID) step {
	return step{sql: `SELECT 1 FROM {s}.slots WHERE tenant = $1 AND id = ANY($2::uuid[]) ORDER BY id FOR UPDATE`,
		args: []any{[]byte(tenant), uuids(ids)}}
}

// change runs statements in one round trip and repeats them after conflicts.
func (s *Slots) change(ctx context.Context, op string, steps ...step) error {
	return repeatOn(ctx, s.pool, op, func() (error, bool) {
		return classify(ctx, op, sendBatch(ctx, s.pool, s.schema, steps)), false
	})
}

// Create implements [privacy.Slots]. When it returns an error none of the
// slots was made.
func (s *Slots) Create(ctx context.Context, slots []privacy.Slot) ([]privacy.Slot, error) {
	if err := s.usable(ctx, "create slots"); err != nil {
		return nil, err
	}
	for _, v := range slots {
		if v.ID.IsZero() {
			return nil, ticket.ErrBadID
		}
		if err := v.Tenant.Validate(); err != nil {
			return nil, err
		}
	}
	if len(slots) == 0 {
		return nil, nil
	}
	var out []privacy.Slot
	err := repeatOn(ctx, s.pool, "create slots", func() (err error, broken bool) {
		out, err = s.create(ctx, slots)
		return err, false
	})
	return out, err
}

// slotKey keeps tenants apart: the same id in two tenants is two slots.
type slotKey struct {
	tenant ticket.TenantID
	id     ticket.ID
}

// create looks at the parents under a lock and makes the slots before letting
// go of it, in three round trips: look, make, commit.
func (s *Slots) create(ctx context.Context, slots []privacy.Slot) ([]privacy.Slot, error) {
	r := &reader{schema: s.schema, pool: s.pool, begin: updateOptions}
	defer r.end(ctx)
	have := map[slotKey]privacy.Slot{}
	learn := func(rows pgx.Rows) error {
		found, err := scanSlots(rows)
		for _, v := range found {
			have[slotKey{v.Tenant, v.ID}] = v
		}
		return err
	}
	var keys []slotKey
	for _, v := range slots {
		keys = append(keys, slotKey{v.Tenant, v.ID}, slotKey{v.Tenant, v.Parent})
	}
	if err := r.run(ctx, "create slots", lookUp(keys, "FOR SHARE OF t", learn)); err != nil {
		return nil, err
	}
	fresh, err := planSlots(slots, have)
	if err != nil {
		return nil, err
	}
	if len(fresh) > 0 {
		// Another process may make the same slots meanwhile: the first wins,
		// and the second look says who that was.
		if err := r.run(ctx, "create slots", insertSlots(fresh), lookUp(keys, "", learn)); err != nil {
			return nil, err
		}
		r.over.Store(true)
		if err, _ := commit(ctx, r.tx); err != nil {
			return nil, err
		}
	}
	out := make([]privacy.Slot, len(slots))
	for i, v := range slots {
		out[i] = have[slotKey{v.Tenant, v.ID}]
		out[i] = out[i].Clone() // slots may be named twice
	}
	return out, nil
}

// planSlots returns the slots to make, or why one of them may not be made.
func planSlots(slots []privacy.Slot, have map[slotKey]privacy.Slot) ([]privacy.Slot, error) {
	made := map[slotKey]privacy.Slot{}
	find := func(k slotKey) (privacy.Slot, bool) {
		if s, ok := made[k]; ok {
			return s, true
		}
		s, ok := have[k]
		return s, ok
	}
	var fresh []privacy.Slot
	for _, v := range slots {
		k := slotKey{v.Tenant, v.ID}
		if _, ok := find(k); ok {
			continue
		}
		parent, known := find(slotKey{v.Tenant, v.Parent})
		if err := v.Below(parent, known); err != nil {
			return nil, err
		}
		v.State = privacy.SlotLive
		made[k] = v
		fresh = append(fresh, v)
	}
	sortSlots(fresh)
	return fresh, nil
}

func sortSlots(slots []privacy.Slot) {
	slices.SortFunc(slots, func(a, b privacy.Slot) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), compareIDs(a.ID, b.ID))
	})
}

func lookUp(keys []slotKey, lock string, learn func(pgx.Rows) error) step {
	tenants, ids := make([][]byte, len(keys)), make([][16]byte, len(keys))
	for i, k := range keys {
		tenants[i], ids[i] = []byte(k.tenant), k.id
	}
	return step{
		sql: `SELECT ` + slotColumns + ` FROM {s}.slots t
			WHERE (t.tenant, t.id) IN (SELECT * FROM unnest($1::bytea[], $2::uuid[]))
			ORDER BY t.tenant, t.id ` + lock,
		args: []any{tenants, ids},
		rows: learn,
	}
}

// slotRows are the columns of slots as parameters.
func slotRows(slots []privacy.Slot) []any {
	n := len(slots)
	tenants, ids, levels := make([][]byte, n), make([][16]byte, n), make([]string, n)
	parents, wrapped, old := make([]any, n), make([][]byte, n), make([]any, n)
	gens, unders := make([]int64, n), make([]int64, n)
	for i := range slots {
		v := &slots[i]
		tenants[i], ids[i], levels[i] = []byte(v.Tenant), v.ID, string(v.Level)
		parents[i], wrapped[i], old[i] = uid{&v.Parent}, v.Wrapped, octets{&v.Old}
		gens[i], unders[i] = v.Gen, v.Under
	}
	return []any{tenants, ids, levels, parents, wrapped, gens, unders, old}
}

// fromSlotRows reads these parameters as rows.
const fromSlotRows = ` FROM unnest($1::bytea[], $2::uuid[], $3::text[], $4::uuid[], $5::bytea[], $6::bigint[], $7::bigint[], $8::bytea[])
	WITH ORDINALITY AS x(tenant, id, level, parent, wrapped, gen, under, old, ord)`

func insertSlots(slots []privacy.Slot) step {
	return step{
		sql: `INSERT INTO {s}.slots (tenant, id, level, parent, state, wrapped, gen, under, old)
			SELECT x.tenant, x.id, x.level, x.parent, 'live', x.wrapped, x.gen, x.under, x.old` + fromSlotRows + `
			ORDER BY x.ord ON CONFLICT DO NOTHING`,
		args: slotRows(slots),
	}
}
