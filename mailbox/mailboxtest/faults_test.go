package mailboxtest_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
)

func TestFaultsOfReading(t *testing.T) {
	f := plain()
	c := open(t, f, mailbox.Intake{})
	start := changes(t, c, mailbox.Query{}).Next
	for _, id := range []string{"a", "b", "c"} {
		f.Deliver(user, mail(id))
	}

	f.Inject(mailboxtest.Fault{Op: mailboxtest.OpChanges, Kind: mailboxtest.FaultDuplicate})
	p := changes(t, c, mailbox.Query{Cursor: start, Limit: 2})
	q := changes(t, c, mailbox.Query{Cursor: p.Next})
	if !p.More || len(q.Items) != 2 || q.Items[0].ID != p.Items[1].ID {
		t.Errorf("duplicate listing gave %v, then %v", p.Items, q.Items)
	}

	f.Inject(mailboxtest.Fault{Op: mailboxtest.OpChanges, Kind: mailboxtest.FaultReorder})
	r := changes(t, c, mailbox.Query{Cursor: start, Limit: 2})
	if r.Items[0].ID != p.Items[1].ID || r.Items[1].ID != p.Items[0].ID {
		t.Errorf("reordered listing gave %v", r.Items)
	}

	f.Inject(mailboxtest.Fault{Op: mailboxtest.OpChanges, Kind: mailboxtest.FaultExpire})
	if page := changes(t, c, mailbox.Query{}); len(page.Items) > 0 {
		t.Error("expiry fired without a cursor")
	}
	_, err := c.Changes(t.Context(), mailbox.Query{Stream: mailbox.Live, Cursor: start, Limit: 9})
	wantKind(t, err, mailbox.CursorExpired)
	again := changes(t, c, mailbox.Query{Cursor: start, Resync: true, From: time.Now().Add(-time.Hour)})
	if len(again.Items) != 3 {
		t.Errorf("resync listed %d mails, want 3", len(again.Items))
	}

	for kind, want := range map[mailboxtest.FaultKind]mailbox.Kind{
		mailboxtest.FaultMissing: mailbox.NotFound, mailboxtest.FaultTooLarge: mailbox.TooLarge,
		mailboxtest.FaultHalfBody: mailbox.Transient,
	} {
		c := open(t, f, mailbox.Intake{})
		f.Inject(mailboxtest.Fault{Op: mailboxtest.OpFetch, Kind: kind})
		raw, err := c.Fetch(t.Context(), p.Items[0], 1<<20)
		wantKind(t, err, want)
		if raw.Bytes != nil {
			t.Errorf("%s returned bytes", kind)
		}
	}
	if got := f.FetchedIDs(user); len(got) != 3 {
		t.Errorf("FetchedIDs = %v, want 3 requests", got)
	}
}

func TestFaultNthAndTimes(t *testing.T) {
	f := plain()
	c := open(t, f, mailbox.Intake{})
	f.Inject(mailboxtest.Fault{Op: mailboxtest.OpChanges, Kind: mailboxtest.FaultServerError, Nth: 2, Times: 2})
	var got []bool
	for range 5 {
		_, err := c.Changes(t.Context(), mailbox.Query{Stream: mailbox.Live, Limit: 1})
		got = append(got, err != nil)
	}
	if want := []bool{false, true, true, false, false}; !slices.Equal(got, want) {
		t.Errorf("failed %v, want %v", got, want)
	}
}

func TestInjectRefusesWhatCannotFire(t *testing.T) {
	for _, r := range []mailboxtest.Fault{
		{Op: mailboxtest.OpSend, Kind: mailboxtest.FaultHalfBody},
		{Op: mailboxtest.OpDraft, Kind: mailboxtest.FaultCutAfter},
		{Op: "chnages", Kind: mailboxtest.FaultCutAfter},
		{Kind: "no such kind"},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Inject took %+v", r)
				}
			}()
			plain().Inject(r)
		}()
	}
}

// A lost token stays lost until the person signs in again, on all connections.
func TestTokenDeath(t *testing.T) {
	f := rich()
	c := open(t, f, mailbox.Intake{})
	f.Inject(mailboxtest.Fault{Op: mailboxtest.OpChanges, Kind: mailboxtest.FaultTokenDeath})
	for range 2 {
		_, err := c.Changes(t.Context(), mailbox.Query{Stream: mailbox.Live, Limit: 1})
		wantKind(t, err, mailbox.Auth)
	}
	if !f.TokenDead(user) {
		t.Error("TokenDead is false")
	}
	f.SetPassword(user, account.Password)
	changes(t, open(t, f, mailbox.Intake{}), mailbox.Query{})
}

func TestChaosIsDeterministic(t *testing.T) {
	run := func(seed uint64) map[string]int {
		f := rich()
		f.Chaos(seed, 0.4)
		raw, _ := account.MarshalBinary()
		for range 100 {
			c, err := f.Provider().Open(t.Context(), mailbox.Session{Account: raw})
			if err != nil {
				continue
			}
			c.Changes(t.Context(), mailbox.Query{Stream: mailbox.Live, Limit: 1})
			c.Send(t.Context(), outgoing("a"))
			c.Close()
		}
		return f.Fired()
	}
	first := run(7)
	if len(first) < 8 || !maps.Equal(first, run(7)) {
		t.Errorf("a seed draws different faults, or few: %v", first)
	}
	if maps.Equal(first, run(8)) {
		t.Error("another seed draws the same faults")
	}
}

// Time is the bubble's: hours of waiting take none.
func TestUnderSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := plain()
		c := open(t, f, mailbox.Intake{})
		begin := time.Now()
		go func() {
			time.Sleep(3 * time.Hour)
			f.Deliver(user, mail("a"))
		}()
		if err := c.(mailbox.Waiter).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.Inject(mailboxtest.Fault{Op: mailboxtest.OpChanges, Kind: mailboxtest.FaultSlow, Delay: time.Hour})
		changes(t, c, mailbox.Query{})
		if d := time.Since(begin); d != 4*time.Hour {
			t.Errorf("took %s, want 4h", d)
		}
	})
}

func TestNotificationFaults(t *testing.T) {
	tests := []struct {
		kind  mailboxtest.FaultKind
		wakes []bool // after the first and the second mail
	}{
		{mailboxtest.FaultNotifyTwice, []bool{true, true}},
		{mailboxtest.FaultNotifyLate, []bool{false, true}},
		{mailboxtest.FaultNotifyLost, []bool{false, true}},
	}
	for _, tt := range tests {
		t.Run(string(tt.kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := plain()
				c := open(t, f, mailbox.Intake{})
				f.Inject(mailboxtest.Fault{Op: mailboxtest.OpNotify, Kind: tt.kind})
				for i, want := range tt.wakes {
					changes(t, c, mailbox.Query{})
					f.Deliver(user, mail("a"))
					if got := woke(t, c); got != want {
						t.Errorf("mail %d woke Wait: %v, want %v", i, got, want)
					}
				}
			})
		})
	}
}

// woke reports whether Wait ends before a minute is over.
func woke(t *testing.T, c mailbox.Conn) bool {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	begin := time.Now()
	if err := c.(mailbox.Waiter).Wait(ctx); err != nil {
		t.Fatal(err)
	}
	return time.Since(begin) < time.Minute
}

// A late copy in the index is the case in which looking once proves nothing.
func TestSentLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := mailboxtest.NewFake(mailboxtest.FakeOptions{SentLag: 20 * time.Second,
			Capabilities: mailboxtest.RichCapabilities()})
		c := open(t, f, mailbox.Intake{})
		if _, err := c.Send(t.Context(), outgoing("a")); err != nil {
			t.Fatal(err)
		}
		sought := mailbox.Sought{Marker: "marker-a"}
		_, err := c.FindSent(t.Context(), sought)
		wantKind(t, err, mailbox.NotFound)
		time.Sleep(20 * time.Second)
		if _, err := c.FindSent(t.Context(), sought); err != nil {
			t.Error(err)
		}
	})
}

func TestMisuseIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := plain()
		c := open(t, f, mailbox.Intake{})
		go c.(mailbox.Waiter).Wait(t.Context())
		synctest.Wait()
		changes(t, c, mailbox.Query{})
		if len(f.Misuse()) != 1 {
			t.Errorf("Misuse = %v", f.Misuse())
		}
		c.Close()
		if f.Connections() != 0 {
			t.Errorf("%d connections are open", f.Connections())
		}
	})
}
