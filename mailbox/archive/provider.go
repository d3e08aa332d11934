package archive

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// ProviderName is the name under which connections of this driver are stored.
const ProviderName = "archive"

// Beginning is a mailbox.Intake.Since before which no mail was received, as far
// as this package believes what mail says about its time.
var Beginning = time.Unix(0, 0).UTC()

// Provider reads archives. It implements [mailbox.Provider] and is safe for
// concurrent use.
type Provider struct {
	mu      sync.Mutex
	indexes map[string]*making // by identity, of archives that are being listed
}

// making is an index that is there or on its way.
type making struct {
	mu  sync.Mutex
	idx *Index
}

// New returns a provider.
func New() *Provider { return &Provider{indexes: map[string]*making{}} }

// Name implements mailbox.Provider.
func (p *Provider) Name() string { return ProviderName }

// Capabilities implements mailbox.Provider.
func (p *Provider) Capabilities() mailbox.Capabilities { return mailbox.Capabilities{} }

// Open implements mailbox.Provider. An archive that is not there is an error of
// kind NotFound, one that may not be read of kind Auth.
func (p *Provider) Open(ctx context.Context, s mailbox.Session) (mailbox.Conn, error) {
	var a Account
	if err := a.UnmarshalBinary(s.Account); err != nil {
		return nil, fail("open", mailbox.Permanent, "the account is no archive", err)
	}
	if err := a.Validate(); err != nil {
		return nil, fail("open", mailbox.Permanent, "the account is not complete", err)
	}
	if len(s.Intake.Folders) > 0 {
		return nil, fail("open", mailbox.Permanent, "an archive has no folders to choose from: choose paths", nil)
	}
	if err := ctx.Err(); err != nil {
		return nil, fail("open", mailbox.Transient, "stopped", err)
	}
	c := &conn{provider: p, account: a, roots: a.roots(), since: s.Intake.Since}
	for _, root := range c.roots {
		if _, err := os.Stat(root); err != nil {
			return nil, failRead("open", mailbox.Auth, err)
		}
	}
	return c, nil
}

// Index returns what the archive holds, in the order in which it is listed. It
// looks through all of it, unless a listing is under way, whose index it then
// is; the next listing uses the index it made. It blocks until it is done or
// ctx ends, and returns *mailbox.Error.
func (p *Provider) Index(ctx context.Context, a Account) (*Index, error) {
	if err := a.Validate(); err != nil {
		return nil, fail("index", mailbox.Permanent, "the account is not complete", err)
	}
	key := a.Identity()
	p.mu.Lock()
	m := p.indexes[key]
	if m == nil {
		m = &making{}
		p.indexes[key] = m
	}
	p.mu.Unlock()

	m.mu.Lock()
	defer m.mu.Unlock()
	if m.idx == nil {
		idx, err := makeIndex(ctx, a.roots(), time.Now())
		if err != nil {
			return nil, err
		}
		m.idx = idx
	}
	return m.idx, nil
}

// forget ends the life of an index: the next listing looks anew.
func (p *Provider) forget(a Account) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.indexes, a.Identity())
}

func fail(op string, kind mailbox.Kind, cause string, err error) error {
	return &mailbox.Error{Op: op, Kind: kind, Cause: cause, Err: err}
}

// failRead classifies an error of the file system, whose text holds a path and
// is not repeated. Denied is the kind of a file that may not be read: a single
// one needs no person to connect the archive anew.
func failRead(op string, denied mailbox.Kind, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fail(op, mailbox.NotFound, "the file is not there", err)
	case errors.Is(err, fs.ErrPermission):
		return fail(op, denied, "the file may not be read", err)
	default:
		return fail(op, mailbox.Transient, "the file cannot be read now", err)
	}
}
