package helpdesk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/erase"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/scan"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Config is what a [Desk] is made of. Store is the only field without a useful
// zero value.
type Config struct {
	// Store keeps everything: memory.New(), postgres.Open(ctx, dsn) or your
	// own that passes storetest.
	Store store.Store
	// Keys are what content is sealed with. Nil means EphemeralKeys beside a
	// store that forgets, and is an error beside one that remembers.
	Keys Keys
	// Ledger is where erasures are written down before they happen. Nil means
	// a file beside the key file, or memory beside a store that forgets.
	Ledger Ledger
	// Grace is how long after a disconnect the same account can be connected
	// again; 0 means GraceUsual, and more than GraceMost is an error.
	Grace time.Duration
	// HostStores are stores of the host that erasures reach too.
	HostStores []HostStore
	// Providers open mailboxes; a mailbox of a provider that is not listed
	// stays untouched.
	Providers []mailbox.Provider
	// OnEvent runs inside the transaction that an event belongs to; an error
	// rolls it back. It may run twice for one event, so its effects go through
	// tx (see postgres.Unwrap) or can be repeated. It must not open content.
	OnEvent func(ctx context.Context, tx store.Tx, e ticket.Event) error
	// Authorize is asked before content is opened, after the library's own
	// rules; an error denies. Nil adds nothing.
	Authorize func(ctx context.Context, r privacy.Request) error
	// Privacy is the profile whose promises are enforced. Nil is the
	// development profile, which enforces none and says so in Health.
	Privacy privacy.Profile
	// Rules are how tickets behave.
	Rules ticket.Rules
	// AccessLog replaces the store's own.
	AccessLog privacy.AccessLog
	// Scanner looks for malware in an attachment before it is revealed. Nil
	// reveals all of them as unscanned.
	Scanner scan.Scanner
	// RequireScan refuses an attachment that the scanner could not look at
	// with ErrUnscanned, in place of revealing it as unscanned.
	RequireScan bool
	// Verify checks senders about whom the mailbox's provider says nothing, such
	// as verify.Verifier. Nil checks nothing.
	Verify Verifier
	// Blobs replaces the store's own place for large objects.
	Blobs store.Blobs
	// Logger gets ids, counts and causes, never content. Nil discards.
	Logger *slog.Logger
	// Now is the clock of business times. Nil is time.Now.
	Now func() time.Time
	// SimulatedClock says that Now is not the time of the world. Without it
	// nothing is erased while Now and the store's clock differ by more than
	// five minutes.
	SimulatedClock bool
	// Workers is how many tasks are worked at once, half of them reading and
	// half sending; 0 means 8.
	Workers int
	// PollEvery is how often each mailbox is read even when nothing said that
	// it changed; 0 means a minute.
	PollEvery time.Duration
	// MaxMail is the largest mail taken in or sent, in bytes; 0 means 50 MiB.
	MaxMail int64
	// PageSize is how many mails are stored in one transaction; 0 means 100.
	PageSize int
}

// Desk is a helpdesk on top of mailboxes. It is safe for concurrent use. It
// starts no goroutine of its own: work is done by Run and RunOnce.
type Desk struct {
	cfg       Config
	store     store.Store
	blobs     store.Blobs
	vault     *privacy.Vault
	providers map[string]mailbox.Provider
	log       *slog.Logger
	now       func() time.Time
	parse     func(raw []byte, env rfc822.Envelope) ticket.Inbound
	profile   string
	keysKept  bool
	logKept   bool
	erasures  *erase.Executor
	restored  atomic.Bool
}

// New checks the configuration and binds the store to its keys. It writes
// nothing but that binding, into a store that is empty, and starts nothing. It
// returns ErrConfig naming the field, ErrKeys when the keys are not those the
// store was filled with, or ErrSchema when the database needs Migrate.
func New(c Config) (*Desk, error) {
	if c.Store == nil {
		return nil, fmt.Errorf("%w: Store is nil: use memory.New() or postgres.Open", ErrConfig)
	}
	if c.RequireScan && c.Scanner == nil {
		return nil, fmt.Errorf("%w: RequireScan without Scanner would refuse every attachment", ErrConfig)
	}
	if s := c.Rules.AfterReply; s != "" && !s.Valid() {
		return nil, fmt.Errorf("%w: Rules.AfterReply is no status", ErrConfig)
	}
	c = c.withDefaults()
	if c.Keys == nil {
		if c.Store.AccessLog().Durable() {
			return nil, fmt.Errorf("%w: Keys is nil beside a durable store: use KeyFile or KeyStore", ErrConfig)
		}
		c.Keys = EphemeralKeys()
	}
	if c.Grace < 0 || c.Grace > GraceMost {
		return nil, fmt.Errorf("%w: Grace is negative or longer than GraceMost", ErrConfig)
	}
	d := &Desk{
		cfg: c, store: c.Store, blobs: c.Blobs, log: c.Logger, now: c.Now,
		parse: rfc822.ParseWith, providers: map[string]mailbox.Provider{},
		keysKept: c.Keys.Durable(), logKept: c.AccessLog.Durable(),
	}
	for _, p := range c.Providers {
		if p == nil || p.Name() == "" || d.providers[p.Name()] != nil {
			return nil, fmt.Errorf("%w: Providers: each needs a name of its own", ErrConfig)
		}
		d.providers[p.Name()] = p
	}
	if err := d.gates(); err != nil {
		return nil, err
	}
	if err := d.chooseLedger(); err != nil {
		return nil, err
	}
	root, slots, ledger, err := d.bind()
	if err != nil {
		return nil, err
	}
	d.vault = privacy.NewVault(privacy.VaultConfig{
		Root: root, Slots: slots, Log: c.AccessLog, Authorize: c.Authorize, Now: c.Now, Ready: d.ready,
	})
	ctx, cancel := context.WithTimeout(context.Background(), bindPatience)
	defer cancel()
	if err := d.follow(ctx, slots, ledger); err != nil {
		return nil, err
	}
	return d, nil
}

func (c Config) withDefaults() Config {
	if c.AccessLog == nil {
		c.AccessLog = c.Store.AccessLog()
	}
	if c.Blobs == nil {
		c.Blobs = c.Store.Blobs()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Workers <= 0 {
		c.Workers = 8
	}
	if c.Grace == 0 {
		c.Grace = GraceUsual
	}
	if c.PollEvery <= 0 {
		c.PollEvery = time.Minute
	}
	if c.MaxMail <= 0 {
		c.MaxMail = 50 << 20
	}
	if c.PageSize <= 0 {
		c.PageSize = 100
	}
	return c
}

// gates asks the profile whether this desk may run under it.
func (d *Desk) gates() error {
	p := d.cfg.Privacy
	if p == nil {
		p = privacy.Development{}
	}
	d.profile = p.Name()
	err := p.Check(privacy.Setup{
		KeysDurable: d.keysKept, LogDurable: d.logKept, Authorizes: d.cfg.Authorize != nil,
	})
	if err != nil {
		return fmt.Errorf("%w: Privacy: %w", ErrConfig, err)
	}
	return nil
}

// bindPatience bounds the database work of New, which takes no context.
const bindPatience = 30 * time.Second

// bind opens the keys and ties them to the store, so that a store never meets
// keys that are not its own.
func (d *Desk) bind() (privacy.Wrapper, privacy.Slots, privacy.Ledger, error) {
	ctx, cancel := context.WithTimeout(context.Background(), bindPatience)
	defer cancel()
	known, err := d.store.Deployment(ctx)
	fresh := errors.Is(err, store.ErrNotFound)
	if err != nil && !fresh {
		return nil, nil, nil, fmt.Errorf("helpdesk: reading the store: %w", err)
	}
	root, slots, err := d.cfg.Keys.Open(fresh)
	if err != nil {
		return nil, nil, nil, err
	}
	if !fresh && known.Keys != slots.ID() {
		return nil, nil, nil, ErrKeys
	}
	ledger, err := d.bindLedger(known)
	if err != nil {
		return nil, nil, nil, err
	}
	if known.Ledger.IsZero() {
		mine := store.Deployment{ID: ticket.NewID(d.now()), Keys: slots.ID(), Ledger: ledger.ID()}
		if known, err = d.store.Bind(ctx, mine); err != nil {
			return nil, nil, nil, fmt.Errorf("helpdesk: binding the store to its keys: %w", err)
		}
	}
	if known.Keys != slots.ID() {
		return nil, nil, nil, ErrKeys
	}
	if known.Ledger != ledger.ID() {
		return nil, nil, nil, ErrLedger
	}
	return root, slots, ledger, nil
}

// Store returns the store the desk was made with.
func (d *Desk) Store() store.Store { return d.store }

// Tenant returns the handle on which all verbs for one tenant live. It does no
// I/O; a malformed id is an error of the verbs.
func (d *Desk) Tenant(id ticket.TenantID) *Tenant { return &Tenant{desk: d, id: id} }

// Tenant is the handle of one tenant. It is safe for concurrent use and cheap
// to make.
type Tenant struct {
	desk *Desk
	id   ticket.TenantID
}

// ID returns the host's id of the tenant.
func (t *Tenant) ID() ticket.TenantID { return t.id }

// The names a host needs most often, so that it needs fewer imports.
type (
	// ID identifies a ticket, message or mailbox.
	ID = ticket.ID
	// Event tells that something happened.
	Event = ticket.Event
	// StoreTx is a transaction of the store, as OnEvent gets it.
	StoreTx = store.Tx
	// Providers are the providers of a Config.
	Providers = []mailbox.Provider
)

// NewID returns a fresh ID, such as to name a reply beforehand.
func (d *Desk) NewID() ID { return ticket.NewID(d.now()) }

// ParseID reads the text form of an ID, or returns ErrBadID.
func ParseID(s string) (ID, error) { return ticket.ParseID(s) }
