package helpdesk

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/helpdesk-go/helpdesk/internal/erase"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// The errors that callers branch on with errors.Is. Each says in its text what
// mends it, and none carries an address, a subject or other content. Those of
// the packages below are repeated here so that a host needs one import.
var (
	// ErrConfig: the configuration cannot work; the text names the field.
	ErrConfig = errors.New("helpdesk: configuration")
	// ErrKeys: the key store is missing or belongs to another store.
	ErrKeys = errors.New("helpdesk: keys do not fit the store: bring back the key file that was used with it")
	// ErrLedger: the erasure ledger is damaged, older than the stores, or
	// belongs to others.
	ErrLedger = errors.New("helpdesk: erasure ledger does not fit the stores: bring back its newest copy")
	// ErrRestored: a store was restored from an older copy and may hold what
	// was erased since.
	ErrRestored = errors.New("helpdesk: the stores are older than the erasure ledger, so nothing is opened: call Recover or Run")
	// ErrHold: a hold that cannot be placed; the text names the field.
	ErrHold = errors.New("helpdesk: bad hold: mend the field that the error names")
	// ErrUnreadable: a hold came too late for some of what it covers.
	ErrUnreadable = erase.ErrUnreadable
	// ErrHeld: the content is kept for a legal hold, and for nothing else.
	ErrHeld = privacy.ErrHeld
	// ErrNoProvider: no provider of that name was configured.
	ErrNoProvider = errors.New("helpdesk: no such provider: list it in Config.Providers")
	// ErrAccount: the account value is incomplete; the text names the field.
	ErrAccount = errors.New("helpdesk: account")
	// ErrNoRecipient: there is nobody to reply to.
	ErrNoRecipient = errors.New("helpdesk: no recipient: set Reply.To")
	// ErrEmpty: a reply or note without text.
	ErrEmpty = errors.New("helpdesk: nothing to send: set Text")
	// ErrHook: Config.OnEvent returned an error; the transaction was rolled
	// back.
	ErrHook = errors.New("helpdesk: OnEvent failed: mend the hook, the event comes again")
	// ErrBrake: an automatic reply was refused because it could start or feed a
	// loop of machines. The reason is in its text, one of the ticket.Brake
	// constants.
	ErrBrake = errors.New("helpdesk: automatic reply refused: let a person answer")
	// ErrState: the verb does not fit the state of what it was called on.
	ErrState = errors.New("helpdesk: not in this state: read it again before deciding")

	// ErrInfected: the scanner found malware in the attachment.
	ErrInfected = errors.New("helpdesk: malware found in the attachment: only the raw mail has it")
	// ErrUnscanned: the scanner could not look at the attachment, and
	// Config.RequireScan demands it.
	ErrUnscanned = errors.New("helpdesk: attachment not scanned: try again when the scanner works")

	// ErrNotFound: there is no such thing in this tenant.
	ErrNotFound = store.ErrNotFound
	// ErrStale: the state moved on since it was read.
	ErrStale = store.ErrStale
	// ErrFenced: the mailbox is being disconnected.
	ErrFenced = store.ErrFenced
	// ErrUnavailable: the store does not answer.
	ErrUnavailable = store.ErrUnavailable
	// ErrRejected: the store cannot keep these data, or did not hand out this
	// cursor.
	ErrRejected = store.ErrRejected
	// ErrSchema: the database needs Migrate.
	ErrSchema = store.ErrSchema
	// ErrBadID: an identifier is malformed.
	ErrBadID = ticket.ErrBadID
	// ErrTransition: the delivery is in another state.
	ErrTransition = ticket.ErrTransition
	// ErrNoPrincipal: the context says nobody.
	ErrNoPrincipal = privacy.ErrNoPrincipal
	// ErrNoPurpose: the context says no purpose.
	ErrNoPurpose = privacy.ErrNoPurpose
	// ErrDenied: this principal may not, for this purpose.
	ErrDenied = privacy.ErrDenied
	// ErrAccessLog: the access could not be logged, so nothing was opened.
	ErrAccessLog = privacy.ErrAccessLog
	// ErrInTransaction: content was to be opened inside a transaction.
	ErrInTransaction = privacy.ErrInTransaction
	// ErrErased: the content's key was destroyed.
	ErrErased = privacy.ErrErased
	// ErrSealed: the content is damaged.
	ErrSealed = privacy.ErrSealed
	// ErrHeader: a value cannot stand in a mail header.
	ErrHeader = rfc822.ErrHeader
	// ErrAddress: an address cannot be written to.
	ErrAddress = rfc822.ErrAddress
	// ErrTooLarge: a mail is above the size limit.
	ErrTooLarge = rfc822.ErrTooLarge
)

// outward gives the fence of the keys the name it has for a host: closed keys
// and a fenced mailbox are the same to it.
func outward(err error) error {
	if errors.Is(err, privacy.ErrFenced) && !errors.Is(err, ErrFenced) {
		return fmt.Errorf("%w (%w)", ErrFenced, err)
	}
	return err
}

// HTTPStatus returns the status an HTTP handler answers err with; nil is 200.
// What it does not know is 500. Errors of the library may be shown to people:
// they carry no content.
func HTTPStatus(err error) int {
	is := func(targets ...error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
	var remote *mailbox.Error
	switch {
	case err == nil:
		return http.StatusOK
	case is(ErrNoPrincipal):
		return http.StatusUnauthorized
	case is(ErrDenied, ErrNoPurpose, ErrInfected, ErrHeld):
		return http.StatusForbidden
	case is(ErrErased, ErrUnreadable):
		return http.StatusGone
	case is(ErrNotFound):
		return http.StatusNotFound
	case is(ErrStale, ErrFenced, ErrState, ErrBrake, ErrTransition):
		return http.StatusConflict
	case is(ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case is(ErrBadID, ErrHold, ErrRejected, ErrNoRecipient, ErrEmpty, ErrAccount, ErrNoProvider, ErrHeader, ErrAddress):
		return http.StatusBadRequest
	case is(ErrUnavailable, ErrRestored, ErrAccessLog, ErrSchema, ErrUnscanned):
		return http.StatusServiceUnavailable
	case is(context.DeadlineExceeded, context.Canceled):
		return http.StatusGatewayTimeout
	case errors.As(err, &remote):
		return remoteStatus(remote)
	default:
		return http.StatusInternalServerError
	}
}

// remoteStatus is for verbs that talk to a provider, such as Connect.
func remoteStatus(err *mailbox.Error) int {
	switch err.Kind {
	case mailbox.Auth, mailbox.Permanent:
		return http.StatusUnprocessableEntity
	case mailbox.Throttled:
		return http.StatusTooManyRequests
	case mailbox.TooLarge:
		return http.StatusRequestEntityTooLarge
	default:
		return http.StatusBadGateway
	}
}
