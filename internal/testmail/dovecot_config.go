package testmail

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// capabilities are those that Dovecot 2.3 names after login.
const capabilities = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS " +
	"THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED " +
	"I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE " +
	"SNIPPET=FUZZY PREVIEW=FUZZY STATUS=SIZE SAVEDATE LITERAL+ NOTIFY SPECIAL-USE"

func (d *Dovecot) config(port int) string {
	connections := d.opts.MaxConnections
	if connections == 0 {
		connections = 100
	}
	mechanisms, tokens := "plain login", ""
	if d.opts.Tokens != nil {
		mechanisms += " xoauth2 oauthbearer"
		tokens = fmt.Sprintf("passdb {\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = %s\n}\n",
			filepath.Join(d.dir, "oauth2.conf"))
	}
	tls, tlsPort := "ssl = no\n", 0
	if d.opts.Authority != nil {
		cert := filepath.Join(d.dir, "cert.pem")
		tls, tlsPort = fmt.Sprintf("ssl = yes\nssl_cert = <%s\nssl_key = <%s\n", cert, cert), d.tlsPort
	}
	withheld := ""
	if len(d.opts.Without) > 0 {
		kept := slices.DeleteFunc(strings.Fields(capabilities), func(c string) bool { return slices.Contains(d.opts.Without, c) })
		withheld = "imap_capability = " + strings.Join(kept, " ") + "\n"
	}
	return tls + withheld + tokens + strings.NewReplacer(
		"@DIR@", d.dir, "@UID@", fmt.Sprint(nobody), "@PORT@", fmt.Sprint(port), "@TLSPORT@", fmt.Sprint(tlsPort),
		"@MECHANISMS@", mechanisms, "@CONNECTIONS@", fmt.Sprint(connections),
	).Replace(dovecotConfig)
}

// dovecotConfig is for Dovecot 2.3. Each user has a password file, and a home
// named by what is before the @. Anybody on the machine may ask the auth socket,
// which is how Postfix checks passwords. A wrong password slows nobody down.
const dovecotConfig = `
base_dir = @DIR@/run
state_dir = @DIR@/state
log_path = /dev/stderr
protocols = imap
listen = 127.0.0.1
disable_plaintext_auth = no
auth_mechanisms = @MECHANISMS@
auth_failure_delay = 0
auth_worker_max_count = 4
first_valid_uid = 100
mail_max_userip_connections = @CONNECTIONS@
mail_location = maildir:@DIR@/mail/%n/Maildir

passdb {
  driver = passwd-file
  mechanisms = plain login
  args = username_format=%u @DIR@/users/%n
}
userdb {
  driver = static
  args = uid=@UID@ gid=@UID@ home=@DIR@/mail/%n allow_all_users=yes
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Sent {
    special_use = \Sent
    auto = create
  }
  mailbox Drafts {
    special_use = \Drafts
    auto = create
  }
}
service imap-login {
  inet_listener imap {
    port = @PORT@
  }
  inet_listener imaps {
    port = @TLSPORT@
    ssl = yes
  }
}
service anvil {
  client_limit = 2000
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  client_limit = 2000
  unix_listener @DIR@/auth {
    mode = 0666
  }
}
`

// tokenConfig makes Dovecot ask the token server about every token.
func tokenConfig(s *TokenServer) string {
	return fmt.Sprintf(`introspection_url = %s
introspection_mode = post
force_introspection = yes
active_attribute = active
active_value = true
username_attribute = username
`, s.IntrospectionURL())
}
