package memory

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// accessLog implements [privacy.AccessLog]. It has a lock of its own, so that
// an entry can be appended while a transaction runs and outlives its rollback.
type accessLog struct {
	mu      sync.Mutex
	entries map[ticket.TenantID][]privacy.Entry
	closed  bool
}

func (l *accessLog) Append(ctx context.Context, entries []privacy.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, e := range entries {
		if e.Tenant.Validate() != nil || e.ID.IsZero() {
			return fail("access entry without tenant or id", store.ErrRejected)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errClosed("append to the access log")
	}
	if l.entries == nil {
		l.entries = map[ticket.TenantID][]privacy.Entry{}
	}
	for _, e := range entries {
		l.entries[e.Tenant] = append(l.entries[e.Tenant], cloneEntry(e))
	}
	return nil
}

func (l *accessLog) Entries(ctx context.Context, tenant ticket.TenantID, after string, limit int) ([]privacy.Entry, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	from, err := parsePlace(after)
	if err != nil {
		return nil, "", err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, "", errClosed("read the access log")
	}
	all := l.entries[tenant]
	from = min(from, len(all))
	to := min(from+max(limit, 0), len(all))
	if from == to {
		return nil, after, nil
	}
	out := make([]privacy.Entry, 0, to-from)
	for _, e := range all[from:to] {
		out = append(out, cloneEntry(e))
	}
	return out, formatPlace(to), nil
}

func (l *accessLog) Durable() bool { return false }

func (l *accessLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// placeVersion starts every place in a log that is handed out, so that a place
// of another store or version is refused instead of misread.
const placeVersion = "m1:"

func formatPlace(n int) string { return placeVersion + strconv.Itoa(n) }

// parsePlace reads what formatPlace wrote; the empty place is the start.
func parsePlace(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	digits, ok := strings.CutPrefix(s, placeVersion)
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 0 {
		return 0, fail("place in a log that this store did not hand out", store.ErrRejected)
	}
	return n, nil
}
