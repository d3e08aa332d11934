package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// List implements [privacy.Slots].
func (s *Slots) List(ctx context.Context, after privacy.SlotMark, limit int) ([]privacy.Slot, privacy.SlotMark, error) {
	limit = max(limit, 1)
	page, err := s.page(ctx, "list slots", step{
		sql: `SELECT ` + slotColumns + ` FROM {s}.slots t WHERE (t.tenant, t.id) > ($1, $2::uuid)
			ORDER BY t.tenant, t.id LIMIT $3`,
		args: []any{[]byte(after.Tenant), [16]byte(after.ID), limit + 1},
	})
	if err != nil || len(page) <= limit {
		return page, privacy.SlotMark{}, err
	}
	page = page[:limit]
	return page, page[limit-1].Mark(), nil
}

// Children implements [privacy.Slots].
func (s *Slots) Children(ctx context.Context, tenant ticket.TenantID, parent, after ticket.ID, limit int) ([]privacy.Slot, error) {
	where, args := `t.parent = $4`, []any{[]byte(tenant), [16]byte(after), max(limit, 1), uid{&parent}}
	if parent.IsZero() {
		where, args = `t.parent IS NULL`, args[:3]
	}
	return s.page(ctx, "list slots", step{
		sql: `SELECT ` + slotColumns + ` FROM {s}.slots t WHERE t.tenant = $1 AND ` + where + ` AND t.id > $2::uuid
			ORDER BY t.id LIMIT $3`,
		args: args,
	})
}

func (s *Slots) page(ctx context.Context, op string, q step) (out []privacy.Slot, err error) {
	if err := s.usable(ctx, op); err != nil {
		return nil, err
	}
	q.rows = func(rows pgx.Rows) (err error) {
		out, err = scanSlots(rows)
		return err
	}
	return out, classify(ctx, op, sendBatch(ctx, s.pool, s.schema, []step{q}))
}

// Replace implements [privacy.Slots]. It waits for those who are making slots
// below the slots or their new parents, and whoever comes later sees them
// changed.
func (s *Slots) Replace(ctx context.Context, tenant ticket.TenantID, changes []privacy.SlotChange) error {
	if err := s.usable(ctx, "replace slots"); err != nil {
		return err
	}
	if len(changes) == 0 {
		return nil
	}
	return repeatOn(ctx, s.pool, "replace slots", func() (error, bool) {
		return s.replace(ctx, tenant, changes), false
	})
}

// replace looks at the slots and their new parents under a lock and changes
// them before letting go of it, in three round trips: look, change, commit.
func (s *Slots) replace(ctx context.Context, tenant ticket.TenantID, changes []privacy.SlotChange) error {
	r := &reader{schema: s.schema, pool: s.pool, begin: updateOptions}
	defer r.end(ctx)
	have := map[ticket.ID]privacy.Slot{}
	var keys []slotKey
	for _, c := range changes {
		keys = append(keys, slotKey{tenant, c.ID}, slotKey{tenant, c.Parent})
	}
	look := lookUp(keys, "FOR UPDATE OF t", func(rows pgx.Rows) error {
		found, err := scanSlots(rows)
		for _, v := range found {
			have[v.ID] = v
		}
		return err
	})
	if err := r.run(ctx, "replace slots", look); err != nil {
		return err
	}
	changed := map[ticket.ID]bool{}
	for _, c := range changes {
		v, known := have[c.ID]
		parent, parentKnown := have[c.Parent]
		v, err := v.Change(c, known, parent, parentKnown)
		if err != nil {
			return err
		}
		have[c.ID], changed[c.ID] = v, true
	}
	var after []privacy.Slot
	for id := range changed {
		after = append(after, have[id])
	}
	sortSlots(after)
	if err := r.run(ctx, "replace slots", updateSlots(after)); err != nil {
		return err
	}
	r.over.Store(true)
	err, _ := commit(ctx, r.tx)
	return err
}

func updateSlots(slots []privacy.Slot) step {
	return step{
		sql: `UPDATE {s}.slots t SET parent = x.parent, wrapped = x.wrapped, gen = x.gen, under = x.under, old = x.old` +
			fromSlotRows + ` WHERE t.tenant = x.tenant AND t.id = x.id`,
		args: slotRows(slots),
	}
}

// Reached implements [privacy.Slots].
func (s *Slots) Reached(ctx context.Context) (p privacy.Position, err error) {
	if err := s.usable(ctx, "reached"); err != nil {
		return p, err
	}
	err = s.reached(ctx, s.pool, "", &p)
	return p, classify(ctx, "reached", err)
}

func (s *Slots) reached(ctx context.Context, q querier, lock string, p *privacy.Position) error {
	var hash []byte
	err := q.QueryRow(ctx, s.schema.sql(`SELECT reached, reached_hash FROM {s}.keystore `+lock)).Scan(&p.N, &hash)
	copy(p.Hash[:], hash)
	return err
}

// Reach implements [privacy.Slots].
func (s *Slots) Reach(ctx context.Context, p privacy.Position) error {
	if err := s.usable(ctx, "reach"); err != nil {
		return err
	}
	return repeatOn(ctx, s.pool, "reach", func() (error, bool) {
		err := s.reach(ctx, p)
		return err, false
	})
}

func (s *Slots) reach(ctx context.Context, p privacy.Position) error {
	tx, err := s.pool.BeginTx(ctx, updateOptions)
	if err != nil {
		return classify(ctx, "reach", err)
	}
	r := &reader{tx: tx}
	defer r.end(ctx)
	var at privacy.Position
	if err := s.reached(ctx, tx, "FOR UPDATE", &at); err != nil {
		return classify(ctx, "reach", err)
	}
	next, err := at.Advance(p)
	if err != nil || next == at {
		return err
	}
	_, err = tx.Exec(ctx, s.schema.sql(`UPDATE {s}.keystore SET reached = $1, reached_hash = $2`), next.N, next.Hash[:])
	if err != nil {
		return classify(ctx, "reach", err)
	}
	err, _ = commit(ctx, tx)
	return err
}
