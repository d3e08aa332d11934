package verify_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822/auth/verify"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// zone is a DNS. A name that is not there does not exist; an error stands for a
// server that does not answer.
type zone map[string]any

func (z zone) LookupTXT(ctx context.Context, name string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	switch v := z[name].(type) {
	case string:
		return []string{v}, nil
	case []string:
		return v, nil
	case error:
		return nil, v
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// pen signs mail.
type pen struct {
	key    crypto.Signer
	record string
}

func newPen(t testing.TB) pen {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return pen{private, "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)}
}

func rsaPen(t *testing.T) pen {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pen{private, "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(public)}
}

func (p pen) sign(t testing.TB, raw, domain string, edit func(*dkim.SignOptions)) string {
	t.Helper()
	o := &dkim.SignOptions{
		Domain: domain, Selector: "s1", Signer: p.key,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		HeaderKeys: []string{"From", "To", "Subject", "Date", "Message-ID"},
	}
	if edit != nil {
		edit(o)
	}
	var out bytes.Buffer
	if err := dkim.Sign(&out, strings.NewReader(raw), o); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func letter(from string) string {
	return "From: " + from + "\r\nTo: support@desk.example\r\nSubject: Lamp\r\n" +
		"Date: Mon, 03 Nov 2025 10:00:00 +0000\r\nMessage-ID: <1@customer.example>\r\n\r\nIt does not light.\r\n"
}

const kari = "Kari <kari@customer.example>"

// TestVerify: the signer, the policy and the sender, one against the other.
func TestVerify(t *testing.T) {
	p := newPen(t)
	signed := func(from, domain string) string { return p.sign(t, letter(from), domain, nil) }
	key := func(domain string) string { return "s1._domainkey." + domain }
	const at = "_dmarc.customer.example"
	base := zone{
		key("customer.example"): p.record, key("mail.customer.example"): p.record, key("other.example"): p.record,
		key("evil.example"): p.record, at: "v=DMARC1; p=reject",
	}
	with := func(more zone) zone {
		z := zone{}
		for k, v := range base {
			z[k] = v
		}
		for k, v := range more {
			z[k] = v
		}
		return z
	}
	down := errors.New("server does not answer")
	for name, c := range map[string]struct {
		raw         string
		dns         zone
		dkim, dmarc string
	}{
		"signed by the sender's domain":      {signed(kari, "customer.example"), base, "pass", "pass"},
		"with line ends of Unix":             {strings.ReplaceAll(signed(kari, "customer.example"), "\r\n", "\n"), base, "pass", "pass"},
		"body altered":                       {signed(kari, "customer.example") + "Pay at once.\r\n", base, "fail", "fail"},
		"subject altered":                    {strings.Replace(signed(kari, "customer.example"), "Lamp", "Bill", 1), base, "fail", "fail"},
		"not signed":                         {letter(kari), base, "none", "fail"},
		"key missing":                        {signed(kari, "customer.example"), with(zone{key("customer.example"): nil}), "permerror", "fail"},
		"key revoked":                        {signed(kari, "customer.example"), with(zone{key("customer.example"): "v=DKIM1; p="}), "permerror", "fail"},
		"key too large to check":             {signed(kari, "customer.example"), with(zone{key("customer.example"): "v=DKIM1; p=" + strings.Repeat("A", 5000)}), "permerror", "fail"},
		"two keys":                           {signed(kari, "customer.example"), with(zone{key("customer.example"): []string{p.record, p.record}}), "permerror", "fail"},
		"another's key":                      {signed(kari, "customer.example"), with(zone{key("customer.example"): newPen(t).record}), "fail", "fail"},
		"key does not answer":                {signed(kari, "customer.example"), with(zone{key("customer.example"): down}), "temperror", "temperror"},
		"policy does not answer":             {signed(kari, "customer.example"), with(zone{at: down}), "pass", "temperror"},
		"signed by somebody else":            {signed(kari, "evil.example"), base, "pass", "fail"},
		"From of another domain":             {strings.Replace(signed(kari, "customer.example"), "kari@customer.example", "kari@other.example", 1), with(zone{"_dmarc.other.example": "v=DMARC1; p=reject"}), "fail", "fail"},
		"below the sender's domain, relaxed": {signed(kari, "mail.customer.example"), base, "pass", "pass"},
		"below the sender's domain, strict":  {signed(kari, "mail.customer.example"), with(zone{at: "v=DMARC1; p=reject; adkim=s"}), "pass", "fail"},
		"strict and the same":                {signed(kari, "customer.example"), with(zone{at: "v=DMARC1; p=reject; adkim=s"}), "pass", "pass"},
		"above the sender's domain":          {signed("kari@mail.customer.example", "customer.example"), base, "pass", "pass"},
		"no policy":                          {signed(kari, "customer.example"), with(zone{at: nil}), "pass", "none"},
		"two policies":                       {signed(kari, "customer.example"), with(zone{at: []string{"v=DMARC1; p=reject", "v=DMARC1; p=none"}}), "pass", "none"},
		"policy among other records":         {signed(kari, "customer.example"), with(zone{at: []string{"hello", "v=DMARC2; p=none", "v=DMARC1; p=reject"}}), "pass", "pass"},
		"policy without p":                   {signed(kari, "customer.example"), with(zone{at: "v=DMARC1; sp=reject"}), "pass", "permerror"},
		"policy with faults about reports":   {letter(kari), with(zone{at: "v=DMARC1;p=Reject;rf=odd;ri=x;fo=;pct=900;x"}), "none", "fail"},
		"policy that asks for nothing":       {letter(kari), with(zone{at: "v=DMARC1; p=none"}), "none", ""},
		"policy of the organisation":         {letter("kari@mail.customer.example"), base, "none", "fail"},
		"policy for those below, none":       {letter("kari@mail.customer.example"), with(zone{at: "v=DMARC1; p=reject; sp=none"}), "none", ""},
		"policy for those below, reject":     {letter("kari@mail.customer.example"), with(zone{at: "v=DMARC1; p=none; sp=reject"}), "none", "fail"},
		"sp is not for the domain itself":    {letter(kari), with(zone{at: "v=DMARC1; p=none; sp=reject"}), "none", ""},
		"own policy before that":             {letter("kari@mail.customer.example"), with(zone{"_dmarc.mail.customer.example": "v=DMARC1; p=none", at: "v=DMARC1; p=none; sp=reject"}), "none", ""},
		"two From fields":                    {"From: eve@evil.example\r\n" + signed(kari, "customer.example"), base, "pass", "permerror"},
		"two addresses":                      {signed(kari+", eve@evil.example", "customer.example"), base, "pass", "permerror"},
		"no sender":                          {"Subject: x\r\n\r\nx\r\n", base, "none", "permerror"},
		"no body":                            {"From: " + kari + "\r\n", base, "permerror", "permerror"},
		"empty":                              {"", base, "permerror", "permerror"},
		"a selector that is no name":         {p.sign(t, letter(kari), "customer.example", func(o *dkim.SignOptions) { o.Selector = "s 1/x" }), base, "permerror", "fail"},
		"a sender without a domain":          {letter("root"), base, "none", "none"},
	} {
		t.Run(name, func(t *testing.T) {
			v := verify.Verifier{Resolver: c.dns, WithoutSPF: true}
			got := v.Verify(t.Context(), []byte(c.raw), rfc822.Parse([]byte(c.raw)))
			if got.DKIM != c.dkim || got.DMARC != c.dmarc || got.Source != "checked" {
				t.Errorf("%+v, want DKIM %q and DMARC %q", got, c.dkim, c.dmarc)
			}
		})
	}
}

// TestSPF: what cannot be known is not said, unless the host asks for it.
func TestSPF(t *testing.T) {
	raw := []byte(letter(kari))
	z := zone{"_dmarc.customer.example": "v=DMARC1; p=quarantine"}
	for _, c := range []struct {
		spf    string
		strict bool
		want   string
	}{
		{"", false, ""}, {"", true, "fail"}, {"pass", false, ""}, {"pass", true, "fail"}, {"temperror", false, ""},
		{"fail", false, "fail"}, {"softfail", false, "fail"}, {"none", false, "fail"}, {"neutral", false, "fail"},
	} {
		in := rfc822.Parse(raw)
		in.Auth.SPF, in.Auth.Warnings = c.spf, []string{ticket.WarnLookAlike}
		v := verify.Verifier{Resolver: z, WithoutSPF: c.strict}
		got := v.Verify(t.Context(), raw, in)
		if got.DMARC != c.want || got.SPF != c.spf || !slices.Equal(got.Warnings, in.Auth.Warnings) {
			t.Errorf("SPF %q, without it %v: %+v, want DMARC %q", c.spf, c.strict, got, c.want)
		}
	}
}

// TestTrustedResult: who received the mail knows more, and is not asked twice.
func TestTrustedResult(t *testing.T) {
	in := rfc822.Parse([]byte(letter(kari)))
	in.Auth = ticket.Auth{SPF: "pass", DMARC: "pass", Source: "header"}
	asked := 0
	v := verify.Verifier{Resolver: resolver(func(context.Context, string) ([]string, error) { asked++; return nil, nil })}
	if got := v.Verify(t.Context(), []byte(letter(kari)), in); got.DMARC != "pass" || got.Source != "header" || asked != 0 {
		t.Errorf("%+v after %d look-ups", got, asked)
	}
}

type resolver func(ctx context.Context, name string) ([]string, error)

func (r resolver) LookupTXT(ctx context.Context, name string) ([]string, error) { return r(ctx, name) }

// TestSignatures: several of them, of both kinds, and one that leaves the end of
// the body open.
func TestSignatures(t *testing.T) {
	p, q := newPen(t), rsaPen(t)
	z := zone{
		"s1._domainkey.customer.example": q.record, "s1._domainkey.list.example": p.record, "_dmarc.customer.example": "v=DMARC1; p=reject",
	}
	strict := func(o *dkim.SignOptions) {
		o.HeaderCanonicalization, o.BodyCanonicalization = dkim.CanonicalizationSimple, dkim.CanonicalizationSimple
	}
	one := q.sign(t, letter(kari), "customer.example", strict)
	both := p.sign(t, one, "list.example", nil)
	// RFC 6376, section 8.2: what is behind the length is the attacker's.
	length := strings.Replace(one, "DKIM-Signature: ", "DKIM-Signature: l=20; ", 1) + "Pay at once.\r\n"
	crowd := one
	for range 8 {
		crowd = "DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=y; h=from; b=AA==; bh=AA==\r\n" + crowd
	}
	for name, c := range map[string]struct{ raw, dkim, dmarc string }{
		"RSA, simple":             {one, "pass", "pass"},
		"two, both hold":          {both, "pass", "pass"},
		"the sender's is broken":  {p.sign(t, strings.Replace(one, "light", "glow", 1), "list.example", nil), "pass", "fail"},
		"the list's is broken":    {strings.Replace(both, "d=list.example", "d=list.example; x=1", 1), "pass", "pass"},
		"open length":             {length, "fail", "fail"},
		"crowded out by junk":     {crowd, "permerror", "fail"},
		"without From":            {strings.Replace(one, "From: Kari", "X-From: Kari", 1), "fail", "permerror"},
		"of a domain that is not": {strings.Replace(one, "d=customer.example", "d=customer..example", 1), "permerror", "fail"},
	} {
		v := verify.Verifier{Resolver: z, WithoutSPF: true}
		got := v.Verify(t.Context(), []byte(c.raw), rfc822.Parse([]byte(c.raw)))
		if got.DKIM != c.dkim || got.DMARC != c.dmarc {
			t.Errorf("%s: %+v, want DKIM %q and DMARC %q", name, got, c.dkim, c.dmarc)
		}
	}
}

// TestBounds: no mail makes it ask for ever, or about everything.
func TestBounds(t *testing.T) {
	p := newPen(t)
	raw := letter(kari)
	for _, d := range []string{"a.example", "b.example", "c.example", "d.example"} {
		raw = p.sign(t, raw, d, nil)
	}
	in := rfc822.Parse([]byte(raw))
	var asked []string
	count := resolver(func(_ context.Context, name string) ([]string, error) {
		asked = append(asked, name)
		return nil, &net.DNSError{IsNotFound: true}
	})
	v := verify.Verifier{Resolver: count, Lookups: 2}
	if got := v.Verify(t.Context(), []byte(raw), in); len(asked) != 2 || got.DKIM != "temperror" || got.DMARC != "temperror" {
		t.Errorf("asked for %v: %+v", asked, got)
	}
	stuck := resolver(func(ctx context.Context, _ string) ([]string, error) { <-ctx.Done(); return nil, ctx.Err() })
	v = verify.Verifier{Resolver: stuck, Timeout: 10 * time.Millisecond}
	if got := v.Verify(t.Context(), []byte(raw), in); got.DKIM != "temperror" || got.DMARC != "temperror" {
		t.Errorf("a resolver that does not answer: %+v", got)
	}
	v = verify.Verifier{Resolver: resolver(func(context.Context, string) ([]string, error) { panic("a bug of the host's") })}
	if got := v.Verify(t.Context(), []byte(raw), in); got.DKIM != "temperror" {
		t.Errorf("a resolver that panics: %+v", got)
	}
}

// TestBombs: what the library needs quadratic time for is not given to it.
func TestBombs(t *testing.T) {
	p := newPen(t)
	z := zone{"s1._domainkey.customer.example": p.record, "_dmarc.customer.example": "v=DMARC1; p=reject"}
	simple := func(o *dkim.SignOptions) { o.BodyCanonicalization = dkim.CanonicalizationSimple }
	good := p.sign(t, letter(kari), "customer.example", simple)
	for name, raw := range map[string]string{
		"many lines of one field": "X: 1\r\n" + strings.Repeat(" a\r\n", 5000) + good,
		"many fields":             strings.Repeat("X: 1\r\n", 5000) + good,
		"many signed fields":      strings.Replace(good, "h=", "h="+strings.Repeat("x:", 5000), 1),
		"empty lines":             good + strings.Repeat("\r\n", 100_000),
		"empty lines, and a word": good + strings.Repeat("\n", 100_000) + "x\r\n",
		"a header without end":    strings.Repeat("X: 1\r\n", 500_000),
		"one line without end":    strings.Repeat("x", 5<<20),
	} {
		v := verify.Verifier{Resolver: z}
		if got := v.Verify(t.Context(), []byte(raw), rfc822.Parse([]byte(raw))); got.DKIM != "permerror" || got.DMARC != "permerror" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := (&verify.Verifier{Resolver: z}).Verify(t.Context(), []byte(good), rfc822.Parse([]byte(good))); got.DMARC != "pass" {
		t.Errorf("the mail itself: %+v", got)
	}
}

// TestDefaultResolver: the zero value asks the machine's resolver, and its
// ended context costs no query.
func TestDefaultResolver(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	raw := []byte(newPen(t).sign(t, letter(kari), "customer.example", nil))
	var v verify.Verifier
	if got := v.Verify(ctx, raw, rfc822.Parse(raw)); got.DKIM != "temperror" || got.DMARC != "temperror" {
		t.Errorf("%+v", got)
	}
}

func FuzzVerify(f *testing.F) {
	p := newPen(f)
	f.Add([]byte(p.sign(f, letter(kari), "customer.example", nil)), p.record, "v=DMARC1; p=reject")
	f.Add([]byte("From: a@b.example\nDKIM-Signature: v=1; d=b.example; s=s; h=from; a=rsa-sha256; b=; bh=\n\nx"), "p=", "v=DMARC1;p=none;sp=;adkim=")
	f.Fuzz(func(t *testing.T, raw []byte, key, policy string) {
		dns := resolver(func(_ context.Context, name string) ([]string, error) {
			if strings.HasPrefix(name, "_dmarc.") {
				return []string{policy}, nil
			}
			return []string{key}, nil
		})
		in := rfc822.Parse(raw)
		got := (&verify.Verifier{Resolver: dns, WithoutSPF: true}).Verify(t.Context(), raw, in)
		if got.DKIM == "" || got.Source != "checked" {
			t.Errorf("%+v", got)
		}
	})
}
