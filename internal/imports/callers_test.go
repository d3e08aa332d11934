package imports

import (
	"slices"
	"strings"
	"testing"
)

// guard is a way through which something must not happen unseen. callers is
// the complete list of who uses it; a new caller fails until somebody has read
// it and added its line here.
type guard struct {
	what    string   // what goes through it
	names   []string // the functions, as qualified() writes them; one that ends in "." is a prefix
	within  []string // packages it is watched in; nil is everywhere but test packages and examples
	callers []string
}

var guards = []guard{{
	what:  "HTML from mail becomes HTML for a page",
	names: []string{"mailbox/rfc822.Sanitize"},
	callers: []string{
		"helpdesk.(Message).safe",
	},
}, {
	// One parser says what an address is, for identity and for display. Nobody
	// uses those of the libraries beside it.
	what:  "text becomes an address",
	names: []string{"mailbox/rfc822.ParseAddress", "net/mail.ParseAddress", "net/mail.ParseAddressList", "(*net/mail.AddressParser).", "(net/mail.Header).AddressList", "(*github.com/emersion/go-message/mail.Header).AddressList", "github.com/emersion/go-message/mail.ParseAddress", "github.com/emersion/go-message/mail.ParseAddressList"},
	callers: []string{
		"helpdesk.clean",                     // of agents' replies
		"mailbox/archive.(Account).Validate", // the host's own address, before a mail is read: drivers know no parser of mail
		"mailbox/imap.(Account).Validate",    // the same
		"mailbox/rfc822.organizer",           // of invites
	},
}, {
	what:  "a mail is put on a ticket",
	names: []string{"ticket.Match"},
	callers: []string{
		"ticket.(*Board).Match",
	},
}, {
	what:  "a page of mails is put on tickets",
	names: []string{"(*ticket.Board).Match"},
	callers: []string{
		"helpdesk.(*decision).take",
	},
}, {
	what:  "sealed content becomes readable",
	names: []string{"(*privacy.Vault).Open", "(*privacy.Vault).OpenStream"},
	callers: []string{
		"helpdesk.(*Desk).open",
		"helpdesk.(*Desk).openRaw",
		"helpdesk.(*Desk).outgoing",
		"helpdesk.(*Desk).refetch",
		"helpdesk.(*Tenant).ComposeTicket",
		"helpdesk.(*Tenant).openConversation",
		"helpdesk.(*Tenant).openSubjects",
		"helpdesk.(*composing).basis",
	},
}, {
	// Below the vault: nobody decrypts beside Open and OpenStream.
	what:  "a cipher is used on content",
	names: []string{"privacy.open", "privacy.openStream"},
	callers: []string{
		"privacy.(*Vault).Open",
		"privacy.(*Vault).OpenStream",
	},
}, {
	what: "a connection leaves the process",
	names: []string{
		"net.Dial", "net.DialTimeout", "net.DialTCP", "net.DialUDP", "net.DialUnix", "net.DialIP", "(*net.Dialer).",
		"crypto/tls.Dial", "crypto/tls.DialWithDialer", "(*crypto/tls.Dialer).",
		"net/http.Get", "net/http.Head", "net/http.Post", "net/http.PostForm", "(*net/http.Client).",
		"net.DefaultResolver", "(*net.Resolver).", "net.LookupTXT", "net.LookupHost", "net.LookupIP", "net.LookupAddr",
		"net.LookupMX", "net.LookupCNAME", "net.LookupNS", "net.LookupSRV",
		"github.com/emersion/go-msgauth/dkim.Verify", "github.com/emersion/go-msgauth/dmarc.Lookup", // with the default resolver
		"net/http.DefaultClient", "net/http.DefaultTransport", "net/smtp.",
		"github.com/emersion/go-smtp.Dial", "github.com/emersion/go-smtp.DialTLS", "github.com/emersion/go-smtp.DialStartTLS",
		"github.com/emersion/go-imap/v2/imapclient.DialInsecure", "github.com/emersion/go-imap/v2/imapclient.DialTLS",
		"github.com/emersion/go-imap/v2/imapclient.DialStartTLS",
		"github.com/jackc/pgx/v5.Connect", "github.com/jackc/pgx/v5.ConnectConfig", "github.com/jackc/pgx/v5.ConnectWithOptions",
		"github.com/jackc/pgx/v5/pgxpool.New", "github.com/jackc/pgx/v5/pgxpool.NewWithConfig",
		"github.com/jackc/pgx/v5/pgconn.Connect", "github.com/jackc/pgx/v5/pgconn.ConnectConfig",
	},
	callers: []string{
		"mailbox/imap.(*Provider).dial",
		"mailbox/rfc822/auth/verify.(*Verifier).resolver", // TXT records only, bounded, and only if the host asks for it
		"scan/clamav.(*Scanner).talk",                     // to the address the host configured; mail decides nothing about it
		"store/postgres.(*Store).listen",
		"store/postgres.OpenWith",
		"store/postgres.connect",
	},
}, {
	// In the core the time is an argument or Config's clock, so that tests and
	// simulations decide what time it is.
	what:   "the core reads the machine's clock",
	names:  []string{"time.Now", "time.Since", "time.Until"},
	within: []string{"ticket", "retention", "mailbox/rfc822", "privacy", "."},
	callers: []string{
		"helpdesk.(Config).withDefaults",
	},
}}

func (g guard) matches(name string) bool {
	return slices.ContainsFunc(g.names, func(n string) bool {
		return n == name || strings.HasSuffix(n, ".") && strings.HasPrefix(name, n)
	})
}

// TestCallers compares every guard's callers with its list.
func TestCallers(t *testing.T) {
	all := uses(t)
	for _, g := range guards {
		t.Run(strings.ReplaceAll(g.what, " ", "-"), func(t *testing.T) {
			found := map[string]string{}
			for _, u := range all {
				if g.matches(u.name) && (g.within == nil || slices.Contains(g.within, u.pkg)) {
					found[u.caller] = u.name + " at " + u.pos.String()
				}
			}
			for caller, where := range found {
				if !slices.Contains(g.callers, caller) {
					t.Errorf("new caller %q uses %s: here %s. Review it, then add it to the guard's callers", caller, where, g.what)
				}
			}
			for _, caller := range g.callers {
				if _, ok := found[caller]; !ok {
					t.Errorf("%q is listed but no longer a caller: remove it from the guard's callers", caller)
				}
			}
			t.Logf("%d callers", len(found))
		})
	}
}

// TestGuardsExist fails when a guard of our own was renamed: its list would
// then be empty and prove nothing.
func TestGuardsExist(t *testing.T) {
	if !hasPackage(t, ".") {
		t.Log("not checked: the root is not there yet")
		return
	}
	declared := map[string]bool{}
	for _, f := range sources(t) {
		for _, fn := range functions(f) {
			name := funcName(fn)
			if method, ok := strings.CutPrefix(name, "(*"); ok {
				declared["(*"+f.pkg+"."+method] = true
			} else if method, ok := strings.CutPrefix(name, "("); ok {
				declared["("+f.pkg+"."+method] = true
			} else {
				declared[f.pkg+"."+name] = true
			}
		}
	}
	for _, g := range guards {
		for _, name := range g.names {
			pkg, _, _ := strings.Cut(strings.TrimLeft(name, "(*"), ".")
			if _, isOurs := layerOf(pkg); isOurs && !declared[name] {
				t.Errorf("%s is watched but does not exist: name the function that took its place", name)
			}
		}
	}
}
