package ledgertest

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func testID(t *testing.T, f *fixture) {
	id := f.ledger.ID()
	if id.IsZero() {
		t.Fatal("a ledger without ID cannot be recognised")
	}
	f.append(Entry(privacy.LedgerErase))
	if f.ledger.ID() != id {
		t.Fatal("the ID changed")
	}
}

func testEmpty(t *testing.T, f *fixture) {
	if got := f.read(0, 10); len(got) != 0 || f.head() != (privacy.Position{}) {
		t.Fatalf("an empty ledger has %v and ends at %+v", got, f.head())
	}
	at, err := f.ledger.At(f.ctx, 0)
	if err != nil || at != (privacy.Position{}) {
		t.Fatalf("At(0): %+v, %v", at, err)
	}
	f.whole(0)
}

func testRoundTrip(t *testing.T, f *fixture) {
	full := Entry(privacy.LedgerErase)
	full.Scope.Ticket, full.Scope.Contact = ticket.NewID(full.At), ticket.NewID(full.At)
	full.Scope.Part = privacy.AttachmentsPart
	full.Keep = []ticket.ID{ticket.NewID(full.At)}
	full.Body = object("ground", "statutory")
	least := privacy.LedgerEntry{ID: ticket.NewID(full.At), Kind: privacy.LedgerClosed, At: full.At,
		Scope: privacy.Scope{Tenant: "acme"}}
	f.append(full, least)
	f.holds(full, least)
	f.whole(2)

	odd := Entry(privacy.LedgerHold)
	odd.At = odd.At.In(time.FixedZone("east", 7200)).Add(999)
	odd.Slots, odd.Keep = []ticket.ID{}, []ticket.ID{}
	odd.Body = json.RawMessage("\n{ \"a\" : \"<b> & é\" }\n")
	want, err := odd.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	f.append(odd)
	f.holds(full, least, want)
	f.whole(3)
}

func testNumber(t *testing.T, f *fixture) {
	for want := int64(1); want <= 3; want++ {
		e := Entry(privacy.LedgerErase)
		e.N = 40
		at := f.append(e)
		if at.N != want || f.head() != at || f.read(want-1, 1)[0].N != want {
			t.Fatalf("entry %d is at %d", want, at.N)
		}
	}
}

func testChain(t *testing.T, f *fixture) {
	var at privacy.Position
	seen := map[[32]byte]bool{}
	for i := range 3 {
		e := Entry(privacy.LedgerErase)
		e.Body = object("i", string(rune('a'+i)))
		want := e.Chain(f.ledger.ID(), at)
		if at = f.append(e); at != want || seen[at.Hash] {
			t.Fatalf("position %+v, want %+v", at, want)
		}
		seen[at.Hash] = true
		if got, err := f.ledger.At(f.ctx, at.N); err != nil || got != at {
			t.Fatalf("At(%d): %+v, %v", at.N, got, err)
		}
	}
	if got, err := f.ledger.At(f.ctx, 1); err != nil || got.N != 1 || !seen[got.Hash] {
		t.Fatalf("At(1) later: %+v, %v", got, err)
	}
}

func testPages(t *testing.T, f *fixture) {
	var all []privacy.LedgerEntry
	for range 7 {
		all = append(all, Entry(privacy.LedgerErase))
	}
	f.append(all...)
	var got []privacy.LedgerEntry
	for {
		page := f.read(int64(len(got)), 3)
		if len(page) > 3 {
			t.Fatalf("%d entries, at most 3 were asked for", len(page))
		}
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
	}
	f.same(got, all)
	if got := f.read(2, 0); len(got) != 0 {
		t.Fatalf("no entries were asked for, got %v", got)
	}
}

func testAgain(t *testing.T, f *fixture) {
	first, second := Entry(privacy.LedgerErase), Entry(privacy.LedgerErase)
	at := f.append(first)
	f.append(second)
	other := first
	other.Slots, other.At, other.Body = nil, other.At.Add(time.Hour), object("a", "b")
	for _, again := range []privacy.LedgerEntry{first, other} {
		if got := f.append(again); got != at {
			t.Fatalf("again: position %+v, want that of the first %+v", got, at)
		}
	}
	f.holds(first, second)
	f.whole(2)
}

func testKinds(t *testing.T, f *fixture) {
	hold := Entry(privacy.LedgerHold)
	release := hold
	release.Kind = privacy.LedgerRelease
	f.append(hold, release)
	f.holds(hold, release)
	for _, k := range []privacy.LedgerKind{privacy.LedgerErase, privacy.LedgerClosed, privacy.LedgerRecovered} {
		f.append(Entry(k))
	}
	f.whole(5)
}

func testBehind(t *testing.T, f *fixture) {
	f.append(Entry(privacy.LedgerErase))
	_, err := f.ledger.At(f.ctx, 2)
	f.refused(privacy.ErrLedgerBehind, err)
	_, err = f.ledger.Read(f.ctx, 2, 1)
	f.refused(privacy.ErrLedgerBehind, err)
	if got := f.read(1, 1); len(got) != 0 {
		t.Fatalf("after the last entry there is %v", got)
	}
}

func testRefused(t *testing.T, f *fixture) {
	for name, change := range map[string]func(*privacy.LedgerEntry){
		"no id":              func(e *privacy.LedgerEntry) { e.ID = ticket.ID{} },
		"no kind":            func(e *privacy.LedgerEntry) { e.Kind = "" },
		"unknown kind":       func(e *privacy.LedgerEntry) { e.Kind = "hide" },
		"no time":            func(e *privacy.LedgerEntry) { e.At = time.Time{} },
		"no tenant":          func(e *privacy.LedgerEntry) { e.Scope.Tenant = "" },
		"unknown part":       func(e *privacy.LedgerEntry) { e.Scope.Part = "half" },
		"body is no JSON":    func(e *privacy.LedgerEntry) { e.Body = json.RawMessage(`{"a"`) },
		"body is no object":  func(e *privacy.LedgerEntry) { e.Body = json.RawMessage(`[1]`) },
		"body is no UTF-8":   func(e *privacy.LedgerEntry) { e.Body = json.RawMessage("{\"a\":\"\xff\"}") },
		"body is two values": func(e *privacy.LedgerEntry) { e.Body = json.RawMessage(`{} {}`) },
		"too long": func(e *privacy.LedgerEntry) {
			e.Body = object("a", strings.Repeat("x", privacy.MaxLedgerEntry))
		},
	} {
		e := Entry(privacy.LedgerErase)
		change(&e)
		if _, err := f.ledger.Append(f.ctx, e); err == nil {
			t.Errorf("%s: was written", name)
		} else {
			f.refused(privacy.ErrLedgerEntry, err)
		}
	}
	f.whole(0)
}

func testOpaqueTenants(t *testing.T, f *fixture) {
	var all []privacy.LedgerEntry
	for _, id := range []ticket.TenantID{"Acme", "acmé", "acme\u0301", "acme ", "\xff\xfe", "\xff\xfd", "a\"\n\\", ticket.TenantID(strings.Repeat("\xfe", 255))} {
		e := Entry(privacy.LedgerErase)
		e.Scope.Tenant = id
		all = append(all, e)
	}
	f.append(all...)
	f.holds(all...)
	f.whole(int64(len(all)))
}

func testBodies(t *testing.T, f *fixture) {
	var all []privacy.LedgerEntry
	for _, body := range []string{
		`{}`, `{"b":1,"a":2,"b":3}`, `{"n":1.0,"m":1e3,"big":12345678901234567890}`,
		`{"u":"\u0000 \ud800 \u003c","e":"é 🦊","l":"\u2028"}`, `{"deep":[[{"x":[null,true]}]]}`,
	} {
		e := Entry(privacy.LedgerHold)
		e.Body = json.RawMessage(body)
		all = append(all, e)
	}
	f.append(all...)
	f.holds(all...)
	f.whole(int64(len(all)))
}

func testLong(t *testing.T, f *fixture) {
	e := Entry(privacy.LedgerErase)
	for range 20_000 {
		e.Keep = append(e.Keep, ticket.NewID(e.At))
	}
	f.append(Entry(privacy.LedgerErase), e, Entry(privacy.LedgerErase))
	f.same(f.read(1, 1), []privacy.LedgerEntry{e})
	f.whole(3)
}

func testAliasing(t *testing.T, f *fixture) {
	want := func() privacy.LedgerEntry {
		e := privacy.LedgerEntry{ID: ticket.ID{1}, Kind: privacy.LedgerErase, At: time.Unix(1e9, 0).UTC(),
			Scope: privacy.Scope{Tenant: "acme"}, Slots: []ticket.ID{{2}}, Keep: []ticket.ID{{3}}, Body: object("a", "b")}
		return e
	}
	e := want()
	f.append(e)
	clear(e.Slots)
	clear(e.Keep)
	clear(e.Body)
	f.holds(want())
	got := f.read(0, 1)[0]
	clear(got.Slots)
	clear(got.Keep)
	clear(got.Body)
	f.holds(want())
	f.whole(1)
}

func testContext(t *testing.T, f *fixture) {
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	_, err := f.ledger.Append(ctx, Entry(privacy.LedgerErase))
	f.refused(context.Canceled, err)
	_, err = f.ledger.Read(ctx, 0, 1)
	f.refused(context.Canceled, err)
	_, err = f.ledger.At(ctx, 0)
	f.refused(context.Canceled, err)
	_, err = f.ledger.Head(ctx)
	f.refused(context.Canceled, err)
	f.whole(0)
}

func testLag(t *testing.T, f *fixture) {
	first := f.append(Entry(privacy.LedgerErase))
	f.append(Entry(privacy.LedgerErase), Entry(privacy.LedgerErase))
	for reached, want := range map[privacy.Position]int64{{}: 3, first: 2, f.head(): 0} {
		if lag, err := privacy.LedgerLag(f.ctx, f.ledger, reached); err != nil || lag != want {
			t.Errorf("lag at %d is %d, want %d: %v", reached.N, lag, want, err)
		}
	}
	ahead, other := f.head(), first
	ahead.N++
	other.Hash[0] ^= 1
	_, err := privacy.LedgerLag(f.ctx, f.ledger, ahead)
	f.refused(privacy.ErrLedgerBehind, err)
	_, err = privacy.LedgerLag(f.ctx, f.ledger, other)
	f.refused(privacy.ErrLedger, err)
}
