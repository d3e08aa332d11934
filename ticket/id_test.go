package ticket_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

var noon = time.Date(2026, 3, 29, 12, 0, 0, 123456789, time.UTC)

func TestNewID(t *testing.T) {
	seen := map[ticket.ID]bool{}
	for range 1000 {
		id := ticket.NewID(noon)
		if seen[id] || id.IsZero() {
			t.Fatalf("id %v came twice or is zero", id)
		}
		seen[id] = true
		if ms := binary.BigEndian.Uint64(id[:8]) >> 16; ms != uint64(noon.UnixMilli()) {
			t.Fatalf("%v carries %d ms, want %d", id, ms, noon.UnixMilli())
		}
		if id[6]>>4 != 7 || id[8]>>6 != 0b10 {
			t.Fatalf("%v is no UUID version 7 of RFC 9562", id)
		}
	}
	before, after := ticket.NewID(noon), ticket.NewID(noon.Add(time.Millisecond))
	if before.String() >= after.String() {
		t.Fatalf("%v does not sort before %v", before, after)
	}
}

func TestIDText(t *testing.T) {
	const text = "0195e1b4-7c40-7abc-9def-0123456789ab"
	id, err := ticket.ParseID(text)
	if err != nil || id.String() != text || id.Short() != "456789ab" {
		t.Fatalf("%v (%s), %v", id, id.Short(), err)
	}
	type doc struct {
		ID ticket.ID `json:"id"`
	}
	b, err := json.Marshal(doc{id})
	if err != nil || string(b) != `{"id":"`+text+`"}` {
		t.Fatalf("%s, %v", b, err)
	}
	var back doc
	if err := json.Unmarshal(b, &back); err != nil || back.ID != id {
		t.Fatalf("%v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"id":"x"}`), &back); !errors.Is(err, ticket.ErrBadID) || back.ID != id {
		t.Fatalf("bad text: %v, %v", back, err)
	}
	if !(ticket.ID{}).IsZero() || id.IsZero() || !(ticket.Fingerprint{}).IsZero() || (ticket.Fingerprint{1}).IsZero() {
		t.Fatal("IsZero is wrong")
	}
}

func TestParseIDRefuses(t *testing.T) {
	const good = "0195e1b4-7c40-7abc-9def-0123456789ab"
	for _, s := range []string{
		"", "x", good[:35], good + "0", " " + good[:35], strings.ToUpper(good),
		strings.ReplaceAll(good, "-", ""), strings.ReplaceAll(good, "-", "_"),
		"{" + good[1:35] + "}", "urn:uuid:" + good, good[:35] + "g", good[:35] + "\x00",
		"0195e1b47-c40-7abc-9def-0123456789ab",
	} {
		id, err := ticket.ParseID(s)
		if !errors.Is(err, ticket.ErrBadID) || !id.IsZero() {
			t.Errorf("ParseID(%q) = %v, %v", s, id, err)
		}
		if err != nil && len(s) > 4 && strings.Contains(err.Error(), s) {
			t.Errorf("the error repeats %q", s)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("0195e1b4-7c40-7abc-9def-0123456789ab")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := ticket.ParseID(s); err == nil && id.String() != s {
			t.Fatalf("%q reads as %v", s, id)
		}
	})
}

func TestOpaqueIDs(t *testing.T) {
	for s, ok := range map[string]bool{
		"a": true, "Å\xff": true, strings.Repeat("x", 255): true,
		"": false, strings.Repeat("x", 256): false, "a\x00b": false, "\x00": false,
	} {
		for what, err := range map[string]error{"tenant": ticket.TenantID(s).Validate(), "agent": ticket.AgentID(s).Validate()} {
			if (err == nil) != ok || err != nil && !errors.Is(err, ticket.ErrBadID) {
				t.Errorf("%s %q: %v", what, s, err)
			}
			if err != nil && !strings.Contains(err.Error(), what) {
				t.Errorf("the error does not say that it is about a %s: %v", what, err)
			}
		}
	}
}

func TestLocalProviderID(t *testing.T) {
	id := ticket.NewID(noon)
	if got := ticket.LocalProviderID(id); got != "local:"+id.String() {
		t.Fatal(got)
	}
}

func TestKinds(t *testing.T) {
	for k, automatic := range map[ticket.Kind]bool{
		ticket.KindPerson: false, ticket.KindList: false, ticket.KindAutoReply: true, ticket.KindBounce: true,
	} {
		if k.Automatic() != automatic {
			t.Errorf("%s: Automatic is %v", k, !automatic)
		}
	}
}
