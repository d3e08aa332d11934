package helpdesk

import "github.com/helpdesk-go/helpdesk/store"

// Action is what has to happen next for a mailbox.
type Action string

// The actions.
const (
	// ActionNone: mail flows.
	ActionNone Action = "none"
	// ActionWait: the engine tries again by itself, at Health.NextAt.
	ActionWait Action = "wait"
	// ActionConnect: a person must connect the account again, with a password
	// or a grant that the provider takes.
	ActionConnect Action = "connect-again"
	// ActionMend: an operator must mend what Health.Cause names; the engine
	// notices by itself at Health.NextAt.
	ActionMend Action = "mend"
)

// NextAction tells what has to happen next, and by whom, so that mail flows.
func (m Mailbox) NextAction() Action {
	if m.State == store.MailboxFenced {
		return ActionConnect
	}
	switch m.Health.State {
	case store.HealthOK:
		return ActionNone
	case store.HealthNeedsConsent:
		return ActionConnect
	case store.HealthBroken:
		return ActionMend
	default:
		return ActionWait
	}
}
