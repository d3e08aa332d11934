package helpdesk_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func TestIntakeOfManyPages(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		for n := range 250 {
			b.deliver(numbered(n))
		}
		b.work()
		b.wantNumbered(250)
		if n := len(b.fake.FetchedIDs("support")); n != 250 {
			t.Errorf("%d fetches of 250 mails", n)
		}
	})
}

// TestIntakeFaults: whatever goes wrong, each mail becomes one message, and the
// cursor does not move past a mail that is not stored.
func TestIntakeFaults(t *testing.T) {
	const open, changes, fetch = mailboxtest.OpOpen, mailboxtest.OpChanges, mailboxtest.OpFetch
	var cases []mailboxtest.Fault
	for _, op := range []string{open, changes, fetch} {
		for _, k := range []mailboxtest.FaultKind{
			mailboxtest.FaultThrottle, mailboxtest.FaultServerError, mailboxtest.FaultCutBefore, mailboxtest.FaultCutAfter,
			mailboxtest.FaultHang, mailboxtest.FaultHangAfter, mailboxtest.FaultSlow,
		} {
			cases = append(cases, mailboxtest.Fault{Op: op, Kind: k, Times: 2, RetryAfter: 10 * time.Second, Delay: time.Second})
		}
	}
	cases = append(cases,
		mailboxtest.Fault{Op: changes, Kind: mailboxtest.FaultExpire, Times: 3},
		mailboxtest.Fault{Op: changes, Kind: mailboxtest.FaultDuplicate, Times: 3},
		mailboxtest.Fault{Op: changes, Kind: mailboxtest.FaultReorder, Times: 3},
		mailboxtest.Fault{Op: fetch, Kind: mailboxtest.FaultHalfBody, Times: 2},
		mailboxtest.Fault{Op: fetch, Kind: mailboxtest.FaultHalfBody, Nth: 7, Times: 3},
	)
	for _, f := range cases {
		bubble(t, fmt.Sprintf("%s %s from %d", f.Op, f.Kind, f.Nth), func(t *testing.T) {
			b := newBench(t, plain(), func(c *helpdesk.Config) { c.PageSize = 5 })
			b.fake.Inject(f)
			from := b.mailboxRow().LiveCursor
			for n := range 12 {
				b.deliver(numbered(n))
			}
			b.once()
			if len(b.tickets()) == 0 && !bytes.Equal(b.mailboxRow().LiveCursor, from) {
				t.Error("the cursor moved although nothing was stored")
			}
			b.patiently(40 * time.Minute)
			b.wantNumbered(12)
			b.fired(f.Op, f.Kind)
			if q := b.quarantine(); len(q) != 0 {
				t.Errorf("%d good mails in quarantine", len(q))
			}
			if h := b.health(); h.State != store.HealthOK {
				t.Errorf("health %+v", h)
			}
			if b.fake.Connections() != 0 || len(b.fake.Misuse()) != 0 {
				t.Errorf("%d connections open, misuse %q", b.fake.Connections(), b.fake.Misuse())
			}
		})
	}
}

func TestIntakeRetryAfter(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.once()
		b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpChanges, Kind: mailboxtest.FaultThrottle, RetryAfter: 7 * time.Minute})
		b.deliver(numbered(0))
		b.work()
		failed := time.Now()
		asked := b.fake.Requests()[mailboxtest.OpOpen]
		for b.fake.Requests()[mailboxtest.OpOpen] == asked {
			time.Sleep(time.Second)
			b.once()
		}
		if waited := time.Since(failed); waited < 7*time.Minute || waited > 9*time.Minute {
			t.Errorf("asked again after %s, was told 7m", waited)
		}
		b.wantNumbered(1)
	})
}

func TestIntakeResync(t *testing.T) {
	bubble(t, "nothing twice, nothing lost", func(t *testing.T) {
		b := newBench(t, plain(), func(c *helpdesk.Config) { c.PageSize = 3 })
		for n := range 10 {
			b.deliver(numbered(n))
		}
		b.work()
		b.fake.ExpireCursor("support")
		for n := range 5 {
			b.deliver(numbered(10 + n))
		}
		b.work()
		b.wantNumbered(15)
		if n := len(b.fake.FetchedIDs("support")); n != 15 {
			t.Errorf("%d fetches of 15 mails: what is known is not fetched again", n)
		}
	})
	bubble(t, "of a backfill", func(t *testing.T) {
		b := unconnected(t, plain(), func(c *helpdesk.Config) { c.PageSize = 3 })
		for n := range 10 {
			b.fake.DeliverAt("support", numbered(n).raw(), time.Now().Add(-time.Duration(n+1)*time.Hour))
		}
		o := helpdesk.ConnectOptions{}
		o.Intake.Since = time.Now().Add(-48 * time.Hour)
		b.connect(o)
		b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpChanges, Kind: mailboxtest.FaultExpire, Nth: 4})
		b.patiently(2 * time.Minute)
		b.wantNumbered(10)
		b.fired(mailboxtest.OpChanges, mailboxtest.FaultExpire)
	})
}

// TestIntakeStoreFaults: what goes wrong at the store changes nothing about
// what is stored in the end.
func TestIntakeStoreFaults(t *testing.T) {
	intake := func(c store.Changes) bool { return len(c.Seen) > 0 }
	stale := func(times int) func(store.Changes) error {
		return func(c store.Changes) error {
			if intake(c) && times > 0 {
				times--
				return fmt.Errorf("test: %w", store.ErrStale)
			}
			return nil
		}
	}
	for name, set := range map[string]func(*faulty){
		"none":                 func(*faulty) {},
		"stale three times":    func(s *faulty) { s.refuse = stale(3) },
		"stale storm":          func(s *faulty) { s.refuse = stale(30) },
		"closures twice":       func(s *faulty) { s.twice = true },
		"answers lost":         func(s *faulty) { n := 0; s.lose = func([]store.Changes) bool { n++; return n%3 == 0 } },
		"down for ten minutes": func(s *faulty) { s.down = true },
		"slow as the lease":    func(s *faulty) { s.slow = 20 * time.Second },
	} {
		bubble(t, name, func(t *testing.T) {
			b := newBench(t, plain(), func(c *helpdesk.Config) { c.PageSize = 5 })
			for n := range 12 {
				b.deliver(numbered(n))
			}
			b.store.set(set)
			b.patiently(10 * time.Minute)
			ran := b.store.ran
			b.store.set(func(s *faulty) { s.down, s.twice, s.lose, s.slow = false, false, nil, 0 })
			b.patiently(20 * time.Minute)
			b.wantNumbered(12)
			if n := b.countEvents(ticket.TicketCreated); n != 12 {
				t.Errorf("%d events of 12 tickets", n)
			}
			if name == "closures twice" && ran == 0 {
				t.Error("no closure ran twice")
			}
		})
	}
}

func TestIntakeFencedWhileSyncing(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, mailboxtest.FakeOptions{Latency: time.Second}, nil)
		for n := range 20 {
			b.deliver(numbered(n))
		}
		go func() {
			time.Sleep(2*time.Minute + 10*time.Second)
			if err := b.acme.Disconnect(t.Context(), b.box.ID); err != nil {
				t.Errorf("Disconnect: %v", err)
			}
		}()
		b.work()
		b.work()
		if n := len(b.tickets()); n != 0 {
			t.Errorf("%d tickets written to a fenced mailbox", n)
		}
		if b.fake.Connections() != 0 {
			t.Error("a connection stays open")
		}
	})
}

func TestIntakeDuplicates(t *testing.T) {
	m := mail{from: ann, id: "same@customer.example", subject: "Lamp", text: "It does not light."}
	poison := m
	poison.from, poison.text = eve, "Ignore the first mail."
	anonymous := m
	anonymous.id = ""
	for _, c := range []struct {
		name string
		put  func(b *bench)
		want int // messages
	}{
		{"the same id again", func(b *bench) {
			b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpChanges, Kind: mailboxtest.FaultDuplicate, Times: 5})
			b.deliver(m)
		}, 1},
		{"a copy under another id, on one page", func(b *bench) { b.deliver(m); b.deliver(m) }, 1},
		{"a copy under another id, later", func(b *bench) { b.deliver(m); b.work(); b.deliver(m) }, 1},
		{"a copy that took another way", func(b *bench) {
			b.deliver(m)
			b.work()
			b.fake.Deliver("support", append([]byte("Received: from elsewhere by here; Mon, 1 Jan 2001 00:00:00 +0000\r\n"), m.raw()...))
		}, 1},
		{"the same Message-ID with other content", func(b *bench) { b.deliver(m); b.work(); b.deliver(poison) }, 2},
		{"the same on one page", func(b *bench) { b.deliver(poison); b.deliver(m) }, 2},
		{"no Message-ID, another time", func(b *bench) { b.deliver(anonymous); time.Sleep(time.Second); b.deliver(anonymous) }, 2},
		{"no Message-ID, another time, later", func(b *bench) { b.deliver(anonymous); b.work(); b.deliver(anonymous) }, 2},
		{"no Message-ID, the same time", func(b *bench) { b.deliver(anonymous); b.deliver(anonymous) }, 1},
		{"gone before it was fetched", func(b *bench) { b.deliver(m); b.fake.Remove("support", b.deliver(poison)) }, 1},
		{"moved away and back", func(b *bench) {
			id := b.deliver(m)
			b.work()
			b.fake.Move("support", id, "Archive")
			b.work()
			b.fake.Move("support", id, mailboxtest.Inbox)
		}, 1},
		{"deleted later", func(b *bench) { id := b.deliver(m); b.work(); b.fake.Remove("support", id) }, 1},
		{"a draft", func(b *bench) {
			b.deliver(m)
			b.fake.Put("support", mailboxtest.Arrival{Raw: poison.raw(), Folder: mailboxtest.DraftsFolder})
		}, 1},
	} {
		bubble(t, c.name, func(t *testing.T) {
			b := newBench(t, plain(), nil)
			c.put(b)
			b.work()
			b.work()
			n := 0
			for _, tk := range b.tickets() {
				n += len(b.conversation(tk.ID).Messages)
			}
			if n != c.want {
				t.Errorf("%d messages, want %d", n, c.want)
			}
		})
	}
}

func TestIntakeOfOddMails(t *testing.T) {
	big := numbered(0)
	big.more = "X-Fill: 1\r\n"
	big.text = strings.Repeat("All work and no play makes a large mail.\r\n", 20_000) // a blob
	for name, raw := range map[string][]byte{
		"empty": {}, "no header": []byte("\r\nhello"), "only a header": []byte("Subject: x\r\n"),
		"nul and eight bit": []byte("From: " + ann + "\r\nSubject: \xff\x00\r\n\r\n\x00\xfe"), "large": big.raw(),
	} {
		bubble(t, name, func(t *testing.T) {
			b := newBench(t, plain(), nil)
			b.fake.Deliver("support", raw)
			b.deliver(numbered(1))
			b.work()
			if n := len(b.tickets()) + len(b.quarantine()); n != 2 {
				t.Fatalf("%d of 2 mails are there", n)
			}
			for _, tk := range b.tickets() {
				m := b.conversation(tk.ID).Messages[0]
				got, err := b.acme.Raw(b.agent, m.ID)
				if len(raw) == 0 && errors.Is(err, helpdesk.ErrNotFound) {
					continue // there is nothing to open
				}
				if err != nil || !slices.Contains([]string{string(raw), string(numbered(1).raw())}, string(got)) {
					t.Errorf("the raw mail does not come back as it was: %v, %d bytes", err, len(got))
				}
			}
		})
	}
}
