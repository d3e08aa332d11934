package imap_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
)

var (
	_ mailbox.Account  = imap.Account{}
	_ mailbox.Provider = (*imap.Provider)(nil)
)

func goodAccount() imap.Account {
	return imap.Account{
		Name: "Support", Email: "Support@Example.org", Password: "s3cret", Sent: "Gesendet", HelloName: "desk.example.org",
		IMAP: imap.Server{Host: "imap.example.org"}, SMTP: imap.Server{Host: "smtp.example.org", Security: imap.STARTTLS},
	}
}

func TestAccountSurvivesMarshalling(t *testing.T) {
	a := goodAccount()
	b, err := a.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var back imap.Account
	if err := back.UnmarshalBinary(b); err != nil || back != a {
		t.Errorf("%v, equal %v", err, back == a)
	}
	if !bytes.Contains(b, []byte(`"v":1`)) {
		t.Error("no version")
	}
	for _, bad := range []string{"", "{}", `{"v":2}`, "null", "[]"} {
		if back.UnmarshalBinary([]byte(bad)) == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestAccountIsNeverPrinted(t *testing.T) {
	a := goodAccount()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "account", a, "list", []any{a})
	js, _ := json.Marshal(a)
	for _, s := range []string{fmt.Sprint(a), fmt.Sprintf("%+v %#v %s", a, a, a), fmt.Sprintf("%v", []imap.Account{a}), log.String(), string(js)} {
		if strings.Contains(s, "s3cret") {
			t.Errorf("password in %s", s)
		}
	}
}

func TestIdentity(t *testing.T) {
	a := goodAccount()
	if got := a.Identity(); got != "support@example.org@imap.example.org:993" {
		t.Errorf("identity %s", got)
	}
	b := a
	b.Password, b.IMAP.Host, b.IMAP.Port = "other", "IMAP.example.org", 993
	if a.Identity() != b.Identity() {
		t.Error("identity changes with password, case or default port")
	}
	b.IMAP = imap.Server{Host: "imap.example.org:993"}
	if a.Identity() != b.Identity() || b.Validate() != nil {
		t.Error("host:port is another account")
	}
}

func TestValidateNamesTheField(t *testing.T) {
	if err := goodAccount().Validate(); err != nil {
		t.Fatal(err)
	}
	for field, spoil := range map[string]func(*imap.Account){
		"Account.Email is empty":         func(a *imap.Account) { a.Email = "" },
		"Account.Email":                  func(a *imap.Account) { a.Email = "Bob <bob@x>" },
		"Account.Password is empty":      func(a *imap.Account) { a.Password = "" },
		"Account.Password is set beside": func(a *imap.Account) { a.Auth = imap.AuthXOAUTH2 },
		"Account.Password contains":      func(a *imap.Account) { a.Password = "a\r\nb" },
		"Account.Auth":                   func(a *imap.Account) { a.Auth = "cram-md5" },
		"Account.Username":               func(a *imap.Account) { a.Username = "a\nb" },
		"Account.Sent":                   func(a *imap.Account) { a.Sent = "a\x00" },
		"Account.HelloName":              func(a *imap.Account) { a.HelloName = "a b" },
		"Account.Name":                   func(a *imap.Account) { a.Name = "a\r\nBcc: b" },
		"Account.IMAP.Host is empty":     func(a *imap.Account) { a.IMAP.Host = "" },
		"Account.IMAP.Host is no host":   func(a *imap.Account) { a.IMAP.Host = "imaps://imap.example.org" },
		"Account.IMAP.Port":              func(a *imap.Account) { a.IMAP.Port = 70000 },
		"Account.SMTP.Security":          func(a *imap.Account) { a.SMTP.Security = "none" },
		"Account.SMTP.Host is empty":     func(a *imap.Account) { a.SMTP.Host = "" },
	} {
		a := goodAccount()
		spoil(&a)
		err := a.Validate()
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		} else if strings.Contains(strings.ReplaceAll(err.Error(), "local@domain", ""), "@") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: tells too much: %v", field, err)
		}
	}
	a := goodAccount()
	a.Auth, a.Password, a.Username = imap.AuthXOAUTH2, "", "a\x01auth=Bearer x"
	if a.Validate() == nil {
		t.Error("a separator in the user name of a token was accepted")
	}
}
