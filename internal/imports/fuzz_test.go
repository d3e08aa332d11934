package imports

import (
	"os"
	"strings"
	"testing"
)

// targets are what must be fuzzed, with the target that does it. The first
// fourteen are the surfaces that the reliability plan names; dropping one is a
// decision to be made here.
var targets = []struct{ surface, file, target string }{
	{"structure", "mailbox/rfc822/fuzz_parts_test.go", "FuzzStructure"},
	{"header decoding", "mailbox/rfc822/fuzz_parts_test.go", "FuzzHeader"},
	{"addresses", "mailbox/rfc822/fuzz_test.go", "FuzzParseAddress"},
	{"dates", "mailbox/rfc822/fuzz_parts_test.go", "FuzzDate"},
	{"Authentication-Results", "mailbox/rfc822/auth/results_test.go", "FuzzResults"},
	{"references", "mailbox/rfc822/fuzz_parts_test.go", "FuzzReferences"},
	{"dispositions and file names", "mailbox/rfc822/fuzz_parts_test.go", "FuzzDisposition"},
	{"charsets", "mailbox/rfc822/fuzz_parts_test.go", "FuzzCharset"},
	{"HTML sanitising", "mailbox/rfc822/fuzz_test.go", "FuzzSanitize"},
	{"CSS values", "mailbox/rfc822/sanitize_link_test.go", "FuzzStyle"},
	{"links in text", "mailbox/rfc822/sanitize_link_test.go", "FuzzLink"},
	{"quotes", "mailbox/rfc822/trim/text_test.go", "FuzzText"},
	{"bounces", "mailbox/rfc822/bounce_test.go", "FuzzBounce"},
	{"building headers", "mailbox/rfc822/fuzz_test.go", "FuzzBuild"},
	{"whole mails", "mailbox/rfc822/fuzz_test.go", "FuzzParse"},
	{"quotes in HTML", "mailbox/rfc822/trim/html_test.go", "FuzzHTML"},
	{"TNEF", "mailbox/rfc822/fuzz_parts_test.go", "FuzzTNEF"},
	{"uuencode", "mailbox/rfc822/fuzz_parts_test.go", "FuzzUU"},
	{"invites", "mailbox/rfc822/invite_test.go", "FuzzInvite"},
	{"warnings", "mailbox/rfc822/auth/warnings_test.go", "FuzzWarnings"},
	{"signatures", "mailbox/rfc822/auth/verify/verify_test.go", "FuzzVerify"},
	{"threading", "ticket/board_test.go", "FuzzMatch"},
}

func TestFuzzTargets(t *testing.T) {
	const root = "../.."
	for _, x := range targets {
		b, err := os.ReadFile(root + "/" + x.file)
		if err != nil || !strings.Contains(string(b), "\nfunc "+x.target+"(f *testing.F) {") {
			t.Errorf("%s: no %s in %s (%v)", x.surface, x.target, x.file, err)
		}
	}
}
