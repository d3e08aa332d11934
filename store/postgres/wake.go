package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk/store"
)

const (
	// probeEvery is how often a silent connection is asked whether it lives.
	probeEvery = 30 * time.Second
	// relistenMax bounds the wait between attempts to connect again.
	relistenMax = 10 * time.Second
)

// Wake implements [store.Waker]. It takes a connection outside the pool until
// ctx ends or the store is closed, and a new one when that breaks; because
// signals may have been missed meanwhile, every new connection is a signal.
// The channel is never closed.
func (s *Store) Wake(ctx context.Context) (<-chan struct{}, error) {
	if err := s.usable(ctx, "wake"); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.alive, cancel)
	conn, err := s.listen(ctx)
	if err != nil {
		stop()
		cancel()
		return nil, classify(ctx, "wake", err)
	}
	ch := make(chan struct{}, 1)
	go func() {
		defer cancel()
		defer stop()
		s.relay(ctx, conn, ch)
	}()
	return ch, nil
}

// listen opens a connection that hears of new tasks.
func (s *Store) listen(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "LISTEN "+s.schema.channel); err != nil {
		hangUp(conn)
		return nil, err
	}
	return conn, nil
}

// hangUp closes a connection whose context is over.
func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

// relay passes signals on until ctx ends.
func (s *Store) relay(ctx context.Context, conn *pgx.Conn, ch chan<- struct{}) {
	for wait := 50 * time.Millisecond; ; {
		if conn != nil {
			wait = 50 * time.Millisecond
			hear(ctx, conn, ch)
			hangUp(conn)
		}
		timer := time.NewTimer(wait + rand.N(wait))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		wait = min(2*wait, relistenMax)
		var err error
		if conn, err = s.listen(ctx); err == nil {
			signal(ch)
		}
	}
}

// hear passes signals on until the connection breaks.
func hear(ctx context.Context, conn *pgx.Conn, ch chan<- struct{}) {
	for {
		err := waitFor(ctx, conn)
		switch {
		case err == nil:
			signal(ch)
		case ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) || conn.IsClosed():
			return
		case probe(ctx, conn) != nil:
			return
		}
	}
}

func waitFor(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, probeEvery)
	defer cancel()
	_, err := conn.WaitForNotification(ctx)
	return err
}

func probe(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return conn.Ping(ctx)
}

// signal never blocks: a channel that is full has a signal already.
func signal(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

var _ store.Waker = (*Store)(nil)
