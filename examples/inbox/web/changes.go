package web

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Pages ask every second whether something happened. The answer comes from the
// event log, which holds ids only: waiting opens no content and leaves nothing
// in the access log.

// eventPage is how many events are read at once.
const eventPage = 1000

// tails remembers where each tenant's event log ends, so that it is walked
// from its start only once.
type tails struct {
	mu sync.Mutex
	at map[ticket.TenantID]*tail
}

type tail struct {
	mu sync.Mutex
	at store.EventCursor
}

func (t *tails) of(id ticket.TenantID) *tail {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.at[id] == nil {
		t.at[id] = &tail{}
	}
	return t.at[id]
}

// cursor returns the end of the tenant's event log.
func (s *site) cursor(v *visit) (string, error) {
	t := s.tails.of(v.who.Tenant)
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		page, err := v.tenant.Events(v.ctx, t.at, eventPage)
		if err != nil {
			return "", err
		}
		if len(page) > 0 {
			t.at = page[len(page)-1].Cursor
		}
		if len(page) < eventPage {
			return string(t.at), nil
		}
	}
}

// changes answers whether something happened since a cursor, to one ticket or
// to any.
func (s *site) changes(v *visit) error {
	q := v.r.URL.Query()
	page, err := v.tenant.Events(v.ctx, store.EventCursor(q.Get("since")), eventPage)
	if err != nil && helpdesk.HTTPStatus(err) == http.StatusInternalServerError {
		return badForm("That is no place in the log of events.")
	}
	if err != nil {
		return err
	}
	answer := struct {
		Cursor  string `json:"cursor"`
		Changed bool   `json:"changed"`
	}{Cursor: q.Get("since")}
	if len(page) > 0 {
		answer.Cursor = string(page[len(page)-1].Cursor)
	}
	about := q.Get("ticket")
	answer.Changed = slices.ContainsFunc(page, func(e store.LoggedEvent) bool {
		return about == "" || e.Event.Ticket.String() == about
	})
	v.w.Header().Set("Content-Type", "application/json")
	v.w.WriteHeader(http.StatusOK)
	return json.NewEncoder(v.w).Encode(answer)
}
