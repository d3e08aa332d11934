package core

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/crashtest"
	"github.com/helpdesk-go/helpdesk/internal/crashtest/soak/proof"
	"github.com/helpdesk-go/helpdesk/internal/crashtest/wire"
	"github.com/helpdesk-go/helpdesk/internal/testpg"
)

// The flags by which a soak asks for its batches.
var (
	kind  = flag.String("kind", "worker", "what is killed: worker or postgres")
	from  = flag.Int64("from", 0, "the first seed")
	count = flag.Int64("count", 2, "how many seeds")
	out   = flag.String("out", "", "write the result there, for a soak, instead of failing on what it says")
)

// killsPerSeed is how many workers a seed kills.
const killsPerSeed = 12

// lanes is how many seeds run at once, each on a server of its own.
const lanes = 3

func TestMain(m *testing.M) { os.Exit(testpg.Run(m)) }

// TestCore does the seeds it is asked for. An ordinary run does a few, which
// shows that a soak can.
func TestCore(t *testing.T) {
	b := run(t)
	if *out != "" {
		if err := b.Write(*out); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, v := range b.Violations {
		t.Errorf("invariant %s: %s\n\tagain: %s", v.Invariant, v.Detail, v.Again)
	}
	for _, x := range b.Invalid {
		t.Errorf("seed %d proves nothing: %s", x.Seed, x.Why)
	}
	for _, name := range slices.Sorted(maps.Keys(b.Fired)) {
		t.Logf("%5d %s", b.Fired[name], name)
	}
	if n := b.Fired["kill/worker"] + b.Fired["postgres/kill"]; n == 0 {
		t.Error("nothing was killed")
	}
}

// options are those of a kind, on a cluster.
func options(t *testing.T, worker string, c *crashtest.Cluster) crashtest.Options {
	t.Helper()
	switch *kind {
	case "worker":
		// Many kills a seed: setting up and healing cost as much as three.
		return crashtest.Options{Worker: worker, Cluster: c, Kills: killsPerSeed}
	case "postgres":
		return crashtest.Options{Worker: worker, Cluster: c, Kills: -1, PostgresKills: 4}
	default:
		t.Fatalf("-kind=%s: worker or postgres", *kind)
		return crashtest.Options{}
	}
}

func run(t *testing.T) proof.Batch {
	t.Helper()
	worker := os.Getenv("HELPDESK_CRASH_WORKER")
	if worker == "" {
		worker = filepath.Join(t.TempDir(), "worker")
		if err := crashtest.BuildInto(t.Context(), worker, "github.com/helpdesk-go/helpdesk/internal/crashtest/worker"); err != nil {
			t.Fatal(err)
		}
	}
	todo := make(chan int64, *count)
	for n := range *count {
		todo <- *from + n
	}
	close(todo)
	b := proof.Batch{Fired: map[string]int{}, Ended: map[string]int{}, Points: points()}
	var mu sync.Mutex
	var wg sync.WaitGroup
	done := map[int64]bool{}
	for range min(lanes, *count) {
		o := options(t, worker, crashtest.NewCluster(t))
		wg.Go(func() {
			for seed := range todo {
				r := crashtest.Run(t.Context(), seed, o)
				t.Logf("seed %d (%s): %d mails, %d replies, %d and %d kills, %v: %s",
					seed, r.Provider, r.Mails, r.Replies, r.Kills, r.PostgresKills, r.Took.Round(1e7), r.Slow)
				mu.Lock()
				add(&b, r)
				done[seed] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	// A lane whose server did not come back ended with its test.
	for seed := *from; seed < *from+*count; seed++ {
		if !done[seed] {
			b.Invalid = append(b.Invalid, proof.Invalid{Seed: seed, Why: "the harness gave up before its end"})
		}
	}
	return b
}

// points are the crash points that a soak of worker kills must come to.
func points() []string {
	if *kind != "worker" {
		return []string{"postgres/kill"}
	}
	all := []string{"kill/worker"}
	for _, p := range wire.AllPoints() {
		all = append(all, "crash/"+p)
	}
	return all
}

// add counts a seed. What an invalid one did proves nothing and is left out,
// but a promise that it saw broken is broken all the same.
func add(b *proof.Batch, r crashtest.Result) {
	for _, v := range r.Violations {
		b.Violations = append(b.Violations, proof.Violation{
			Seed: r.Seed, Invariant: v.Invariant, Detail: v.Detail, Again: again(r.Seed),
		})
	}
	if r.Invalid != "" {
		b.Invalid = append(b.Invalid, proof.Invalid{Seed: r.Seed, Why: r.Invalid})
		return
	}
	for what, n := range r.Fired {
		b.Fired[what] += n
	}
	b.Ended["mails"] += r.Mails
	b.Ended["replies"] += r.Replies
	b.Ended["seeds with a provider that is "+r.Provider]++
}

// again is the line that repeats a seed.
func again(seed int64) string {
	return fmt.Sprintf("go test ./internal/crashtest/soak/core -run TestCore -args -kind=%s -from=%d -count=1", *kind, seed)
}
