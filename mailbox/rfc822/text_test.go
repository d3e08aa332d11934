package rfc822

import "testing"

// TestHTMLToTextAddress keeps addresses that clients put into HTML without
// escaping their brackets.
func TestHTMLToTextAddress(t *testing.T) {
	for in, want := range map[string]string{
		"<p>Ann <ann@example.com> wrote:</p>":     "Ann <ann@example.com> wrote:",
		"<p hidden>Ann <ann@example.com></p>here": "here",
		"<style><a@b></style>x":                   "x",
	} {
		if got := HTMLToText(in); got != want {
			t.Errorf("%s: %q", in, got)
		}
	}
}
