package postfix

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// planted is a bug put into the worker, and the kill that must show it.
type planted struct {
	name      string
	file      string   // from the module's root
	change    []string // pairs of what stands there once and what replaces it
	step      string
	invariant string
}

// The checks see what they are for: workers with a bug are found out by a kill
// at the step where it matters.
func TestFindsPlantedBugs(t *testing.T) {
	b := newBench(t, build(t))
	for i, p := range []planted{
		{
			name: "a second send after a crash", file: "send.go",
			change: []string{
				`ticket.Uncertain, "interrupted"`, `ticket.Queued, "interrupted"`,
				"nil); err != nil {\n\t\t\treturn store.Finish{}, err\n\t\t}\n\t\treturn s.lookLater(), nil",
				"nil); err != nil {\n\t\t\treturn store.Finish{}, err\n\t\t}\n\t\treturn store.Finish{Again: true}, nil",
			},
			step: atAnswer, invariant: "at most one copy",
		},
		{
			name: "sent is said of what was interrupted", file: "send.go",
			change: []string{`ticket.Uncertain, "interrupted"`, `ticket.Sent, "interrupted"`},
			step:   atMail, invariant: "never silently lost",
		},
		{
			name: "a doubt goes back to failed", file: "send.go",
			change: []string{`ticket.Uncertain, "interrupted"`, `ticket.Failed, "interrupted"`},
			step:   afterDot, invariant: "never sent and called failed",
		},
		{
			name: "a copy is filed without looking", file: "mailbox/imap/sent.go",
			change: []string{
				"r, err := c.lookup(ctx, opFile, f, s)\n\tif err == nil ||",
				"r, err := c.lookup(ctx, opFile, f, s)\n\tif err != nil &&",
			},
			step: appendAfter, invariant: "one copy among the sent mail",
		},
	} {
		b.use(p.build(t))
		got := b.campaign(seedAt(p.step, int64(i)), 1)
		found := false
		for _, v := range got.Violations {
			found = found || v.Invariant == p.invariant
		}
		if !found {
			t.Errorf("%s: not found by a kill at %s: %+v", p.name, p.step, got)
		}
	}
}

// seedAt is a seed whose kill is at a step.
func seedAt(step string, turn int64) int64 {
	n := int64(len(allSteps()))
	for seed := 1000 + turn*n; ; seed++ {
		if planOf(seed, boxes, ticketsPerBox).step == step {
			return seed
		}
	}
}

// use changes the program that workers run.
func (b *bench) use(program string) {
	b.tb.Helper()
	if b.next != nil {
		b.next.kill()
		b.next = nil
	}
	b.program = program
}

// build compiles a worker with the bug. The source stays as it is.
func (p planted) build(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	must(t, err)
	text, err := os.ReadFile(filepath.Join(root, p.file))
	must(t, err)
	source := string(text)
	for i := 0; i < len(p.change); i += 2 {
		if strings.Count(source, p.change[i]) != 1 {
			t.Fatalf("%s: %s does not hold %q once any more: plant the bug anew", p.name, p.file, p.change[i])
		}
		source = strings.Replace(source, p.change[i], p.change[i+1], 1)
	}
	dir := t.TempDir()
	changed, overlay, program := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "worker")
	must(t, os.WriteFile(changed, []byte(source), 0o600))
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, p.file): changed}})
	must(t, err)
	must(t, os.WriteFile(overlay, replace, 0o600))
	if said, err := exec.Command("go", "build", "-overlay", overlay, "-o", program, "./worker").CombinedOutput(); err != nil {
		t.Fatalf("%s: go build: %v\n%s", p.name, err, said)
	}
	return program
}
