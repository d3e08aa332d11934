package imap

import (
	"context"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// conn is an open mailbox: one IMAP connection, and an SMTP connection while a
// mail is sent. It implements mailbox.Conn, mailbox.Filer and mailbox.Waiter.
type conn struct {
	p      *Provider
	acct   Account
	intake mailbox.Intake
	opened time.Time

	g    *guard
	st   *stream
	cl   *imapclient.Client
	caps imap.CapSet

	// stirred has room for one hint that the selected folder changed.
	stirred chan struct{}
	// current is the selected folder, or nil.
	current *folder
	// seen remembers the folders as Changes saw them, by key.
	seen map[string]folder
	// ahead is what Fetch may expect to be asked for.
	ahead ahead
	// inexact: a whole body had another size than was stated. Nothing is
	// fetched ahead any more, as each exchange would bring it in vain.
	inexact bool
	// estimates: such a body came twice the same, so a whole body is the mail
	// whatever its size.
	estimates bool
	// sent is the folder of sent mail once it was found, and lookedAt when it
	// was last looked for in vain.
	sent     string
	lookedAt time.Time

	mu   sync.Mutex
	smtp *guard // set while a mail is sent
	done chan struct{}
	once sync.Once
}

// login connects to the IMAP server and authenticates.
func (p *Provider) login(ctx context.Context, a Account) (*conn, error) {
	server := a.imapServer()
	token, err := p.tokenClient(ctx, opOpen, a, server)
	if err != nil {
		return nil, err
	}
	g, st, err := p.connect(ctx, opOpen, server, imapProtocol(), "")
	if err != nil {
		return nil, err
	}
	c := &conn{
		p: p, acct: a, opened: time.Now(), g: g, st: st,
		stirred: make(chan struct{}, 1), done: make(chan struct{}), seen: map[string]folder{},
	}
	stir := func() {
		select {
		case c.stirred <- struct{}{}:
		default: // one hint is enough
		}
	}
	end := g.begin(ctx, p.opts.CommandTimeout, smallBudget)
	defer end()
	c.cl = imapclient.New(st, &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(d *imapclient.UnilateralDataMailbox) {
			if d.NumMessages != nil {
				stir()
			}
		},
	}})
	if err := c.authenticate(token); err != nil {
		e := c.classify(opOpen, err)
		c.Close()
		return nil, e
	}
	return c, nil
}

func (c *conn) authenticate(token sasl.Client) error {
	if err := c.cl.WaitGreeting(); err != nil {
		return err
	}
	if c.cl.State() == imap.ConnStateAuthenticated {
		// Whose mailbox this is was never proven.
		return fail(opOpen, mailbox.Permanent, "server skipped the login", nil)
	}
	caps := c.cl.Caps()
	var err error
	switch {
	case token != nil:
		err = c.cl.Authenticate(token)
	case c.acct.Auth != AuthLogin && caps.Has(imap.AuthCap("PLAIN")), c.acct.Auth == AuthPlain:
		err = c.cl.Authenticate(sasl.NewPlainClient("", c.acct.username(), c.acct.Password))
	case caps.Has(imap.CapLoginDisabled):
		return fail(opOpen, mailbox.Auth, "server takes no password", nil)
	default:
		err = c.cl.Login(c.acct.username(), c.acct.Password).Wait()
	}
	if err != nil {
		return err
	}
	// Asked anew: the library may still hold those from before the login.
	c.caps, err = c.cl.Capability().Wait()
	return err
}

// exchange describes the bounds of one or more commands.
type exchange struct {
	budget int64         // bytes that the server may send; zero is smallBudget
	extra  time.Duration // on top of the command timeout
	mail   bool          // mail is transferred, so its words are not the server's
	leave  bool          // the context's end gives it lookTime instead of ending it
}

// do runs commands within bounds and classifies what went wrong.
func (c *conn) do(ctx context.Context, op string, x exchange, f func(*imapclient.Client) error) error {
	if err := ctx.Err(); err != nil {
		return fail(op, mailbox.Transient, "cancelled", err)
	}
	if x.budget == 0 {
		x.budget = smallBudget
	}
	c.st.listen(!x.mail)
	until := ctx
	if x.leave {
		until = context.WithoutCancel(ctx)
	}
	end := c.g.begin(until, c.p.opts.CommandTimeout+x.extra, x.budget)
	defer end()
	if x.leave {
		defer context.AfterFunc(ctx, func() { c.g.extend(lookTime) })()
	}
	if err := f(c.cl); err != nil {
		return c.classify(op, err)
	}
	return nil
}

// Close implements mailbox.Conn. It does not say LOGOUT: servers take the end
// of the connection for one, and a mute one would make it wait.
func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.done)
		c.g.kill(errClosed)
		c.mu.Lock()
		if c.smtp != nil {
			c.smtp.kill(errClosed)
		}
		c.mu.Unlock()
	})
	return nil
}

// stopped reports whether Close was called.
func (c *conn) stopped() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}
