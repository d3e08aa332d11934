package helpdesk

import (
	"context"
	"errors"
	"fmt"

	"github.com/helpdesk-go/helpdesk/internal/erase"
	"github.com/helpdesk-go/helpdesk/internal/ledgerfile"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
)

// Ledger is where the erasure ledger comes from: what was erased and held is
// written there first, outside the content store and the key store, so that
// neither can be brought back from an older copy unnoticed.
type Ledger interface {
	// Open returns the ledger. fresh is set when the content store has none
	// yet, which is the only time one may be made.
	Open(fresh bool) (privacy.Ledger, error)
	// Durable reports whether the ledger outlives the process.
	Durable() bool
}

// LedgerFile keeps the erasure ledger in a file at path, which only ever
// grows. Keep it away from the backups of the content and of the keys, or
// restore it from its newest copy: an older one is refused. Several processes
// on one machine may share it.
func LedgerFile(path string) Ledger { return ledgerFile(path) }

type ledgerFile string

func (l ledgerFile) Durable() bool { return true }

func (l ledgerFile) Open(fresh bool) (privacy.Ledger, error) {
	f, err := ledgerfile.Open(string(l), fresh)
	if err != nil {
		return nil, fmt.Errorf("helpdesk: opening the erasure ledger: %w", err)
	}
	return f, nil
}

// LedgerStore takes a ledger of the host, such as that of store/postgres in a
// database of its own.
func LedgerStore(l privacy.Ledger) Ledger { return heldLedger{l, true} }

type heldLedger struct {
	ledger  privacy.Ledger
	durable bool
}

func (l heldLedger) Durable() bool { return l.durable }

func (l heldLedger) Open(bool) (privacy.Ledger, error) {
	if l.ledger == nil {
		return nil, fmt.Errorf("%w: Ledger: LedgerStore needs a ledger", ErrConfig)
	}
	return l.ledger, nil
}

// ledgerKeeper is what Keys implement that bring a ledger for desks which name
// none.
type ledgerKeeper interface{ ledger() Ledger }

// ledger is a file beside the key file.
func (k keyFile) ledger() Ledger { return LedgerFile(string(k) + ".ledger") }

// ledger is one in memory, for a store that forgets as well.
func (k *heldKeys) ledger() Ledger { return heldLedger{k.erasures, false} }

// chooseLedger takes the ledger that comes with the keys when the configuration
// names none.
func (d *Desk) chooseLedger() error {
	c := &d.cfg
	if k, ok := c.Keys.(ledgerKeeper); ok && c.Ledger == nil {
		c.Ledger = k.ledger()
	}
	if c.Ledger == nil || !c.Ledger.Durable() && c.Store.AccessLog().Durable() {
		return fmt.Errorf("%w: Ledger is nil beside a durable store: use LedgerFile or LedgerStore", ErrConfig)
	}
	return nil
}

// follow makes the executor of erasures, and looks whether the stores have
// carried out what the ledger says. It is called once, by New.
func (d *Desk) follow(ctx context.Context, slots privacy.Slots, l privacy.Ledger) error {
	d.erasures = erase.New(erase.Config{
		Store: d.store, Blobs: d.blobs, Vault: d.vault, Slots: slots, Ledger: l, Hosts: d.cfg.HostStores,
		Apply: d.apply, Rekey: d.rekey, Now: d.now, Simulated: d.cfg.SimulatedClock, Log: d.log,
	})
	lag, err := d.erasures.Lag(ctx)
	switch {
	case errors.Is(err, privacy.ErrLedger), errors.Is(err, privacy.ErrLedgerBehind), errors.Is(err, privacy.ErrOtherLedger):
		return fmt.Errorf("%w (%w)", ErrLedger, err)
	case err != nil:
		return fmt.Errorf("helpdesk: reading the erasure ledger: %w", err)
	}
	if lag > 0 {
		d.restored.Store(true)
		d.log.Warn("the stores are older than the erasure ledger; nothing is opened until it is carried out", "entries", lag)
	}
	return nil
}

// ready refuses content while the stores may hold what was erased.
func (d *Desk) ready() error {
	if d.restored.Load() {
		return ErrRestored
	}
	return nil
}

// Recover carries out what the erasure ledger says and the stores have not
// done, such as after one of them was restored from a backup, removes what that
// makes unreadable, and opens the desk again. Until then every reading of
// content is ErrRestored. Run calls it by itself. On a desk that is up to date
// it does nothing but look.
func (d *Desk) Recover(ctx context.Context) error {
	if err := d.erasures.CatchUp(ctx); err != nil {
		return fmt.Errorf("helpdesk: carrying out the erasure ledger: %w", err)
	}
	if !d.restored.Load() {
		return nil
	}
	if _, err := d.erasures.Run(ctx); err != nil {
		return fmt.Errorf("helpdesk: finishing erasures after a restore: %w", err)
	}
	lag, err := d.erasures.Lag(ctx)
	if err != nil || lag > 0 {
		return errors.Join(err, ErrRestored)
	}
	d.restored.Store(false)
	d.log.Info("the erasure ledger is carried out; content is open again")
	return nil
}

// bindLedger opens the ledger that the store was bound to, or binds it to one.
func (d *Desk) bindLedger(known store.Deployment) (privacy.Ledger, error) {
	l, err := d.cfg.Ledger.Open(known.Ledger.IsZero())
	if err != nil {
		return nil, err
	}
	if !known.Ledger.IsZero() && known.Ledger != l.ID() {
		return nil, ErrLedger
	}
	return l, nil
}
