package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/archive"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// report tells what became of each mail of the archive. It reads it from the
// store and not from the import's memory: what an import that was killed had
// stored is reported by the one that goes on.
type report struct {
	store   store.Store
	tenant  ticket.TenantID
	mailbox ticket.ID
	index   *archive.Index
	names   names
	headers *headers // nil without -json
	out     output
	done    int // how many mails are reported
	failed  int // how many mails and files could not be read
	sum     summary
}

// output is one of the two forms of a report.
type output interface {
	message(messageLine) error
	skipped(skippedLine) error
	// page is called after some lines, so that what is reported is seen.
	page() error
	summary(s summary, skipped int) error
}

// What a mail became.
const (
	outcomeNew         = "new"         // a ticket of its own
	outcomeJoined      = "joined"      // a message on a ticket
	outcomeDuplicate   = "duplicate"   // it is a mail that was taken in before
	outcomeQuarantined = "quarantined" // it is kept as it is
)

func (j *job) newReport(ctx context.Context, out io.Writer) (*report, error) {
	r := &report{
		store: j.store, tenant: j.settings.tenant, mailbox: j.store.mailbox, index: j.index, names: j.settings.names,
		out: &textOutput{w: out, progress: j.progress},
	}
	if j.settings.json {
		blob, err := j.settings.account.MarshalBinary()
		if err != nil {
			return nil, err
		}
		conn, err := j.archive.Open(ctx, mailbox.Session{Account: blob})
		if err != nil {
			return nil, err
		}
		r.headers, r.out = &headers{conn}, newJSONOutput(out)
	}
	for _, s := range j.index.Skipped() {
		if s.Failed {
			r.failed++
		}
		if err := r.out.skipped(skippedLine{Type: "skipped", File: r.names.show(s.Path), Why: s.Why}); err != nil {
			return nil, err
		}
	}
	return r, r.out.page()
}

func (r *report) close() {
	if r.headers != nil {
		_ = r.headers.conn.Close()
	}
}

// reportPage is how many mails are looked up at once.
const reportPage = 100

// upTo reports the mails before n that are not reported yet.
func (r *report) upTo(ctx context.Context, n int) error {
	for r.done < n {
		end := min(r.done+reportPage, n)
		items := make([]mailbox.Item, 0, end-r.done)
		for i := r.done; i < end; i++ {
			items = append(items, r.index.Item(i))
		}
		fates, err := r.look(ctx, items)
		if err != nil {
			return err
		}
		for i, it := range items {
			if err := r.tell(ctx, r.names.show(r.index.File(r.done+i)), r.index.Number(r.done+i), it, fates[i]); err != nil {
				return err
			}
		}
		r.done = end
		if err := r.out.page(); err != nil {
			return err
		}
	}
	return nil
}

// fate is what the store knows of a mail.
type fate struct {
	found    bool
	provider string // the id under which the mail was taken in
	message  ticket.Message
	held     bool // it is quarantined
	cause    string
}

// look reads what became of mails. Mails of one object share a read.
func (r *report) look(ctx context.Context, items []mailbox.Item) (fates []fate, err error) {
	probes := make([]store.Seen, len(items))
	for i, it := range items {
		probes[i] = store.Seen{ProviderID: it.ID, ReceivedAt: it.ReceivedAt}
	}
	err = r.store.View(ctx, func(ctx context.Context, read store.Reader) error {
		fates = make([]fate, len(items))
		known, err := read.Known(ctx, r.tenant, r.mailbox, probes)
		if err != nil {
			return err
		}
		objects := map[ticket.ID]fate{}
		for i, seen := range known {
			if seen.Object.IsZero() {
				continue
			}
			f, ok := objects[seen.Object]
			if !ok {
				if f, err = r.object(ctx, read, seen.Object); err != nil {
					return err
				}
				objects[seen.Object] = f
			}
			fates[i] = f
		}
		return nil
	})
	return fates, err
}

// object reads what a mail became: a message or a quarantined mail.
func (r *report) object(ctx context.Context, read store.Reader, id ticket.ID) (fate, error) {
	m, err := read.Message(ctx, r.tenant, id)
	if err == nil {
		return fate{found: true, provider: m.Provenance.ProviderID, message: m.Message}, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return fate{}, err
	}
	q, err := read.Quarantined(ctx, r.tenant, id)
	if errors.Is(err, store.ErrNotFound) {
		return fate{}, nil // erased meanwhile
	}
	return fate{found: err == nil, provider: q.ProviderID, held: true, cause: q.Cause}, err
}

// tell reports one mail, which has the number n in an mbox of several.
func (r *report) tell(ctx context.Context, file string, n int, it mailbox.Item, f fate) error {
	if !f.found {
		r.failed++
		return r.out.skipped(skippedLine{Type: "skipped", File: file, N: n, Why: "it was changed or removed before it was imported"})
	}
	line := messageLine{Type: "message", File: file, N: n}
	if !f.held {
		line.Ticket = f.message.Ticket.String()
	}
	switch {
	case f.provider != it.ID:
		line.Outcome, line.Why = outcomeDuplicate, "the same mail is in the archive before"
		r.sum.Duplicates++
	case f.held:
		line.Outcome, line.Why = outcomeQuarantined, f.cause
		r.sum.Quarantined++
	case f.message.Match.Rung == ticket.RungNone:
		line.Outcome, line.Why = outcomeNew, f.message.Match.Explain()
		r.sum.Messages++
		r.sum.Tickets++
	default:
		line.Outcome, line.Why = outcomeJoined, f.message.Match.Explain()
		r.sum.Messages++
	}
	r.sum.Mails++
	if r.headers != nil {
		if err := r.headers.fill(ctx, &line, it); err != nil {
			return err
		}
	}
	return r.out.message(line)
}

// end reports the sum. It is an error if something could not be read.
func (r *report) end(took time.Duration) error {
	r.sum.Type, r.sum.Seconds = "summary", took.Seconds()
	if err := r.out.summary(r.sum, len(r.index.Skipped())); err != nil {
		return err
	}
	if r.failed > 0 {
		return fmt.Errorf("could not read everything: what is missing is reported as skipped (%d)", r.failed)
	}
	return nil
}
