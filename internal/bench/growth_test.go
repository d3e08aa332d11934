package bench_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/benchmail"
	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// BenchmarkIngestAt100kVsAt1k takes the same mails into a mailbox that holds
// 1,000 and into one that holds 100,000, turn by turn: what a mail costs must
// not grow with what is stored.
func BenchmarkIngestAt100kVsAt1k(b *testing.B) {
	const turn = 600
	ms := benchmail.Mails(seed, rounds*turn)
	for b.Loop() {
		small, large := filled(b, 1_000), filled(b, 100_000)
		var ratio, few, many []float64
		for i := range rounds {
			next := ms[i*turn : (i+1)*turn]
			// Who goes first changes, so that a checkpoint hits both.
			if i%2 == 0 {
				few = append(few, small.more(next))
				many = append(many, large.more(next))
			} else {
				many = append(many, large.more(next))
				few = append(few, small.more(next))
			}
			ratio = append(ratio, many[i]/few[i])
		}
		large.holds(100_000 + len(ms))
		ratios.report(b, "ingest_at_100k_vs_at_1k", median(ratio), "%.0f mails/s into 100,000 against %.0f into 1,000, medians of %d turns of %d mails", median(many), median(few), rounds, turn)
	}
}

// filled is a desk whose mailbox holds n short mails.
func filled(b *testing.B, n int) *desk {
	b.Helper()
	x := &box{}
	for i := range n {
		x.mails = append(x.mails, short(i))
	}
	d := newDesk(b, testpg.DSN(b), x)
	start := time.Now()
	d.takeIn()
	for !d.idle() { // a turn of reading ends after a while
		d.takeIn()
	}
	d.b.Logf("%d short mails taken in at %.0f a second", n, float64(n)/time.Since(start).Seconds())
	return d
}

// short is a mail that is quick to take in, in a conversation of three.
func short(i int) benchmail.Mail {
	head := fmt.Sprintf("From: <p%d@customer.example>\r\nTo: <support@desk.example>\r\nSubject: about %d\r\nMessage-ID: <s%d@customer.example>\r\n", i%5000/3, i/3, i)
	if i%3 > 0 {
		head += fmt.Sprintf("In-Reply-To: <s%d@customer.example>\r\n", i-1)
	}
	at := time.Unix(1_700_000_000+int64(i), 0).UTC()
	return benchmail.Mail{Raw: []byte(head + "Date: " + at.Format(time.RFC1123Z) + "\r\n\r\nA short question.\r\n"), At: at}
}

// more lets mails arrive and returns at which rate they are taken in.
func (d *desk) more(ms []benchmail.Mail) float64 {
	d.box.mails = append(d.box.mails, ms...)
	d.dueNow()
	return rate(d.b, len(ms), d.takeIn)
}

// dueNow makes the mailbox due, as a notification of its provider would.
func (d *desk) dueNow() {
	d.b.Helper()
	must(d.b, d.store.Update(d.b.Context(), func(ctx context.Context, tx store.Tx) error {
		m, err := d.mailbox(ctx, tx)
		if err != nil {
			return err
		}
		return tx.Apply(ctx, store.Changes{Tenant: "acme", Tasks: []store.Task{
			{ID: ticket.NewID(time.Now()), Tenant: "acme", Mailbox: m, Kind: "sync"},
		}})
	}))
}

// idle reports whether the mailbox was read to its end.
func (d *desk) idle() bool {
	d.b.Helper()
	var read bool
	must(d.b, d.store.View(d.b.Context(), func(ctx context.Context, r store.Reader) error {
		id, err := d.mailbox(ctx, r)
		if err != nil {
			return err
		}
		m, err := r.Mailbox(ctx, "acme", id)
		read = int(binary.BigEndian.Uint64(m.LiveCursor)) == len(d.box.mails)
		return err
	}))
	return read
}

func (d *desk) mailbox(ctx context.Context, r store.Reader) (ticket.ID, error) {
	boxes, err := r.ListMailboxes(ctx, "acme", ticket.ID{}, 1)
	if err != nil || len(boxes) == 0 {
		return ticket.ID{}, fmt.Errorf("no mailbox: %w", err)
	}
	return boxes[0].ID, nil
}
