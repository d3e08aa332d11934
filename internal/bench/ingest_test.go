package bench_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/internal/benchmail"
	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/postgres"
)

const (
	seed  = 1
	mails = 3000
	page  = 100
	// rounds is how often each side is measured, turn by turn.
	rounds = 5
)

// BenchmarkIngestVsRawInsert takes the whole way of a mail into PostgreSQL,
// parsed, matched, sealed with a key file and committed in pages of 100,
// against rows of the same raw bytes that pgx inserts in batches of 100.
func BenchmarkIngestVsRawInsert(b *testing.B) {
	ms := benchmail.Mails(seed, mails)
	for b.Loop() {
		var ours, raw, ratio []float64
		for range rounds {
			raw = append(raw, rate(b, mails, func() { rawInsert(b, ms) }))
			ours = append(ours, ingestRate(b, ms))
			ratio = append(ratio, ours[len(ours)-1]/raw[len(raw)-1])
		}
		ratios.report(b, "ingest_vs_raw_insert", median(ratio), "%.0f mails/s against %.0f inserts/s, medians of %d turns; %d mails", median(ours), median(raw), rounds, mails)
	}
}

// rate is how many of n a second fn does.
func rate(b *testing.B, n int, fn func()) float64 {
	b.Helper()
	start := time.Now()
	fn()
	return float64(n) / time.Since(start).Seconds()
}

// rawInsert is the baseline: no more work than the database demands.
func rawInsert(b *testing.B, ms []benchmail.Mail) {
	b.Helper()
	ctx := b.Context()
	conn, err := pgx.Connect(ctx, testpg.DSN(b))
	must(b, err)
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, "CREATE TABLE raw (id bigserial PRIMARY KEY, data bytea NOT NULL)")
	must(b, err)
	for len(ms) > 0 {
		n := min(page, len(ms))
		batch := &pgx.Batch{}
		for _, m := range ms[:n] {
			batch.Queue("INSERT INTO raw (data) VALUES ($1)", m.Raw)
		}
		must(b, conn.SendBatch(ctx, batch).Close())
		ms = ms[n:]
	}
}

// ingestRate connects an empty desk to the mails and takes them in.
func ingestRate(b *testing.B, ms []benchmail.Mail) float64 {
	b.Helper()
	d := newDesk(b, testpg.DSN(b), &box{mails: ms})
	n := rate(b, len(ms), d.takeIn)
	d.holds(len(ms))
	return n
}

// desk is a desk on PostgreSQL with one mailbox.
type desk struct {
	*helpdesk.Desk
	b     *testing.B
	store *postgres.Store
	box   *box
}

func newDesk(b *testing.B, dsn string, x *box) *desk {
	b.Helper()
	st, err := postgres.Open(b.Context(), dsn)
	must(b, err)
	b.Cleanup(func() { _ = st.Close() })
	must(b, st.Migrate(b.Context()))
	d, err := helpdesk.New(helpdesk.Config{
		Store: st, Keys: helpdesk.KeyFile(filepath.Join(b.TempDir(), "keys")), Providers: helpdesk.Providers{x}, PageSize: page,
	})
	must(b, err)
	_, err = d.Tenant("acme").Connect(b.Context(), account{})
	must(b, err)
	return &desk{Desk: d, b: b, store: st, box: x}
}

// takeIn works until the mailbox is read.
func (d *desk) takeIn() {
	_, err := d.RunOnce(d.b.Context())
	must(d.b, err)
}

// holds makes sure that the mails that were measured are there.
func (d *desk) holds(want int) {
	d.b.Helper()
	var got []store.Seen
	probes := make([]store.Seen, len(d.box.mails))
	for i := range probes {
		probes[i].ProviderID = itoa(i)
	}
	must(d.b, d.store.View(d.b.Context(), func(ctx context.Context, r store.Reader) error {
		id, err := d.mailbox(ctx, r)
		if err != nil {
			return err
		}
		got, err = r.Known(ctx, "acme", id, probes)
		return err
	}))
	n := 0
	for _, s := range got {
		if !s.Object.IsZero() {
			n++
		}
	}
	if n != want {
		d.b.Fatalf("%d of %d mails were taken in", n, want)
	}
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
