package auth

import (
	"slices"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk/ticket"
)

const (
	outside = "from mail.sender.example (HELO by mx.example.net) by mx.example.net with ESMTPS"
	inside  = "from mx.example.net by store.example.net with LMTP"
	older   = "from pc by mail.sender.example"
	good    = "mx.example.net; spf=pass smtp.mailfrom=a.example; dkim=pass header.d=a.example; dmarc=pass"
	bad     = "mx.example.net; spf=fail; dkim=fail; dmarc=fail"
)

func ar(v string) Field       { return Field{"Authentication-Results", v} }
func received(v string) Field { return Field{"Received", v} }

func header(spf, dkim, dmarc string) ticket.Auth {
	return ticket.Auth{SPF: spf, DKIM: dkim, DMARC: dmarc, Source: "header"}
}

func TestResults(t *testing.T) {
	trust := Trust{AuthservIDs: []string{"mx.example.net"}}
	pass, fail := header("pass", "pass", "pass"), header("fail", "fail", "fail")
	for name, c := range map[string]struct {
		fields []Field
		want   ticket.Auth
	}{
		"above the border":              {[]Field{ar(good), received(outside)}, pass},
		"below the border":              {[]Field{received(inside), received(outside), ar(good)}, pass},
		"forged below the real one":     {[]Field{received(outside), ar(bad), ar(good)}, fail},
		"forged below an older hop":     {[]Field{received(outside), received(older), ar(good)}, ticket.Auth{}},
		"forged, provider wrote above":  {[]Field{ar("mx.example.net; spf=fail"), received(outside), received(older), ar(good)}, header("fail", "", "")},
		"old results in the mail":       {[]Field{ar(good), received(outside), ar(bad)}, pass},
		"nothing above but SPF":         {[]Field{ar("mx.example.net; spf=fail"), received(outside), ar(good)}, header("fail", "", "")},
		"foreign id first":              {[]Field{received(outside), ar("evil.example; spf=pass"), ar(good)}, ticket.Auth{}},
		"one field a method":            {[]Field{ar("mx.example.net; dmarc=pass"), ar("mx.example.net; dkim=pass"), received(outside)}, header("", "pass", "pass")},
		"no Received at all":            {[]Field{ar(good)}, ticket.Auth{}},
		"Received of a stranger on top": {[]Field{received(older), ar(good)}, ticket.Auth{}},
		"from a bare address":           {[]Field{received("from [192.0.2.1] by mx.example.net"), received(inside), ar(good)}, ticket.Auth{}},
		"by a bare address":             {[]Field{received("by 2002:a05:: with SMTP"), received(outside), ar(good)}, pass},
		"never left the house":          {[]Field{received(inside), ar(bad), received(inside), ar(good)}, fail},
		"never left, above all":         {[]Field{ar(good), received(inside)}, pass},
		"never left, the sender says":   {[]Field{ar(bad), received("from x.example.net (evil.example) by mx.example.net"), ar(good)}, fail},
		"longer id":                     {[]Field{ar("mx.example.net.evil.example; dmarc=pass"), received(outside)}, ticket.Auth{}},
		"id in other case, version":     {[]Field{ar("MX.Example.NET 1; dmarc = PASS"), received(outside)}, header("", "", "pass")},
		"folded":                        {[]Field{ar("mx.example.net;\r\n\tspf=pass\r\n (x);\r\n dmarc\r\n =pass"), received(outside)}, header("pass", "", "pass")},
		"comment":                       {[]Field{ar("mx.example.net (evil; dmarc=pass); dmarc=fail (;dmarc=pass (\\)) ;dmarc=pass)"), received(outside)}, header("", "", "fail")},
		"open comment":                  {[]Field{ar("mx.example.net; dmarc=fail ( ; dmarc=pass"), received(outside)}, header("", "", "fail")},
		"quoted":                        {[]Field{ar(`mx.example.net; spf=fail reason="; dmarc=pass"`), received(outside)}, header("fail", "", "")},
		"unquoted words of the sender":  {[]Field{ar("mx.example.net; dmarc=fail smtp.mailfrom=a; dmarc=pass"), received(outside)}, header("", "", "fail")},
		"two signatures":                {[]Field{ar("mx.example.net; dkim=fail; dkim=pass"), received(outside)}, header("", "pass", "")},
		"none":                          {[]Field{ar("mx.example.net; none"), received(outside)}, ticket.Auth{}},
		"unknown keyword":               {[]Field{ar("mx.example.net; dmarc=passed"), received(outside)}, header("", "", "permerror")},
		"no id":                         {[]Field{ar("dmarc=pass"), received(outside)}, ticket.Auth{}},
		"too long":                      {[]Field{ar("mx.example.net; dmarc=pass" + strings.Repeat(" ", maxValue)), received(outside)}, ticket.Auth{}},
	} {
		if got := Results(c.fields, trust, ""); !equal(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
		if got := Results(c.fields, Trust{}, ""); !equal(got, ticket.Auth{}) {
			t.Errorf("%s: trusts nobody, but %+v", name, got)
		}
	}
}

func equal(a, b ticket.Auth) bool {
	return a.SPF == b.SPF && a.DKIM == b.DKIM && a.DMARC == b.DMARC && a.Source == b.Source
}

func TestUnnamed(t *testing.T) {
	trust := Trust{Unnamed: true, Hosts: []string{"outlook.example"}}
	got := Results([]Field{
		received("from a.outlook.example (2603::1) by b.outlook.example with HTTPS"),
		received("from mail.sender.example (1.2.3.4) by a.outlook.example with SMTP"),
		ar("spf=pass (sender IP is 1.2.3.4) smtp.mailfrom=a.example; dkim=pass (signature was verified)\r\n header.d=a.example;dmarc=bestguesspass action=none;compauth=pass reason=109"),
		ar("spf=pass; dmarc=pass"),
	}, trust, "")
	if !equal(got, header("pass", "pass", "none")) {
		t.Errorf("%+v", got)
	}
}

func TestBelieves(t *testing.T) {
	trust := Trust{AuthservIDs: []string{".mx.example.net", "."}}
	for id, want := range map[string]bool{
		"a.mx.example.net": true, "A.MX.example.net": true, "a.b.mx.example.net": true,
		"mx.example.net": false, ".mx.example.net": true, "evilmx.example.net": false, "a.mx.example.net.evil.test": false, "a.": false, "": false,
	} {
		if trust.believes(id) != want {
			t.Errorf("%q is believed: %v", id, !want)
		}
	}
	if !trust.ours("store.example.net") {
		t.Error("the provider's own hosts are not its own")
	}
}

// TestOtherFrom: what DMARC says is about the sender that it was asked about.
func TestOtherFrom(t *testing.T) {
	trust := Trust{AuthservIDs: []string{"mx.example.net"}}
	for from, c := range map[string]struct {
		value string
		warns bool
	}{
		"kari@a.example":        {"mx.example.net; dmarc=pass header.from=a.example", false},
		"kari@mail.a.example":   {"mx.example.net; dmarc=pass (p=none) header.from=A.example", false},
		"kari@blåbær.no":        {"mx.example.net; dmarc=pass header.from=xn--blbr-roah.no", false},
		"ceo@bank.example":      {"mx.example.net; dmarc=pass header.from=evil.example", true},
		"ceo@bank.example ":     {"mx.example.net; spf=pass header.from=evil.example; dmarc=pass", false},
		"cfo@bank.example":      {`mx.example.net; dmarc=pass reason="header.from=bank.example" header.from=evil.example`, true},
		"head@bank.example":     {"mx.example.net; dmarc=pass header.from=head@bank.example", false},
		"nobody@elsewhere.test": {"mx.example.net; spf=pass", false},
		"":                      {"mx.example.net; dmarc=pass header.from=evil.example", false},
	} {
		got := Results([]Field{ar(c.value), received(outside)}, trust, from)
		if warns := slices.Contains(got.Warnings, ticket.WarnSeveralFrom); warns != c.warns {
			t.Errorf("shown %q, checked by %q: %v", from, c.value, got.Warnings)
		}
	}
}

func TestManyForgedFields(t *testing.T) {
	fields := []Field{received(outside), ar(bad)}
	for range 200 {
		fields = append(fields, ar(good))
	}
	if got := Results(fields, Trust{AuthservIDs: []string{"mx.example.net"}}, ""); !equal(got, header("fail", "fail", "fail")) {
		t.Errorf("%+v", got)
	}
}

func FuzzResults(f *testing.F) {
	for _, s := range []string{good, bad, "mx.example.net; dmarc=fail (;dmarc=pass", `mx.example.net; a="\`} {
		f.Add(s, outside)
	}
	trust := Trust{AuthservIDs: []string{"mx.example.net"}}
	f.Fuzz(func(t *testing.T, value, hop string) {
		Results([]Field{received(hop), ar(value)}, trust, "")
		// Whatever stands below the first field changes nothing.
		got := Results([]Field{received(outside), ar(bad), ar(value), received(hop)}, trust, "")
		if !equal(got, header("fail", "fail", "fail")) {
			t.Errorf("%q overrode the provider: %+v", value, got)
		}
	})
}
