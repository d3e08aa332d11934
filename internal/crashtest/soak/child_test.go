package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/soak/proof"
)

// tiny is a campaign's test: it does what it is asked for, unless the seed is
// one at which it panics.
const tiny = `package tiny
import ("flag"; "fmt"; "os"; "testing")
var from = flag.Int64("from", 0, "")
var count = flag.Int64("count", 0, "")
var out = flag.String("out", "", "")
var kind = flag.String("kind", "", "")
func TestTiny(t *testing.T) {
	if *from == 13 { panic("thirteen") }
	if _, err := os.Stat(os.Getenv("TINY_WORKER")); err != nil { t.Fatal(err) }
	text := fmt.Sprintf("{\"fired\":{%q:%d}}", *kind, *count)
	if err := os.WriteFile(*out, []byte(text), 0o600); err != nil { t.Fatal(err) }
}
`

// A batch runs what the commit holds, whatever the checkout has become since,
// and one that panics is an error with a log.
func TestLaunch(t *testing.T) {
	root, dir := t.TempDir(), t.TempDir()
	put := func(name, text string) {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
		must(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o600))
	}
	put("go.mod", "module tiny\n\ngo 1.26\n")
	put("campaign/tiny_test.go", tiny)
	put("worker/main.go", "package main\nfunc main() {}\n")
	for _, args := range [][]string{
		{"init", "-q"}, {"add", "."},
		{"-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-q", "-m", "tiny"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git: %v\n%s", err, out)
		}
	}
	commit, err := git(t.Context(), root, "rev-parse", "HEAD")
	must(t, err)
	put("campaign/tiny_test.go", "not Go any more")

	w, err := open(t.Context(), root, dir, commit)
	must(t, err)
	c := campaign{name: "tiny", pkg: "campaign", test: "TestTiny", args: []string{"-kind=x"}, programs: []program{{"worker", "TINY_WORKER"}}}
	b, err := w.launch(t.Context(), c, proof.Range{From: 2, To: 5})
	must(t, err)
	if b.Fired["x"] != 3 {
		t.Errorf("the batch of three seeds says %v", b.Fired)
	}
	_, err = w.launch(t.Context(), c, proof.Range{From: 13, To: 14})
	if err == nil || !strings.Contains(err.Error(), "left no result") {
		t.Errorf("a batch that panics: %v", err)
	}
	log, _ := os.ReadFile(filepath.Join(w.bin, "tiny-13.log"))
	if !strings.Contains(string(log), "thirteen") {
		t.Errorf("its log does not say why: %s", log)
	}
	if why := w.missing(campaign{pkg: "elsewhere"}); !strings.Contains(why, "not in this commit") {
		t.Errorf("a package that is not there is missing for the reason %q", why)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.launch(gone, c, proof.Range{From: 5, To: 6}); err == nil {
		t.Error("a batch runs after the soak was interrupted")
	}
}
