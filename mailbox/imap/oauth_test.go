package imap_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
)

func TestTokens(t *testing.T) {
	challenge := "+ " + base64.StdEncoding.EncodeToString([]byte(`{"status":"401","schemes":"bearer"}`)) + "\r\n"
	for _, tt := range []struct {
		auth, first string
	}{
		{imap.AuthXOAUTH2, "XOAUTH2 " + base64.StdEncoding.EncodeToString([]byte("user=support@example.org\x01auth=Bearer tok\x01\x01"))},
		{imap.AuthOAuthBearer, "OAUTHBEARER " + base64.StdEncoding.EncodeToString([]byte("n,a=support@example.org,\x01host=127.0.0.1\x01auth=Bearer tok\x01\x01"))},
	} {
		t.Run(tt.auth, func(t *testing.T) {
			opts := imap.Options{Token: func(context.Context, imap.Account) (string, error) { return "tok", nil }}
			p := &peer{answers: map[string][]string{
				"AUTHENTICATE " + tt.first: {"TAG OK in\r\n"}, "AUTHENTICATE": {"TAG BAD not what was expected\r\n"},
			}}
			a := imap.Account{Email: testUser, Auth: tt.auth, IMAP: p.start(t)}
			c, err := openAccount(opts, a, mailbox.Intake{})
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
			refusing := &peer{answers: map[string][]string{"AUTHENTICATE": {challenge}}}
			a.IMAP = refusing.start(t)
			_, err = openAccount(opts, a, mailbox.Intake{})
			wantKind(t, err, mailbox.Auth)
		})
	}
}

func TestTokenFailures(t *testing.T) {
	p := &peer{}
	a := imap.Account{Email: testUser, Auth: imap.AuthXOAUTH2, IMAP: p.start(t)}
	secret := errors.New("tok-secret")
	for _, tt := range []struct {
		name  string
		token func(context.Context, imap.Account) (string, error)
		kind  mailbox.Kind
	}{
		{"none", nil, mailbox.Permanent},
		{"down", func(context.Context, imap.Account) (string, error) { return "", secret }, mailbox.Transient},
		{"revoked", func(context.Context, imap.Account) (string, error) {
			return "", &mailbox.Error{Op: "token", Kind: mailbox.Auth}
		}, mailbox.Auth},
		{"injection", func(context.Context, imap.Account) (string, error) { return "a\x01b", nil }, mailbox.Permanent},
		{"empty", func(context.Context, imap.Account) (string, error) { return "", nil }, mailbox.Auth},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := openAccount(imap.Options{Token: tt.token}, a, mailbox.Intake{})
			wantKind(t, err, tt.kind)
			if strings.Contains(err.Error(), "secret") {
				t.Error("the text of the token's error is printed")
			}
		})
	}
}
