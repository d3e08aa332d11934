package mailboxtest_test

import (
	"context"
	"fmt"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
)

// A connection that is lost after the mail was accepted looks to the sender
// like one that was lost before.
func ExampleFake() {
	f := mailboxtest.NewFake(mailboxtest.FakeOptions{Capabilities: mailboxtest.PlainCapabilities()})
	f.Inject(mailboxtest.Fault{Op: f.SendOp(), Kind: mailboxtest.FaultCutAfter})

	raw, _ := mailboxtest.Account{User: "support@desk.example", Password: "any"}.MarshalBinary()
	conn, _ := f.Provider().Open(context.Background(), mailbox.Session{Account: raw})
	_, err := conn.Send(context.Background(), mailbox.Outgoing{
		From: "support@desk.example", To: []string{"ann@customer.example"},
		Raw: []byte("Message-ID: <1@desk.example>\r\n\r\nHello.\r\n"), MessageID: "1@desk.example",
	})

	fmt.Println(err, "- surely unsent:", mailbox.Unsent(err))
	fmt.Println("mails that arrived:", f.Sent("support@desk.example")[0].Copies)
	// Output:
	// mailbox: send: transient: connection was lost - surely unsent: false
	// mails that arrived: 1
}
