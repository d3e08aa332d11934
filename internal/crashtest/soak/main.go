// Command soak runs the long campaigns of internal/crashtest and writes what
// they did to docs/proofs.
//
//	make soak                                          # goes on where it stopped
//	SOAK_WORKER_KILLS=100 SOAK_PLANTED=0 make soak     # less of it
//
// The variables are SOAK_WORKER_KILLS, SOAK_PG_KILLS, SOAK_SEND_KILLS (at each
// step), SOAK_PLANTED, and SOAK_OUT for the folder of the report. The state is
// in .cache/soak/<commit>.json; an interrupt costs the batch under way. The
// exit code is 1 when a promise was broken or a planted bug not found, 2 when
// the soak itself could not go on.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/soak/proof"
)

// errFound: the soak did its work, and found something.
var errFound = errors.New("soak: promises were broken or planted bugs not found: see the report")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch err := run(ctx); {
	case errors.Is(err, errFound):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func run(ctx context.Context) error {
	cs, err := campaigns(os.Getenv)
	if err != nil {
		return err
	}
	root, err := git(ctx, ".", "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	commit, err := git(ctx, root, "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	changes, err := git(ctx, root, "status", "--porcelain")
	if err != nil {
		return err
	}
	dir := filepath.Join(root, ".cache", "soak")
	s, err := load(dir, commit, time.Now())
	if err != nil {
		return err
	}
	w, err := open(ctx, root, dir, commit)
	if err != nil {
		return err
	}
	r := &runner{state: s, campaigns: cs, launch: w.launch, missing: w.missing, out: os.Stdout, now: time.Now}
	if err := r.run(ctx); err != nil {
		return err
	}
	rep := r.report()
	rep.Dirty, rep.Machine = changes != "", machine(context.WithoutCancel(ctx))
	page, err := rep.Write(cmp.Or(os.Getenv("SOAK_OUT"), filepath.Join(root, "docs", "proofs")))
	if err != nil {
		return err
	}
	fmt.Println(page)
	if ctx.Err() != nil {
		fmt.Println("interrupted: the next `make soak` on this commit goes on")
	}
	if rep.Failed() {
		return errFound
	}
	return nil
}

// report is what the state says about the campaigns.
func (r *runner) report() proof.Report {
	rep := proof.Report{Commit: r.state.Commit, Started: r.state.Started, Written: r.now()}
	for _, c := range r.campaigns {
		t := r.state.tally(c.name)
		s := proof.Section{
			Name: c.name, Title: c.title, Unit: c.unit, Full: c.full, Planned: c.planned, Have: c.have(t), Tally: *t,
		}
		if s.Have == 0 {
			s.Missing = r.missing(c)
		}
		rep.Sections = append(rep.Sections, s)
	}
	return rep
}
