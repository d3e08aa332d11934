// Package score keeps what the library reaches on collections of mail that are
// not part of the repository. A test reports a score; one that fell below what
// scores.txt has fails the test. `make corpora` prints all of them.
package score

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// Update is the environment variable that, set to 1, stores scores instead of
// comparing them. Tests that do so must run one package at a time.
const Update = "HELPDESK_UPDATE_SCORES"

// Share reports how many of a number were right: more is better. A collection
// of another size is another collection, and compared with nothing.
func Share(t testing.TB, name string, right, of int) {
	t.Helper()
	if of == 0 {
		t.Errorf("SCORE %s: nothing was read", name)
		return
	}
	report(t, name, fmt.Sprintf("%d/%d", right, of), func(was string) bool {
		var r, n int
		_, err := fmt.Sscanf(was, "%d/%d", &r, &n)
		return err == nil && n == of && right < r
	})
}

// Errors reports how often something was wrong: fewer is better.
func Errors(t testing.TB, name string, wrong, of int) {
	t.Helper()
	report(t, name, fmt.Sprintf("%d wrong of %d", wrong, of), func(was string) bool {
		var w, n int
		_, err := fmt.Sscanf(was, "%d wrong of %d", &w, &n)
		return err == nil && n == of && wrong > w
	})
}

func report(t testing.TB, name, value string, fell func(was string) bool) {
	t.Helper()
	if strings.ContainsAny(name, " \n") {
		t.Fatalf("score name %q has blanks", name)
	}
	fmt.Printf("SCORE %s %s\n", name, value)
	path, err := file()
	if err != nil {
		t.Fatal(err)
	}
	scores, err := read(path)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv(Update) == "1" {
		scores[name] = value
		if err := write(path, scores); err != nil {
			t.Fatal(err)
		}
		return
	}
	was, known := scores[name]
	switch {
	case !known:
		t.Errorf("SCORE %s is new: store it with `make corpora UPDATE=1`", name)
	case fell(was):
		t.Errorf("SCORE %s fell from %s to %s", name, was, value)
	}
}

// file is scores.txt beside this source, wherever a test runs.
func file() (string, error) {
	_, here, _, ok := runtime.Caller(0)
	if !ok {
		return "", fmt.Errorf("score: no source position")
	}
	return filepath.Join(filepath.Dir(here), "scores.txt"), nil
}

func read(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	scores := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok {
			scores[name] = value
		}
	}
	return scores, nil
}

func write(path string, scores map[string]string) error {
	var lines []string
	for name, value := range scores {
		lines = append(lines, name+" "+value+"\n")
	}
	slices.Sort(lines)
	return os.WriteFile(path, []byte(strings.Join(lines, "")), 0o644)
}
