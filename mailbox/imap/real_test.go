package imap_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	goimap "github.com/emersion/go-imap/v2"

	"github.com/helpdesk-go/helpdesk/internal/testmail"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
)

const realPassword = `p"ss\wörd:`

// site is a Dovecot and a Postfix that belong together.
type site struct {
	imap   *testmail.Dovecot
	smtp   *testmail.Postfix
	tokens *testmail.TokenServer
	auth   string // Account.Auth

	mu   sync.Mutex
	made int // users
}

// known is the user whom Postfix delivers to.
const known = "support"

const refusedByPostfix = "refused@customer.example"

func newSite(t *testing.T, auth string, o testmail.DovecotOptions) *site {
	t.Helper()
	s := &site{auth: auth}
	if auth != "" {
		s.tokens = testmail.NewTokenServer(t, time.Hour)
		o.Tokens = s.tokens
	}
	s.imap = testmail.NewDovecot(t, o)
	must(t, s.imap.AddUser(known, realPassword))
	s.smtp = testmail.NewPostfix(t, testmail.PostfixOptions{
		Dovecot: s.imap, Authority: o.Authority, Refuse: []string{refusedByPostfix},
	})
	return s
}

// user is a fresh mailbox on a site, with proxies in front of both servers.
type user struct {
	*site
	t          *testing.T
	name       string
	grant      string // refresh token, with an auth of tokens
	imapVia    *testmail.Proxy
	smtpVia    *testmail.Proxy
	deliveries []string // Message-IDs
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *site) user(t *testing.T) *user {
	t.Helper()
	s.mu.Lock()
	s.made++
	name := fmt.Sprintf("u%d", s.made)
	s.mu.Unlock()
	must(t, s.imap.AddUser(name, realPassword))
	return s.as(t, name)
}

// as is a user that is there already.
func (s *site) as(t *testing.T, name string) *user {
	t.Helper()
	u := &user{site: s, t: t, name: name}
	u.imapVia, u.smtpVia = testmail.NewProxy(t, s.imap.Addr()), testmail.NewProxy(t, s.smtp.Addr())
	must(t, s.imap.Append(u.name, "Team/Ünit")) // creates it
	if s.tokens != nil {
		u.grant = s.tokens.Grant(u.address())
	}
	return u
}

func (u *user) address() string { return u.name + "@" + testmail.Domain }

func (u *user) account() imap.Account {
	a := imap.Account{
		Name: "Support", Email: u.address(), Auth: u.auth,
		IMAP: imap.Server{Host: u.imapVia.Addr(), Security: imap.Plaintext},
		SMTP: imap.Server{Host: u.smtpVia.Addr(), Security: imap.Plaintext},
	}
	if u.auth == "" {
		a.Password = realPassword
	}
	return a
}

// wrongGrant marks an account whose grant the token server does not know.
const wrongGrant = "wrong.example"

// provider trades the grant for a token at each connection, as hosts do.
func (u *user) provider() *imap.Provider {
	return imap.New(imap.Options{Token: func(_ context.Context, a imap.Account) (string, error) {
		grant := u.grant
		if a.HelloName == wrongGrant {
			grant = "unknown"
		}
		r, err := http.PostForm(u.tokens.TokenURL(), url.Values{"grant_type": {"refresh_token"}, "refresh_token": {grant}})
		if err != nil {
			return "", err
		}
		defer r.Body.Close()
		if r.StatusCode != http.StatusOK {
			return "expired", nil // the mail server shall say so itself
		}
		var v struct {
			Token string `json:"access_token"`
		}
		err = json.NewDecoder(r.Body).Decode(&v)
		return v.Token, err
	}})
}

func (u *user) open(in mailbox.Intake) mailbox.Conn {
	u.t.Helper()
	return u.openWith(u.provider(), u.account(), in)
}

func (u *user) openWith(p *imap.Provider, a imap.Account, in mailbox.Intake) mailbox.Conn {
	u.t.Helper()
	b, err := a.MarshalBinary()
	must(u.t, err)
	c, err := p.Open(u.t.Context(), mailbox.Session{Account: b, Intake: in})
	must(u.t, err)
	u.t.Cleanup(func() { c.Close() })
	return c
}

// put stores a mail in a folder.
func (u *user) put(folder string, raw []byte, at time.Time, flags ...goimap.Flag) {
	u.t.Helper()
	must(u.t, u.imap.Append(u.name, folder, testmail.Letter{Raw: raw, At: at, Flags: flags}))
	u.deliveries = append(u.deliveries, stored{raw: raw}.id())
}

// accepted lists what Postfix took from this user for recipients outside.
func (u *user) accepted() (mine []testmail.Mail) {
	u.t.Helper()
	all, err := u.smtp.Accepted(u.t.Context())
	must(u.t, err)
	for _, m := range all {
		if m.From == u.address() {
			mine = append(mine, m)
		}
	}
	return mine
}

func (u *user) sent() [][]byte {
	u.t.Helper()
	raws, err := u.imap.Mails(u.name, "Sent")
	must(u.t, err)
	return raws
}

// server is the user as the suite wants it.
func (u *user) server() *mailboxtest.Server {
	wrong := u.account()
	if u.auth == "" {
		wrong.Password = "another"
	} else {
		wrong.HelloName = wrongGrant
	}
	return &mailboxtest.Server{
		Provider: u.provider(), Account: u.account(), WrongAccount: wrong,
		Secrets: []string{realPassword, "Dovecot", "Postfix", "testmail", "127.0.0.1"},
		Deliver: func(_ *testing.T, raw []byte, at time.Time) { u.put("INBOX", raw, at) },
		Accepted: func(*testing.T) (all []mailboxtest.SentMail) {
			for _, m := range u.accepted() {
				all = append(all, mailboxtest.SentMail{From: m.From, To: m.To, Raw: m.Raw})
			}
			return all
		},
		Folder:    "Team/Ünit",
		DeliverTo: func(_ *testing.T, folder string, raw []byte, at time.Time) { u.put(folder, raw, at) },
		Remove:    func(t *testing.T, id string) { must(t, u.imap.Remove(u.name, "INBOX", id)) },
		Fetched: func(*testing.T) (ids []string) {
			for _, id := range u.deliveries {
				if u.imapVia.Heard("<" + id + ">") {
					ids = append(ids, id)
				}
			}
			return ids
		},
		ExpireCursor: func(t *testing.T) { must(t, u.imap.ResetUIDValidity(u.name)) },
		KillGrant: func(t *testing.T) {
			if u.tokens != nil {
				u.tokens.Revoke(u.address())
			} else {
				must(t, u.imap.RefuseUser(u.name))
			}
		},
		Cut:              func(*testing.T) { u.imapVia.Cut() },
		CutSend:          func(*testing.T) { u.smtpVia.CutAnswer() },
		CutFetch:         func(*testing.T) { u.imapVia.CutAfter(100_000) },
		Hang:             u.hang,
		RefusedRecipient: refusedByPostfix,
		SentCopies:       func(*testing.T) [][]byte { return u.sent() },
		SentFolder:       "Sent",
		Own:              func(_ *testing.T, raw []byte) { u.put("Sent", raw, time.Now(), goimap.FlagSeen) },
		OwnDraft:         func(_ *testing.T, raw []byte) { u.put("Drafts", raw, time.Now(), goimap.FlagDraft) },
	}
}

// hang stops the processes that serve the user's connections.
func (u *user) hang(t *testing.T) {
	t.Helper()
	must(t, u.imap.Freeze(u.name))
	t.Cleanup(func() { must(t, u.imap.Thaw(u.name)) })
}

// TestConformanceOfRealServers runs the suite over Dovecot and Postfix.
func TestConformanceOfRealServers(t *testing.T) {
	for _, tt := range []struct {
		name, auth string
		without    []string
	}{
		{name: "password"},
		{name: "XOAUTH2", auth: imap.AuthXOAUTH2},
		{name: "OAUTHBEARER without CONDSTORE, UIDPLUS, SPECIAL-USE", auth: imap.AuthOAuthBearer,
			without: []string{"CONDSTORE", "QRESYNC", "UIDPLUS", "SPECIAL-USE", "ESEARCH"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // most of the time is waiting
			s := newSite(t, tt.auth, testmail.DovecotOptions{Without: tt.without})
			mailboxtest.Run(t, mailboxtest.Harness{
				New:     func(t *testing.T) *mailboxtest.Server { return s.user(t).server() },
				Timeout: time.Minute,
				Without: map[string]string{
					"Pushes": "IMAP has no notifications by HTTP", "Forged": "IMAP has no notifications by HTTP",
					"Handshake": "IMAP has no notifications by HTTP", "Target": "IMAP has no notifications by HTTP",
					"Throttle": "Dovecot does not tell how long to wait",
				},
			})
		})
	}
}
