package crashtest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/wire"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// phases kills one worker after the other at its point, under load.
func (s *story) phases(ctx context.Context) error {
	kills := s.o.Kills
	if kills == 0 {
		kills = killsUsual
	}
	plan := s.o.Points
	if plan == nil {
		plan = points(s.seed, s.kind, max(kills, 0))
	}
	s.misbehave()
	for i, point := range plan {
		if err := s.phase(ctx, i, point); err != nil {
			return err
		}
	}
	if len(plan) == 0 {
		if _, err := s.spawn(""); err != nil {
			return err
		}
		for range 12 {
			s.load(ctx)
		}
	}
	for range s.o.PostgresKills {
		if err := s.killPostgres(ctx); err != nil {
			return err
		}
	}
	if s.o.Calm || s.o.Kills < 0 {
		return nil // a seed without planned points plans no other fault either
	}
	if s.seed%3 == 0 {
		if err := s.supersede(ctx); err != nil {
			return err
		}
	}
	return s.exhaust(ctx)
}

// misbehave lets the provider and the connections to the database fail now and
// then, as the seed says.
func (s *story) misbehave() {
	if s.o.Calm {
		return
	}
	s.fake.Chaos(uint64(s.seed), 0.04)
	s.inject(mailboxtest.Fault{Op: s.timeout(), Kind: mailboxtest.FaultHangAfter})
	s.inject(mailboxtest.Fault{Op: s.fake.SendOp(), Kind: mailboxtest.FaultCutAfter, Nth: 2 + s.rnd.IntN(4)})
	if s.rnd.IntN(3) == 0 {
		s.inject(mailboxtest.Fault{Op: s.fake.SendOp(), Kind: mailboxtest.FaultReject, Nth: 1 + s.rnd.IntN(5)})
	}
	if s.seed%5 == 0 {
		s.inject(mailboxtest.Fault{Op: s.fake.SendOp(), Kind: mailboxtest.FaultRefuse, Nth: 1 + s.rnd.IntN(3)})
	}
	if s.rnd.IntN(3) == 0 {
		s.inject(mailboxtest.Fault{Op: mailboxtest.OpChanges, Kind: mailboxtest.FaultReorder, Nth: 3 + s.rnd.IntN(9)})
	}
	if s.rnd.IntN(4) == 0 {
		s.inject(mailboxtest.Fault{Op: mailboxtest.OpChanges, Kind: mailboxtest.FaultHang, Nth: 5 + s.rnd.IntN(9)})
	}
	if s.rnd.IntN(5) == 0 {
		s.inject(mailboxtest.Fault{Op: mailboxtest.OpFetch, Kind: mailboxtest.FaultTokenDeath, Nth: 4 + s.rnd.IntN(20)})
	}
	// Each cut has its turn; others come by chance.
	cuts := Cuts()
	s.proxy.arm(cuts[uint64(s.seed)%uint64(len(cuts))], 3+s.rnd.IntN(10))
	s.proxy.arm(cuts[s.rnd.IntN(len(cuts))], 20+s.rnd.IntN(20))
}

// timeout is the operation that happens once without an answer: the seeds take
// turns.
func (s *story) timeout() string {
	ops := timeouts(s.kind)
	return ops[turnOf(s.seed, s.kind)%len(ops)]
}

// inject adds a fault that this kind of provider can have.
func (s *story) inject(f mailboxtest.Fault) { s.fake.Inject(f) }

// The patience with a planned fault.
const (
	phaseMost = 25 * time.Second
	roundEach = 250 * time.Millisecond
)

// phase runs a worker under load until it dies at its point.
func (s *story) phase(ctx context.Context, i int, point string) error {
	defer s.took(point, time.Now())
	s.prune()
	if alone(point) {
		for _, p := range s.living {
			p.kill()
		}
		s.prune()
	}
	nth := 1
	if !alone(point) && !strings.HasPrefix(point, wire.StepBlob) {
		nth += s.rnd.IntN(2)
	}
	victim, err := s.spawn(fmt.Sprintf("%s:%d", point, nth))
	if err != nil {
		return err
	}
	if others := s.rnd.IntN(3); !alone(point) && len(s.living) < 1+others {
		if _, err := s.spawn(""); err != nil {
			return err
		}
	}
	end := time.Now().Add(phaseMost)
	for n := 0; !victim.gone(); n++ {
		if time.Now().After(end) {
			return fmt.Errorf("planned fault did not fire: %s in phase %d", point, i+1)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if s.provoke(point) {
			s.touch()
		} else {
			s.load(ctx)
		}
		s.mend()
		s.freeze(victim)
		wait := time.NewTimer(roundEach)
		select {
		case <-victim.done:
		case <-wait.C:
		}
		wait.Stop()
	}
	s.fake.Mute(user, false)
	if s.ledger.pointOf(victim.n) != point || !victim.killed() {
		return fmt.Errorf("a worker ended by itself: %v, before %s", victim.err, point)
	}
	s.kills++
	s.ledger.fire("kill/worker")
	if s.rnd.IntN(3) == 0 && len(s.living) > 1 {
		s.living[s.rnd.IntN(len(s.living))].kill() // somebody dies anywhere
		s.ledger.fire("kill/anywhere")
	}
	return nil
}

// provoke does what leads to a point, beside the usual load, and tells whether
// that is to stay away.
func (s *story) provoke(point string) (still bool) {
	step, _, _ := strings.Cut(point, ".")
	p := provoke(s.kind, step)
	for _, f := range p.faults {
		// One after the other: those that pile up would befall later phases.
		what := f.Op + "/" + string(f.Kind)
		n := s.fake.Fired()[what]
		if at, ok := s.led[what]; !ok || n > at {
			s.led[what] = n
			s.inject(f)
		}
	}
	if p.mute {
		s.fake.Mute(user, true)
	}
	if p.large {
		s.arrive(s.gen.large())
	}
	if p.form != "" {
		s.reply(p.form)
	}
	return p.still
}

// alone tells whether a point needs the worker to be the only one: what one
// holds for its whole life, another does not get. What comes up once must not
// be done by another either.
func alone(point string) bool {
	switch step, _, _ := strings.Cut(point, "."); step {
	case wire.StepEnqueue, wire.CallStep("wait"), wire.StepConnect, wire.StepPart, wire.StepFailed, wire.StepQueued,
		wire.StepUncertain, wire.CallStep("draftpresent"), wire.CallStep("findsent"), wire.CallStep("file"):
		return true
	}
	return false
}

// mailsMost is from when on mails arrive one by one, and backlogMost is how many
// may wait to be taken in: a long story on a slow machine must not drown.
const (
	mailsMost   = 60
	backlogMost = 16
)

// backlog counts the mails that were not stored when somebody looked last.
func (s *story) backlog() int {
	st := s.watch.last.Load()
	n := 0
	for _, m := range s.gen.mails {
		if st == nil || !st.seen[marked(m.id)] {
			n++
		}
	}
	return n
}

// load brings some mail and asks for a reply.
func (s *story) load(context.Context) {
	burst := 1 + s.rnd.IntN(3)
	if len(s.gen.mails) > mailsMost {
		burst = 1
	}
	if s.backlog() > backlogMost {
		burst = 0
	}
	for range burst {
		s.arrive(s.gen.next())
	}
	if s.rnd.IntN(12) == 0 && !s.gen.noted["too-large"] {
		s.arrive(s.gen.tooLarge())
	}
	if s.rnd.IntN(3) == 0 {
		s.touch()
	}
	s.reply([]string{wire.CmdPlain, wire.CmdCommit, wire.CmdCommit, wire.CmdRollback}[s.rnd.IntN(4)])
}

// arrive puts a mail into the mailbox.
func (s *story) arrive(m *mail) {
	m.at = time.Now()
	m.id = s.fake.DeliverAt(user, m.raw, m.at)
}

// touch moves a mail of the past within the folder, so that the live stream
// lists it too while backfill is under way.
func (s *story) touch() {
	var past []*mail
	for _, m := range s.gen.mails {
		if m.past && m.id != "" {
			past = append(past, m)
		}
	}
	m := past[s.rnd.IntN(len(past))]
	m.touched = true
	s.fake.Move(user, m.id, mailboxtest.Inbox)
	s.ledger.fire("mail/touched")
}

// repliesMost is from when on replies are asked for only one after the other.
const repliesMost = 15

// reply asks for an answer to some mail, in one of its forms.
func (s *story) reply(form string) {
	c := s.gen.any(s.rnd.IntN(4) == 0)
	if c == nil || s.replies > repliesMost && s.orders.open() > 2 {
		return
	}
	m := c.mails[s.rnd.IntN(len(c.mails))]
	s.replies++
	cmd := wire.Command{
		Kind:  form,
		Mail:  marked(m.id),
		Reply: ticket.NewID(time.Now()),
		Text:  fmt.Sprintf("%s-reply-%04d.", s.gen.mark, s.replies),
	}
	if s.rnd.IntN(6) == 0 {
		cmd.File = make([]byte, blobSize)
	}
	s.orders.add(cmd, m)
}

// mend does what a person does when a mailbox asks for it.
func (s *story) mend() {
	if !s.fake.TokenDead(user) {
		return
	}
	s.fake.SetPassword(user, "")
	s.orders.add(wire.Command{Kind: wire.CmdConnect}, nil)
}

// killPostgres takes the database away under load and brings it back.
func (s *story) killPostgres(ctx context.Context) error {
	s.prune()
	if len(s.living) == 0 {
		if _, err := s.spawn(""); err != nil {
			return err
		}
	}
	defer s.took("postgres", time.Now())
	s.load(ctx)
	time.Sleep(time.Duration(20+s.rnd.IntN(200)) * time.Millisecond)
	if err := s.o.Cluster.kill(); err != nil {
		return err
	}
	s.load(ctx)
	s.o.Cluster.start()
	s.pgKills++
	s.ledger.fire("postgres/kill")
	s.load(ctx)
	time.Sleep(time.Duration(s.rnd.IntN(300)) * time.Millisecond)
	return nil
}

// exhaust goes on under load until the faults that the seed planned have
// happened.
func (s *story) exhaust(ctx context.Context) error {
	defer s.took("exhaust", time.Now())
	defer s.fake.Mute(user, false)
	want := s.timeout() + "/" + string(mailboxtest.FaultHangAfter)
	cut := Cuts()[uint64(s.seed)%uint64(len(Cuts()))]
	for end := time.Now().Add(phaseMost); ; {
		s.proxy.mu.Lock()
		wasCut := s.proxy.fired[cut] > 0
		s.proxy.mu.Unlock()
		hung := s.fake.Fired()[want] > 0
		if wasCut && hung {
			return nil
		}
		if !hung {
			s.provoke(wire.CallStep(s.timeout()))
		}
		if time.Now().After(end) {
			return fmt.Errorf("planned fault did not fire: %s %v, %s %v", want, hung, cut, wasCut)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.prune()
		if len(s.living) == 0 {
			if _, err := s.spawn(""); err != nil {
				return err
			}
		}
		s.load(ctx)
		s.mend()
		s.freeze(nil)
		time.Sleep(roundEach)
	}
}
