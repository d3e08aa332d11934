// Package host is the worker of the crash harness: a small host program on a
// real store and a provider that the harness plays. It dies where it is told
// to. Everything that does so is a decorator around a port, so that the code
// under test contains nothing of it.
package host

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/wire"
)

// crash kills the process at the nth hit of one point.
type crash struct {
	client *wire.Client
	point  string
	nth    int

	mu  sync.Mutex
	hit int
}

func newCrash(c *wire.Client, plan string) *crash {
	k := &crash{client: c}
	point, nth, ok := strings.Cut(plan, ":")
	if n, err := strconv.Atoi(nth); ok && err == nil {
		k.point, k.nth = point, n
	}
	return k
}

// before is the point in front of a step, after the one behind it.
func (k *crash) before(step string) { k.at(step + ".before") }
func (k *crash) after(step string)  { k.at(step + ".after") }

func (k *crash) at(point string) {
	if point != k.point {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock() // nobody else gets past the point meanwhile
	if k.hit++; k.hit != k.nth {
		return
	}
	k.client.Report(wire.Report{Kind: wire.ReportCrash, Point: point})
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	time.Sleep(time.Hour) // the signal is on its way
}
