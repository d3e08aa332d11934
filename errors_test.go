package helpdesk_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store/memory"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// statuses has a case for each sentinel; TestSentinels finds one without.
var statuses = map[string]struct {
	err    error
	status int
}{
	"ErrConfig":        {helpdesk.ErrConfig, 500},
	"ErrKeys":          {helpdesk.ErrKeys, 500},
	"ErrLedger":        {helpdesk.ErrLedger, 500},
	"ErrRestored":      {helpdesk.ErrRestored, 503},
	"ErrHold":          {helpdesk.ErrHold, 400},
	"ErrUnreadable":    {helpdesk.ErrUnreadable, 410},
	"ErrHeld":          {helpdesk.ErrHeld, 403},
	"ErrNoProvider":    {helpdesk.ErrNoProvider, 400},
	"ErrAccount":       {helpdesk.ErrAccount, 400},
	"ErrNoRecipient":   {helpdesk.ErrNoRecipient, 400},
	"ErrEmpty":         {helpdesk.ErrEmpty, 400},
	"ErrHook":          {helpdesk.ErrHook, 500},
	"ErrBrake":         {helpdesk.ErrBrake, 409},
	"ErrState":         {helpdesk.ErrState, 409},
	"ErrNotFound":      {helpdesk.ErrNotFound, 404},
	"ErrStale":         {helpdesk.ErrStale, 409},
	"ErrFenced":        {helpdesk.ErrFenced, 409},
	"ErrUnavailable":   {helpdesk.ErrUnavailable, 503},
	"ErrRejected":      {helpdesk.ErrRejected, 400},
	"ErrSchema":        {helpdesk.ErrSchema, 503},
	"ErrBadID":         {helpdesk.ErrBadID, 400},
	"ErrTransition":    {helpdesk.ErrTransition, 409},
	"ErrNoPrincipal":   {helpdesk.ErrNoPrincipal, 401},
	"ErrNoPurpose":     {helpdesk.ErrNoPurpose, 403},
	"ErrDenied":        {helpdesk.ErrDenied, 403},
	"ErrAccessLog":     {helpdesk.ErrAccessLog, 503},
	"ErrInTransaction": {helpdesk.ErrInTransaction, 500},
	"ErrErased":        {helpdesk.ErrErased, 410},
	"ErrSealed":        {helpdesk.ErrSealed, 500},
	"ErrHeader":        {helpdesk.ErrHeader, 400},
	"ErrAddress":       {helpdesk.ErrAddress, 400},
	"ErrTooLarge":      {helpdesk.ErrTooLarge, 413},
	"ErrInfected":      {helpdesk.ErrInfected, 403},
	"ErrUnscanned":     {helpdesk.ErrUnscanned, 503},
}

func TestSentinels(t *testing.T) {
	source, err := os.ReadFile("errors.go")
	if err != nil {
		t.Fatal(err)
	}
	tour, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^\t(Err\w+)\s+=`).FindAllStringSubmatch(string(source), -1)
	if len(found) < 20 {
		t.Fatalf("found only %d sentinels in errors.go", len(found))
	}
	for _, m := range found {
		name := m[1]
		c, ok := statuses[name]
		if !ok {
			t.Errorf("%s has no case: say its HTTP status", name)
			continue
		}
		if !strings.Contains(string(tour), "["+name+"]") {
			t.Errorf("doc.go does not list [%s]", name)
		}
		// "package: what happened: what mends it", except for the two that
		// are completed where they are returned.
		if parts := strings.SplitN(c.err.Error(), ": ", 3); len(parts) < 3 && name != "ErrConfig" && name != "ErrAccount" {
			t.Errorf("%s does not name its mend: %q", name, c.err)
		}
		for _, err := range []error{c.err, fmt.Errorf("around: %w", c.err), errors.Join(errors.New("more"), c.err)} {
			if got := helpdesk.HTTPStatus(err); got != c.status {
				t.Errorf("%v is answered with %d, want %d", err, got, c.status)
			}
		}
	}
	for _, c := range []struct {
		err    error
		status int
	}{
		{nil, 200}, {errors.New("foreign"), 500}, {context.DeadlineExceeded, 504}, {context.Canceled, 504},
		{&mailbox.Error{Kind: mailbox.Auth}, 422}, {&mailbox.Error{Kind: mailbox.Permanent}, 422},
		{&mailbox.Error{Kind: mailbox.Throttled}, 429}, {&mailbox.Error{Kind: mailbox.Transient}, 502}, {&mailbox.Error{Kind: mailbox.TooLarge}, 413},
	} {
		if got := helpdesk.HTTPStatus(c.err); got != c.status {
			t.Errorf("%v is answered with %d, want %d", c.err, got, c.status)
		}
	}
}

// durable is a memory store whose access log says that it outlives the
// process, as a database's does.
type durable struct{ *memory.Store }

func (s durable) AccessLog() privacy.AccessLog { return durableLog{s.Store.AccessLog()} }

type durableLog struct{ privacy.AccessLog }

func (durableLog) Durable() bool { return true }

func TestConfig(t *testing.T) {
	fake := mailboxtest.NewFake(mailboxtest.FakeOptions{}).Provider()
	ephemeral := helpdesk.EphemeralKeys()
	allow := func(context.Context, privacy.Request) error { return nil }
	file := func() helpdesk.Keys { return helpdesk.KeyFile(filepath.Join(t.TempDir(), "key")) }
	for _, c := range []struct {
		name string
		cfg  helpdesk.Config
		is   error
		says string
	}{
		{"no store", helpdesk.Config{}, helpdesk.ErrConfig, "Store"},
		{"memory needs nothing", helpdesk.Config{Store: memory.New()}, nil, ""},
		{"durable without keys", helpdesk.Config{Store: durable{memory.New()}}, helpdesk.ErrConfig, "Keys"},
		{"durable with keys", helpdesk.Config{Store: durable{memory.New()}, Keys: file()}, nil, ""},
		{"keys without a root", helpdesk.Config{Store: memory.New(), Keys: helpdesk.KeyStore(nil, nil)}, helpdesk.ErrConfig, "Keys"},
		{"a nil provider", helpdesk.Config{Store: memory.New(), Providers: helpdesk.Providers{nil}}, helpdesk.ErrConfig, "Providers"},
		{"the same provider twice", helpdesk.Config{Store: memory.New(), Providers: helpdesk.Providers{fake, fake}}, helpdesk.ErrConfig, "Providers"},
		{"a rule that is none", helpdesk.Config{Store: memory.New(), Rules: ticket.Rules{AfterReply: "done"}}, helpdesk.ErrConfig, "Rules"},
		{"production with nothing", helpdesk.Config{Store: memory.New(), Privacy: privacy.Production{}}, helpdesk.ErrConfig, "Keys"},
		{"production without a durable log", helpdesk.Config{Store: memory.New(), Keys: file(), Privacy: privacy.Production{}}, helpdesk.ErrConfig, "AccessLog"},
		{"production that authorises nobody", helpdesk.Config{Store: durable{memory.New()}, Keys: file(), Privacy: privacy.Production{}}, helpdesk.ErrConfig, "Authorize"},
		{"production", helpdesk.Config{Store: durable{memory.New()}, Keys: file(), Privacy: privacy.Production{}, Authorize: allow}, nil, ""},
		{"production on keys of the process", helpdesk.Config{Store: durable{memory.New()}, Keys: ephemeral, Privacy: privacy.Production{}, Authorize: allow}, helpdesk.ErrConfig, "Keys"},
	} {
		d, err := helpdesk.New(c.cfg)
		if !errors.Is(err, c.is) || c.is != nil && !strings.Contains(err.Error(), c.says) || (d == nil) != (err != nil) {
			t.Errorf("%s: %v, want %v naming %s", c.name, err, c.is, c.says)
		}
	}
}

func TestKeysBelongToTheirStore(t *testing.T) {
	s, path := memory.New(), filepath.Join(t.TempDir(), "key")
	start := func(k helpdesk.Keys) error { return drop(helpdesk.New(helpdesk.Config{Store: s, Keys: k})) }
	if err := start(helpdesk.KeyFile(path)); err != nil {
		t.Fatal(err)
	}
	if err := start(helpdesk.KeyFile(path)); err != nil {
		t.Errorf("the same keys again: %v", err)
	}
	for name, k := range map[string]helpdesk.Keys{
		"none": nil, "others": helpdesk.EphemeralKeys(), "a missing file": helpdesk.KeyFile(filepath.Join(t.TempDir(), "key")),
	} {
		if err := start(k); !errors.Is(err, helpdesk.ErrKeys) {
			t.Errorf("%s: %v, want ErrKeys", name, err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := start(helpdesk.KeyFile(path)); !errors.Is(err, helpdesk.ErrKeys) {
		t.Errorf("after the key was lost: %v, want ErrKeys", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("a lost key was made anew beside content it cannot open")
	}
}
