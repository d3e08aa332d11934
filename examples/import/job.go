package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/archive"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/memory"
	"github.com/helpdesk-go/helpdesk/store/postgres"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// job is one import.
type job struct {
	settings settings
	store    *ownWork
	desk     *helpdesk.Desk
	archive  *archive.Provider
	index    *archive.Index
	report   *report
	progress *progress
}

// importAll imports and reports. It blocks until the archive is imported or ctx
// ends, which is an error that says how to go on.
func importAll(ctx context.Context, s settings, out, errs io.Writer) error {
	j := &job{settings: s, archive: archive.New(), progress: newProgress(errs)}
	start := time.Now()
	st, err := openStore(ctx, s)
	if err != nil {
		return j.stopped(ctx, err)
	}
	defer func() { _ = st.Close() }()
	if err := j.open(ctx, st); err != nil {
		return j.stopped(ctx, err)
	}
	j.report, err = j.newReport(ctx, out)
	if err != nil {
		return j.stopped(ctx, err)
	}
	defer j.report.close()
	if err := j.run(ctx); err != nil {
		return j.stopped(ctx, err)
	}
	j.progress.clear()
	return j.report.end(time.Since(start))
}

func openStore(ctx context.Context, s settings) (store.Store, error) {
	if s.store == "" {
		return memory.New(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	st, err := postgres.Open(ctx, s.store)
	if err != nil {
		return nil, err
	}
	if err := st.Migrate(ctx); err != nil {
		_ = st.Close()
		return nil, err
	}
	return st, nil
}

// open makes the desk, looks through the archive and connects it. Connecting
// the same archive again finds the same mailbox, with the place that was
// reached.
func (j *job) open(ctx context.Context, st store.Store) (err error) {
	s := j.settings
	j.store = &ownWork{Store: st, tenant: s.tenant, held: map[ticket.ID]bool{}}
	c := helpdesk.Config{
		Store: j.store, Providers: helpdesk.Providers{j.archive},
		Workers: 2, PollEvery: 24 * time.Hour, // an archive has no new mail
	}
	if s.store != "" {
		c.Keys = helpdesk.KeyFile(s.keys)
	}
	if j.desk, err = helpdesk.New(c); err != nil {
		return err
	}
	j.progress.say("looking through the archive")
	if j.index, err = j.archive.Index(ctx, s.account); err != nil {
		return fmt.Errorf("looking through the archive: %w", err)
	}
	past := helpdesk.ConnectOptions{Intake: mailbox.Intake{Since: archive.Beginning}}
	box, err := j.desk.Tenant(s.tenant).ConnectWith(ctx, s.account, past)
	if err != nil {
		return fmt.Errorf("connecting the archive: %w", err)
	}
	j.store.mailbox = box.ID
	return nil
}

// run works until the archive is imported, and reports what is stored meanwhile.
func (j *job) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	worked := make(chan error, 1)
	go func() { worked <- j.work(ctx) }()
	for {
		select {
		case err := <-worked:
			if err == nil {
				err = j.report.upTo(ctx, j.index.Len())
			}
			return err
		case <-time.After(200 * time.Millisecond):
		}
		at, err := j.look(ctx)
		if err == nil {
			err = j.report.upTo(ctx, at.passed)
		}
		if err != nil {
			cancel()
			return errors.Join(err, <-worked)
		}
		j.progress.at(j.report.done, j.index.Len())
		j.progress.waiting(at.waits)
	}
}

// work does the desk's work until nothing of the archive is left.
func (j *job) work(ctx context.Context) error {
	for {
		if _, err := j.desk.RunOnce(ctx); err != nil {
			return err
		}
		at, err := j.look(ctx)
		if err != nil || at.passed == j.index.Len() {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond): // a turn ended, or waits
		}
	}
}

// standing is how far the mailbox is.
type standing struct {
	passed int    // how many mails of the archive are stored
	waits  string // what the work waits for, or ""
}

// look reads how far the mailbox is from the store.
func (j *job) look(ctx context.Context) (standing, error) {
	var m store.Mailbox
	var tasks []store.Task
	err := j.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		if m, err = r.Mailbox(ctx, j.settings.tenant, j.store.mailbox); err == nil {
			tasks, err = r.Tasks(ctx, j.settings.tenant, m.ID)
		}
		return err
	})
	at := standing{passed: j.index.Passed(m.BackfillCursor)}
	for _, t := range tasks {
		if t.Kind == backfill && t.Leased && !j.store.holds(t.ID) {
			at.waits = "another import of this archive is at work, or was killed a moment ago"
		}
	}
	if m.Health.State != store.HealthOK && at.waits == "" {
		at.waits = m.Health.Cause
	}
	return at, err
}

// stopped says how to go on after an interruption.
func (j *job) stopped(ctx context.Context, err error) error {
	j.progress.clear()
	switch {
	case err == nil || ctx.Err() == nil:
		return err
	case j.report == nil:
		return errors.New("stopped before anything was imported")
	case j.settings.store == "":
		return errors.New("stopped; without -store nothing is kept")
	default:
		return fmt.Errorf("stopped after %d of %d mails, which are kept; start it again with the same paths to go on", j.report.done, j.index.Len())
	}
}
