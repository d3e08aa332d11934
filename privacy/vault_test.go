package privacy_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// log is an access log that can be made to fail or to dawdle.
type log struct {
	mu      sync.Mutex
	entries []privacy.Entry
	appends int
	fail    error
	slow    time.Duration
}

func (l *log) Append(_ context.Context, e []privacy.Entry) error {
	time.Sleep(l.slow)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return l.fail
	}
	l.appends++
	l.entries = append(l.entries, e...)
	return nil
}

func (l *log) Entries(context.Context, ticket.TenantID, string, int) ([]privacy.Entry, string, error) {
	return l.entries, "", nil
}
func (l *log) Durable() bool { return false }

// fixture is a vault with one mailbox and one ticket key.
type fixture struct {
	t     *testing.T
	slots *privacy.MemorySlots
	log   *log
	vault *privacy.Vault
	keys  privacy.MailboxKeys
	key   ticket.ID
	obj   privacy.Object
	agent context.Context
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, slots: privacy.NewMemorySlots(), log: &log{}}
	f.vault = f.open(bytes.Repeat([]byte{7}, 32), nil)
	now := time.Now()
	f.keys = privacy.MailboxKeys{Tenant: "acme", Mailbox: ticket.NewID(now), Key: ticket.NewID(now), Identity: ticket.NewID(now)}
	f.key = ticket.NewID(now)
	f.obj = privacy.Object{Tenant: "acme", Mailbox: f.keys.Mailbox, ID: ticket.NewID(now), Class: privacy.Text}
	f.agent = privacy.As(t.Context(), privacy.Agent("kari"), privacy.Support)
	if err := f.vault.PrepareTenant(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	if err := f.vault.PrepareMailbox(t.Context(), f.keys); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) open(root []byte, authorize func(context.Context, privacy.Request) error) *privacy.Vault {
	f.t.Helper()
	w, err := privacy.NewRoot(root)
	if err != nil {
		f.t.Fatal(err)
	}
	return privacy.NewVault(privacy.VaultConfig{Root: w, Slots: f.slots, Log: f.log, Authorize: authorize, Now: time.Now})
}

func (f *fixture) sealer() *privacy.Sealer {
	f.t.Helper()
	s, err := f.vault.Sealer(f.t.Context(), f.keys, nil, []ticket.ID{f.key})
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

func (f *fixture) seal(plain string) privacy.Sealed {
	f.t.Helper()
	s, err := f.sealer().Seal(f.key, f.obj.ID, f.obj.Class, []byte(plain))
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

func (f *fixture) read(v *privacy.Vault, ctx context.Context, o privacy.Object, s privacy.Sealed) (string, error) {
	got, err := v.Open(ctx, "acme", "test", []privacy.Item{{Object: o, Sealed: s}})
	if err != nil {
		return "", err
	}
	return string(got[0].Plain), got[0].Err
}

func TestSealAndOpen(t *testing.T) {
	f := newFixture(t)
	for _, plain := range []string{"x", "a sentence to look for", strings.Repeat("compressible ", 1000)} {
		s := f.seal(plain)
		if s.KeyID() != f.key {
			t.Fatalf("sealed form of %d bytes: key %s, want %s", len(plain), s.KeyID(), f.key)
		}
		// Random bytes hold any given single byte one time in four or so: only
		// a text too long to arise by chance says anything.
		if len(plain) > 16 && bytes.Contains(s, []byte(plain)) {
			t.Fatalf("sealed form of %d bytes holds them in clear", len(plain))
		}
		if len(plain) > 1000 && len(s) > len(plain)/2 {
			t.Errorf("%d bytes sealed as %d: not compressed", len(plain), len(s))
		}
		if got, err := f.read(f.vault, f.agent, f.obj, s); err != nil || got != plain {
			t.Fatalf("got %d bytes, %v", len(got), err)
		}
	}
	if s, err := f.sealer().Seal(f.key, f.obj.ID, privacy.Text, nil); s != nil || err != nil {
		t.Errorf("empty content: %v, %v", s, err)
	}
	if got, err := f.read(f.vault, f.agent, f.obj, nil); got != "" || err != nil {
		t.Errorf("nil opens as %q, %v", got, err)
	}
}

// A sealed value opens only as what it was sealed as.
func TestBinding(t *testing.T) {
	f := newFixture(t)
	s := f.seal("the text")
	moved := map[string]privacy.Object{}
	for name, edit := range map[string]func(*privacy.Object){
		"mailbox": func(o *privacy.Object) { o.Mailbox[3]++ },
		"object":  func(o *privacy.Object) { o.ID[3]++ },
		"class":   func(o *privacy.Object) { o.Class = privacy.HTML },
		"tenant":  func(o *privacy.Object) { o.Tenant = "other" },
	} {
		o := f.obj
		edit(&o)
		moved[name] = o
	}
	for name, o := range moved {
		if got, err := f.read(f.vault, f.agent, o, s); !errors.Is(err, privacy.ErrSealed) || got != "" {
			t.Errorf("moved to another %s: %q, %v", name, got, err)
		}
	}
	for i := range s {
		bad := bytes.Clone(s)
		bad[i] ^= 1
		if got, err := f.read(f.vault, f.agent, f.obj, bad); err == nil || got != "" {
			t.Errorf("bit flipped in byte %d: %q, %v", i, got, err)
		}
	}
	for n := range len(s) {
		if got, err := f.read(f.vault, f.agent, f.obj, s[:n:n]); n > 0 && (err == nil || got != "") {
			t.Errorf("cut to %d bytes: %q, %v", n, got, err)
		}
	}
	other := f.open(bytes.Repeat([]byte{8}, 32), nil)
	if got, err := f.read(other, f.agent, f.obj, s); err == nil || got != "" {
		t.Errorf("under another root: %q, %v", got, err)
	}
}

func TestFenceAndDestroy(t *testing.T) {
	for _, name := range []string{"ticket", "mailbox", "tenant"} {
		f := newFixture(t)
		s := f.seal("the text")
		level := map[string]ticket.ID{"ticket": f.key, "mailbox": f.keys.Key, "tenant": privacy.TenantKey("acme")}
		if err := f.vault.Fence(t.Context(), "acme", []ticket.ID{level[name]}); err != nil {
			t.Fatal(err)
		}
		if _, err := f.read(f.vault, f.agent, f.obj, s); !errors.Is(err, privacy.ErrFenced) {
			t.Errorf("%s fenced: %v", name, err)
		}
		if _, err := f.vault.Sealer(t.Context(), f.keys, []ticket.ID{f.key}, nil); !errors.Is(err, privacy.ErrFenced) {
			t.Errorf("sealing while the %s is fenced: %v", name, err)
		}
		if err := f.slots.Destroy(t.Context(), "acme", []ticket.ID{level[name]}); err != nil {
			t.Fatal(err)
		}
		if _, err := f.read(f.vault, f.agent, f.obj, s); !errors.Is(err, privacy.ErrErased) {
			t.Errorf("%s destroyed: %v", name, err)
		}
		if err := f.vault.PrepareTenant(t.Context(), "acme"); name == "tenant" && !errors.Is(err, privacy.ErrErased) {
			t.Errorf("a destroyed tenant is prepared again: %v", err)
		}
	}
}

// Keys of tenants and mailboxes are forgotten after a minute, and a slot that
// never was is told from one that was erased.
func TestKeysAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		s := f.seal("the text")
		counted := &countingRoot{}
		w, err := privacy.NewRoot(bytes.Repeat([]byte{7}, 32))
		if err != nil {
			t.Fatal(err)
		}
		counted.Wrapper = w
		v := privacy.NewVault(privacy.VaultConfig{Root: counted, Slots: f.slots, Log: f.log, Now: time.Now})
		read := func() {
			t.Helper()
			if _, err := f.read(v, f.agent, f.obj, s); err != nil {
				t.Fatal(err)
			}
		}
		read()
		time.Sleep(59 * time.Second)
		read()
		if counted.n != 1 {
			t.Errorf("the root was asked %d times within a minute", counted.n)
		}
		time.Sleep(2 * time.Second)
		read()
		if counted.n != 2 {
			t.Errorf("the root was asked %d times after a minute", counted.n)
		}
		unknown := bytes.Clone(s)
		unknown[5]++
		if _, err := f.read(v, f.agent, f.obj, unknown); !errors.Is(err, privacy.ErrNoKey) {
			t.Errorf("a key that never was: %v", err)
		}
	})
}

type countingRoot struct {
	privacy.Wrapper
	n int
}

func (c *countingRoot) DecryptWithContext(ctx context.Context, ct, ad []byte) ([]byte, error) {
	c.n++
	return c.Wrapper.DecryptWithContext(ctx, ct, ad)
}

func TestStream(t *testing.T) {
	f := newFixture(t)
	plain := bytes.Repeat([]byte("a large mail "), 50_000)
	var sealed bytes.Buffer
	o := f.obj
	o.Class = privacy.Raw
	if err := f.sealer().SealStream(f.key, o.ID, o.Class, &sealed, bytes.NewReader(plain)); err != nil {
		t.Fatal(err)
	}
	open := func(b []byte, o privacy.Object) ([]byte, error) {
		r, err := f.vault.OpenStream(f.agent, "test", o, bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	}
	got, err := open(sealed.Bytes(), o)
	if err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if _, err := open(sealed.Bytes()[:sealed.Len()-100], o); !errors.Is(err, privacy.ErrSealed) {
		t.Errorf("cut stream: %v", err)
	}
	bad := bytes.Clone(sealed.Bytes())
	bad[len(bad)-100] ^= 1
	if _, err := open(bad, o); !errors.Is(err, privacy.ErrSealed) {
		t.Errorf("damaged stream: %v", err)
	}
	o.ID[0]++
	if _, err := open(sealed.Bytes(), o); !errors.Is(err, privacy.ErrSealed) {
		t.Errorf("moved stream: %v", err)
	}
}

func TestAccess(t *testing.T) {
	f := newFixture(t)
	s := f.seal("the text")
	credential := f.obj
	credential.Class = privacy.Credentials
	secret, err := f.sealer().Seal(f.key, f.obj.ID, privacy.Credentials, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	system := privacy.System("engine")
	for _, c := range []struct {
		name string
		ctx  context.Context
		obj  privacy.Object
		val  privacy.Sealed
		want error
	}{
		{"nobody", t.Context(), f.obj, s, privacy.ErrNoPrincipal},
		{"an empty agent", privacy.As(t.Context(), privacy.Agent(""), privacy.Support), f.obj, s, privacy.ErrNoPrincipal},
		{"no purpose", privacy.As(t.Context(), privacy.Agent("kari"), ""), f.obj, s, privacy.ErrNoPurpose},
		{"a made-up purpose", privacy.As(t.Context(), privacy.Agent("kari"), "curiosity"), f.obj, s, privacy.ErrNoPurpose},
		{"advertising", privacy.As(t.Context(), privacy.Agent("kari"), privacy.Advertising), f.obj, s, privacy.ErrDenied},
		{"sale", privacy.As(t.Context(), system, privacy.Sale), f.obj, s, privacy.ErrDenied},
		{"model training", privacy.As(t.Context(), system, privacy.ModelTraining), f.obj, s, privacy.ErrDenied},
		{"an agent as the library", privacy.As(t.Context(), privacy.Agent("kari"), privacy.Operation), f.obj, s, privacy.ErrDenied},
		{"an agent and a credential", f.agent, credential, secret, privacy.ErrDenied},
		{"inside a transaction", privacy.WithinTx(f.agent), f.obj, s, privacy.ErrInTransaction},
		{"an agent", f.agent, f.obj, s, nil},
		{"the library and a credential", privacy.As(t.Context(), system, privacy.Operation), credential, secret, nil},
	} {
		got, err := f.read(f.vault, c.ctx, c.obj, c.val)
		if !errors.Is(err, c.want) || (c.want != nil) != (got == "") {
			t.Errorf("%s: %q, %v, want %v", c.name, got, err, c.want)
		}
	}
	no := errors.New("no")
	strict := f.open(bytes.Repeat([]byte{7}, 32), func(_ context.Context, r privacy.Request) error {
		if r.Principal.ID == "kari" && r.Purpose == privacy.Support && r.Operation == "test" && len(r.Objects) == 1 {
			return no
		}
		return nil
	})
	if got, err := f.read(strict, f.agent, f.obj, s); !errors.Is(err, privacy.ErrDenied) || !errors.Is(err, no) || got != "" {
		t.Errorf("refused by the host: %q, %v", got, err)
	}
}

func TestLogComesFirst(t *testing.T) {
	f := newFixture(t)
	s := f.seal("the text")
	if _, err := f.read(f.vault, f.agent, f.obj, s); err != nil {
		t.Fatal(err)
	}
	e := f.log.entries[len(f.log.entries)-1]
	if e.Tenant != "acme" || e.Principal.ID != "kari" || e.Purpose != privacy.Support || e.Operation != "test" || e.Refused ||
		len(e.Objects) != 1 || e.Objects[0] != f.obj.ID || len(e.Classes) != 1 || e.Classes[0] != privacy.Text {
		t.Errorf("entry %+v", e)
	}
	var page []privacy.Item
	for range 50 {
		page = append(page, privacy.Item{Object: f.obj, Sealed: s})
	}
	n := len(f.log.entries)
	if _, err := f.vault.Open(f.agent, "acme", "list", page); err != nil || len(f.log.entries) != n+1 {
		t.Errorf("a page of fifty: %d entries, %v", len(f.log.entries)-n, err)
	}
	_, _ = f.read(f.vault, privacy.As(f.agent, privacy.Agent("kari"), privacy.Sale), f.obj, s)
	if e := f.log.entries[len(f.log.entries)-1]; !e.Refused {
		t.Errorf("a refusal is not logged: %+v", e)
	}
	f.log.fail = errors.New("disk full")
	if got, err := f.read(f.vault, f.agent, f.obj, s); !errors.Is(err, privacy.ErrAccessLog) || got != "" {
		t.Errorf("without a log: %q, %v", got, err)
	}
}

// Many readers share few writes, and each waits for the write with its entry.
func TestGroupCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		s := f.seal("the text")
		f.log.slow = 10 * time.Millisecond
		const readers = 1000
		var wg sync.WaitGroup
		for range readers {
			wg.Go(func() {
				if got, err := f.read(f.vault, f.agent, f.obj, s); err != nil || got != "the text" {
					t.Errorf("%q, %v", got, err)
				}
			})
		}
		wg.Wait()
		if len(f.log.entries) != readers || f.log.appends > 10 {
			t.Errorf("%d entries in %d writes", len(f.log.entries), f.log.appends)
		}
		// A reader that gives up neither stalls the others nor sees anything.
		ctx, cancel := context.WithCancel(f.agent)
		cancel()
		if _, err := f.read(f.vault, ctx, f.obj, s); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if _, err := f.read(f.vault, f.agent, f.obj, s); err != nil {
			t.Errorf("after a cancelled one: %v", err)
		}
	})
}

func TestTokensAndFingerprints(t *testing.T) {
	f := newFixture(t)
	h := f.sealer().Hasher()
	other, err := f.vault.Hasher(t.Context(), "acme", privacy.TenantIdentity("acme"))
	if err != nil {
		t.Fatal(err)
	}
	id := ticket.NewID(time.Now())
	token := h.Token(id)
	if got, ok := h.ParseToken(strings.ToUpper(token)); !ok || got != id {
		t.Errorf("token %q: %v, %v", token, got, ok)
	}
	if _, ok := other.ParseToken(token); ok {
		t.Error("another key accepts the token")
	}
	for i := range token {
		bad := token[:i] + string("ab"[b2i(token[i] == 'a')]) + token[i+1:]
		if got, ok := h.ParseToken(bad); ok && got == id {
			t.Errorf("changed at %d: accepted", i)
		}
	}
	a := h.Fingerprint(privacy.DomainAddress, "ann@customer.example")
	switch {
	case a.IsZero(), a[0] == 0:
		t.Error("no fingerprint")
	case a == other.Fingerprint(privacy.DomainAddress, "ann@customer.example"):
		t.Error("two keys agree")
	case a == h.Fingerprint(privacy.DomainMessageID, "ann@customer.example"):
		t.Error("two domains agree")
	case !h.Fingerprint(privacy.DomainAddress, "").IsZero():
		t.Error("empty has a fingerprint")
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
