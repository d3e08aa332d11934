package mailboxtest

import (
	"context"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

var accountCases = []testCase{
	{name: "provider/name and capabilities are fixed", run: caseProvider},
	{name: "provider/flags are the interfaces", run: caseFlags},
	{name: "provider/opens concurrently", run: caseOpenConcurrently},
	{name: "open/wrong secret is Auth", needs: []string{"WrongAccount"}, run: caseWrongSecret},
	{name: "open/ended grant is Auth", needs: []string{"KillGrant"}, run: caseKilledGrant},
	{name: "open/no account is Permanent", run: caseNoAccount},
	{name: "open/ctx ended", run: caseOpenCancelled},
	{name: "account/identity and address", run: caseIdentity},
	{name: "account/trusted hop is fixed and whole", run: caseTrustedHop},
	{name: "account/validate refuses the zero value", run: caseValidate},
}

func caseProvider(b *bench) {
	name := b.Provider.Name()
	if !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(name) {
		b.Errorf("Name is %q, want lower-case letters, digits and dashes", name)
	}
	caps := b.Provider.Capabilities()
	b.open(mailbox.Intake{})
	if b.Provider.Name() != name || b.Provider.Capabilities() != caps {
		b.Error("Name or Capabilities changed after Open")
	}
	if got := b.Account.Provider(); got != name {
		b.Errorf("Account.Provider is %q, but the provider's name is %q", got, name)
	}
}

func caseFlags(b *bench) {
	caps, c := b.Provider.Capabilities(), b.open(mailbox.Intake{})
	_, drafts := c.(mailbox.Drafter)
	_, files := c.(mailbox.Filer)
	_, waits := c.(mailbox.Waiter)
	_, watches := c.(mailbox.Watcher)
	_, revokes := c.(mailbox.Revoker)
	_, pushes := b.Provider.(mailbox.PushParser)
	for _, f := range []struct {
		name        string
		flag, built bool
	}{
		{"Drafts", caps.Drafts, drafts}, {"Files", caps.Files, files}, {"Waits", caps.Waits, waits},
		{"Watches", caps.Watches, watches}, {"Revokes", caps.Revokes, revokes}, {"Pushes", caps.Pushes, pushes},
	} {
		if f.flag != f.built {
			b.Errorf("flag %s is %v, but the interface is implemented: %v", f.name, f.flag, f.built)
		}
	}
}

func caseOpenConcurrently(b *bench) {
	s := b.session(b.Account, mailbox.Intake{})
	ctx := b.ctx()
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			c, err := b.Provider.Open(ctx, s)
			if err != nil {
				b.Errorf("Open: %v", err)
				return
			}
			if _, err := c.Changes(ctx, mailbox.Query{Stream: mailbox.Live, Limit: 1}); err != nil {
				b.Errorf("Changes: %v", err)
			}
			c.Close()
		})
	}
	all.Wait()
}

func caseWrongSecret(b *bench) {
	_, err := b.Provider.Open(b.ctx(), b.session(b.WrongAccount, mailbox.Intake{}))
	b.wantKind("Open with a wrong secret", err, mailbox.Auth)
	if b.WrongAccount.Identity() != b.Account.Identity() {
		b.Error("another secret makes another Identity")
	}
}

func caseKilledGrant(b *bench) {
	c, cur := b.inbox()
	b.KillGrant(b.T)
	if _, err := c.Changes(b.ctx(), after(cur)); err != nil {
		b.wantKind("Changes after the grant ended", err, mailbox.Auth)
	}
	_, err := b.Provider.Open(b.ctx(), b.session(b.Account, mailbox.Intake{}))
	b.wantKind("Open after the grant ended", err, mailbox.Auth)
}

func caseNoAccount(b *bench) {
	for _, raw := range []string{"", "{", "\x00\xffnonsense"} {
		_, err := b.Provider.Open(b.ctx(), mailbox.Session{Account: []byte(raw)})
		b.wantKind("Open with bytes that are no account", err, mailbox.Permanent)
	}
}

func caseOpenCancelled(b *bench) {
	ctx, cancel := context.WithCancel(b.ctx())
	cancel()
	b.soon("Open with an ended ctx", func() {
		c, err := b.Provider.Open(ctx, b.session(b.Account, mailbox.Intake{}))
		if err == nil {
			c.Close()
			b.Error("Open with an ended ctx succeeded")
			return
		}
		b.check(err)
	})
}

func caseIdentity(b *bench) {
	id := b.Account.Identity()
	if id == "" || id != b.Account.Identity() {
		b.Errorf("Identity is empty or not stable")
	}
	if _, addr := b.Account.Address(); strings.Count(addr, "@") != 1 {
		b.Error("Address returned no address")
	}
	if err := b.Account.Validate(); err != nil {
		b.Errorf("Validate refuses the account of the suite: %v", err)
	}
}

func caseTrustedHop(b *bench) {
	a, ok := b.Account.(mailbox.Truster)
	if !ok {
		return // it believes nobody, which is always right
	}
	hop := a.TrustedHop()
	b.open(mailbox.Intake{})
	if !reflect.DeepEqual(hop, a.TrustedHop()) {
		b.Error("TrustedHop changed after Open")
	}
	for _, s := range append(append([]string{}, hop.AuthservIDs...), hop.Hosts...) {
		if strings.Trim(s, ".") == "" || strings.ContainsAny(s, " \t\r\n;") {
			b.Error("TrustedHop has a name that is none")
		}
	}
	if hop.Unnamed && len(hop.Hosts) == 0 {
		b.Error("TrustedHop believes results without a name and names no hosts: then nothing tells the provider's from others")
	}
	if len(hop.Hosts) > 0 && len(hop.AuthservIDs) == 0 && !hop.Unnamed {
		b.Error("TrustedHop names hosts and no results to believe")
	}
}

func caseValidate(b *bench) {
	typ := reflect.TypeOf(b.Account)
	zero := reflect.Zero(typ)
	if typ.Kind() == reflect.Pointer {
		zero = reflect.New(typ.Elem())
	}
	err := zero.Interface().(mailbox.Account).Validate()
	if err == nil || err.Error() == "" {
		b.Fatal("Validate accepts the zero value")
	}
}
