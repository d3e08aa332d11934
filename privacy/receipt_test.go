package privacy_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// fullReceipt returns a receipt in which every field says something. Its times
// are of the clock's second, as JSON has them.
func fullReceipt() privacy.Receipt {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return privacy.Receipt{
		Version: 1, ID: ticket.ID{1}, Ledger: privacy.LedgerPlace{ID: ticket.ID{2}, N: 7, Hash: privacy.Digest{3}},
		Tenant: "0123456789abcdef0123456789abcdef",
		// A contact's tickets are in mailboxes; this one is narrowed to one of each.
		Scope: privacy.ReceiptScope{Kind: privacy.ScopeContact, Mailbox: ticket.ID{4}, Ticket: ticket.ID{5}, Contact: ticket.ID{6},
			Part: privacy.AttachmentsPart},
		Trigger: privacy.TriggerDisconnected, Triggered: at, Requested: at.Add(time.Hour), Started: at.Add(7 * day),
		Finished: at.Add(33*day + 90*time.Minute), Deadline: at.Add(30 * day), LateSeconds: 264600,
		Removed: map[string]privacy.Removed{"messages": {Rows: 1200, Bytes: 3_000_000}, "blobs": {Rows: 1, Bytes: 1}},
		Keys:    []string{strings.Repeat("ab", 32), strings.Repeat("cd", 32)},
		Kept: []privacy.Kept{
			{Hold: ticket.ID{8}, Ground: "legal-claim", Expires: at.Add(365 * day), Tickets: 1, Messages: 9, Bytes: 4000},
		},
		Revocation: privacy.Revocation{Outcome: privacy.Revoked, Provider: "gmail", At: at.Add(time.Hour)},
		HostStores: []privacy.HostStore{{Name: "search-index", Outcome: privacy.HostDone, Removed: privacy.Removed{Rows: 40, Bytes: 512}}},
		Untouched:  []privacy.HostClass{{Class: "invoices", Ground: "bookkeeping-act"}},
		Backups: privacy.BackupStatement{Claim: privacy.ExpiresBy, At: at.Add(123 * day), UnreadableFrom: at.Add(47 * day),
			Declared: true, KeysApart: true},
		Checks:    []privacy.Check{{Name: "rows-gone", Passed: true, Looked: 21}, {Name: "keys-gone", Looked: 30, Found: 2}},
		AccessLog: privacy.LogPlace{Size: 5000, Root: privacy.Digest{9}},
		Software:  "helpdesk/v1.2.3+build.4", Policy: "2026-02", Profile: "production",
	}
}

func TestReceiptRoundTrip(t *testing.T) {
	s, other := newSigner(t, "desk.example"), newSigner(t, "desk.example")
	want := fullReceipt()
	unset := want
	unset.Version, unset.LateSeconds = 0, 0
	for _, r := range []privacy.Receipt{want, unset} {
		signed, err := r.Sign(s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := privacy.VerifyReceipt(signed, other.PublicKey(), s.PublicKey())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v\nwant\n%+v\n%v", got, want, err)
		}
		if _, err := privacy.VerifyReceipt(signed, other.PublicKey()); !errors.Is(err, privacy.ErrSignature) {
			t.Fatalf("another key: got %v, want ErrSignature", err)
		}
		edited := bytes.Replace(signed, []byte(`"rows": 1200`), []byte(`"rows": 1201`), 1)
		if bytes.Equal(edited, signed) {
			t.Fatal("nothing was edited")
		}
		if _, err := privacy.VerifyReceipt(edited, s.PublicKey()); !errors.Is(err, privacy.ErrSignature) {
			t.Fatalf("edited: got %v, want ErrSignature", err)
		}
	}
}

// TestReceiptsOfOtherForms: a good signature under something else is no
// receipt.
func TestReceiptsOfOtherForms(t *testing.T) {
	s := newSigner(t, "desk.example")
	signed, err := fullReceipt().Sign(s)
	if err != nil {
		t.Fatal(err)
	}
	text, err := privacy.OpenSigned(signed, s.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"a log head":     "helpdesk-log-head 1\n5\n",
		"next form":      strings.Replace(string(text), "helpdesk-receipt 1", "helpdesk-receipt 2", 1),
		"next version":   strings.Replace(string(text), `"version": 1`, `"version": 2`, 1),
		"another field":  strings.Replace(string(text), `"version": 1`, `"version": 1, "note": 1`, 1),
		"two receipts":   string(text) + strings.TrimPrefix(string(text), "helpdesk-receipt 1\n"),
		"no JSON":        "helpdesk-receipt 1\nall gone\n",
		"a name":         strings.Replace(string(text), "legal-claim", "Kari Nordmann", 1),
		"other lateness": strings.Replace(string(text), "264600", "0", 1),
		"a short digest": strings.Replace(string(text), "0900", "09", 1),
		"a long digest":  strings.Replace(string(text), "0900", "090000", 1),
	} {
		signed, err := s.Sign([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := privacy.VerifyReceipt(signed, s.PublicKey()); !errors.Is(err, privacy.ErrReceipt) {
			t.Errorf("%s: got %v, want ErrReceipt", name, err)
		}
	}
}

// texts calls do with a setter for every text in v, however deep, and fails on
// one that is empty: a field that the fixture lacks would not be looked at.
func texts(t *testing.T, path string, v reflect.Value, do func(path string, set func(string))) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		if v.Len() == 0 {
			t.Errorf("%s is empty: give the full receipt one", path)
		}
		was := v.String()
		do(path, func(s string) { v.SetString(s) })
		v.SetString(was)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			texts(t, path+"."+v.Type().Field(i).Name, v.Field(i), do)
		}
	case reflect.Slice:
		if v.Len() == 0 {
			t.Errorf("%s is empty: give the full receipt one", path)
		}
		for i := range v.Len() {
			texts(t, path, v.Index(i), do)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			value := v.MapIndex(k)
			do(path, func(s string) {
				v.SetMapIndex(k, reflect.Value{})
				v.SetMapIndex(reflect.ValueOf(s), value)
				k = reflect.ValueOf(s)
			})
			v.SetMapIndex(k, reflect.Value{})
			v.SetMapIndex(reflect.ValueOf("messages"), value)
		}
	case reflect.Interface, reflect.Pointer:
		t.Errorf("%s is a %s: what is in it is not looked at", path, v.Kind())
	}
}

// TestReceiptTakesNoPersonalData puts a person into every text of a receipt in
// turn: none may be signed.
func TestReceiptTakesNoPersonalData(t *testing.T) {
	s := newSigner(t, "desk.example")
	r := fullReceipt()
	r.Removed = map[string]privacy.Removed{"messages": {Rows: 1}}
	seen := map[string]bool{}
	texts(t, "Receipt", reflect.ValueOf(&r).Elem(), func(path string, set func(string)) {
		seen[path] = true
		for _, person := range []string{"kari@example.com", "Kari Nordmann", "kari nordmann", "Kåre", "+47 22 00 00 00", "Re: my illness", "acme\nx", " "} {
			set(person)
			_, err := r.Sign(s)
			if !errors.Is(err, privacy.ErrReceiptField) {
				t.Errorf("%s may be %q: %v", path, person, err)
			} else if strings.Contains(err.Error(), person) && person != " " {
				t.Errorf("%s: the error repeats what it refuses: %v", path, err)
			}
		}
	})
	if len(seen) != 18 {
		t.Errorf("%d texts were looked at, want 18: %v", len(seen), seen)
	}
}

// TestReceiptJSON looks at the finished file: every text in it is an id, a
// digest, a time or a constant, and nothing has an "@".
func TestReceiptJSON(t *testing.T) {
	s := newSigner(t, "desk.example")
	signed, err := fullReceipt().Sign(s)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.ContainsAny(signed, "@") {
		t.Error("there is an @")
	}
	text, err := privacy.OpenSigned(signed, s.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(text), "\n")
	allowed := regexp.MustCompile(`^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|[0-9a-f]{64}|` +
		`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|[a-z][a-z0-9_-]*|helpdesk/v[0-9a-z.+]+|\d{4}-\d\d)$`)
	d := json.NewDecoder(strings.NewReader(body))
	n := 0
	for {
		token, err := d.Token()
		if err != nil {
			break
		}
		if text, ok := token.(string); ok {
			n++
			if !allowed.MatchString(text) {
				t.Errorf("%q is no id, digest, time or constant", text)
			}
		}
	}
	if n < 80 {
		t.Errorf("only %d texts were looked at", n)
	}
}

func TestReceiptValidate(t *testing.T) {
	for name, change := range map[string]func(*privacy.Receipt){
		"ID":                    func(r *privacy.Receipt) { r.ID = ticket.ID{} },
		"Ledger":                func(r *privacy.Receipt) { r.Ledger.N = 0 },
		"Scope.Kind":            func(r *privacy.Receipt) { r.Scope.Kind = privacy.ScopeTenant },
		"Triggered":             func(r *privacy.Receipt) { r.Triggered = time.Time{} },
		"Deadline":              func(r *privacy.Receipt) { r.Deadline = time.Time{} },
		"Finished is before":    func(r *privacy.Receipt) { r.Finished = r.Started.Add(-1) },
		"Removed is negative":   func(r *privacy.Receipt) { r.Removed["messages"] = privacy.Removed{Rows: -1} },
		"Kept.Hold":             func(r *privacy.Receipt) { r.Kept[0].Hold = ticket.ID{} },
		"Kept is negative":      func(r *privacy.Receipt) { r.Kept[0].Messages = -1 },
		"Revocation.Provider":   func(r *privacy.Receipt) { r.Revocation.Provider = "" },
		"Revocation.Outcome":    func(r *privacy.Receipt) { r.Revocation.Outcome = "" },
		"HostStores.Outcome":    func(r *privacy.Receipt) { r.HostStores[0].Outcome = "" },
		"Checks has one":        func(r *privacy.Receipt) { r.Checks[0].Found = 1 },
		"AccessLog":             func(r *privacy.Receipt) { r.AccessLog.Size = 0 },
		"Backups.Claim":         func(r *privacy.Receipt) { r.Backups.Claim, r.Backups.KeysApart = privacy.UnreadableSince, false },
		"Backups.At":            func(r *privacy.Receipt) { r.Backups.At = time.Time{} },
		"Tenant is no pseudony": func(r *privacy.Receipt) { r.Tenant = "acme" },
	} {
		r := fullReceipt()
		change(&r)
		if _, err := r.Sign(newSigner(t, "a")); !errors.Is(err, privacy.ErrReceiptField) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	least := privacy.Receipt{ID: ticket.ID{1}, Ledger: privacy.LedgerPlace{ID: ticket.ID{2}, N: 1, Hash: privacy.Digest{1}},
		Tenant: ticket.ID{3}.String(), Scope: privacy.Scope{Tenant: "acme"}.Receipt(), Trigger: privacy.TriggerTenantClosed,
		Revocation: privacy.Revocation{Outcome: privacy.RevocationNone}, Software: "helpdesk/dev", Policy: "1", Profile: "development"}
	now := time.Unix(1_800_000_000, 0)
	least.Triggered, least.Requested, least.Started, least.Finished, least.Deadline = now, now, now, now, now
	least.Backups = privacy.Backups{}.Statement(now, now, privacy.KeyCacheTTL)
	s := newSigner(t, "a")
	signed, err := least.Sign(s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := privacy.VerifyReceipt(signed, s.PublicKey())
	if err != nil || got.LateSeconds != 0 || strings.Join(got.Incomplete(), ", ") != "nothing was verified" {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestReceiptLateness(t *testing.T) {
	for name, tt := range map[string]struct {
		after time.Duration
		secs  int64
		text  string
	}{
		"early":           {-time.Hour, 0, "In time: the deadline was 2026-03-31 12:00:00 UTC."},
		"to the instant":  {0, 0, "In time"},
		"an instant late": {1, 1, "LATE: the deadline was 2026-03-31 12:00:00 UTC; it was missed by 1 second."},
		"minutes":         {150 * time.Second, 150, "missed by 2 minutes."},
		"hours":           {3 * time.Hour, 10800, "missed by 3 hours."},
		"days":            {3 * day, 259200, "missed by 3 days."},
	} {
		r := fullReceipt()
		r.Finished = r.Deadline.Add(tt.after)
		s := newSigner(t, "a")
		signed, err := r.Sign(s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := privacy.VerifyReceipt(signed, s.PublicKey())
		if err != nil || got.LateSeconds != tt.secs || !strings.Contains(got.Text(), tt.text) {
			t.Errorf("%s: %d seconds, %v, text\n%s", name, got.LateSeconds, err, got.Text())
		}
	}
}

// TestReceiptText compares what a person reads with files; UPDATE=1 writes them.
func TestReceiptText(t *testing.T) {
	plain := fullReceipt()
	plain.Scope = privacy.ReceiptScope{Kind: privacy.ScopeMailbox, Mailbox: ticket.ID{4}}
	plain.Finished, plain.Kept, plain.Untouched = plain.Deadline.Add(-day), nil, nil
	plain.Checks = plain.Checks[:1]
	plain.Backups = privacy.BackupStatement{Claim: privacy.UnreadableSince, At: plain.Finished, Declared: true, KeysApart: true}
	for file, r := range map[string]privacy.Receipt{"receipt_full.txt": fullReceipt(), "receipt_plain.txt": plain} {
		got := r.Text()
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile("testdata/"+file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile("testdata/" + file)
		if err != nil || got != string(want) {
			t.Errorf("%s: %v, got\n%s", file, err, got)
		}
		if strings.Contains(got, "@") {
			t.Errorf("%s: there is an @", file)
		}
	}
}

// TestReceiptIncomplete: whatever was not done is in the second line that a
// person reads, and what a hold kept is no failure.
func TestReceiptIncomplete(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*privacy.Receipt)
		text   string
	}{
		"nothing":    {func(r *privacy.Receipt) {}, "Outcome: complete, except what holds keep."},
		"no hold":    {func(r *privacy.Receipt) { r.Kept = nil }, "Outcome: complete."},
		"no checks":  {func(r *privacy.Receipt) { r.Checks = nil }, "Outcome: INCOMPLETE (nothing was verified)."},
		"a check":    {func(r *privacy.Receipt) { r.Checks[0].Passed = false }, "Outcome: INCOMPLETE (check rows-gone)."},
		"a store":    {func(r *privacy.Receipt) { r.HostStores[0].Outcome = privacy.HostFailed }, "Outcome: INCOMPLETE (host store search-index)."},
		"revocation": {func(r *privacy.Receipt) { r.Revocation.Outcome = privacy.RevocationFailed }, "Outcome: INCOMPLETE (revocation by gmail)."},
	} {
		r := fullReceipt()
		r.Checks = r.Checks[:1]
		tt.change(&r)
		if got := r.Text(); !strings.Contains(got, "\n"+tt.text+"\n") {
			t.Errorf("%s: want %q in\n%s", name, tt.text, got)
		}
	}
}
