package main

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/mailbox/archive"
)

// manyMails writes an archive with all that an import decides on: threads over
// many pages, strangers, copies, attachments as blobs, and mail that is
// quarantined.
func manyMails(t *testing.T, n int) string {
	w := newWriter(t)
	rnd := rand.New(rand.NewPCG(3, 1))
	var box bytes.Buffer
	var ids, people []string
	for i := range n {
		at := time.Date(2020, 1, 1, 0, i/2, 0, 0, time.UTC) // two at a time
		id := fmt.Sprintf("<%d@customer.example>", i)
		who := fmt.Sprintf("Person <person%d@customer.example>", rnd.IntN(40))
		more := "Date: " + at.Format(time.RFC1123Z) + "\r\nCc: other" + fmt.Sprint(rnd.IntN(20)) + "@customer.example\r\n"
		if len(ids) > 0 && rnd.IntN(3) > 0 {
			to := rnd.IntN(len(ids))
			more += "In-Reply-To: " + ids[to] + "\r\nReferences: " + ids[rnd.IntN(len(ids))] + "\r\n"
			if rnd.IntN(4) > 0 {
				who = people[to]
			}
		}
		body := strings.Repeat(fmt.Sprintf("Line of mail %d.\r\n", i), 1+rnd.IntN(50))
		if i%60 == 7 {
			body = strings.Repeat(body, 1+300<<10/len(body)) // a blob
		}
		raw := letter(fmt.Sprintf("Mail %d", i), who, id, more, body)
		switch {
		case i%10 == 3:
			fmt.Fprintf(&box, "From x@y %s\n%s\n", at.Format(time.ANSIC), raw)
		case i%25 == 4:
			w.put(fmt.Sprintf("%d", i), raw)
			w.put(fmt.Sprintf("%d copy", i), raw)
		default:
			w.put(fmt.Sprintf("%d", i), raw)
		}
		if i == n/3 {
			w.put("too large", append(letter("Too large", who, "<large@customer.example>", more, ""), make([]byte, 50<<20+1)...))
		}
		ids, people = append(ids, id), append(people, who)
	}
	must(t, os.WriteFile(filepath.Join(w.dir, "box"), box.Bytes(), 0o600))
	must(t, os.WriteFile(filepath.Join(w.dir, "notes.txt"), []byte("no mail"), 0o600))
	return w.dir
}

// started is an import in a process of its own.
type started struct {
	cmd       *exec.Cmd
	out, errs bytes.Buffer
	ended     chan struct{}
}

func startImport(t *testing.T, args ...string) *started {
	t.Helper()
	bin, err := program()
	must(t, err)
	p := &started{cmd: exec.Command(bin, args...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.errs
	must(t, p.cmd.Start())
	go func() { _ = p.cmd.Wait(); close(p.ended) }()
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-p.ended })
	return p
}

// reach waits until the database holds so many mails of the archive, and
// reports whether the import was still running then.
func (p *started) reach(t *testing.T, dsn string, idx *archive.Index, n int) bool {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	st, err := openStore(t.Context(), settings{store: dsn})
	must(t, err)
	defer func() { _ = st.Close() }()
	for passed(t, st, idx) < n {
		select {
		case <-p.ended:
			return false
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("the import does not reach %d mails: %s", n, p.errs.String())
		}
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// wait waits for the end and returns the exit code.
func (p *started) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(3 * time.Minute):
		t.Fatalf("the import does not end: %s", p.errs.String())
	}
	return p.cmd.ProcessState.ExitCode()
}

// TestKill: imports that are killed again and again, at moments drawn from a
// seed, end as one that was left alone: the same messages, tickets, order,
// statuses, people and events, and the same report.
func TestKill(t *testing.T) {
	sum := compareKilled(t, manyMails(t, 1500), 4)
	if sum.Mails != 1561 || sum.Quarantined != 1 || sum.Duplicates != 60 || sum.Tickets > 1100 {
		t.Errorf("undisturbed: %+v", sum)
	}
}

// compareKilled imports a folder undisturbed and with kills.
func compareKilled(t *testing.T, dir string, kills int) summary {
	t.Helper()
	calm, calmKeys := testpg.DSN(t), filepath.Join(t.TempDir(), "keys")
	want := imported(t, "-store", calm, "-keys", calmKeys, dir)
	idx, err := archive.New().Index(t.Context(), archive.Account{Email: "a@b.example", Paths: []string{dir}})
	must(t, err)

	rough, roughKeys := testpg.DSN(t), filepath.Join(t.TempDir(), "keys")
	rnd := rand.New(rand.NewPCG(4, 2))
	hits, target := 0, 0
	for range kills {
		p := startImport(t, "-json", "-store", rough, "-keys", roughKeys, dir)
		running := p.reach(t, rough, idx, target)
		time.Sleep(time.Duration(rnd.IntN(60)) * time.Millisecond)
		_ = p.cmd.Process.Kill()
		if p.wait(t); running && !p.cmd.ProcessState.Exited() {
			hits++
		}
		target += rnd.IntN(2 * idx.Len() / (kills + 1))
	}
	if hits < kills-1 {
		t.Errorf("only %d of %d kills hit a running import", hits, kills)
	}
	got := readReport(t, finish(t, "-json", "-store", rough, "-keys", roughKeys, dir))
	a, b := observe(t, rough, roughKeys, dir), observe(t, calm, calmKeys, dir)
	if len(b.mails) != idx.Len() || len(b.tickets) != want.summary.Tickets || len(b.events) < want.summary.Messages || len(b.people) == 0 {
		t.Errorf("%d mails, %d tickets, %d people and %d events are compared", len(b.mails), len(b.tickets), len(b.people), len(b.events))
	}
	same(t, a, b)
	if a, b := partition(got), partition(want); !maps.Equal(a, b) {
		t.Errorf("the reports differ: %d and %d lines", len(a), len(b))
	}
	t.Logf("%d kills hit; undisturbed %+v, killed %+v", hits, *want.summary, *got.summary)
	return *want.summary
}

// finish runs an import to its end and returns what it printed.
func finish(t *testing.T, args ...string) []byte {
	t.Helper()
	p := startImport(t, args...)
	if code := p.wait(t); code != exitOK {
		t.Fatalf("exit code %d: %s", code, p.errs.String())
	}
	return p.out.Bytes()
}

// TestInterrupt: an interrupted import stops in order, says how to go on, and
// does so; a third run finds everything imported, and one after a mail was
// added takes in that one.
func TestInterrupt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no interrupts between processes")
	}
	dir := manyMails(t, 600)
	dsn, keys := testpg.DSN(t), filepath.Join(t.TempDir(), "keys")
	idx, err := archive.New().Index(t.Context(), archive.Account{Email: "a@b.example", Paths: []string{dir}})
	must(t, err)
	args := []string{"-json", "-store", dsn, "-keys", keys, dir}
	p := startImport(t, args...)
	if !p.reach(t, dsn, idx, 100) {
		t.Fatalf("it ended before it was interrupted: %s", p.errs.String())
	}
	must(t, p.cmd.Process.Signal(os.Interrupt))
	if code := p.wait(t); code != exitWrong || !strings.Contains(p.errs.String(), "start it again with the same paths to go on") {
		t.Errorf("exit code %d: %s", code, p.errs.String())
	}
	first := readReport(t, finish(t, args...))
	again := readReport(t, finish(t, args...))
	if !maps.Equal(partition(first), partition(again)) || first.summary.Mails != idx.Len() {
		t.Errorf("a second report differs: %+v, %+v", *first.summary, *again.summary)
	}
	must(t, os.WriteFile(filepath.Join(dir, "added"), letter("Added", ann, "<added@customer.example>", "", "New.\r\n"), 0o600))
	more := readReport(t, finish(t, args...))
	if more.summary.Mails != idx.Len()+1 || more.summary.Messages != first.summary.Messages+1 || more.file(t, "added").Outcome != outcomeNew {
		t.Errorf("with one mail more: %+v", *more.summary)
	}
}
