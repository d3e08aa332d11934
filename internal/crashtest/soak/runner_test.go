package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/soak/proof"
)

// stateDir names the folder of a soak that a test kills: this binary, started
// with it, is the soak.
const stateDir = "SOAK_TEST_STATE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(stateDir); dir != "" {
		r, err := fake(dir, func() { time.Sleep(5 * time.Millisecond) })
		if err == nil {
			err = r.run(context.Background())
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// fake is a soak of two campaigns whose batches are made up: each seed fires
// its fault, and every seventh is invalid.
func fake(dir string, pause func()) (*runner, error) {
	s, err := load(dir, "c0ffee0", time.Unix(0, 0).UTC())
	if err != nil {
		return nil, err
	}
	return &runner{
		state: s, out: io.Discard, now: func() time.Time { return time.Unix(0, 0).UTC() },
		missing: func(campaign) string { return "" },
		campaigns: []campaign{
			{name: "one", title: "One", unit: "kills", full: 100, planned: 100, batch: 4, have: fired("a")},
			{name: "two", title: "Two", unit: "kills", full: 50, planned: 50, batch: 3, have: fired("a")},
		},
		launch: func(_ context.Context, _ campaign, r proof.Range) (proof.Batch, error) {
			pause()
			b := proof.Batch{Fired: map[string]int{}}
			for seed := r.From; seed < r.To; seed++ {
				if seed%7 == 0 {
					b.Invalid = append(b.Invalid, proof.Invalid{Seed: seed, Why: "did not fire"})
					continue
				}
				b.Fired["a"]++
			}
			return b, nil
		},
	}, nil
}

func fired(point string) func(*proof.Tally) int {
	return func(t *proof.Tally) int { return t.Fired[point] }
}

// undisturbed is what the fake soak comes to when nothing stops it.
func undisturbed(t *testing.T) proof.Report {
	t.Helper()
	r, err := fake(t.TempDir(), func() {})
	must(t, err)
	must(t, r.run(t.Context()))
	if n := r.state.tally("one").Fired["a"]; n < 100 || n > 103 {
		t.Fatalf("the first campaign fired %d faults, want 100", n)
	}
	return r.report()
}

// A soak that is killed again and again comes to the same totals.
func TestResumeAfterKill(t *testing.T) {
	dir, kills := t.TempDir(), 0
	for wait := 20 * time.Millisecond; ; wait += 10 * time.Millisecond {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), stateDir+"="+dir)
		must(t, cmd.Start())
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case err := <-done:
			must(t, err)
		case <-time.After(wait):
			must(t, cmd.Process.Signal(syscall.SIGKILL))
			if <-done != nil {
				kills++
				continue
			}
		}
		break
	}
	if kills < 2 {
		t.Fatalf("the soak was killed %d times only", kills)
	}
	r, err := fake(dir, func() { t.Error("a finished soak does something") })
	must(t, err)
	must(t, r.run(t.Context()))
	if d := cmp.Diff(undisturbed(t), r.report(), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("after %d kills: %s", kills, d)
	}
}

// An interrupt drops the batch under way and nothing else.
func TestResumeAfterInterrupt(t *testing.T) {
	dir := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	batches := 0
	r, err := fake(dir, func() {
		if batches++; batches == 9 {
			stop()
		}
	})
	must(t, err)
	must(t, r.run(ctx))
	if got := r.state.tally("one").Next; got != 32 {
		t.Errorf("after 8 batches and one that was cut off the next seed is %d, want 32", got)
	}
	again, err := fake(dir, func() {})
	must(t, err)
	must(t, again.run(t.Context()))
	if d := cmp.Diff(undisturbed(t), again.report(), cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
}

// What leaves no result is noted and not counted, and a campaign that gets no
// further is given up.
func TestBrokenBatchesDoNotCount(t *testing.T) {
	r, err := fake(t.TempDir(), func() {})
	must(t, err)
	good, n := r.launch, 0
	r.launch = func(ctx context.Context, c campaign, seeds proof.Range) (proof.Batch, error) {
		if n++; c.name == "two" || n == 2 {
			return proof.Batch{}, errors.New("it crashed")
		}
		return good(ctx, c, seeds)
	}
	must(t, r.run(t.Context()))
	one, two := r.state.tally("one"), r.state.tally("two")
	want := []proof.Broken{{Range: proof.Range{From: 4, To: 8}, Why: "it crashed"}}
	if d := cmp.Diff(want, one.Broken); d != "" || one.Fired["a"] < 100 {
		t.Errorf("%d fired, broken: %s", one.Fired["a"], d)
	}
	if one.Seeds[0] != (proof.Range{From: 0, To: 4}) || one.Seeds[1].From != 8 {
		t.Errorf("the seeds of a broken batch count: %v", one.Seeds)
	}
	if len(two.Broken) != giveUp || two.Runs() != 0 {
		t.Errorf("%d broken batches, want %d", len(two.Broken), giveUp)
	}
	if page := r.report().Markdown(); !strings.Contains(page, "nothing of it counts") {
		t.Errorf("the page does not say that nothing counts:\n%s", page)
	}
}

// Seeds whose faults did not fire are neither counted nor kept quiet.
func TestInvalidSeedsDoNotCount(t *testing.T) {
	rep := undisturbed(t)
	one := rep.Sections[0]
	if len(one.Invalid) == 0 || one.Runs() != one.Fired["a"] {
		t.Errorf("%d seeds count, %d faults fired, %d invalid", one.Runs(), one.Fired["a"], len(one.Invalid))
	}
	if page := rep.Markdown(); !strings.Contains(page, fmt.Sprintf("invalid, not counted: %d", len(one.Invalid))) {
		t.Errorf("the page does not name the invalid seeds:\n%s", page)
	}
}

// A figure that was not run is reported as not run.
func TestNotRunIsReported(t *testing.T) {
	r, err := fake(t.TempDir(), func() {})
	must(t, err)
	r.campaigns[0].planned = 0
	r.missing = func(c campaign) string {
		return map[string]string{"two": "it is not in this commit"}[c.name]
	}
	must(t, r.run(t.Context()))
	page := r.report().Markdown()
	for _, want := range []string{
		"| One | 100 kills | not run |", "| Two | 50 kills | not run |", "not run: it is not in this commit",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

// The state of another commit, or what is none, is refused.
func TestForeignState(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "c0ffee0.json"), []byte(`{"commit":"other"}`), 0o600))
	if _, err := fake(dir, func() {}); err == nil {
		t.Error("a soak goes on with the state of another commit")
	}
}

func TestScale(t *testing.T) {
	env := map[string]string{"SOAK_WORKER_KILLS": "20", "SOAK_SEND_KILLS": "2", "SOAK_PLANTED": "0"}
	cs, err := campaigns(func(k string) string { return env[k] })
	must(t, err)
	got := map[string]int{}
	for _, c := range cs {
		got[c.name] = c.planned
	}
	if d := cmp.Diff(map[string]int{"worker": 20, "postgres": 300, "send": 2, "planted": 0}, got); d != "" {
		t.Error(d)
	}
	if n := cs[2].size(&proof.Tally{}); n != 30 {
		t.Errorf("2 kills at each step are %d seeds, want 30", n)
	}
	env["SOAK_PG_KILLS"] = "many"
	if _, err := campaigns(func(k string) string { return env[k] }); err == nil {
		t.Error("a count that is none is taken")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
