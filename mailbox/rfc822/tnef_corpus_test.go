package rfc822

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTNEFCorpus unpacks the containers of the corpus, each as the only part
// of a mail, and compares the names with the lists beside them.
func TestTNEFCorpus(t *testing.T) {
	dir := dataDir(t, "HELPDESK_CORPORA", "corpora")
	if dir == "" {
		return
	}
	paths, _ := filepath.Glob(filepath.Join(dir, "mimekit", "UnitTests", "TestData", "tnef", "*.tnef"))
	if len(paths) == 0 {
		t.Fatal("no containers")
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		list, err := os.ReadFile(strings.TrimSuffix(path, ".tnef") + ".list")
		if err != nil {
			t.Fatal(err)
		}
		in := Parse([]byte(head + "Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
			base64.StdEncoding.EncodeToString(b)))
		got := map[string]bool{}
		for _, a := range in.Attachments {
			got[strings.ReplaceAll(a.Name, " ", "_")] = true
		}
		// The lists leave out files that other readers cannot find.
		for _, name := range strings.Fields(strings.ReplaceAll(string(list), " ", "_")) {
			if !got[name] {
				t.Errorf("%s: no %s among %v", filepath.Base(path), name, got)
			}
		}
	}
}
