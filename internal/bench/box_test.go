package bench_test

import (
	"context"
	"encoding/binary"
	"strconv"

	"github.com/helpdesk-go/helpdesk/internal/benchmail"
	"github.com/helpdesk-go/helpdesk/mailbox"
)

// box is a mailbox whose provider costs nothing: what is measured is the desk.
type box struct{ mails []benchmail.Mail }

func (b *box) Name() string                       { return "box" }
func (b *box) Capabilities() mailbox.Capabilities { return mailbox.Capabilities{} }

func (b *box) Open(context.Context, mailbox.Session) (mailbox.Conn, error) { return boxConn{b}, nil }

type boxConn struct{ *box }

func (c boxConn) Changes(_ context.Context, q mailbox.Query) (mailbox.Page, error) {
	if len(q.Cursor) == 0 { // connecting: everything is yet to come
		return mailbox.Page{More: true, Next: make([]byte, 8)}, nil
	}
	at := int(binary.BigEndian.Uint64(q.Cursor))
	end := min(at+q.Limit, len(c.mails))
	page := mailbox.Page{More: end < len(c.mails), Next: binary.BigEndian.AppendUint64(nil, uint64(end))}
	for i := at; i < end; i++ {
		m := c.mails[i]
		page.Items = append(page.Items, mailbox.Item{ID: itoa(i), ReceivedAt: m.At, Size: int64(len(m.Raw))})
	}
	return page, nil
}

func (c boxConn) Fetch(_ context.Context, it mailbox.Item, _ int64) (mailbox.Raw, error) {
	i, err := strconv.Atoi(it.ID)
	if err != nil || i >= len(c.mails) {
		return mailbox.Raw{}, &mailbox.Error{Op: "fetch", Kind: mailbox.NotFound}
	}
	return mailbox.Raw{Bytes: c.mails[i].Raw}, nil
}

func (boxConn) Send(context.Context, mailbox.Outgoing) (mailbox.Receipt, error) {
	return mailbox.Receipt{}, &mailbox.Error{Op: "send", Kind: mailbox.Unsupported}
}

func (boxConn) FindSent(context.Context, mailbox.Sought) (mailbox.Receipt, error) {
	return mailbox.Receipt{}, &mailbox.Error{Op: "findsent", Kind: mailbox.Unsupported}
}

func (boxConn) Close() error { return nil }

// account connects a box.
type account struct{}

func (account) Provider() string               { return "box" }
func (account) Identity() string               { return "box" }
func (account) Address() (name, addr string)   { return "Support", "support@desk.example" }
func (account) MarshalBinary() ([]byte, error) { return []byte("box"), nil }
func (account) Validate() error                { return nil }

func itoa(i int) string { return strconv.Itoa(i) }
