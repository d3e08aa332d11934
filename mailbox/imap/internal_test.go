package imap

import (
	"bytes"
	"net/netip"
	"testing"
)

func TestPublic(t *testing.T) {
	for _, s := range []string{
		"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3", "255.255.255.255",
		"224.0.0.1", "192.0.0.8", "198.18.0.1", "240.0.0.1", "192.0.2.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1",
		"2002:7f00:1::", "2002:a00:1::1", "2001::1", "2001:db8::1", "fec0::1",
	} {
		if public(netip.MustParseAddr(s)) {
			t.Errorf("%s passes for public", s)
		}
	}
	for _, s := range []string{"8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "172.32.0.1"} {
		if !public(netip.MustParseAddr(s)) {
			t.Errorf("%s does not pass for public", s)
		}
	}
	if public(netip.Addr{}) {
		t.Error("no address passes for public")
	}
}

func FuzzNormalise(f *testing.F) {
	for _, s := range []string{"", "a", "\r", "\n", "\r\n", "\r\r\n", "\n\r", "\x00", "\r\x00\n.\r\n", "a\x00\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := bytes.Clone(raw)
		out := normalise(raw)
		if !bytes.Equal(raw, before) {
			t.Fatal("the input was changed")
		}
		for i, b := range out {
			if b == 0 || b == '\n' && (i == 0 || out[i-1] != '\r') || b == '\r' && (i+1 == len(out) || out[i+1] != '\n') {
				t.Fatalf("%q became %q", raw, out)
			}
		}
		if !bytes.Equal(normalise(out), out) {
			t.Fatalf("%q is not stable", out)
		}
	})
}

func FuzzValidEnvelope(f *testing.F) {
	f.Add("a@b")
	f.Add("a b@c")
	f.Fuzz(func(t *testing.T, s string) {
		if validEnvelope(s) == nil && bytes.ContainsAny([]byte(s), "\r\n\x00 \t<>\"\\,;") {
			t.Fatalf("%q was accepted", s)
		}
	})
}

func FuzzDecodeCursor(f *testing.F) {
	c, _ := cursor{Version: 1, Stream: "live", Folders: map[string]place{"a": {Validity: 1, Last: 2}}}.encode()
	f.Add([]byte(c))
	f.Add([]byte(`{"v":1,"s":"live","f":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, ok := decodeCursor(b, "live"); ok && (c.Version != 1 || c.Folders == nil) {
			t.Fatal("accepted")
		}
	})
}

func TestRewrittenIDOfSES(t *testing.T) {
	const id = "0100018f2c0b3a4e-1a2b3c4d-0000"
	for host, want := range map[string]string{
		"email-smtp.eu-west-1.amazonaws.com": id + "@eu-west-1.amazonses.com",
		"email-smtp.us-east-1.amazonaws.com": id + "@email.amazonses.com",
		"smtp.example.org":                   "",
	} {
		if got := rewrittenID("Ok "+id, "own@x", host); got != want {
			t.Errorf("%s: %q", host, got)
		}
	}
	if got := rewrittenID("2.0.0 Ok: queued as <own@x.outlook.com>", "own@x.outlook.com", "x"); got != "" {
		t.Errorf("own id: %q", got)
	}
}
