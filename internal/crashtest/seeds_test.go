package crashtest

import (
	"flag"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/wire"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
)

var (
	oneSeed = flag.Int64("seed", 0, "run this seed alone")
	keepLog = flag.String("keeplog", "", "folder for the workers' logs of seeds that fail")
)

// seeds are the fixed ones of every test run; lanes how many run at once, each
// on a server of its own.
// A run whose faults did not fire proves nothing and is made again, some times
// over: which call a fault meets depends on how the machine schedules the
// processes. For the same reason spares follow while a fault is missing.
const (
	seeds  = 50
	lanes  = 2
	again  = 3
	spares = 24
)

// TestSeeds runs the fixed seeds and asks that every crash point and every kind
// of fault really happened in one of them.
func TestSeeds(t *testing.T) {
	worker := Build(t)
	if *oneSeed != 0 {
		o := Options{Worker: worker, Cluster: NewCluster(t), PostgresKills: postgresKills(*oneSeed)}
		report(t, Run(t.Context(), *oneSeed, logged(o, *oneSeed)))
		return
	}
	var clusters []*Cluster
	for range lanes {
		clusters = append(clusters, NewCluster(t))
	}
	fired := map[string]int{}
	runSeeds(t, worker, clusters, 1, seeds, fired)
	for next := int64(seeds + 1); len(missing(fired)) > 0 && next <= seeds+spares; next += lanes {
		t.Logf("seeds %d to %d too: %s", next, next+lanes-1, strings.Join(missing(fired), "; "))
		runSeeds(t, worker, clusters, next, lanes, fired)
	}
	for _, what := range slices.Sorted(maps.Keys(fired)) {
		t.Logf("%6d %s", fired[what], what)
	}
	for _, what := range missing(fired) {
		t.Errorf("%s", what)
	}
}

// runSeeds runs n seeds from first on, one on each cluster at a time, and adds
// what fired. What failed is reported at the end, where it is seen.
func runSeeds(t *testing.T, worker string, clusters []*Cluster, first, n int64, fired map[string]int) {
	t.Helper()
	todo := make(chan int64, n)
	for seed := range n {
		todo <- first + seed
	}
	close(todo)
	var failed []Result
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, cluster := range clusters {
		wg.Go(func() {
			for seed := range todo {
				o := Options{Worker: worker, Cluster: cluster, PostgresKills: postgresKills(seed)}
				r := Run(t.Context(), seed, logged(o, seed))
				for range again {
					if r.Invalid == "" || len(r.Violations) > 0 {
						break
					}
					t.Logf("seed %d is run again, it was invalid: %s", seed, r.Invalid)
					r = Run(t.Context(), seed, logged(o, seed))
				}
				mu.Lock()
				t.Logf("%s", r.summary())
				if r.Invalid != "" || len(r.Violations) > 0 {
					failed = append(failed, r)
				}
				for what, n := range r.Fired {
					fired[what] += n
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, r := range failed {
		report(t, r)
	}
}

// postgresKills: every eighth seed takes the database away.
func postgresKills(seed int64) int {
	if seed%8 == 0 {
		return 1
	}
	return 0
}

func logged(o Options, seed int64) Options {
	if *keepLog != "" {
		o.KeepLog = filepath.Join(*keepLog, rerun(seed)[strings.LastIndex(rerun(seed), "=")+1:]+".log")
	}
	return o
}

func report(t *testing.T, r Result) {
	t.Helper()
	t.Logf("%s", r.summary())
	if r.Invalid != "" {
		t.Errorf("seed %d is invalid: %s\n\t%s", r.Seed, r.Invalid, r.Rerun())
	}
	for _, v := range r.Violations {
		t.Errorf("%v\n\t%s", v, r.Rerun())
	}
}

// summary says one run in a line.
func (r Result) summary() string {
	return fmt.Sprintf("seed %d (%s): %d mails, %d replies, %d kills, %v: %s", r.Seed, r.Provider, r.Mails, r.Replies, r.Kills, r.Took.Round(1e7), r.Slow)
}

// missing names the planned faults that never happened.
func missing(fired map[string]int) (out []string) {
	kinds := map[string]int{}
	for what, n := range fired {
		if rest, ok := strings.CutPrefix(what, "provider/"); ok {
			_, kind, _ := strings.Cut(rest, "/")
			kinds[kind] += n
		}
	}
	for _, point := range wire.AllPoints() {
		if fired["crash/"+point] == 0 {
			out = append(out, fmt.Sprintf("no worker died at %s", point))
		}
	}
	for _, cut := range Cuts() {
		if fired["postgres/"+cut] == 0 {
			out = append(out, fmt.Sprintf("no connection to the database was cut %s", cut))
		}
	}
	for _, kind := range []string{drafting, filing, bare} {
		for _, op := range timeouts(kind) {
			if fired["provider/"+op+"/"+string(mailboxtest.FaultHangAfter)] == 0 {
				out = append(out, fmt.Sprintf("no %s happened without an answer", op))
			}
		}
	}
	for _, kind := range []mailboxtest.FaultKind{
		mailboxtest.FaultThrottle, mailboxtest.FaultServerError, mailboxtest.FaultCutBefore, mailboxtest.FaultCutAfter,
		mailboxtest.FaultHang, mailboxtest.FaultTokenDeath, mailboxtest.FaultSlow, mailboxtest.FaultRefuse, mailboxtest.FaultReject,
		mailboxtest.FaultExpire, mailboxtest.FaultDuplicate, mailboxtest.FaultReorder, mailboxtest.FaultHalfBody,
		mailboxtest.FaultNotifyTwice, mailboxtest.FaultNotifyLate, mailboxtest.FaultNotifyLost,
	} {
		if kinds[string(kind)] == 0 {
			out = append(out, fmt.Sprintf("the provider never failed by %s", kind))
		}
	}
	for _, what := range []string{"postgres/kill", "kill/anywhere", "freeze/worker", "mail/touched", "mail/overlap", "mail/stranger", "mail/same-subject",
		"mail/no-message-id", "mail/twin", "mail/copy", "mail/blob", "mail/too-large"} {
		if fired[what] == 0 {
			out = append(out, fmt.Sprintf("%s never happened", what))
		}
	}
	return out
}

// TestCalm: without a fault the model and the end agree. What this fails is
// the model.
func TestCalm(t *testing.T) {
	worker, cluster := Build(t), NewCluster(t)
	for _, seed := range []int64{1001, 1002, 1003} {
		report(t, Run(t.Context(), seed, Options{Worker: worker, Cluster: cluster, Kills: -1, Calm: true}))
	}
}
