package imap_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822/auth"
	"github.com/helpdesk-go/helpdesk/ticket"
)

var (
	_ mailbox.Account  = imap.Account{}
	_ mailbox.Truster  = imap.Account{}
	_ mailbox.Provider = (*imap.Provider)(nil)
)

func goodAccount() imap.Account {
	return imap.Account{
		Name: "Support", Email: "Support@Example.org", Password: "s3cret", Sent: "Gesendet", HelloName: "desk.example.org", AuthservID: "mx.example.org",
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

// TestTrustedHop: the presets, against headers as these providers write them.
func TestTrustedHop(t *testing.T) {
	received := func(v string) auth.Field { return auth.Field{Name: "Received", Value: v} }
	results := func(v string) auth.Field { return auth.Field{Name: "Authentication-Results", Value: v} }
	google := []auth.Field{
		received("by 2002:a05:7208:4f01:b0:9c:0:0 with SMTP id x; Mon, 3 Nov 2025 01:00:00 -0800 (PST)"),
		results("mx.google.com; dkim=pass header.i=@customer.example header.s=s1; spf=pass smtp.mailfrom=ann@customer.example; dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=customer.example"),
		received("from out.customer.example (out.customer.example. [192.0.2.7]) by mx.google.com with ESMTPS id y for <support@desk.example>"),
		results("mx.google.com; dmarc=fail header.from=customer.example"),
	}
	microsoft := []auth.Field{
		received("from AS8P1.EURP193.PROD.OUTLOOK.COM (2603:10a6::8) by AM0P1.EURP193.PROD.OUTLOOK.COM with HTTPS"),
		received("from DU2P1.EURP193.PROD.OUTLOOK.COM (2603::1) by AS8P1.EURP193.PROD.OUTLOOK.COM with Microsoft SMTP Server"),
		received("from AM1EUR02FT042.eop-EUR02.prod.protection.outlook.com (2603::7) by DU2P1.outlook.office365.com with Microsoft SMTP Server"),
		received("from out.customer.example (192.0.2.7) by AM1EUR02FT042.mail.protection.outlook.com (10.13.0.1) with Microsoft SMTP Server"),
		results("spf=pass (sender IP is 192.0.2.7) smtp.mailfrom=customer.example; dkim=pass (signature was verified) header.d=customer.example;dmarc=pass action=none header.from=customer.example;compauth=pass reason=100"),
		received("from pc (10.0.0.1) by out.customer.example"),
		results("spf=fail; dmarc=fail"),
	}
	pass := ticket.Auth{SPF: "pass", DKIM: "pass", DMARC: "pass", Source: "header"}
	for _, c := range []struct {
		id     string
		fields []auth.Field
		want   ticket.Auth
	}{
		{imap.AuthservGmail, google, pass},
		{imap.AuthservMicrosoft, microsoft, pass},
		{".google.com", google, pass},
		{imap.AuthservGmail, microsoft, ticket.Auth{}},
		{imap.AuthservMicrosoft, google, ticket.Auth{}},
		{"mx.example.org", google, ticket.Auth{}},
		{"", google, ticket.Auth{}},
		{"", microsoft, ticket.Auth{}},
	} {
		a := goodAccount()
		a.AuthservID = c.id
		if got := auth.Results(c.fields, auth.Trust(a.TrustedHop()), "ann@customer.example"); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %+v", c.id, got)
		}
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
		"Account.AuthservID":             func(a *imap.Account) { a.AuthservID = "mx.example.org; dmarc=pass" },
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
