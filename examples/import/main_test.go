package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/archive"
)

// built is the folder of the program, once it was built.
var built string

// program builds the program once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "import")
	if err != nil {
		return "", err
	}
	built = dir
	bin := filepath.Join(dir, "import")
	if runtime.GOOS == "windows" {
		bin += ".exe"
	}
	out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return bin, nil
})

func TestMain(m *testing.M) {
	code := testpg.Run(m)
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reported is a report of -json.
type reported struct {
	messages []messageLine
	skipped  []skippedLine
	summary  *summary
}

// file returns the line of a mail by the name of its file.
func (r reported) file(t *testing.T, name string) messageLine {
	t.Helper()
	for _, l := range r.messages {
		if filepath.Base(l.File) == name {
			return l
		}
	}
	t.Fatalf("%s is not in the report", name)
	return messageLine{}
}

// decodeLine reads a line that has exactly the fields of v.
func decodeLine(line []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w in %.200q", err, line)
	}
	var have map[string]any
	if err := json.Unmarshal(line, &have); err != nil {
		return err
	}
	again, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var want map[string]any
	if err := json.Unmarshal(again, &want); err != nil {
		return err
	}
	if len(have) != len(want) {
		return fmt.Errorf("%d fields, want %d: %.200q", len(have), len(want), line)
	}
	return nil
}

// readReport reads a report and checks that its numbers are those of its lines.
func readReport(t *testing.T, out []byte) (r reported) {
	t.Helper()
	counted := summary{Type: "summary"}
	type place struct {
		file string
		n    int
	}
	files := map[place]bool{}
	for line := range bytes.Lines(out) {
		var kind struct{ Type string }
		must(t, json.Unmarshal(line, &kind))
		if r.summary != nil {
			t.Fatalf("a line after the summary: %.200q", line)
		}
		switch kind.Type {
		case "message":
			var l messageLine
			must(t, decodeLine(line, &l))
			counted.Mails++
			switch l.Outcome {
			case outcomeNew:
				counted.Tickets++
				counted.Messages++
			case outcomeJoined:
				counted.Messages++
			case outcomeDuplicate:
				counted.Duplicates++
			case outcomeQuarantined:
				counted.Quarantined++
			default:
				t.Fatalf("outcome %q", l.Outcome)
			}
			if l.Why == "" || files[place{l.File, l.N}] || (l.Ticket == "") != (l.Outcome == outcomeQuarantined) {
				t.Errorf("bad or doubled: %+v", l)
			}
			files[place{l.File, l.N}] = true
			r.messages = append(r.messages, l)
		case "skipped":
			var l skippedLine
			must(t, decodeLine(line, &l))
			if l.Why == "" || files[place{l.File, l.N}] {
				t.Errorf("bad or doubled: %+v", l)
			}
			files[place{l.File, l.N}] = true
			r.skipped = append(r.skipped, l)
		case "summary":
			r.summary = new(summary)
			must(t, decodeLine(line, r.summary))
		default:
			t.Fatalf("unknown line %.200q", line)
		}
	}
	if r.summary == nil {
		t.Fatal("no summary")
	}
	s := *r.summary
	if s.Mails != s.Messages+s.Duplicates+s.Quarantined {
		t.Errorf("the sum does not add up: %+v", s)
	}
	if counted.Seconds = s.Seconds; counted != s {
		t.Errorf("summary %+v, lines say %+v", s, counted)
	}
	return r
}

// imported runs the program in this process and returns its report.
func imported(t *testing.T, args ...string) reported {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), append([]string{"-json"}, args...), &out, &errs); code != exitOK {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	return readReport(t, out.Bytes())
}

// TestExitCodes: what goes wrong is said in one line and by the exit code.
func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	for name, tt := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no path":            {nil, exitUsage, "no path"},
		"no such path":       {[]string{filepath.Join(dir, "gone")}, exitUsage, "no such path"},
		"empty path":         {[]string{dir, ""}, exitUsage, "a path is empty"},
		"unknown flag":       {[]string{"-nonsense", dir}, exitUsage, "nonsense"},
		"empty store":        {[]string{"-store", "", dir}, exitUsage, "-store"},
		"other store":        {[]string{"-store", "mysql://x", dir}, exitUsage, "postgres://"},
		"bad DSN":            {[]string{"-store", "postgres://u:secret@localhost:notaport/x", dir}, exitUsage, "connection string"},
		"DSN without TLS":    {[]string{"-store", "postgres://u:secret@db.example/x?sslmode=disable", dir}, exitUsage, "TLS"},
		"dead database":      {[]string{"-store", "postgres://u:secret@127.0.0.1:1/x", dir}, exitWrong, ""},
		"keys without store": {[]string{"-keys", "x", dir}, exitUsage, "-keys"},
		"no tenant":          {[]string{"-tenant", "", dir}, exitUsage, "-tenant"},
		"no address":         {[]string{"-email", "nobody", dir}, exitUsage, "-email"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := run(t.Context(), tt.args, &out, &errs)
			said := errs.String()
			if code != tt.code || strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "import: ") || !strings.Contains(said, tt.says) {
				t.Errorf("exit code %d, said %q", code, said)
			}
			if strings.Contains(said, "secret") || out.Len() > 0 {
				t.Errorf("said too much: %q %q", said, out.String())
			}
		})
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-help"}, &out, &errs); code != exitOK || !strings.Contains(out.String(), "-store") || errs.Len() > 0 {
		t.Errorf("-help: %d %q %q", code, out.String(), errs.String())
	}
}

// TestText: without -json a person reads what needs him, and the sum.
func TestText(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "a"), []byte("From: ann@customer.example\nSubject: x\n\nHello\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "b\x1b[2J"), []byte("no mail"), 0o600))
	t.Chdir(dir)
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"."}, &out, &errs); code != exitOK {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	said := out.String()
	if !strings.HasPrefix(said, `skipped "./b\x1b[2J": it is no mail`) || !strings.Contains(said, "1 mails in ") ||
		!strings.Contains(said, "1 messages on 1 tickets, 0 duplicates, 0 quarantined; 1 files skipped\n") {
		t.Errorf("said %q", said)
	}
	empty := t.TempDir()
	if r := imported(t, empty); r.summary.Mails != 0 {
		t.Errorf("an empty folder has %d mails", r.summary.Mails)
	}
}

// TestMissing: a mail that was gone before it was imported is an error, after the
// sum.
func TestMissing(t *testing.T) {
	var out bytes.Buffer
	r := &report{index: &archive.Index{}, out: newJSONOutput(&out)}
	must(t, r.end(0))
	out.Reset()
	must(t, r.tell(t.Context(), "box#3", 3, mailbox.Item{}, fate{}))
	if err := r.end(0); err == nil || !strings.Contains(err.Error(), "(1)") {
		t.Errorf("error %v", err)
	}
	if got := readReport(t, out.Bytes()); len(got.skipped) != 1 {
		t.Errorf("reported %s", out.String())
	}
}

// TestStopped: an import that is interrupted says how to go on, and no summary.
func TestStopped(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "a"), []byte("Subject: x\n\n"), 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	if code := run(ctx, []string{"-json", dir}, &out, &errs); code != exitWrong {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(errs.String(), "import: stopped") || strings.Contains(out.String(), "summary") {
		t.Errorf("said %q %q", errs.String(), out.String())
	}
}

// TestFileNames: in JSON no two mails lie in one place, whatever their files are
// called.
func TestFileNames(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"hash": "From a@b\nSubject: 1\n\nx\n\nFrom a@b\nSubject: 2\n\ny\n", "hash#1": "Subject: 3\n\nz\n",
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	got := map[string]string{}
	for _, l := range imported(t, dir).messages {
		got[l.Subject] = fmt.Sprint(filepath.Base(l.File), " ", l.N)
	}
	if want := map[string]string{"1": "hash#1 1", "2": "hash#2 2", "3": "hash#1 0"}; !maps.Equal(got, want) {
		t.Errorf("places %v, want %v", got, want)
	}
	for name, want := range map[string]string{
		"a/\u00e4 \u2028\n.eml": "a/\u00e4 \u2028\n.eml", `C:\mail\x`: `C:\mail\x`, "\xff\xfe.eml": `\xff\xfe.eml`, `\xff`: `\x5cxff`,
		`\` + "\xff": `\\xff`, `\\xff`: `\\x5cxff`, "\ufffd": "\ufffd",
	} {
		if got := escaped(name); got != want {
			t.Errorf("%q is written %q, want %q", name, got, want)
		}
	}
}

// TestNames: files are shown below the paths as they were given.
func TestNames(t *testing.T) {
	n := names{{"../mail", "/srv/mail"}, {"/srv/mail/in/", "/srv/mail/in"}, {"box", "/srv/box"}, {".", "/srv"}}
	for path, want := range map[string]string{
		"/srv/mail/a.eml": "../mail/a.eml", "/srv/mail/in/b": "/srv/mail/in/b", "/srv/box#3": "box#3", "/srv/boxes": "./boxes", "/else": "/else",
	} {
		if got := n.show(path); got != want {
			t.Errorf("%s is shown as %s, want %s", path, got, want)
		}
	}
}
