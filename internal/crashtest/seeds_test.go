package crashtest

import (
	"flag"
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
const (
	seeds = 50
	lanes = 2
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
	todo := make(chan int64, seeds)
	for seed := range int64(seeds) {
		todo <- seed + 1
	}
	close(todo)
	fired := map[string]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range lanes {
		cluster := NewCluster(t)
		wg.Go(func() {
			for seed := range todo {
				o := Options{Worker: worker, Cluster: cluster, PostgresKills: postgresKills(seed)}
				r := Run(t.Context(), seed, logged(o, seed))
				mu.Lock()
				report(t, r)
				for what, n := range r.Fired {
					fired[what] += n
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, what := range slices.Sorted(maps.Keys(fired)) {
		t.Logf("%6d %s", fired[what], what)
	}
	everything(t, fired)
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
	t.Logf("seed %d (%s): %d mails, %d replies, %d kills, %v: %s", r.Seed, r.Provider, r.Mails, r.Replies, r.Kills, r.Took.Round(1e7), r.Slow)
	if r.Invalid != "" {
		t.Errorf("seed %d is invalid: %s\n\t%s", r.Seed, r.Invalid, r.Rerun())
	}
	for _, v := range r.Violations {
		t.Errorf("%v\n\t%s", v, r.Rerun())
	}
}

// everything asks that every planned fault happened.
func everything(t *testing.T, fired map[string]int) {
	t.Helper()
	kinds := map[string]int{}
	for what, n := range fired {
		if rest, ok := strings.CutPrefix(what, "provider/"); ok {
			_, kind, _ := strings.Cut(rest, "/")
			kinds[kind] += n
		}
	}
	for _, point := range wire.AllPoints() {
		if fired["crash/"+point] == 0 {
			t.Errorf("no worker died at %s", point)
		}
	}
	for _, cut := range Cuts() {
		if fired["postgres/"+cut] == 0 {
			t.Errorf("no connection to the database was cut %s", cut)
		}
	}
	for _, kind := range []string{drafting, filing, bare} {
		for _, op := range timeouts(kind) {
			if fired["provider/"+op+"/"+string(mailboxtest.FaultHangAfter)] == 0 {
				t.Errorf("no %s happened without an answer", op)
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
			t.Errorf("the provider never failed by %s", kind)
		}
	}
	for _, what := range []string{"postgres/kill", "kill/anywhere", "freeze/worker", "mail/touched", "mail/overlap", "mail/stranger", "mail/same-subject",
		"mail/no-message-id", "mail/twin", "mail/copy", "mail/blob", "mail/too-large"} {
		if fired[what] == 0 {
			t.Errorf("%s never happened", what)
		}
	}
}

// TestCalm: without a fault the model and the end agree. What this fails is
// the model.
func TestCalm(t *testing.T) {
	worker, cluster := Build(t), NewCluster(t)
	for _, seed := range []int64{1001, 1002, 1003} {
		report(t, Run(t.Context(), seed, Options{Worker: worker, Cluster: cluster, Kills: -1, Calm: true}))
	}
}
