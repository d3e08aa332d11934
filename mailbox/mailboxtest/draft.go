package mailboxtest

import (
	"context"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// drafter adds mailbox.Drafter.
type drafter struct{ c *conn }

// Draft implements mailbox.Drafter.
func (d drafter) Draft(ctx context.Context, o mailbox.Outgoing) (string, error) {
	k, err := d.c.begin(ctx, OpDraft)
	if err != nil {
		return "", err
	}
	defer k.end()
	return finish(ctx, k, k.draft(o))
}

func (k *call) draft(o mailbox.Outgoing) string {
	f, b := k.c.f, k.c.box
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.add(b, DraftsFolder, o.Raw, time.Now())
	m.out = o
	m.out.Raw = m.raw
	f.notify(k.c.user, b)
	return m.id
}

// FindDraft implements mailbox.Drafter.
func (d drafter) FindDraft(ctx context.Context, marker string) (string, error) {
	k, err := d.c.begin(ctx, OpFindDraft)
	if err != nil {
		return "", err
	}
	defer k.end()
	id, err := k.findDraft(marker)
	if err != nil {
		return "", err
	}
	return finish(ctx, k, id)
}

func (k *call) findDraft(marker string) (string, error) {
	k.c.f.mu.Lock()
	defer k.c.f.mu.Unlock()
	for _, m := range k.c.box.letters {
		if m.draft && !m.gone && marker != "" && m.out.Marker == marker {
			return m.id, nil
		}
	}
	return "", fail(OpFindDraft, mailbox.NotFound, "no draft with this marker")
}

// SendDraft implements mailbox.Drafter.
func (d drafter) SendDraft(ctx context.Context, draft string) (mailbox.Receipt, error) {
	k, err := d.c.begin(ctx, OpSendDraft)
	if err != nil {
		return mailbox.Receipt{}, err
	}
	defer k.end()
	r, err := k.sendDraft(draft)
	if err != nil {
		return mailbox.Receipt{}, err
	}
	return finish(ctx, k, r)
}

// sendDraft sends and removes the draft in one step: two connections that send
// the same draft send one mail.
func (k *call) sendDraft(id string) (mailbox.Receipt, error) {
	k.c.f.mu.Lock()
	defer k.c.f.mu.Unlock()
	m := k.c.box.find(id)
	if m == nil || !m.draft {
		return mailbox.Receipt{}, fail(OpSendDraft, mailbox.NotFound, "draft is gone")
	}
	r, err := k.accept(m.out, id)
	if err == nil {
		k.c.box.remove(m)
	}
	return r, err
}

// DraftPresent implements mailbox.Drafter.
func (d drafter) DraftPresent(ctx context.Context, draft string) (bool, error) {
	k, err := d.c.begin(ctx, OpDraftPresent)
	if err != nil {
		return false, err
	}
	defer k.end()
	d.c.f.mu.Lock()
	m := d.c.box.find(draft)
	present := m != nil && m.draft
	d.c.f.mu.Unlock()
	return finish(ctx, k, present)
}
