package ticket_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/helpdesk-go/helpdesk/ticket"
)

var (
	kari    = ticket.ByAgent("kari")
	contact = ticket.ByContact()
)

func opening(o ticket.Origin) ticket.Opening {
	return ticket.Opening{
		ID: ticket.NewID(noon), Tenant: "acme", Mailbox: ticket.NewID(noon), Contact: ticket.NewID(noon),
		Origin: o, Related: ticket.NewID(noon),
	}
}

func TestStart(t *testing.T) {
	for origin, want := range map[ticket.Origin]ticket.Status{
		ticket.FromMail: ticket.Open, ticket.FromAgent: ticket.Open, ticket.FromBackfill: ticket.Closed,
	} {
		o := opening(origin)
		got, ev := ticket.Start(o, contact, noon)
		exp := ticket.Ticket{
			ID: o.ID, Tenant: "acme", Mailbox: o.Mailbox, Contact: o.Contact, Origin: origin, Related: o.Related,
			Status: want, Version: 1, CreatedAt: noon, UpdatedAt: noon,
		}
		if want == ticket.Closed {
			exp.ClosedAt = noon
		}
		if d := cmp.Diff(exp, got); d != "" {
			t.Errorf("%s: %s", origin, d)
		}
		checkEvent(t, ev, got, ticket.TicketCreated, contact, noon)
	}
}

func checkEvent(t *testing.T, ev ticket.Event, of ticket.Ticket, typ ticket.EventType, by ticket.Actor, at time.Time) {
	t.Helper()
	if ev.ID.IsZero() || ev.Version != ticket.EventVersion || ev.Type != typ || !ev.At.Equal(at) || ev.By != by ||
		ev.Tenant != of.Tenant || ev.Mailbox != of.Mailbox || ev.Ticket != of.ID {
		t.Errorf("event %+v is no %s of ticket %v", ev, typ, of.ID)
	}
}

// at returns a ticket in a status, an hour old.
func at(s ticket.Status) ticket.Ticket {
	tk, _ := ticket.Start(opening(ticket.FromMail), contact, noon)
	tk, _ = tk.SetStatus(s, kari, noon)
	return tk
}

func TestAdd(t *testing.T) {
	const open, pending, closed = ticket.Open, ticket.Pending, ticket.Closed
	all := []ticket.Status{open, pending, closed}
	same := []ticket.Status{open, pending, closed}
	to := func(s ticket.Status) []ticket.Status { return []ticket.Status{s, s, s} }
	for _, c := range []struct {
		name   string
		dir    ticket.Direction
		kind   ticket.Kind
		source ticket.Source
		rules  ticket.Rules
		event  ticket.EventType
		after  []ticket.Status // of open, pending, closed
	}{
		{"a person's mail reopens", ticket.In, ticket.KindPerson, ticket.SourceLive, ticket.Rules{}, ticket.MessageReceived, to(open)},
		{"a mail of unknown kind reopens", ticket.In, "", ticket.SourceLive, ticket.Rules{}, ticket.MessageReceived, to(open)},
		{"a list's mail reopens", ticket.In, ticket.KindList, ticket.SourceLive, ticket.Rules{}, ticket.MessageReceived, to(open)},
		{"an auto-reply changes nothing", ticket.In, ticket.KindAutoReply, ticket.SourceLive, ticket.Rules{}, ticket.MessageReceived, same},
		{"a bounce changes nothing", ticket.In, ticket.KindBounce, ticket.SourceLive, ticket.Rules{}, ticket.MessageReceived, same},
		{"a backfilled mail changes nothing", ticket.In, ticket.KindPerson, ticket.SourceBackfill, ticket.Rules{}, ticket.MessageReceived, same},
		{"a backfilled answer changes nothing", ticket.Out, ticket.KindPerson, ticket.SourceBackfill, ticket.Rules{}, ticket.ReplySeen, same},
		{"a note changes nothing", ticket.Note, "", ticket.SourceHost, ticket.Rules{AfterReply: closed}, ticket.NoteAdded, same},
		{"a reply waits for the contact", ticket.Out, ticket.KindPerson, ticket.SourceHost, ticket.Rules{}, ticket.ReplyQueued, to(pending)},
		{"a reply closes by rule", ticket.Out, ticket.KindPerson, ticket.SourceHost, ticket.Rules{AfterReply: closed}, ticket.ReplyQueued, to(closed)},
		{"a reply leaves open by rule", ticket.Out, ticket.KindPerson, ticket.SourceHost, ticket.Rules{AfterReply: open}, ticket.ReplyQueued, to(open)},
		{"an answer from the mail program", ticket.Out, ticket.KindPerson, ticket.SourceSent, ticket.Rules{}, ticket.ReplySeen, to(pending)},
	} {
		for i, from := range all {
			t.Run(c.name+" on "+string(from), func(t *testing.T) {
				before, now := at(from), noon.Add(time.Hour)
				m := ticket.Message{
					ID: ticket.NewID(now), Tenant: "wrong", Direction: c.dir, Kind: c.kind,
					Provenance: ticket.Provenance{Source: c.source}, Match: ticket.Trace{Rung: ticket.RungThread},
				}
				got, added, events := before.Add(m, contact, c.rules, now)
				if got.Status != c.after[i] {
					t.Fatalf("status is %s, want %s", got.Status, c.after[i])
				}
				if added.Seq != 1 || got.Seq != 1 || added.Tenant != "acme" || added.Ticket != got.ID || added.Mailbox != got.Mailbox || added.ID != m.ID {
					t.Fatalf("message is not on the ticket: %+v", added)
				}
				if got.Version != before.Version+1 || !got.UpdatedAt.Equal(now) || !got.CreatedAt.Equal(noon) {
					t.Fatalf("version or times: %+v", got)
				}
				checkClosedAt(t, before, got, now)
				checkEvent(t, events[0], got, c.event, contact, now)
				if events[0].Message != m.ID || events[0].Rung != ticket.RungThread {
					t.Fatalf("event is %+v", events[0])
				}
				checkMove(t, events[1:], before, got, contact, now)
			})
		}
	}
}

// checkClosedAt: it is set exactly while closed, to when that began.
func checkClosedAt(t *testing.T, before, after ticket.Ticket, now time.Time) {
	t.Helper()
	want := time.Time{}
	if after.Status == ticket.Closed {
		if want = now; before.Status == ticket.Closed {
			want = before.ClosedAt
		}
	}
	if !after.ClosedAt.Equal(want) {
		t.Errorf("ClosedAt is %v, want %v", after.ClosedAt, want)
	}
}

// checkMove: exactly one event for a change of status, none without.
func checkMove(t *testing.T, events []ticket.Event, before, after ticket.Ticket, by ticket.Actor, now time.Time) {
	t.Helper()
	if before.Status == after.Status {
		if len(events) != 0 {
			t.Errorf("nothing changed, but %+v", events)
		}
		return
	}
	if len(events) != 1 || events[0].From != string(before.Status) || events[0].To != string(after.Status) {
		t.Fatalf("events of %s to %s are %+v", before.Status, after.Status, events)
	}
	checkEvent(t, events[0], after, ticket.StatusChanged, by, now)
}

func TestSequence(t *testing.T) {
	tk := at(ticket.Open)
	for i := range int64(5) {
		var m ticket.Message
		tk, m, _ = tk.Add(ticket.Message{ID: ticket.NewID(noon), Direction: ticket.Note}, kari, ticket.Rules{}, noon)
		if m.Seq != i+1 || tk.Seq != i+1 {
			t.Fatalf("message %d has %d, ticket %d", i+1, m.Seq, tk.Seq)
		}
	}
}

func TestSetStatus(t *testing.T) {
	all := []ticket.Status{ticket.Open, ticket.Pending, ticket.Closed}
	for _, from := range all {
		for _, to := range all {
			before, now := at(from), noon.Add(time.Hour)
			got, events := before.SetStatus(to, kari, now)
			if got.Status != to {
				t.Errorf("%s to %s: is %s", from, to, got.Status)
			}
			checkClosedAt(t, before, got, now)
			checkMove(t, events, before, got, kari, now)
			if from == to {
				if d := cmp.Diff(before, got); d != "" {
					t.Errorf("%s to itself: %s", from, d)
				}
			} else if got.Version != before.Version+1 || !got.UpdatedAt.Equal(now) {
				t.Errorf("%s to %s: %+v", from, to, got)
			}
		}
	}
	for s, valid := range map[ticket.Status]bool{"open": true, "pending": true, "closed": true, "": false, "Open": false} {
		if s.Valid() != valid {
			t.Errorf("%q: Valid is %v", s, !valid)
		}
	}
}

func TestAssign(t *testing.T) {
	now := noon.Add(time.Hour)
	for _, c := range []struct{ from, to ticket.AgentID }{{"", "kari"}, {"kari", "ola"}, {"ola", ""}, {"kari", "kari"}, {"", ""}, {"kari", "Kari"}} {
		before := at(ticket.Pending)
		before.Assignee = c.from
		got, events := before.Assign(c.to, kari, now)
		if got.Assignee != c.to || got.Status != ticket.Pending {
			t.Errorf("%q to %q: %+v", c.from, c.to, got)
		}
		if c.from == c.to {
			if len(events) != 0 || got.Version != before.Version {
				t.Errorf("%q to itself: %+v", c.from, events)
			}
			continue
		}
		if len(events) != 1 || events[0].From != string(c.from) || events[0].To != string(c.to) || got.Version != before.Version+1 {
			t.Fatalf("%q to %q: %+v", c.from, c.to, events)
		}
		checkEvent(t, events[0], got, ticket.Assigned, kari, now)
	}
}

func TestTag(t *testing.T) {
	list := func(s string) []string { return strings.Fields(s) }
	for _, c := range []struct{ have, add, remove, want, events string }{
		{"", "b a", "", "a b", "+a +b"},
		{"a", "a", "", "a", ""},
		{"a b", "", "a", "b", "-a"},
		{"a", "b", "a", "b", "+b -a"},
		{"a", "b b", "", "a b", "+b"},
		{"a", "b", "b", "a", ""},
		{"a", "", "b", "a", ""},
		{"a", "A", "", "A a", "+A"},
		{"a", "", "a", "", "-a"},
		{"", "", "", "", ""},
	} {
		before := at(ticket.Closed)
		before.Tags = list(c.have)
		got, events := before.Tag(list(c.add), list(c.remove), kari, noon.Add(time.Hour))
		var told []string
		for _, ev := range events {
			sign := map[ticket.EventType]string{ticket.Tagged: "+", ticket.Untagged: "-"}[ev.Type]
			told = append(told, sign+ev.From+ev.To)
		}
		if !slices.Equal(got.Tags, list(c.want)) || strings.Join(told, " ") != c.events {
			t.Errorf("%+v: tags %q, events %q", c, got.Tags, told)
		}
		if changed := got.Version != before.Version; changed != (c.events != "") {
			t.Errorf("%+v: version %d after %d", c, got.Version, before.Version)
		}
		if !slices.Equal(before.Tags, list(c.have)) {
			t.Errorf("%+v: the ticket before was changed to %q", c, before.Tags)
		}
	}
	if got, events := at(ticket.Open).Tag([]string{""}, nil, kari, noon); len(got.Tags) != 0 || len(events) != 0 {
		t.Error("the empty tag was set")
	}
}

// TestVersionsShareNothing: a changed ticket does not change the one before.
func TestVersionsShareNothing(t *testing.T) {
	a, _ := at(ticket.Open).Tag([]string{"a", "b"}, nil, kari, noon)
	b, _ := a.SetStatus(ticket.Closed, kari, noon)
	b.Tags[0] = "changed"
	if a.Tags[0] != "a" {
		t.Fatal("two versions share their tags")
	}
}

func TestUpdatedAtNeverGoesBack(t *testing.T) {
	before, past := at(ticket.Open), noon.Add(-time.Hour)
	a, _ := before.SetStatus(ticket.Closed, kari, past)
	b, _ := before.Assign("ola", kari, past)
	c, _ := before.Tag([]string{"a"}, nil, kari, past)
	d, _, _ := before.Add(ticket.Message{Direction: ticket.In}, contact, ticket.Rules{}, past)
	for i, got := range []ticket.Ticket{a, b, c, d} {
		if !got.UpdatedAt.Equal(noon) || got.Version != before.Version+1 {
			t.Errorf("%d: %+v", i, got)
		}
	}
}

func TestExpired(t *testing.T) {
	closed := at(ticket.Closed)
	for _, c := range []struct {
		status ticket.Status
		within time.Duration
		after  time.Duration
		want   bool
	}{
		{ticket.Closed, 0, 1000 * time.Hour, false},
		{ticket.Closed, time.Hour, time.Hour, false},
		{ticket.Closed, time.Hour, time.Hour + 1, true},
		{ticket.Open, time.Hour, 2 * time.Hour, false},
		{ticket.Pending, time.Hour, 2 * time.Hour, false},
	} {
		tk := closed
		tk.Status = c.status
		if got := (ticket.Rules{ReopenWithin: c.within}).Expired(tk, noon.Add(c.after)); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// TestEventFormat freezes what is written: readers of the log depend on it.
func TestEventFormat(t *testing.T) {
	id := func(n byte) ticket.ID { return ticket.ID{15: n} }
	b, err := json.Marshal(ticket.Event{
		ID: id(1), Version: 1, Type: ticket.MessageReceived, At: noon, By: ticket.ByAgent("kari"), Tenant: "acme",
		Mailbox: id(2), Ticket: id(3), Message: id(4), From: "a", To: "b", Cause: "c", Rung: ticket.RungToken,
	})
	const zeros = "00000000-0000-0000-0000-00000000000"
	want := `{"id":"` + zeros + `1","version":1,"type":"message.received","at":"2026-03-29T12:00:00.123456789Z",` +
		`"by":{"role":"agent","agent":"kari"},"tenant":"acme","mailbox":"` + zeros + `2","ticket":"` + zeros + `3",` +
		`"message":"` + zeros + `4","from":"a","to":"b","cause":"c","rung":"token"}`
	if err != nil || string(b) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, b, want)
	}
	b, err = json.Marshal(ticket.Event{ID: id(1), By: ticket.BySystem()})
	if err != nil || strings.Contains(string(b), `"ticket"`) || strings.Contains(string(b), `"message"`) {
		t.Errorf("absent ids are written: %s, %v", b, err)
	}
}
