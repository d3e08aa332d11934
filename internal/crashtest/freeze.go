package crashtest

import (
	"context"
	"syscall"
	"time"
)

// freezes is for how long a worker stands still: longer than its leases.
const freezes = 1200 * time.Millisecond

// freeze lets a worker stand still now and then, other than one that is to die,
// so that it goes on with leases that somebody else holds by then.
func (s *story) freeze(but *process) {
	if s.o.Calm || s.rnd.IntN(4) != 0 {
		return
	}
	for _, p := range s.living {
		if p != but && !p.gone() {
			s.hold(p)
			return
		}
	}
}

// hold lets a worker stand still.
func (s *story) hold(p *process) {
	s.ledger.fire("freeze/worker")
	_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	s.frozen.Go(func() {
		select {
		case <-p.done:
		case <-time.After(freezes):
			_ = p.cmd.Process.Signal(syscall.SIGCONT)
		}
	})
}

// holder is a living worker with a lease. The lease to wait for hints is always
// there, as soon as what a dead worker had of it ran out.
func (s *story) holder() *process {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for _, p := range s.living {
			if s.ledger.holds(p.n) {
				return p
			}
		}
	}
	return s.living[0]
}

// supersede lets a worker stand still while another one lives long enough to
// take up what it held.
func (s *story) supersede(ctx context.Context) error {
	defer s.took("supersede", time.Now())
	s.prune()
	for len(s.living) < 2 {
		p, err := s.spawn("")
		if err != nil {
			return err
		}
		if err := s.greeted(ctx, p); err != nil {
			return err
		}
	}
	s.load(ctx)
	s.hold(s.holder())
	for range freezes / roundEach {
		s.load(ctx)
		time.Sleep(roundEach)
	}
	s.frozen.Wait()
	s.load(ctx)
	return nil
}
