package privacy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// Request is what an access asks for. Principal and Purpose come from the
// context and are filled in by the vault.
type Request struct {
	Tenant    ticket.TenantID
	Operation string
	Principal Principal
	Purpose   Purpose
	Classes   []Class
	Objects   []ticket.ID
}

// Item is one sealed value with what it was sealed as.
type Item struct {
	Object Object
	Sealed Sealed
}

// Opened is one opened value: its plaintext, or why it does not open.
type Opened struct {
	Plain []byte
	Err   error
}

// Open is the one way to plaintext. It takes principal and purpose from the
// context, authorises them, writes one entry to the access log, makes sure that
// no key on the way is fenced, and then decrypts. An empty Sealed opens as nil.
//
// It returns ErrInTransaction inside a store's closure, ErrNoPrincipal,
// ErrNoPurpose, ErrDenied, or ErrAccessLog when the entry could not be written;
// nothing was revealed then. What is wrong with a single value is in its
// Opened: ErrErased, ErrFenced, ErrHeld, ErrNoKey or ErrSealed.
func (v *Vault) Open(ctx context.Context, t ticket.TenantID, operation string, items []Item) ([]Opened, error) {
	if err := v.admit(ctx, t, operation, items); err != nil {
		return nil, err
	}
	var ids []ticket.ID
	for _, it := range items {
		if id := it.Sealed.KeyID(); !id.IsZero() && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	keys, err := v.slotKeys(ctx, t, ids)
	if err != nil {
		return nil, err
	}
	out := make([]Opened, len(items))
	for i, it := range items {
		if len(it.Sealed) == 0 {
			continue
		}
		k, known := keys[it.Sealed.KeyID()]
		switch {
		case it.Object.Tenant != t || !known:
			out[i].Err = ErrSealed
		case k.Err != nil:
			out[i].Err = k.Err
		default:
			out[i].Plain, out[i].Err = open(k.Plain, it.Object, it.Sealed)
		}
	}
	return out, ctx.Err()
}

// OpenStream is [Vault.Open] for one large object. The plaintext is
// authenticated segment by segment as it is read; a cut or damaged stream ends
// in ErrSealed.
func (v *Vault) OpenStream(ctx context.Context, operation string, o Object, src io.Reader) (io.Reader, error) {
	if err := v.admit(ctx, o.Tenant, operation, []Item{{Object: o}}); err != nil {
		return nil, err
	}
	h := make([]byte, sealedHeader)
	if _, err := io.ReadFull(src, h); err != nil {
		return nil, ErrSealed
	}
	id := Sealed(h).KeyID()
	keys, err := v.slotKeys(ctx, o.Tenant, []ticket.ID{id})
	if err != nil {
		return nil, err
	}
	if err := keys[id].Err; err != nil {
		return nil, err
	}
	return openStream(keys[id].Plain, o, h, src)
}

// admit authorises and logs. Only after it returned nil may anything be
// revealed.
func (v *Vault) admit(ctx context.Context, t ticket.TenantID, operation string, items []Item) error {
	if InTx(ctx) {
		return ErrInTransaction
	}
	if v.cfg.Ready != nil {
		if err := v.cfg.Ready(); err != nil {
			return err
		}
	}
	who, what, err := From(ctx)
	if err != nil && !errors.Is(err, ErrDenied) {
		return err
	}
	r := Request{Tenant: t, Operation: operation, Principal: who, Purpose: what}
	for _, it := range items {
		if !slices.Contains(r.Classes, it.Object.Class) {
			r.Classes = append(r.Classes, it.Object.Class)
		}
		r.Objects = append(r.Objects, it.Object.ID)
	}
	slices.Sort(r.Classes)
	slices.SortFunc(r.Objects, func(a, b ticket.ID) int { return slices.Compare(a[:], b[:]) })
	r.Objects = slices.Compact(r.Objects)
	if err == nil {
		err = v.authorize(ctx, r)
	}
	e := v.entry(r)
	e.Refused = err != nil
	if logErr := v.log.append(ctx, e); logErr != nil {
		return fmt.Errorf("%w (%w)", ErrAccessLog, logErr)
	}
	return err
}

// Refuse logs that the context asked for a purpose that is always refused, and
// returns ErrDenied, or ErrAccessLog when not even that can be logged. For
// other contexts it does what [From] says.
func (v *Vault) Refuse(ctx context.Context, t ticket.TenantID, operation string) error {
	who, what, err := From(ctx)
	if !errors.Is(err, ErrDenied) {
		return err
	}
	e := v.entry(Request{Tenant: t, Operation: operation, Principal: who, Purpose: what})
	e.Refused = true
	if logErr := v.log.append(ctx, e); logErr != nil {
		return fmt.Errorf("%w (%w)", ErrAccessLog, logErr)
	}
	return err
}

func (v *Vault) entry(r Request) Entry {
	now := v.cfg.Now()
	return Entry{
		ID: randomID(now), At: now, Tenant: r.Tenant, Principal: r.Principal, Purpose: r.Purpose,
		Operation: r.Operation, Classes: r.Classes, Objects: r.Objects,
	}
}

// authorize is the library's own rule and then the host's. Credentials open
// only for the library's own work, and the library's own work is no purpose of
// a person.
func (v *Vault) authorize(ctx context.Context, r Request) error {
	system := r.Principal.Kind == SystemPrincipal
	if slices.Contains(r.Classes, Credentials) && !(system && r.Purpose == Operation) {
		return ErrDenied
	}
	if r.Purpose == Operation && !system {
		return ErrDenied
	}
	if v.cfg.Authorize != nil {
		if err := v.cfg.Authorize(ctx, r); err != nil {
			return fmt.Errorf("%w: refused by the host: %w", ErrDenied, err)
		}
	}
	return nil
}
