package mailboxtest

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// testCase is one promise of the contract.
type testCase struct {
	name string
	// when says for which capabilities the promise is made; nil means all.
	when func(mailbox.Capabilities) bool
	// needs are the controls without which it cannot be tested.
	needs []string
	run   func(b *bench)
}

// Run proves that a driver keeps the contract of package mailbox. It logs a
// line that starts with "NOT EXERCISED" for each case that the harness opted
// out of.
func Run(t *testing.T, h Harness) {
	t.Helper()
	if h.Timeout == 0 {
		h.Timeout = 10 * time.Second
	}
	all := slices.Concat(accountCases, changesCases, backfillCases, fetchCases,
		sendCases, draftCases, connCases, notifyCases)
	have, caps, ok := h.probe(t)
	if !ok {
		return
	}
	h.checkControls(t, all, have, caps)
	for _, c := range all {
		if c.when != nil && !c.when(caps) {
			continue // the contract promises nothing here
		}
		if lacks := c.lacks(have); len(lacks) > 0 {
			for _, name := range lacks {
				t.Logf("NOT EXERCISED: %s: no control %s: %s", c.name, name, h.Without[name])
			}
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			c.run(&bench{T: t, h: h, Server: h.New(t)})
		})
	}
}

func (c testCase) lacks(have map[string]bool) (lacks []string) {
	for _, name := range c.needs {
		if !have[name] {
			lacks = append(lacks, name)
		}
	}
	return lacks
}

// probe starts one server to see what the harness offers.
func (h Harness) probe(t *testing.T) (have map[string]bool, caps mailbox.Capabilities, ok bool) {
	t.Helper()
	t.Run("harness", func(t *testing.T) {
		s := h.New(t)
		if s.Provider == nil || s.Account == nil || s.Deliver == nil || s.Accepted == nil {
			t.Fatal("Server needs Provider, Account, Deliver and Accepted")
		}
		have, caps, ok = s.controls(), s.Provider.Capabilities(), true
	})
	return have, caps, ok
}

// checkControls compares what is missing with what the harness admits.
func (h Harness) checkControls(t *testing.T, all []testCase, have map[string]bool, caps mailbox.Capabilities) {
	t.Helper()
	useful := map[string]bool{}
	for _, c := range all {
		if c.when == nil || c.when(caps) {
			for _, name := range c.needs {
				useful[name] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		_, admitted := h.Without[name]
		switch {
		case useful[name] && !have[name] && !admitted:
			t.Errorf("Server.%s is missing: set it, or name it in Harness.Without with the reason", name)
		case have[name] && admitted:
			t.Errorf("Harness.Without names %s, which is there: delete it", name)
		}
	}
	for name, why := range h.Without {
		if _, known := have[name]; !known || strings.TrimSpace(why) == "" {
			t.Errorf("Harness.Without[%q]: no such control, or no reason", name)
		}
	}
}
