package planted

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/crashtest"
	"github.com/helpdesk-go/helpdesk/internal/crashtest/soak/proof"
	"github.com/helpdesk-go/helpdesk/internal/testpg"

	// The worker is built by the tests. Linking it here makes a change of it
	// count for go test's cache.
	_ "github.com/helpdesk-go/helpdesk/internal/crashtest/host"
)

// The flags by which a soak asks for its batches: a batch is some bugs.
var (
	from  = flag.Int64("from", 1, "the first bug")
	count = flag.Int64("count", 10, "how many bugs")
	out   = flag.String("out", "", "write the result there, for a soak, instead of failing on what it says")
)

const (
	// seedsMost is within how many seeds a bug must be found.
	seedsMost = 200
	// lanes is how many bugs are looked for at once, each on a server of its
	// own.
	lanes = 2
	// bound is how long a story with a bug may take to become final: not
	// becoming so is what one of them causes.
	bound = 20 * time.Second
)

func TestMain(m *testing.M) { os.Exit(testpg.Run(m)) }

// TestPlanted looks for the bugs.
func TestPlanted(t *testing.T) {
	all := bugs()
	todo := make(chan int, *count)
	for n := range *count {
		todo <- int((*from + 9 + n) % int64(len(all))) // a soak counts from 0, and on when a batch failed
	}
	close(todo)
	s := &search{t: t, honest: crashtest.Build(t), passed: map[int64]bool{}}
	var wg sync.WaitGroup
	for range min(lanes, *count) {
		cluster := crashtest.NewCluster(t)
		wg.Go(func() {
			for n := range todo {
				s.find(n, all[n], cluster)
			}
		})
	}
	wg.Wait()
	s.report()
}

// search is what was found so far.
type search struct {
	t      *testing.T
	honest string // the worker without a bug

	mu     sync.Mutex
	passed map[int64]bool // by the honest worker
	found  []finding
	wrong  []proof.Violation // what the honest worker did
}

// finding is how a bug was found, or not.
type finding struct {
	n int
	proof.Planted
	first, last   int64 // seed
	detail        string
	building, all time.Duration
}

// find tries seed after seed with a bug until one shows it.
func (s *search) find(n int, b bug, cluster *crashtest.Cluster) {
	begun := time.Now()
	f := finding{n: n, Planted: proof.Planted{Bug: b.name}}
	worker, err := b.build(s.t.Context(), s.t.TempDir())
	if err != nil {
		s.t.Error(err)
		return
	}
	f.building = time.Since(begun)
	o := crashtest.Options{Worker: worker, Cluster: cluster, Prepare: b.prepare, Bound: bound}
	f.first = 1
	if *out == "" {
		f.first = max(1, b.first)
	}
	for seed := f.first; seed <= seedsMost && !f.Found && s.t.Context().Err() == nil; seed++ {
		f.Seeds, f.last = int(seed-f.first+1), seed
		for _, v := range crashtest.Run(s.t.Context(), seed, o).Violations {
			if !b.shows(v) {
				s.t.Logf("%s: beside it: %v", b.name, v)
			} else if !f.Found {
				f.Found, f.Invariant, f.detail = true, v.Invariant, v.Detail
			}
		}
	}
	if f.Found {
		s.control(f.last, cluster)
	}
	f.all = time.Since(begun)
	s.t.Logf("%s: %d seeds, %s %s", b.name, f.Seeds, cmp.Or(f.Invariant, "not found"), f.detail)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found = append(s.found, f)
}

// shows tells whether a violation is one that the bug must cause.
func (b bug) shows(v crashtest.Violation) bool {
	return slices.ContainsFunc(b.signs, func(x sign) bool {
		return v.Invariant == x.invariant && strings.Contains(v.Detail, x.detail)
	})
}

// control runs a seed without a bug: what it shows must come from the bug. A
// story whose planned fault did not happen says nothing and is told again.
func (s *search) control(seed int64, cluster *crashtest.Cluster) {
	s.mu.Lock()
	done := s.passed[seed]
	s.passed[seed] = true
	s.mu.Unlock()
	if done {
		return
	}
	var r crashtest.Result
	for range 3 {
		r = crashtest.Run(s.t.Context(), seed, crashtest.Options{Worker: s.honest, Cluster: cluster})
		if r.Invalid == "" || len(r.Violations) > 0 {
			break
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Invalid != "" && len(r.Violations) == 0 {
		s.t.Errorf("seed %d without a bug proves nothing: %s", seed, r.Invalid)
	}
	for _, v := range r.Violations {
		s.wrong = append(s.wrong, proof.Violation{Seed: seed, Invariant: v.Invariant, Detail: v.Detail, Again: r.Rerun()})
	}
}

// report prints the table, and fails or writes for the soak what it says.
func (s *search) report() {
	slices.SortFunc(s.found, func(a, b finding) int { return cmp.Compare(a.n, b.n) })
	var b proof.Batch
	table := fmt.Sprintf("%-38s %5s %5s  %-9s  %6s  %6s  %s", "bug", "first", "seeds", "invariant", "build", "all", "as")
	for _, f := range s.found {
		table += fmt.Sprintf("\n%-38s %5d %5d  %-9s  %5.1fs  %5.1fs  %s", f.Bug, f.first, f.Seeds, cmp.Or(f.Invariant, "NOT FOUND"),
			f.building.Seconds(), f.all.Seconds(), f.detail)
		b.Planted = append(b.Planted, f.Planted)
	}
	s.t.Log("\n" + table)
	b.Violations = s.wrong
	if *out != "" {
		if err := b.Write(*out); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	for _, f := range s.found {
		if !f.Found {
			s.t.Errorf("%s: not found by %d seeds", f.Bug, f.Seeds)
		}
	}
	for _, v := range s.wrong {
		s.t.Errorf("without a bug, invariant %s: %s\n\t%s", v.Invariant, v.Detail, v.Again)
	}
}

// TestPatchesApply tells within a second which bugs have to be planted anew
// after a change of the code they change.
func TestPatchesApply(t *testing.T) {
	for _, b := range bugs() {
		if _, err := b.changed(); err != nil {
			t.Error(err)
		}
	}
}
