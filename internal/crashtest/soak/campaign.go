package main

import (
	"fmt"
	"strconv"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/soak/proof"
)

// campaign is one kind of fault, driven through a test binary that reports
// batches of seeds.
type campaign struct {
	name  string // in the state and in rerun lines
	title string // in the report
	unit  string // what is counted
	// full is how many the proof asks for, planned how many this soak does.
	full, planned int
	env           string // the variable that changes planned
	batch         int64  // most seeds in one run of the test binary
	round         int64  // seeds that bring have forward by one; 0 means 1
	each          int64  // by how much one seed brings it forward; 0 means 1
	// have counts progress towards planned.
	have func(t *proof.Tally) int
	// pkg is the package of the test binary, test the test in it, args more of
	// its flags.
	pkg, test string
	args      []string
	// programs are built beforehand and named to the test binary.
	programs []program
}

// program is a worker: its package and the variable that names it.
type program struct{ pkg, env string }

// campaigns are those of the proof, scaled by the environment.
func campaigns(getenv func(string) string) ([]campaign, error) {
	all := []campaign{
		{
			name: "worker", title: "Worker processes killed", unit: "kills", full: 3000, env: "SOAK_WORKER_KILLS", batch: 12, each: 12,
			have: func(t *proof.Tally) int { return t.Fired["kill/worker"] },
			pkg:  "internal/crashtest/soak/core", test: "TestCore", args: []string{"-kind=worker"},
			programs: []program{{"internal/crashtest/worker", "HELPDESK_CRASH_WORKER"}},
		},
		{
			name: "postgres", title: "PostgreSQL killed", unit: "kills", full: 300, env: "SOAK_PG_KILLS", batch: 12, each: 4,
			have: func(t *proof.Tally) int { return t.Fired["postgres/kill"] },
			pkg:  "internal/crashtest/soak/core", test: "TestCore", args: []string{"-kind=postgres"},
			programs: []program{{"internal/crashtest/worker", "HELPDESK_CRASH_WORKER"}},
		},
		{
			name: "send", title: "Worker killed at each step of sending, against Postfix", unit: "kills at each step",
			full: 300, env: "SOAK_SEND_KILLS", batch: 150, round: 15,
			have: func(t *proof.Tally) int { return t.Least(t.Points) },
			pkg:  "internal/crashtest/postfix", test: "TestKillsAtEachStep",
			programs: []program{{"internal/crashtest/postfix/worker", "HELPDESK_SEND_WORKER"}},
		},
		{
			name: "planted", title: "What the harness finds", unit: "planted bugs", full: 10, env: "SOAK_PLANTED", batch: 1,
			have: func(t *proof.Tally) int { return len(t.Planted) },
			pkg:  "internal/crashtest/planted", test: "TestPlanted",
		},
	}
	for i := range all {
		c := &all[i]
		c.planned = c.full
		if v := getenv(c.env); v != "" {
			n, err := strconv.Atoi(v)
			if err != nil || n < 0 {
				return nil, fmt.Errorf("%s: %q is no count", c.env, v)
			}
			c.planned = n
		}
	}
	return all, nil
}

// size is how many seeds the next batch has: small where little is planned.
func (c *campaign) size(t *proof.Tally) int64 {
	each := max(1, c.each)
	left := (int64(c.planned-c.have(t))*max(1, c.round) + each - 1) / each
	return max(1, min(c.batch, left))
}
