package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestUnreadable: a file that cannot be read is an error once everything else
// is imported. Nobody can read the beginning of the file used here, not even
// root.
func TestUnreadable(t *testing.T) {
	mail := filepath.Join(t.TempDir(), "a")
	must(t, os.WriteFile(mail, letter("a", ann, "<a@customer.example>", "", "Hello.\r\n"), 0o600))
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-json", mail, "/proc/self/mem"}, &out, &errs); code != exitWrong {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
	r := readReport(t, out.Bytes())
	if r.summary.Mails != 1 || len(r.skipped) != 1 || r.skipped[0].Why != "it cannot be read" {
		t.Errorf("reported %s", out.String())
	}
}
