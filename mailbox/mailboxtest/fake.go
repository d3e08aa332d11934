package mailboxtest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// The folders every mailbox of a Fake has.
const (
	Inbox        = "INBOX"
	SentFolder   = "Sent"
	DraftsFolder = "Drafts"
)

// FakeOptions choose what kind of provider a Fake is. The zero value is the
// poorest there is: it lists, fetches and sends.
type FakeOptions struct {
	// Name is the provider's name; empty means "fake".
	Name string
	// Capabilities are what the connections can do. They implement exactly
	// the interfaces whose flags are set.
	Capabilities mailbox.Capabilities
	// RewriteMessageID makes the provider replace the Message-ID of what it
	// sends, as Gmail and Exchange do. FindSent then knows the new one, the
	// marker and the draft, not the old one.
	RewriteMessageID bool
	// FilesSent makes the provider keep a copy of what it sends in
	// SentFolder, which Changes lists with Item.Sent. A provider with Drafts
	// always does.
	FilesSent bool
	// SentLag is how long a copy in SentFolder stays invisible to FindSent,
	// as a search index lags. Changes lists it at once.
	SentLag time.Duration
	// Latency is how long every request takes.
	Latency time.Duration
	// MaxSize is the most bytes a mail may have to be sent; 0 means any.
	MaxSize int64
	// WatchFor is how long a Watch lives; 0 means an hour.
	WatchFor time.Duration
}

// RichCapabilities are those of a provider with an HTTP API: drafts, threads,
// search and push.
func RichCapabilities() mailbox.Capabilities {
	return mailbox.Capabilities{Threads: true, FindSent: true, Drafts: true,
		Watches: true, Pushes: true, Revokes: true}
}

// PlainCapabilities are those of IMAP and SMTP: search, filing and waiting.
func PlainCapabilities() mailbox.Capabilities {
	return mailbox.Capabilities{FindSent: true, Files: true, Waits: true}
}

// Fake is a provider in memory with handles for the test that a real one does
// not have. A mailbox exists as soon as it is named. All methods are safe for
// concurrent use.
type Fake struct {
	opts FakeOptions

	mu       sync.Mutex
	boxes    map[string]*box
	refused  map[string]bool
	rules    []*rule
	chaos    *chaos
	requests map[string]int
	fired    map[string]int
	misuse   []string
	conns    int
	lastID   int
}

// NewFake returns an empty provider.
func NewFake(o FakeOptions) *Fake {
	if o.Name == "" {
		o.Name = "fake"
	}
	if o.WatchFor == 0 {
		o.WatchFor = time.Hour
	}
	o.FilesSent = o.FilesSent || o.Capabilities.Drafts
	return &Fake{opts: o, boxes: map[string]*box{}, refused: map[string]bool{},
		requests: map[string]int{}, fired: map[string]int{}}
}

// Provider returns the driver's side of the Fake. It is a value of its own
// because it implements mailbox.PushParser only if the options say so.
func (f *Fake) Provider() mailbox.Provider {
	if f.opts.Capabilities.Pushes {
		return pushProvider{provider{f}}
	}
	return provider{f}
}

// Requests counts the requests the provider received, by operation.
func (f *Fake) Requests() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.requests)
}

// Fired counts the faults that really happened, by "operation/kind".
func (f *Fake) Fired() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.fired)
}

// Misuse lists how callers broke their half of the contract, such as using a
// connection from two goroutines at once.
func (f *Fake) Misuse() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.misuse)
}

// Connections is how many connections are open now.
func (f *Fake) Connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.conns
}

// provider is the driver.
type provider struct{ f *Fake }

func (p provider) Name() string                       { return p.f.opts.Name }
func (p provider) Capabilities() mailbox.Capabilities { return p.f.opts.Capabilities }

func (p provider) Open(ctx context.Context, s mailbox.Session) (mailbox.Conn, error) {
	a, err := parseAccount(s.Account)
	if err != nil {
		// The cause is constant and Err stays empty: a decoder's text may
		// quote what it could not decode.
		return nil, fail(OpOpen, mailbox.Permanent, "account cannot be understood")
	}
	c := newConn(p.f, a, s.Intake)
	k, err := c.begin(ctx, OpOpen)
	if err != nil {
		return nil, err
	}
	defer k.end()
	p.f.mu.Lock()
	refused := c.box.refuses(a.Password)
	p.f.mu.Unlock()
	if refused {
		return nil, fail(OpOpen, mailbox.Auth, "login refused")
	}
	if err := k.after(ctx); err != nil {
		return nil, err
	}
	p.f.mu.Lock()
	p.f.conns++
	c.counted = true
	c.seen = c.box.hints
	p.f.mu.Unlock()
	return c.withAbilities(p.f.opts.Capabilities), nil
}
