// Package bench_test measures the library against named baselines in the same
// run, on the same machine and the same database server: a ratio survives a
// busy or a slow machine, a rate does not. `make bench` prints one line
// "RATIO name value" for each; docs/performance.md explains them.
package bench_test

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/testpg"
)

func TestMain(m *testing.M) {
	code := testpg.Run(m)
	ratios.print()
	os.Exit(code)
}

// ratios collects the figures, printed last because go test writes its own
// lines around those of a benchmark.
var ratios list

type list struct {
	sync.Mutex
	lines []string
}

// report notes a figure under its name and what it was made of.
func (l *list) report(b *testing.B, name string, value float64, of string, args ...any) {
	b.ReportMetric(value, "ratio")
	l.Lock()
	defer l.Unlock()
	l.lines = append(l.lines, fmt.Sprintf("RATIO %s %.2f\n      %s", name, value, fmt.Sprintf(of, args...)))
}

func (l *list) print() {
	for _, line := range l.lines {
		fmt.Println(line)
	}
}

// median is what one of several runs of the same thing says when the machine
// has other work as well.
func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}
