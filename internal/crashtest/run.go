package crashtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/wire"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
)

// Options say how a seed is run.
type Options struct {
	// Worker is the path of the worker's binary, see Build.
	Worker string
	// Cluster is where the run gets its database.
	Cluster *Cluster
	// Kills is how many workers die at planned points; 0 means 3, less than 0
	// none.
	Kills int
	// Points replaces the crash points that the seed chooses.
	Points []string
	// PostgresKills is how often the database is killed.
	PostgresKills int
	// Calm leaves out every fault but the kills: of the provider, and of the
	// connections to the database.
	Calm bool
	// Prepare is SQL that changes the database before the first worker starts,
	// such as an index that is not there.
	Prepare string
	// Bound is how long everything may take to become final after the last
	// fault; 0 means a minute.
	Bound time.Duration
	// KeepLog is the file that the workers' log goes to; empty means none.
	KeepLog string
}

// Result is what became of a run.
type Result struct {
	Seed     int64
	Provider string
	// Fired counts the faults that really happened: "crash/<point>",
	// "provider/<op>/<kind>", "postgres/<cut>", "postgres/kill", and with
	// "mail/<kind>" the odd mails.
	Fired map[string]int
	// Violations are the promises that were not kept.
	Violations []Violation
	// Invalid is why the run proves nothing, or empty.
	Invalid string
	// Kills are the workers that died at their point.
	Kills, PostgresKills int
	Mails, Replies       int
	Took                 time.Duration
	// Slow tells what the time went into, a line of durations.
	Slow string
}

// Passed reports whether the run is valid and kept every promise.
func (r Result) Passed() bool { return r.Invalid == "" && len(r.Violations) == 0 }

// Rerun is the command that repeats the seed.
func (r Result) Rerun() string { return rerun(r.Seed) }

// Run tells the story of one seed and checks its end. What the seed fixes and
// what not stands in the package's comment. An error of the harness itself
// makes the run invalid.
func Run(ctx context.Context, seed int64, o Options) Result {
	start := time.Now()
	s := &story{o: o, seed: seed, kind: providerOf(seed), ledger: newLedger(seed), orders: newOrders(), log: &logBuffer{},
		led: map[string]int{}}
	s.rnd = rand.New(rand.NewPCG(uint64(seed), 1))
	s.gen = newGenerator(rand.New(rand.NewPCG(uint64(seed), 2)))
	err := s.tell(ctx)
	s.close()
	r := Result{Seed: seed, Provider: s.kind, Fired: s.fired(), Violations: s.ledger.violations,
		Kills: s.kills, PostgresKills: s.pgKills, Mails: len(s.gen.mails), Took: time.Since(start), Slow: strings.Join(s.slow, " ")}
	for _, x := range s.orders.list() {
		if x.Kind != wire.CmdConnect {
			r.Replies++
		}
	}
	if err != nil {
		r.Invalid = err.Error()
	}
	if o.KeepLog != "" {
		_ = os.WriteFile(o.KeepLog, []byte(s.log.String()), 0o600)
	}
	return r
}

// story is a run under way.
type story struct {
	o    Options
	seed int64
	kind string
	rnd  *rand.Rand
	gen  *generator

	fake   *mailboxtest.Fake
	ledger *ledger
	orders *orders
	server *server
	proxy  *proxy
	log    *logBuffer

	dir, socket, keys string
	dsn, workerDSN    string
	drop              func()
	watch             *watch

	started int
	living  []*process
	frozen  sync.WaitGroup
	kills   int
	pgKills int
	replies int
	led     map[string]int // faults that lead to a point -> how many had fired
	slow    []string
}

// took notes how long a part of the story took.
func (s *story) took(what string, since time.Time) {
	s.slow = append(s.slow, fmt.Sprintf("%s:%v", what, time.Since(since).Round(10*time.Millisecond)))
}

const user = "support"

// tell tells the story from its beginning to its end. The error says why it
// proves nothing.
func (s *story) tell(ctx context.Context) error {
	if err := s.setUp(ctx); err != nil {
		return fmt.Errorf("setting up: %w", err)
	}
	s.orders.add(wire.Command{Kind: wire.CmdConnect}, nil)
	// A fault that did not fire makes the story prove nothing, but what it
	// disproves counts.
	return errors.Join(s.phases(ctx), s.heal(ctx))
}

func (s *story) setUp(ctx context.Context) (err error) {
	if s.dir, err = os.MkdirTemp("", "crashtest-"); err != nil {
		return err
	}
	s.socket, s.keys = filepath.Join(s.dir, "socket"), filepath.Join(s.dir, "keys")
	if s.dsn, s.drop, err = s.o.Cluster.database(ctx); err != nil {
		return err
	}
	if err := execute(ctx, s.dsn, s.o.Prepare); err != nil {
		return err
	}
	u, err := url.Parse(s.dsn)
	if err != nil {
		return errors.New("no address of the database")
	}
	if s.proxy, err = newProxy(u.Host); err != nil {
		return err
	}
	u.Host = s.proxy.addr()
	s.workerDSN = u.String()
	caps := capabilities(s.kind)
	// A search that is to hang after its effect must find something.
	finds := s.kind == filing && s.timeout() == mailboxtest.OpFindSent
	s.fake = mailboxtest.NewFake(mailboxtest.FakeOptions{
		Name: "fake", Capabilities: caps, RewriteMessageID: s.rnd.IntN(2) == 0 && caps.FindSent,
		FilesSent: finds || s.rnd.IntN(2) == 0, SentLag: time.Duration(s.rnd.IntN(60)) * time.Millisecond,
	})
	past := s.gen.history(time.Now())
	had := map[string]bool{}
	for _, m := range past {
		m.id = s.fake.DeliverAt(user, m.raw, m.at)
		had[m.id] = true
	}
	set := wire.Settings{
		Provider: "fake", Capabilities: caps, MaxMail: mailMost, PageSize: 4, PollEvery: 20 * time.Second, Scale: 100,
		Lease: 800 * time.Millisecond, Patience: time.Second,
		Account: wire.Account{ProviderName: "fake", User: user, Email: "support@" + domain, Name: s.gen.mark, Password: s.gen.mark},
		Since:   past[0].at.Add(-time.Minute),
	}
	if s.server, err = newServer(s.socket, s.fake, s.ledger, s.orders, set); err != nil {
		return err
	}
	s.server.overlaps = newOverlaps(s, had)
	s.watch, err = watchDatabase(ctx, s)
	return err
}

// close ends what the run started.
func (s *story) close() {
	for _, p := range s.living {
		p.kill()
	}
	if s.watch != nil {
		s.watch.close()
	}
	if s.server != nil {
		s.server.close()
	}
	if s.proxy != nil {
		s.proxy.close()
	}
	if s.drop != nil {
		s.drop()
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// fired is everything that really went wrong.
func (s *story) fired() map[string]int {
	all := map[string]int{}
	s.ledger.mu.Lock()
	maps.Copy(all, s.ledger.fired)
	s.ledger.mu.Unlock()
	if s.fake != nil {
		for what, n := range s.fake.Fired() {
			all["provider/"+what] = n
		}
	}
	if s.proxy != nil {
		s.proxy.mu.Lock()
		for cut, n := range s.proxy.fired {
			all["postgres/"+cut] = n
		}
		s.proxy.mu.Unlock()
	}
	for _, kind := range slices.Sorted(maps.Keys(s.gen.noted)) {
		all["mail/"+kind]++
	}
	return all
}
