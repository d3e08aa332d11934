package mailboxtest

import (
	"net/http"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// Harness is what a driver's test gives to [Run].
type Harness struct {
	// New starts a server with one empty mailbox for one case, and ends it
	// with t.Cleanup. The capabilities are the same each time.
	New func(t *testing.T) *Server
	// Without names the controls that New leaves nil or empty although the
	// capabilities have use for them, each with the reason. Run fails on a
	// missing control that is not named here, and on a name too many, so that
	// nobody mistakes an unexercised case for a passed one.
	Without map[string]string
	// Timeout bounds how long a case waits for the server to show what it was
	// given; 0 means ten seconds.
	Timeout time.Duration
}

// Server is a provider under test with the controls over its other side. A
// mail is named to a control by its Message-ID without angle brackets.
type Server struct {
	// Provider and Account are what a host has. Both are required.
	Provider mailbox.Provider
	Account  mailbox.Account
	// Deliver puts a mail into the inbox. Required.
	Deliver func(t *testing.T, raw []byte, receivedAt time.Time)
	// Accepted lists the mails that the server accepted for sending, one
	// element for each time. From, To and Raw count. Required.
	Accepted func(t *testing.T) []SentMail
	// Rewrites is set where the provider replaces Message-IDs on sending.
	Rewrites bool
	// Secrets are texts that no error may contain, beside the addresses that
	// the suite knows: passwords, tokens, the server's banner.
	Secrets []string

	// The controls below may be named in Harness.Without.

	// WrongAccount is Account with a secret that the server refuses.
	WrongAccount mailbox.Account
	// Folder is the name of a folder that is not the inbox, sent mail or
	// drafts, and DeliverTo puts a mail there.
	Folder    string
	DeliverTo func(t *testing.T, folder string, raw []byte, receivedAt time.Time)
	// Remove deletes a mail from the inbox for good.
	Remove func(t *testing.T, messageID string)
	// Fetched lists the mails of which the server transferred a header or
	// body so far.
	Fetched func(t *testing.T) []string
	// ExpireCursor makes the server forget the cursors it gave out (a new
	// UIDVALIDITY, a history that was cut off). Mail stays.
	ExpireCursor func(t *testing.T)
	// KillGrant makes the server refuse the account from now on, on open
	// connections or at the latest on new ones.
	KillGrant func(t *testing.T)
	// Cut drops all open connections; new ones succeed.
	Cut func(t *testing.T)
	// CutSend makes the next sending lose its connection after the server
	// accepted the mail and before it said so.
	CutSend func(t *testing.T)
	// CutFetch makes the next Fetch lose its connection within the body.
	CutFetch func(t *testing.T)
	// Throttle makes the next Changes be refused for a while.
	Throttle func(t *testing.T, retryAfter time.Duration)
	// Hang makes the server answer nothing more to Changes.
	Hang func(t *testing.T)
	// RefusedRecipient is an address that the server refuses as recipient.
	RefusedRecipient string
	// SentCopies returns the mails in the folder of sent mail.
	SentCopies func(t *testing.T) [][]byte
	// SentFolder is the name of that folder, as Intake.Folders takes it, and
	// Own puts a mail there, as a person's own mail program does.
	SentFolder string
	Own        func(t *testing.T, raw []byte)
	// OwnDraft stores an unsent draft, as a person's own mail program does.
	OwnDraft func(t *testing.T, raw []byte)
	// Pushes returns the notifications since the last call. It is needed with
	// the capability Pushes, as are Forged, one that the provider did not
	// send, and Handshake, the provider's validation of the address.
	Pushes    func(t *testing.T) []*http.Request
	Forged    func(t *testing.T) *http.Request
	Handshake func(t *testing.T) *http.Request
	// Target is a Watch.Target for the capability Watches.
	Target string
}

// controls tells by name which optional controls are there.
func (s *Server) controls() map[string]bool {
	return map[string]bool{
		"WrongAccount":     s.WrongAccount != nil,
		"Folder":           s.Folder != "",
		"DeliverTo":        s.DeliverTo != nil,
		"Remove":           s.Remove != nil,
		"Fetched":          s.Fetched != nil,
		"ExpireCursor":     s.ExpireCursor != nil,
		"KillGrant":        s.KillGrant != nil,
		"Cut":              s.Cut != nil,
		"CutSend":          s.CutSend != nil,
		"CutFetch":         s.CutFetch != nil,
		"Throttle":         s.Throttle != nil,
		"Hang":             s.Hang != nil,
		"RefusedRecipient": s.RefusedRecipient != "",
		"SentCopies":       s.SentCopies != nil,
		"SentFolder":       s.SentFolder != "",
		"Own":              s.Own != nil,
		"OwnDraft":         s.OwnDraft != nil,
		"Pushes":           s.Pushes != nil,
		"Forged":           s.Forged != nil,
		"Handshake":        s.Handshake != nil,
		"Target":           s.Target != "",
	}
}
