package extending_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	root = "../.."
	page = "docs/extending.md"
)

var (
	goBlock  = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")
	fileLine = regexp.MustCompile(`^// (\S+\.go)\n`)
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

func readDocs(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(raw), "\r\n", "\n")
}

// TestDocsShowTheCode compares each block that names its file with the file.
func TestDocsShowTheCode(t *testing.T) {
	shown := map[string]bool{}
	for _, m := range goBlock.FindAllStringSubmatch(readDocs(t), -1) {
		named := fileLine.FindStringSubmatch(m[1])
		if named == nil {
			continue // a fragment that names no file
		}
		code := strings.TrimPrefix(m[1], named[0])
		raw, err := os.ReadFile(filepath.Join(root, named[1]))
		if err != nil {
			t.Errorf("%s shows a file that is not there: %v", page, err)
			continue
		}
		shown[named[1]] = true
		if strings.TrimSpace(code) == "" || !strings.Contains(strings.ReplaceAll(string(raw), "\r\n", "\n"), code) {
			t.Errorf("%s shows code that is not in %s (any more): copy it from there\n%s", page, named[1], code)
		}
	}
	for _, name := range []string{"provider.go", "policy.go", "accesslog.go"} {
		if !shown["examples/extending/"+name] {
			t.Errorf("%s does not show %s", page, name)
		}
	}
}

// TestDocsLinks opens every relative link.
func TestDocsLinks(t *testing.T) {
	links := link.FindAllStringSubmatch(goBlock.ReplaceAllString(readDocs(t), ""), -1)
	if len(links) == 0 {
		t.Errorf("%s has no links", page)
	}
	for _, m := range links {
		target, _, _ := strings.Cut(m[1], "#")
		if target == "" || strings.Contains(target, "://") {
			continue
		}
		if _, err := os.Stat(filepath.Join(root, filepath.Dir(page), target)); err != nil {
			t.Errorf("%s links to %s, which is not there", page, target)
		}
	}
}
