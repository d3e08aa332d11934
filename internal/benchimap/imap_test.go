// Package benchimap_test measures what a mailbox at a real IMAP server costs:
// Dovecot on loopback, the driver, the desk, PostgreSQL. It is apart from the
// other benchmarks because it needs mail servers; run it with make bench-imap.
package benchimap_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/internal/benchmail"
	"github.com/helpdesk-go/helpdesk/internal/testmail"
	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store/postgres"
)

func TestMain(m *testing.M) { os.Exit(testpg.Run(m)) }

const (
	mails    = 3000
	page     = 100
	rounds   = 3
	password = "s3cret"
)

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkIMAP takes 3,000 mails from Dovecot into PostgreSQL, with a key
// file, and reports medians of turns: desk/s is the whole way, fetch/s the
// driver alone, insert/s the same bytes inserted raw by pgx in batches of 100.
func BenchmarkIMAP(b *testing.B) {
	ms := benchmail.Mails(1, mails)
	server := testmail.NewDovecot(b, testmail.DovecotOptions{})
	must(b, server.AddUser("support", password))
	early := time.Now().AddDate(0, 0, -2)
	letters := make([]testmail.Letter, len(ms))
	for i, m := range ms {
		letters[i] = testmail.Letter{Raw: m.Raw, At: early.Add(time.Duration(i) * time.Second)}
	}
	must(b, server.Append("support", "INBOX", letters...))
	b.ResetTimer()
	for b.Loop() {
		var whole, fetch, raw []float64
		for range rounds {
			raw = append(raw, rate(b, func() { insert(b, ms) }))
			fetch = append(fetch, rate(b, func() { read(b, server) }))
			whole = append(whole, takeIn(b, server))
		}
		b.ReportMetric(median(whole), "desk/s")
		b.ReportMetric(median(fetch), "fetch/s")
		b.ReportMetric(median(raw), "insert/s")
		b.ReportMetric(median(whole)/median(raw), "desk/insert")
	}
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// rate is how many mails a second f handles.
func rate(b *testing.B, f func()) float64 {
	b.Helper()
	start := time.Now()
	f()
	return mails / time.Since(start).Seconds()
}

func account(server *testmail.Dovecot) imap.Account {
	return imap.Account{
		Email: "support@" + testmail.Domain, Password: password,
		IMAP: imap.Server{Host: server.Addr(), Security: imap.Plaintext},
	}
}

// insert is the least that a database must do with the mails.
func insert(b *testing.B, ms []benchmail.Mail) {
	b.Helper()
	ctx := b.Context()
	conn, err := pgx.Connect(ctx, testpg.DSN(b))
	must(b, err)
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, "CREATE TABLE raw (id bigserial PRIMARY KEY, data bytea NOT NULL)")
	must(b, err)
	for some := range slices.Chunk(ms, page) {
		batch := &pgx.Batch{}
		for _, m := range some {
			batch.Queue("INSERT INTO raw (data) VALUES ($1)", m.Raw)
		}
		must(b, conn.SendBatch(ctx, batch).Close())
	}
}

// since is before the first mail.
func since() time.Time { return time.Now().AddDate(0, 0, -3) }

// read lists and fetches the mailbox as the desk does, and drops it.
func read(b *testing.B, server *testmail.Dovecot) {
	b.Helper()
	blob, err := account(server).MarshalBinary()
	must(b, err)
	c, err := imap.New(imap.Options{}).Open(b.Context(), mailbox.Session{Account: blob, Intake: mailbox.Intake{Since: since()}})
	must(b, err)
	defer c.Close()
	n := 0
	for q := (mailbox.Query{Stream: mailbox.Backfill, Limit: page}); ; {
		p, err := c.Changes(b.Context(), q)
		must(b, err)
		for _, it := range p.Items {
			_, err := c.Fetch(b.Context(), it, 50<<20)
			must(b, err)
			n++
		}
		if q.Cursor = p.Next; !p.More {
			break
		}
	}
	if n != mails {
		b.Fatalf("read %d mails, want %d", n, mails)
	}
}

// takeIn connects an empty desk to the mailbox and returns the rate at which
// the backfill takes it in.
func takeIn(b *testing.B, server *testmail.Dovecot) float64 {
	b.Helper()
	dsn := testpg.DSN(b)
	st, err := postgres.Open(b.Context(), dsn)
	must(b, err)
	defer func() { must(b, st.Close()) }()
	must(b, st.Migrate(b.Context()))
	desk, err := helpdesk.New(helpdesk.Config{
		Store: st, Keys: helpdesk.KeyFile(filepath.Join(b.TempDir(), "keys")),
		Providers: helpdesk.Providers{imap.New(imap.Options{})}, PageSize: page,
	})
	must(b, err)
	ctx := privacy.As(b.Context(), privacy.Agent("bench"), privacy.Support)
	_, err = desk.Tenant("acme").ConnectWith(ctx, account(server), helpdesk.ConnectOptions{Intake: mailbox.Intake{Since: since()}})
	must(b, err)
	got := rate(b, func() {
		for count(b, ctx, dsn) < mails {
			_, err := desk.RunOnce(ctx)
			must(b, err)
		}
	})
	if n := count(b, ctx, dsn); n != mails {
		b.Fatalf("%d mails were taken in, want %d", n, mails)
	}
	return got
}

func count(b *testing.B, ctx context.Context, dsn string) (n int) {
	b.Helper()
	conn, err := pgx.Connect(ctx, dsn)
	must(b, err)
	defer func() { _ = conn.Close(ctx) }()
	must(b, conn.QueryRow(ctx, "SELECT count(*) FROM helpdesk.messages").Scan(&n))
	return n
}
