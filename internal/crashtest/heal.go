package crashtest

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// heal ends all faults, waits until everything is final, stops the workers and
// judges.
func (s *story) heal(ctx context.Context) error {
	s.frozen.Wait()
	s.fake.Heal()
	s.proxy.heal()
	s.mend()
	s.prune()
	// The last worker is fresh, so that its base is known.
	fresh, err := s.spawn("")
	if err != nil {
		return err
	}
	if err := s.greeted(ctx, fresh); err != nil {
		return err
	}
	begun := time.Now()
	if err := s.settle(ctx); err != nil {
		return err
	}
	if err := s.unannounced(ctx); err != nil {
		return err
	}
	s.took("settle", begun)
	begun = time.Now()
	if err := s.stop(); err != nil {
		return err
	}
	s.took("stop", begun)
	st, err := s.watch.look(ctx)
	if err != nil {
		return fmt.Errorf("the last look at the database: %w", err)
	}
	return s.judge(ctx, st)
}

const quiet = 300 * time.Millisecond

// unannounced brings one more mail, of which nobody is told: a notification is
// a hint, and mail comes without it.
func (s *story) unannounced(ctx context.Context) error {
	if s.ledger.broken() {
		return nil
	}
	s.fake.Mute(user, true)
	time.Sleep(quiet) // until what the last notifications led to is over
	s.arrive(s.gen.next())
	return s.settle(ctx)
}

// greeted waits until a worker listens to signals.
func (s *story) greeted(ctx context.Context, p *process) error {
	for !p.gone() && ctx.Err() == nil {
		s.ledger.mu.Lock()
		idle := s.ledger.idle[p.n]
		s.ledger.mu.Unlock()
		if idle > 0 {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("a worker did not begin: %v", p.err)
}

// settle waits until everything is final. What is not within the bound is a
// violation, and the story is judged as it stands.
func (s *story) settle(ctx context.Context) error {
	bound := s.o.Bound
	if bound == 0 {
		bound = time.Minute
	}
	start := time.Now()
	end := start.Add(bound)
	for {
		s.fake.Notify(user)
		st, err := s.watch.look(ctx)
		var left []string
		if err == nil {
			left = s.unfinished(st)
		}
		if err == nil && len(left) == 0 {
			return nil
		}
		for _, p := range s.living {
			if p.gone() {
				return fmt.Errorf("a worker ended by itself while healing: %v", p.err)
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if s.ledger.broken() && time.Now().After(start.Add(bound/6)) {
			return nil // what is broken already need not be waited for
		}
		if time.Now().After(end) {
			if err != nil {
				return fmt.Errorf("the database does not answer: %w", err)
			}
			s.ledger.violate("9", "not final after %v: %s", bound, strings.Join(left[:min(len(left), 8)], "; "))
			return nil
		}
		time.Sleep(40 * time.Millisecond)
	}
}

// The most that a worker that did its work may hold: its database pools with
// their listener, its connections to the harness, and the three of every
// process, with room for what is being opened and closed.
const filesMost = 80

// stop ends the workers as an orderly host does and checks that they leave
// nothing behind.
func (s *story) stop() error {
	for _, p := range s.living {
		if n := p.files(); n > filesMost {
			s.ledger.violate("9", "worker %d holds %d files when there is nothing to do", p.n, n)
		}
	}
	for _, p := range s.living {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	patience := time.NewTimer(40 * time.Second)
	defer patience.Stop()
	for _, p := range s.living {
		select {
		case <-p.done:
		case <-patience.C:
			s.ledger.violate("9", "worker %d does not stop", p.n)
			p.kill()
			continue
		}
		if p.err != nil {
			return fmt.Errorf("a worker failed at its end: %w", p.err)
		}
		s.ledger.mu.Lock()
		idle, end := s.ledger.idle[p.n], s.ledger.end[p.n]
		s.ledger.mu.Unlock()
		if end > idle+2 {
			s.ledger.violate("9", "worker %d has %d goroutines after its end, %d before its beginning", p.n, end, idle)
		}
		if p.left > 0 {
			s.ledger.violate("9", "worker %d left %d connections to the provider open", p.n, p.left)
		}
	}
	s.living = nil
	if n := s.proxy.open(); n > 0 {
		// The proxy sees the end of a process a moment later.
		for end := time.Now().Add(10 * time.Second); s.proxy.open() > 0 && time.Now().Before(end); {
			time.Sleep(5 * time.Millisecond)
		}
		if n = s.proxy.open(); n > 0 {
			s.ledger.violate("9", "%d connections to the database are left open", n)
		}
	}
	return nil
}
