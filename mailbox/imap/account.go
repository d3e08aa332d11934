package imap

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"strconv"
	"strings"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// ProviderName is the name under which connections of this driver are stored.
const ProviderName = "imap"

// Ways to authenticate, for [Account.Auth].
const (
	// AuthPlain sends the password with SASL PLAIN (RFC 4616).
	AuthPlain = "plain"
	// AuthLogin sends the password with LOGIN, for servers without PLAIN.
	AuthLogin = "login"
	// AuthXOAUTH2 sends an access token in the way of Google and Microsoft.
	AuthXOAUTH2 = "xoauth2"
	// AuthOAuthBearer sends an access token with OAUTHBEARER (RFC 7628).
	AuthOAuthBearer = "oauthbearer"
)

// Ways to secure a connection, for [Server.Security].
const (
	// ImplicitTLS starts TLS before the first byte (RFC 8314), the default.
	ImplicitTLS = ""
	// STARTTLS upgrades a plaintext connection and fails where it cannot.
	STARTTLS = "starttls"
	// Plaintext is refused unless the server is on the loopback interface.
	Plaintext = "plaintext"
)

// Providers that check senders, for [Account.AuthservID].
const (
	// AuthservGmail is what Gmail and Google Workspace sign their results with.
	AuthservGmail = "mx.google.com"
	// AuthservMicrosoft stands for Microsoft 365 and Outlook.com, whose results
	// are signed with nothing: they are told by the hosts of
	// protection.outlook.com around them.
	AuthservMicrosoft = "protection.outlook.com"
)

// Server says where a server is and how to speak to it.
type Server struct {
	// Host is a name or an IP address, or host:port as one setting, with IPv6
	// addresses in brackets then.
	Host string `json:"host"`
	// Port is the TCP port. Zero means the one in Host, else 993 and 465, or
	// 143 and 587 where Security is not ImplicitTLS.
	Port int `json:"port,omitempty"`
	// Security is ImplicitTLS, STARTTLS or Plaintext.
	Security string `json:"security,omitempty"`
}

// Account is a mailbox that is read with IMAP and sends with SMTP. It
// implements [mailbox.Account].
type Account struct {
	// Name is the display name of replies.
	Name string `json:"name,omitempty"`
	// Email is the mailbox's address.
	Email string `json:"email"`
	// Username is the login. Empty means Email.
	Username string `json:"username,omitempty"`
	// Password is the password or app password. It stays out of json.Marshal;
	// MarshalBinary includes it.
	Password string `json:"-"`
	// Auth is AuthPlain, AuthLogin, AuthXOAUTH2 or AuthOAuthBearer. Empty
	// means a password, sent in the way that the server offers.
	Auth string `json:"auth,omitempty"`
	// IMAP is the server to read from.
	IMAP Server `json:"imap"`
	// SMTP is the server to send with. An empty Host makes a mailbox that
	// only receives.
	SMTP Server `json:"smtp,omitzero"`
	// Sent is the name of the folder of sent mail, for servers where it
	// cannot be guessed.
	Sent string `json:"sent,omitempty"`
	// FilesSent declares that the SMTP server keeps copies of sent mail by
	// itself. It is known of Gmail, Microsoft 365 and iCloud.
	FilesSent bool `json:"files_sent,omitempty"`
	// HelloName is what the client calls itself in EHLO. Empty means the
	// domain of Email.
	HelloName string `json:"hello_name,omitempty"`
	// AuthservID is the name (RFC 8601, section 2.2) under which the mailbox's
	// own provider writes what it found out about senders into
	// Authentication-Results: AuthservGmail, AuthservMicrosoft, or what stands
	// first in that field of any mail that came from outside; with a dot in
	// front it means all names that end in it. Set it only for a provider that
	// writes the field on every mail from outside. Empty believes nobody, and
	// nothing is known about senders.
	AuthservID string `json:"authserv_id,omitempty"`
}

// accountV1 is the stored form, the only one that holds the password.
type accountV1 struct {
	Version  int    `json:"v"`
	Password string `json:"password,omitempty"`
	plainAccount
}

type plainAccount Account // without methods

// Provider implements mailbox.Account.
func (a Account) Provider() string { return ProviderName }

// Identity implements mailbox.Account. It is the login at the IMAP server.
func (a Account) Identity() string {
	return strings.ToLower(a.username() + "@" + a.imapServer().address())
}

// Address implements mailbox.Account.
func (a Account) Address() (name, addr string) { return a.Name, a.Email }

// TrustedHop implements mailbox.Truster.
func (a Account) TrustedHop() mailbox.Hop {
	switch strings.ToLower(a.AuthservID) {
	case "":
		return mailbox.Hop{}
	case AuthservMicrosoft:
		return mailbox.Hop{Unnamed: true, Hosts: []string{"outlook.com", "office365.com"}}
	}
	return mailbox.Hop{AuthservIDs: []string{a.AuthservID}}
}

// MarshalBinary implements mailbox.Account. The result holds the password.
func (a Account) MarshalBinary() ([]byte, error) {
	return json.Marshal(accountV1{Version: 1, Password: a.Password, plainAccount: plainAccount(a)})
}

// UnmarshalBinary decodes what MarshalBinary made.
func (a *Account) UnmarshalBinary(b []byte) error {
	var v accountV1
	if err := json.Unmarshal(b, &v); err != nil {
		return errors.New("imap: the stored account is no JSON of this driver")
	}
	if v.Version != 1 {
		return fmt.Errorf("imap: the stored account has version %d, this driver knows 1", v.Version)
	}
	*a = Account(v.plainAccount)
	a.Password = v.Password
	return nil
}

// Validate implements mailbox.Account.
func (a Account) Validate() error {
	switch addr, err := mail.ParseAddress(a.Email); {
	case a.Email == "":
		return errors.New("imap: Account.Email is empty: set the mailbox's address")
	case err != nil || addr.Address != a.Email || addr.Name != "" || validEnvelope(a.Email) != nil:
		return errors.New("imap: Account.Email is no bare address: write local@domain and put the name in Account.Name")
	}
	texts := []struct{ field, text string }{
		{"Name", a.Name}, {"Username", a.Username}, {"Password", a.Password},
		{"Sent", a.Sent}, {"HelloName", a.HelloName},
	}
	for _, t := range texts {
		if strings.ContainsAny(t.text, "\r\n\x00") {
			return fmt.Errorf("imap: Account.%s contains a line break or NUL: remove it", t.field)
		}
	}
	if strings.ContainsAny(a.HelloName, " \t<>") || !isASCII(a.HelloName) {
		return errors.New("imap: Account.HelloName is no host name: write letters, digits, dots and dashes")
	}
	if strings.ContainsAny(a.AuthservID, " \t\r\n\x00;=\"()<>@,") || strings.Trim(a.AuthservID, ".") == "" && a.AuthservID != "" {
		return errors.New("imap: Account.AuthservID is no authserv-id: write the one name that stands first in the provider's Authentication-Results")
	}
	if err := a.validateAuth(); err != nil {
		return err
	}
	if err := a.IMAP.validate("IMAP"); err != nil {
		return err
	}
	if a.SMTP == (Server{}) {
		return nil
	}
	return a.SMTP.validate("SMTP")
}

func (a Account) validateAuth() error {
	switch a.Auth {
	case "", AuthPlain, AuthLogin:
		if a.Password == "" {
			return errors.New("imap: Account.Password is empty: set it, or set Account.Auth to xoauth2 or oauthbearer")
		}
	case AuthXOAUTH2, AuthOAuthBearer:
		if a.Password != "" {
			return errors.New("imap: Account.Password is set beside a token: leave it empty or change Account.Auth")
		}
		// Separators of the mechanisms; a name with them could forge fields.
		if strings.ContainsAny(a.username(), "\x01,=") {
			return errors.New("imap: Account.Username contains a separator: remove control characters, commas and equal signs")
		}
	default:
		return errors.New("imap: Account.Auth is unknown: use plain, login, xoauth2, oauthbearer or leave it empty")
	}
	return nil
}

func (s Server) validate(field string) error {
	s = s.split()
	switch {
	case s.Host == "":
		return fmt.Errorf("imap: Account.%s.Host is empty: set the server's name", field)
	case strings.ContainsAny(s.Host, " \t\r\n\x00/@[]%?#") || len(s.Host) > 255 ||
		strings.Contains(s.Host, ":") && net.ParseIP(s.Host) == nil:
		return fmt.Errorf("imap: Account.%s.Host is no host: write a name or IP address, or host:port, without a scheme", field)
	case s.Port < 0 || s.Port > 65535:
		return fmt.Errorf("imap: Account.%s.Port is out of range: use 0 for the default or 1 to 65535", field)
	}
	switch s.Security {
	case ImplicitTLS, STARTTLS, Plaintext:
		return nil
	}
	return fmt.Errorf("imap: Account.%s.Security is unknown: leave it empty for TLS, or use starttls", field)
}

func (s Server) address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// split takes a port out of Host, if one is there and Port does not say
// otherwise. What is no host:port stays as it is.
func (s Server) split() Server {
	host, port, err := net.SplitHostPort(s.Host)
	if err != nil || s.Port != 0 {
		return s
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return s
	}
	s.Host, s.Port = host, int(n)
	return s
}

func (s Server) withPort(implicit, other int) Server {
	switch s = s.split(); {
	case s.Port != 0:
	case s.Security == ImplicitTLS:
		s.Port = implicit
	default:
		s.Port = other
	}
	return s
}

func (a Account) imapServer() Server { return a.IMAP.withPort(993, 143) }
func (a Account) smtpServer() Server { return a.SMTP.withPort(465, 587) }

func (a Account) username() string {
	if a.Username != "" {
		return a.Username
	}
	return a.Email
}

func (a Account) helloName() string {
	if a.HelloName != "" {
		return a.HelloName
	}
	_, domain, _ := strings.Cut(a.Email, "@")
	if domain == "" || !isASCII(domain) || strings.ContainsAny(domain, " \t@<>") {
		return "localhost"
	}
	return domain
}

// redacted stands for an account wherever one is printed: it is personal data
// and holds a password.
const redacted = "imap.Account{…}"

// String implements fmt.Stringer and prints nothing personal.
func (a Account) String() string { return redacted }

// GoString implements fmt.GoStringer and prints nothing personal.
func (a Account) GoString() string { return redacted }

// LogValue implements slog.LogValuer and prints nothing personal.
func (a Account) LogValue() slog.Value { return slog.StringValue(redacted) }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
