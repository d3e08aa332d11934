package helpdesk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Mailbox is a connected account as a host sees it, without its address.
type Mailbox struct {
	ID          ticket.ID
	Tenant      ticket.TenantID
	Provider    string
	State       store.MailboxState
	Health      store.Health
	ConnectedAt time.Time
}

// ConnectOptions are choices about a connection. The zero value takes in mail
// that arrives after connecting.
type ConnectOptions struct {
	Intake mailbox.Intake
}

// Connect connects a mailbox with the zero [ConnectOptions]; see ConnectWith.
func (t *Tenant) Connect(ctx context.Context, a mailbox.Account) (Mailbox, error) {
	return t.ConnectWith(ctx, a, ConnectOptions{})
}

// ConnectWith connects a mailbox, or finds it connected: the same account is
// the same mailbox however often it is connected, and its secrets and options
// become those given last. The first time it logs in, so that it returns *mailbox.Error
// when the provider cannot be reached or refuses; when the mailbox is known
// already only a refusal is an error, and the rest is for Run to retry. It
// returns ErrAccount or ErrNoProvider for a value that cannot work.
func (t *Tenant) ConnectWith(ctx context.Context, a mailbox.Account, o ConnectOptions) (Mailbox, error) {
	if err := t.outside(ctx); err != nil {
		return Mailbox{}, err
	}
	p, err := t.accountProvider(a)
	if err != nil {
		return Mailbox{}, err
	}
	blob, err := a.MarshalBinary()
	if err != nil {
		return Mailbox{}, fmt.Errorf("%w: it cannot be encoded", ErrAccount)
	}
	if err := t.desk.vault.PrepareTenant(ctx, t.id); err != nil {
		return Mailbox{}, err
	}
	h, err := t.desk.vault.Hasher(ctx, t.id, privacy.TenantIdentity(t.id))
	if err != nil {
		return Mailbox{}, err
	}
	c := connecting{
		provider: p, account: a, blob: blob, intake: o.Intake,
		print: h.Fingerprint(privacy.DomainAccount, a.Provider()+"\x00"+a.Identity()),
	}
	for range storeTries {
		m, err := t.connect(ctx, c)
		switch {
		case err == nil:
			return publicMailbox(m), nil
		case !errors.Is(err, store.ErrStale):
			return Mailbox{}, err
		}
	}
	return Mailbox{}, store.ErrStale
}

// storeTries is how often a decision is made anew because the state moved on.
const storeTries = 5

// connecting is a connection on its way.
type connecting struct {
	provider mailbox.Provider
	account  mailbox.Account
	blob     []byte
	intake   mailbox.Intake
	print    ticket.Fingerprint
}

func (t *Tenant) accountProvider(a mailbox.Account) (mailbox.Provider, error) {
	if err := t.id.Validate(); err != nil {
		return nil, err
	}
	if a == nil {
		return nil, fmt.Errorf("%w: it is nil", ErrAccount)
	}
	if err := a.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAccount, err)
	}
	p := t.desk.providers[a.Provider()]
	if p == nil {
		return nil, ErrNoProvider
	}
	return p, nil
}

func (t *Tenant) connect(ctx context.Context, c connecting) (store.Mailbox, error) {
	var known store.Mailbox
	err := t.desk.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		known, err = r.MailboxByAccount(ctx, t.id, c.print)
		return err
	})
	if err == nil && known.State == store.MailboxFenced {
		if known, err = t.takeBack(ctx, known); err != nil {
			return store.Mailbox{}, err
		}
	}
	switch {
	case err == nil && known.State == store.MailboxConnected:
		return t.reconnect(ctx, known, c)
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return store.Mailbox{}, err
	}
	return t.connectNew(ctx, c)
}

// takeBack opens a mailbox again whose account is connected anew within the
// grace: it is the same account by its identity at the provider. One whose
// erasure has begun stays closed.
func (t *Tenant) takeBack(ctx context.Context, m store.Mailbox) (store.Mailbox, error) {
	if err := t.desk.erasures.TakeBack(ctx, privacy.Scope{Tenant: t.id, Mailbox: m.ID}); err != nil {
		return m, err
	}
	err := t.desk.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		m, err = r.Mailbox(ctx, t.id, m.ID)
		return err
	})
	return m, err
}

// connectNew logs in, takes the cursor of the present instant, and stores the
// mailbox with its first task.
func (t *Tenant) connectNew(ctx context.Context, c connecting) (store.Mailbox, error) {
	conn, err := openConn(ctx, c.provider, mailbox.Session{Account: c.blob, Intake: c.intake})
	if err != nil {
		return store.Mailbox{}, err
	}
	defer func() { _ = conn.Close() }()
	page, err := call(ctx, "changes", func(ctx context.Context) (mailbox.Page, error) {
		return conn.Changes(ctx, mailbox.Query{Stream: mailbox.Live, Limit: 1})
	})
	if err != nil {
		return store.Mailbox{}, err
	}
	// The past ends after the live stream begins: what arrives in between is
	// in both and recognised, and nothing is in neither.
	now := t.desk.now().UTC()
	m := store.Mailbox{
		ID: ticket.NewID(now), Tenant: t.id, Provider: c.provider.Name(), Account: c.print,
		State: store.MailboxConnected, Key: ticket.NewID(now), Identity: ticket.NewID(now),
		LiveCursor: page.Next, ConnectedAt: now, Version: 1,
		Health: store.Health{State: store.HealthOK, Since: now, SyncedAt: now},
	}
	if err := t.desk.vault.PrepareMailbox(ctx, mailboxKeys(m)); err != nil {
		return store.Mailbox{}, err
	}
	if err := t.desk.sealAccount(ctx, &m, c); err != nil {
		return store.Mailbox{}, err
	}
	ch := store.Changes{
		Tenant: t.id, NewMailboxes: []store.Mailbox{m},
		Events: []ticket.Event{mailboxEvent(m, ticket.MailboxConnected, now)},
		Tasks:  t.desk.firstTasks(m, c),
	}
	return m, t.desk.write(ctx, ch)
}

// reconnect takes over the secrets of the account and wakes the mailbox up.
func (t *Tenant) reconnect(ctx context.Context, m store.Mailbox, c connecting) (store.Mailbox, error) {
	conn, err := openConn(ctx, c.provider, mailbox.Session{Account: c.blob, Intake: c.intake})
	switch {
	case err == nil:
		_ = conn.Close()
	case mailbox.KindOf(err) == mailbox.Auth, mailbox.KindOf(err) == mailbox.Permanent:
		return store.Mailbox{}, err
	default:
		t.desk.log.Info("mailbox not reachable while connecting again", "mailbox", m.ID, "kind", mailbox.KindOf(err))
	}
	if err := t.desk.sealAccount(ctx, &m, c); err != nil {
		return store.Mailbox{}, err
	}
	sealed := m
	err = t.desk.store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		var err error
		if m, err = tx.Mailbox(ctx, t.id, sealed.ID); err != nil {
			return err
		}
		if m.State != store.MailboxConnected {
			return store.ErrStale // disconnected meanwhile
		}
		m.Address, m.Credential, m.Settings = sealed.Address, sealed.Credential, sealed.Settings
		m.Version++
		ch := store.Changes{Tenant: t.id, Mailboxes: []store.Mailbox{m}, Tasks: t.desk.firstTasks(m, c)}
		// What waits after a failure, such as a reply behind a refused login,
		// is tried at once, and so is what is being tried with the old account.
		waiting, err := tx.Tasks(ctx, t.id, m.ID)
		if err != nil {
			return err
		}
		for _, w := range waiting {
			if w.Attempts > 0 || w.Leased {
				ch.Tasks = append(ch.Tasks, t.desk.task(t.id, m.ID, w.Kind, w.Subject, 0))
			}
		}
		return t.desk.apply(ctx, tx, ch)
	})
	return m, err
}

// sealAccount seals what the account says about itself.
func (d *Desk) sealAccount(ctx context.Context, m *store.Mailbox, c connecting) error {
	s, err := d.vault.Sealer(ctx, mailboxKeys(*m), nil, nil)
	if err != nil {
		return err
	}
	key := privacy.MailboxContent(m.Key)
	name, addr := c.account.Address()
	if m.Address, err = s.Seal(key, m.ID, privacy.Addresses, encode(own{V: 1, Name: name, Addr: addr})); err != nil {
		return err
	}
	if m.Credential, err = s.Seal(key, m.ID, privacy.Credentials, c.blob); err != nil {
		return err
	}
	// Settings are an object of their own beside the credential.
	set := settings{V: 1, Intake: c.intake}
	if a, ok := c.account.(mailbox.Truster); ok {
		set.Hop = a.TrustedHop()
	}
	m.Settings, err = s.Seal(key, m.Identity, privacy.Credentials, encode(set))
	return err
}

// firstTasks is the work that a connected mailbox always has.
func (d *Desk) firstTasks(m store.Mailbox, c connecting) []store.Task {
	tasks := []store.Task{d.task(m.Tenant, m.ID, taskSync, ticket.ID{}, 0)}
	if c.provider.Capabilities().Waits {
		tasks = append(tasks, d.task(m.Tenant, m.ID, taskWait, ticket.ID{}, 0))
	}
	if !c.intake.Since.IsZero() {
		tasks = append(tasks, d.task(m.Tenant, m.ID, taskBackfill, ticket.ID{}, 0))
	}
	return tasks
}

func (d *Desk) task(t ticket.TenantID, mb ticket.ID, k store.TaskKind, subject ticket.ID, after time.Duration) store.Task {
	return store.Task{ID: ticket.NewID(d.now()), Tenant: t, Mailbox: mb, Kind: k, Subject: subject, After: after}
}

// Mailboxes returns the tenant's mailboxes with their health. One whose
// provider this desk lacks is shown as broken here, because this desk does no
// work for it; what another desk stored about it stays as it is.
func (t *Tenant) Mailboxes(ctx context.Context) ([]Mailbox, error) {
	if err := t.id.Validate(); err != nil {
		return nil, err
	}
	var out []Mailbox
	err := t.desk.store.View(ctx, func(ctx context.Context, r store.Reader) error {
		out = nil
		var after ticket.ID
		for {
			page, err := r.ListMailboxes(ctx, t.id, after, 200)
			for _, m := range page {
				if m.State == store.MailboxConnected && t.desk.providers[m.Provider] == nil {
					m.Health.State, m.Health.Cause = diagnose(ErrNoProvider)
				}
				out, after = append(out, publicMailbox(m)), m.ID
			}
			if err != nil || len(page) < 200 {
				return err
			}
		}
	})
	return out, err
}

func publicMailbox(m store.Mailbox) Mailbox {
	return Mailbox{ID: m.ID, Tenant: m.Tenant, Provider: m.Provider, State: m.State, Health: m.Health, ConnectedAt: m.ConnectedAt}
}

func mailboxEvent(m store.Mailbox, typ ticket.EventType, now time.Time) ticket.Event {
	return ticket.Event{
		ID: ticket.NewID(now), Version: ticket.EventVersion, Type: typ, At: now,
		By: ticket.BySystem(), Tenant: m.Tenant, Mailbox: m.ID,
	}
}
