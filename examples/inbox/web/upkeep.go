package web

import (
	"net/http"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

type quarantinePage struct {
	Base  base
	Mails []held
	Next  string
}

// held is a quarantined mail as the page shows it.
type held struct{ helpdesk.Quarantined }

// Why is the cause in words.
func (h held) Why() string {
	switch h.Cause {
	case "too-large":
		return "It is larger than mails may be here."
	case "fetch-failed":
		return "It could not be fetched whole from the provider."
	case "parser-failed":
		return "It could not be read as a mail."
	case "rejected":
		return "It could not be stored as a message."
	}
	return h.Cause
}

// Held is set while nobody has decided.
func (h held) Held() bool { return h.State == store.Held }

const quarantineLimit = 100

func (s *site) quarantine(v *visit) error {
	var after ticket.ID
	if from := v.r.URL.Query().Get("after"); from != "" {
		var err error
		if after, err = ticket.ParseID(from); err != nil {
			return helpdesk.ErrNotFound
		}
	}
	list, err := v.tenant.Quarantine(v.ctx, after, quarantineLimit)
	if err != nil {
		return err
	}
	p := quarantinePage{Base: base{Site: s, Who: v.who, Here: "quarantine"}}
	for _, q := range list {
		p.Mails = append(p.Mails, held{q})
	}
	if len(list) == quarantineLimit {
		p.Next = list[len(list)-1].ID.String()
	}
	s.pages.render(v.w, http.StatusOK, "quarantine", p)
	return nil
}

// takeOut releases a mail or has it read again.
func (s *site) takeOut(v *visit) error {
	id, err := v.pathID("mail")
	if err != nil {
		return err
	}
	if err := v.parseForm(smallForm); err != nil {
		return err
	}
	switch v.r.PostFormValue("decide") {
	case "release":
		_, err = v.tenant.Release(v.ctx, id)
	case "reprocess":
		_, err = v.tenant.Reprocess(v.ctx, id)
	default:
		return badForm("There is no such decision.")
	}
	if err != nil {
		return err
	}
	return s.to(v, "/quarantine")
}

func (s *site) quarantinedRaw(v *visit) error {
	id, err := v.pathID("mail")
	if err != nil {
		return err
	}
	raw, err := v.tenant.QuarantinedRaw(v.ctx, id)
	if err != nil {
		return err
	}
	return v.serve("message/rfc822", "attachment", "quarantined-"+id.Short()+".eml", raw)
}

type mailboxesPage struct {
	Base      base
	Mailboxes []box
	Health    helpdesk.Health
}

// box is a mailbox as the page shows it.
type box struct{ helpdesk.Mailbox }

// Fenced is set while a mailbox is being disconnected.
func (b box) Fenced() bool { return b.State == store.MailboxFenced }

// Says is the health in words.
func (b box) Says() string {
	switch b.Health.State {
	case store.HealthOK:
		return "Working"
	case store.HealthDelayed:
		return "Delayed: it is tried again by itself"
	case store.HealthThrottled:
		return "Throttled: the provider asked to wait"
	case store.HealthNeedsConsent:
		return "The provider refuses the login: connect it again"
	case store.HealthBroken:
		return "Broken: this does not pass by itself"
	}
	return string(b.Health.State)
}

func (s *site) mailboxes(v *visit) error {
	list, err := v.tenant.Mailboxes(v.ctx)
	if err != nil {
		return err
	}
	p := mailboxesPage{Base: base{Site: s, Who: v.who, Here: "mailboxes"}, Health: s.desk.Health(v.ctx)}
	for _, m := range list {
		p.Mailboxes = append(p.Mailboxes, box{m})
	}
	s.pages.render(v.w, http.StatusOK, "mailboxes", p)
	return nil
}

// connected leaves out the mailboxes that nothing is sent from any more.
func connected(list []helpdesk.Mailbox) (out []helpdesk.Mailbox) {
	for _, m := range list {
		if m.State == store.MailboxConnected {
			out = append(out, m)
		}
	}
	return out
}
