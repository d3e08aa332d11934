package rfc822

import (
	"slices"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk/mailbox/rfc822/auth"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// TestAuthWarnings: the warnings that only the whole header shows.
func TestAuthWarnings(t *testing.T) {
	const rest = "To: support@desk.example\r\nSubject: Hi\r\n\r\nHi\r\n"
	env := Envelope{Known: []string{"support@desk.example"}}
	for name, c := range map[string]struct {
		raw  string
		env  Envelope
		want []string
	}{
		"honest":                     {"From: =?utf-8?Q?=C3=85se?= <ase@example.com>\r\n" + rest, env, nil},
		"bidi in an encoded word":    {"From: =?utf-8?b?4oCuZWxwbWF4ZS5rbmFi4oCs?= <eve@evil.example>\r\n" + rest, env, []string{ticket.WarnHiddenCharacters}},
		"zero width in raw UTF-8":    {"From: Ba\u200bnk <eve@evil.example>\r\n" + rest, env, []string{ticket.WarnHiddenCharacters}},
		"hidden in the Reply-To":     {"From: eve@evil.example\r\nReply-To: =?utf-8?Q?Ba=E2=80=8Bnk?= <eve@evil.example>\r\n" + rest, env, []string{ticket.WarnHiddenCharacters}},
		"name is an address":         {"From: \"support@bank.example\" <eve@evil.example>\r\n" + rest, env, []string{ticket.WarnNameIsAddress}},
		"two From fields":            {"From: ceo@bank.example\r\nFrom: eve@evil.example\r\n" + rest, env, []string{ticket.WarnSeveralFrom}},
		"two addresses":              {"From: ceo@bank.example, eve@evil.example\r\n" + rest, env, []string{ticket.WarnSeveralFrom}},
		"two fields, one address":    {"From: ceo@bank.example\r\nFrom: ceo@bank.example\r\n" + rest, env, []string{ticket.WarnSeveralFrom}},
		"looks like us":              {"From: boss@d\u0435sk-0.example\r\n" + rest, Envelope{Known: []string{"a@desk-o.example"}}, []string{ticket.WarnMixedScripts, ticket.WarnLookAlike}},
		"looks like a recipient":     {"From: boss@rnodern.example\r\nCc: it@modern.example\r\n" + rest, Envelope{}, []string{ticket.WarnLookAlike}},
		"envelope of the header":     {"Return-Path: <b@sender.test>\r\nFrom: kari@example.com\r\n" + rest, env, []string{ticket.WarnEnvelopeDiffers}},
		"envelope of the provider":   {"Return-Path: <kari@example.com>\r\nFrom: kari@example.com\r\n" + rest, Envelope{ReturnPath: "b@sender.test"}, []string{ticket.WarnEnvelopeDiffers}},
		"envelope of a list":         {"Return-Path: <b@sender.test>\r\nList-Id: <l.sender.test>\r\nFrom: kari@example.com\r\n" + rest, env, nil},
		"no sender at all":           {rest, env, nil},
		"checked for another sender": {"Received: from x by mx.desk.example\r\nAuthentication-Results: mx.desk.example; dmarc=pass header.from=evil.example\r\nFrom: ceo@bank.example\r\n" + rest, Envelope{Trust: auth.Trust{AuthservIDs: []string{"mx.desk.example"}}}, []string{ticket.WarnSeveralFrom}},
	} {
		in := ParseWith([]byte(c.raw), c.env)
		if !slices.Equal(in.Auth.Warnings, c.want) {
			t.Errorf("%s: %v, want %v", name, in.Auth.Warnings, c.want)
		}
		if len(in.From) > 0 && strings.ContainsAny(in.From[0].Name, "\u202e\u200b") {
			t.Errorf("%s: the name still hides something", name)
		}
	}
}
