package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox/archive"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// snapshot is everything that an import leaves in a database, with random ids
// replaced by the names of files, so that two imports can be compared.
type snapshot struct {
	tickets, mails, people, events []string
}

// observer reads a snapshot.
type observer struct {
	t      *testing.T
	ctx    context.Context
	store  store.Store
	tenant *helpdesk.Tenant
	index  *archive.Index
	box    ticket.ID

	names   map[ticket.ID]string // of tickets and mails
	tickets []ticket.ID          // in the order of the archive
	facts   map[string][]string  // about addresses and contacts
}

// observe reads all that the import of dir left in a database.
func observe(t *testing.T, dsn, keys, dir string) snapshot {
	t.Helper()
	s := settings{store: dsn, keys: keys, tenant: "import"}
	st, err := openStore(t.Context(), s)
	must(t, err)
	defer func() { _ = st.Close() }()
	files := archive.New()
	desk, err := helpdesk.New(helpdesk.Config{Store: st, Keys: helpdesk.KeyFile(keys), Providers: helpdesk.Providers{files}})
	must(t, err)
	o := &observer{
		t: t, ctx: privacy.As(t.Context(), privacy.Agent("kari"), privacy.Support), store: st, tenant: desk.Tenant("import"),
		names: map[ticket.ID]string{}, facts: map[string][]string{},
	}
	o.index, err = files.Index(t.Context(), archive.Account{Email: "a@b.example", Paths: []string{dir}})
	must(t, err)
	boxes, err := o.tenant.Mailboxes(t.Context())
	must(t, err)
	if len(boxes) != 1 {
		t.Fatalf("%d mailboxes", len(boxes))
	}
	o.box = boxes[0].ID
	var snap snapshot
	must(t, st.View(o.ctx, func(ctx context.Context, r store.Reader) error {
		snap.mails = o.mails(ctx, r, dir)
		snap.tickets = o.ticketRows(ctx, r)
		snap.events = o.events(ctx, r)
		return nil
	}))
	// Opening content writes the access log, which is not for inside View.
	for i, line := range snap.mails {
		snap.mails[i] = o.content(line)
	}
	for _, f := range o.facts {
		slices.Sort(f)
		snap.people = append(snap.people, strings.Join(f, "; "))
	}
	slices.Sort(snap.people)
	return snap
}

// mails tells what became of each mail of the archive, in its order.
func (o *observer) mails(ctx context.Context, r store.Reader, dir string) (out []string) {
	messages := map[ticket.ID]store.Message{}
	for i := range o.index.Len() {
		it := o.index.Item(i)
		file, err := filepath.Rel(dir, o.index.File(i))
		must(o.t, err)
		known, err := r.Known(ctx, o.tenant.ID(), o.box, []store.Seen{{ProviderID: it.ID, ReceivedAt: it.ReceivedAt}})
		must(o.t, err)
		id := known[0].Object
		if id.IsZero() {
			out = append(out, file+" is not there")
			continue
		}
		m, err := r.Message(ctx, o.tenant.ID(), id)
		if errors.Is(err, store.ErrNotFound) {
			q, err := r.Quarantined(ctx, o.tenant.ID(), id)
			must(o.t, err)
			o.names[id] = file
			out = append(out, fmt.Sprintf("%s is quarantined: %s %s %d %v %s", file, q.Cause, q.State, q.Size, q.ReceivedAt.UTC(), q.Stream))
			continue
		}
		must(o.t, err)
		if m.Provenance.ProviderID != it.ID {
			out = append(out, fmt.Sprintf("%s is a copy of %s", file, o.names[id]))
			continue
		}
		o.names[id] = file
		if o.names[m.Ticket] == "" {
			o.names[m.Ticket] = "ticket of " + file
			o.tickets = append(o.tickets, m.Ticket)
		}
		messages[id] = m
		o.fact("contact", m.Contact, "wrote "+file)
		out = append(out, id.String()+" "+file)
	}
	for i, line := range out {
		id, err := ticket.ParseID(strings.SplitN(line, " ", 2)[0])
		if err == nil {
			out[i] += o.message(messages[id])
		}
	}
	return out
}

func (o *observer) fact(kind string, id any, what string) {
	key := fmt.Sprint(kind, id)
	o.facts[key] = append(o.facts[key], kind+" "+what)
}

// message is a message without what differs from run to run.
func (o *observer) message(m store.Message) string {
	var steps []string
	for _, s := range m.Match.Steps {
		steps = append(steps, fmt.Sprintf("%s %s %s", s.Rung, o.names[s.Ticket], s.Outcome))
	}
	return fmt.Sprintf(" on %s, %d: %s %s %v, %s %s %v, %s %d %v, %d attachments, %d bytes", o.names[m.Ticket], m.Seq,
		m.Direction, m.Kind, m.By, m.Match.Rung, m.Match.Standing, steps,
		m.Provenance.Source, m.Provenance.Parser, m.Provenance.ReceivedAt.UTC(), m.Attachments, m.RawSize)
}

// content replaces the id of a message by what its content is.
func (o *observer) content(line string) string {
	first, rest, _ := strings.Cut(line, " ")
	id, err := ticket.ParseID(first)
	if err != nil {
		return line
	}
	raw, err := o.tenant.Raw(o.ctx, id)
	must(o.t, err)
	return fmt.Sprintf("%s: %x", rest, sha256.Sum256(raw))
}

// ticketRows tells about each ticket and who is on it.
func (o *observer) ticketRows(ctx context.Context, r store.Reader) (out []string) {
	for _, id := range o.tickets {
		k, err := r.Ticket(ctx, o.tenant.ID(), id)
		must(o.t, err)
		members, err := r.Members(ctx, o.tenant.ID(), id)
		must(o.t, err)
		for _, m := range members {
			what := fmt.Sprintf("is on %s, pending %v", o.names[id], m.Pending)
			o.fact("address", m.Address, what)
			o.fact("contact", m.Contact, what)
		}
		o.fact("contact", k.Contact, "has "+o.names[id])
		out = append(out, fmt.Sprintf("%s: %s %v %q, %s, %d messages, answers %s, version %d, related to %s, %v %v %v, %d members",
			o.names[id], k.Status, k.Tags, k.Assignee, k.Origin, k.Seq, o.names[k.Answers], k.Version, o.names[k.Related],
			k.CreatedAt.UTC(), k.UpdatedAt.UTC(), k.ClosedAt.UTC(), len(members)))
	}
	return out
}

// events is the log, with the times that are the archive's.
func (o *observer) events(ctx context.Context, r store.Reader) (out []string) {
	var after store.EventCursor
	for {
		page, err := r.Events(ctx, store.EventQuery{Tenant: o.tenant.ID(), After: after, Limit: 500})
		must(o.t, err)
		for _, e := range page {
			after = e.Cursor
			at := ""
			if !e.Ticket.IsZero() {
				at = e.At.UTC().String()
			}
			out = append(out, fmt.Sprintf("%s %v %s %s %q %q %q %s %s", e.Type, e.By, o.names[e.Ticket], o.names[e.Message], e.From, o.named(e.To), e.Cause, e.Rung, at))
		}
		if len(page) < 500 {
			return out
		}
	}
}

// named is s or, for the id of a ticket, what that ticket is called here.
func (o *observer) named(s string) string {
	if id, err := ticket.ParseID(s); err == nil && o.names[id] != "" {
		return o.names[id]
	}
	return s
}

// same compares two snapshots.
func same(t *testing.T, got, want snapshot) {
	t.Helper()
	for name, pair := range map[string][2][]string{
		"mails": {got.mails, want.mails}, "tickets": {got.tickets, want.tickets},
		"people": {got.people, want.people}, "events": {got.events, want.events},
	} {
		if slices.Equal(pair[0], pair[1]) {
			continue
		}
		t.Errorf("%s: %d, want %d", name, len(pair[0]), len(pair[1]))
		shown := 0
		for i := range max(len(pair[0]), len(pair[1])) {
			g, w := at(pair[0], i), at(pair[1], i)
			if g != w && shown < 5 {
				t.Logf("%s %d:\n got %s\nwant %s", name, i, g, w)
				shown++
			}
		}
	}
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "(nothing)"
}

// partition is a report without ids: each ticket by its first file.
func partition(r reported) map[string]string {
	first, out := map[string]string{}, map[string]string{}
	for _, l := range r.messages {
		if first[l.Ticket] == "" {
			first[l.Ticket] = l.File
		}
		l.Ticket = first[l.Ticket]
		out[l.File] = fmt.Sprintf("%+v", l)
	}
	for _, l := range r.skipped {
		out[l.File] = fmt.Sprintf("%+v", l)
	}
	return maps.Clone(out)
}

// passed tells how many mails of an archive a database holds.
func passed(t *testing.T, st store.Store, idx *archive.Index) (n int) {
	t.Helper()
	must(t, st.View(t.Context(), func(ctx context.Context, r store.Reader) error {
		boxes, err := r.ListMailboxes(ctx, "import", ticket.ID{}, 2)
		n = 0
		for _, m := range boxes {
			n = idx.Passed(m.BackfillCursor)
		}
		return err
	}))
	return n
}
