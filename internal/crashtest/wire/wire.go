// Package wire is what the crash harness and its workers say to each other:
// JSON over HTTP on a unix socket. The harness keeps the ledger and outlives
// the workers; closing a worker's socket ends its calls at the harness, so that
// a killed worker leaves nothing hanging there.
package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// The environment of a worker.
const (
	EnvSocket = "HELPDESK_HARNESS"    // path of the harness's socket
	EnvWorker = "HELPDESK_WORKER"     // the worker's number
	EnvDSN    = "HELPDESK_DSN"        // the database, through the harness's proxy
	EnvKeys   = "HELPDESK_KEYS"       // path of the key file
	EnvCrash  = "HELPDESK_CRASH"      // "<point>:<nth>": where to die
	EnvList   = "HELPDESK_CRASH_LIST" // when set, print all points and exit
)

// Tenant is the tenant that all workers work for.
const Tenant ticket.TenantID = "acme"

// Settings are what the harness decides about a worker.
type Settings struct {
	Provider     string
	Capabilities mailbox.Capabilities
	MaxMail      int64
	PageSize     int
	// PollEvery is how often a mailbox is read by itself, as the desk
	// understands it; it is divided by Scale like every pause of the engine.
	PollEvery time.Duration
	Scale     int
	// Lease replaces the length of every lease, Patience bounds a call to the
	// provider.
	Lease, Patience time.Duration
	// Account is what to connect, Since the window into the past.
	Account Account
	Since   time.Time
}

// Account is a mailbox of the harness's provider.
type Account struct {
	ProviderName, User, Email, Name, Password string
}

// Provider implements mailbox.Account.
func (a Account) Provider() string { return a.ProviderName }

// Identity implements mailbox.Account.
func (a Account) Identity() string { return a.User }

// Address implements mailbox.Account.
func (a Account) Address() (name, addr string) { return a.Name, a.Email }

// MarshalBinary implements mailbox.Account, in the form that
// mailboxtest.Account has.
func (a Account) MarshalBinary() ([]byte, error) {
	return json.Marshal(map[string]string{"user": a.User, "email": a.Email, "name": a.Name, "password": a.Password})
}

// Validate implements mailbox.Account.
func (a Account) Validate() error {
	if a.User == "" || a.Email == "" {
		return errors.New("crashtest: the account lacks a user or an address")
	}
	return nil
}

// Call is one call to the provider.
type Call struct {
	Worker  int
	Conn    int64
	Op      string
	Session mailbox.Session
	Query   mailbox.Query
	Item    mailbox.Item
	Max     int64
	Out     mailbox.Outgoing
	Sought  mailbox.Sought
	ID      string
}

// Answer is what a call returns.
type Answer struct {
	Page    mailbox.Page
	Raw     mailbox.Raw
	Receipt mailbox.Receipt
	ID      string
	Present bool
	Error   *Error
}

// Error is a mailbox.Error on its way.
type Error struct {
	Op, Cause  string
	Kind       mailbox.Kind
	RetryAfter time.Duration
	Unsent     bool
}

// From makes an Error of what a provider returned.
func From(err error) *Error {
	var e *mailbox.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return &Error{Op: e.Op, Cause: e.Cause, Kind: e.Kind, RetryAfter: e.RetryAfter, Unsent: e.Unsent}
	default:
		return &Error{Kind: mailbox.Transient, Cause: "internal"}
	}
}

// Err is the error as a driver returns it, or nil.
func (e *Error) Err() error {
	if e == nil {
		return nil
	}
	return &mailbox.Error{Op: e.Op, Cause: e.Cause, Kind: e.Kind, RetryAfter: e.RetryAfter, Unsent: e.Unsent}
}

// The kinds of commands.
const (
	CmdConnect  = "connect"
	CmdPlain    = "plain"    // Reply in a transaction of its own
	CmdCommit   = "commit"   // in the host's transaction, which commits
	CmdRollback = "rollback" // in the host's transaction, which is rolled back
)

// Command is what the harness asks the host program to do.
type Command struct {
	N    int
	Kind string
	// Mail is the provider's id of the mail to answer, Reply the id of the
	// reply, Text what it says and File what goes along, if anything.
	Mail  string
	Reply ticket.ID
	Text  string
	File  []byte
}

// Outcome is how a command went. Without OK it is to be given again.
type Outcome struct {
	Worker, N int
	OK        bool
	Cause     string
}

// The kinds of reports.
const (
	ReportClaim  = "claim"  // a lease was given
	ReportExtend = "extend" // a lease was made longer
	ReportBegin  = "begin"  // a transaction under a lease is about to write
	ReportCommit = "commit" // it committed, as far as the worker was told
	ReportFail   = "fail"   // it did not commit, or nobody knows
	ReportCrash  = "crash"  // the worker is about to kill itself at Point
	ReportIdle   = "idle"   // goroutines before Run
	ReportEnd    = "end"    // goroutines after Run ended
)

// Report is one line of the ledger that a worker writes.
type Report struct {
	Worker     int
	Kind       string
	Point      string
	Task       ticket.ID
	Token      int64
	Until      time.Time     // by the store's clock
	For        time.Duration // what a claim or extension asked for
	Asked, Got time.Time     // when it was asked for and answered, by the worker's clock
	Events     []ticket.ID   // what a commit wrote of the event log
	Transient  bool          // a lease that may be short
	Finish     bool
	Cursor     string
	Goroutines int
}

// Client speaks to the harness.
type Client struct {
	http   *http.Client
	Worker int
}

// Dial returns a client for the harness's socket.
func Dial(socket string, worker int) *Client {
	tr := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
		MaxIdleConnsPerHost: 64,
	}
	return &Client{http: &http.Client{Transport: tr}, Worker: worker}
}

// Close ends the idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Do posts in to a path and reads the answer into out.
func (c *Client) Do(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://harness"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("crashtest: the harness answered %d", resp.StatusCode)
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

// Report writes a line of the ledger and returns when it is there.
func (c *Client) Report(r Report) {
	r.Worker = c.Worker
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = c.Do(ctx, "/report", r, &struct{}{}) // a harness that is gone judges no more
}
