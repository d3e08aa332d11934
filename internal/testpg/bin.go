package testpg

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// binEnv names the directory of the server's programs when it is neither on
// PATH nor where Debian puts it.
const binEnv = "HELPDESK_PG_BIN"

// lookup finds one of PostgreSQL's programs. Debian keeps the server's
// programs out of PATH, one directory per major version.
func lookup(name string) (string, error) {
	if dir := os.Getenv(binEnv); dir != "" {
		p := filepath.Join(dir, name)
		if executable(p) {
			return p, nil
		}
		return "", fmt.Errorf("testpg: %s=%s holds no %s: point it at the directory of initdb, postgres and pg_dump", binEnv, dir, name)
	}
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(dirs, func(a, b string) int { return major(b) - major(a) })
	for _, dir := range dirs {
		// A client-only installation has pg_dump here but no server; mixing
		// its pg_dump with another server's version would fail, so a
		// directory counts only when it is complete.
		if executable(filepath.Join(dir, "postgres")) && executable(filepath.Join(dir, name)) {
			return filepath.Join(dir, name), nil
		}
	}
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	return "", fmt.Errorf("testpg: PostgreSQL's %s is not installed: run `apt-get install postgresql` (15 or newer) or set %s", name, binEnv)
}

func major(dir string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
	return n
}

func executable(p string) bool {
	fi, err := os.Stat(p)
	return err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0
}

func pgDump(tb testing.TB, dsn string) []byte {
	tb.Helper()
	bin, err := lookup("pg_dump")
	if err != nil {
		tb.Fatal(err)
	}
	var stderr strings.Builder
	cmd := exec.CommandContext(tb.Context(), bin, "--no-owner", "--dbname", dsn)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("testpg: pg_dump: %v\n%s", err, stderr.String())
	}
	return out
}
