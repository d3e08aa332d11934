package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"

	"github.com/helpdesk-go/helpdesk/examples/inbox/internal/demomail"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
)

// demoAddress is the mailbox that comes along.
const demoAddress = "support@desk.example"

// demoAccount is how the desk reaches it.
func demoAccount(w *demomail.World) *imap.Account {
	return &imap.Account{
		Name: "Support", Email: w.Address(), Password: w.Password(),
		IMAP: imap.Server{Host: demomail.Host, Port: demomail.IMAPPort, Security: imap.Plaintext},
		SMTP: imap.Server{Host: demomail.Host, Port: demomail.SMTPPort, Security: imap.Plaintext},
	}
}

// greet says where everything is.
func (a *app) greet(out io.Writer) {
	site := "http://" + a.listener.Addr().String()
	fmt.Fprintf(out, "The inbox is at     %s\n", site)
	if a.world == nil {
		fmt.Fprintf(out, "Its mailbox is      %s\n", a.settings.account.Email)
		return
	}
	fmt.Fprintf(out, "The customer is at  %s/customer\n", site)
	fmt.Fprintf(out, `
Send a first mail:

  printf 'From: Ann <ann@customer.example>\nTo: %[1]s\nSubject: The lamp is dark\n\nIt does not light any more.\n' > mail.eml
  curl smtp://%[2]s --mail-from ann@customer.example --mail-rcpt %[1]s --upload-file mail.eml

Ctrl-C stops everything.
`, a.world.Address(), a.world.SMTPAddr())
	if a.settings.store == "" {
		fmt.Fprintln(out, "Everything is in memory and gone then.")
	}
}

// sameMachine refuses requests under a name that is not this machine's: a page
// elsewhere could have its own name lead here and read along.
func sameMachine(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		ip, err := netip.ParseAddr(trimBrackets(host))
		if host != "localhost" && (err != nil || !ip.IsLoopback()) {
			http.Error(w, "this page is for its own machine", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func trimBrackets(s string) string {
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		return s[1 : len(s)-1]
	}
	return s
}
