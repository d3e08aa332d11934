package postfix

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// reply is a reply that was written, and what became of it.
type reply struct {
	seed   int64 // of the kill before which it was written
	id     ticket.ID
	ticket ticket.ID
	token  string // stands at the beginning and, as end(token), at the end of its text

	state     ticket.DeliveryState
	listed    bool   // it is among the uncertain ones that a person is shown
	messageID string // as the helpdesk says
	pending   int    // tasks about it that are left
	accepted  [][]byte
	filed     int // copies in the folder of sent mail
}

func end(token string) string { return "end-of-" + token }

// violation is a broken promise. Its detail holds ids only.
type violation struct {
	seed      int64
	invariant string
	detail    string
}

// judge holds what the servers have against what the helpdesk says about one
// reply.
func judge(r reply) []violation {
	var out []violation
	broken := func(invariant, format string, args ...any) {
		out = append(out, violation{r.seed, invariant, fmt.Sprintf("reply %s, %s: ", r.id, r.state) + fmt.Sprintf(format, args...)})
	}
	copies := len(r.accepted)
	if copies > 1 {
		broken("at most one copy", "Postfix accepted %d", copies)
	}
	for _, raw := range r.accepted {
		if id := messageIDOf(raw); id != r.messageID {
			broken("the frozen mail", "a copy has another Message-ID")
		}
		if !bytes.Contains(raw, []byte(end(r.token))) {
			broken("the frozen mail", "a copy is not whole")
		}
	}
	switch r.state {
	case ticket.Sent:
		if copies == 0 {
			broken("never silently lost", "it says sent and Postfix has nothing")
		}
		if r.filed != 1 {
			broken("one copy among the sent mail", "there are %d", r.filed)
		}
	case ticket.Uncertain:
		if !r.listed {
			broken("each doubt visible", "it is not listed")
		}
	case ticket.Failed:
		if copies > 0 {
			broken("never sent and called failed", "Postfix accepted it")
		}
	default:
		broken("final within the bound", "nothing more happens to it")
	}
	if r.filed > 1 && r.state != ticket.Sent {
		broken("one copy among the sent mail", "there are %d", r.filed)
	}
	if r.pending > 0 && r.state != ticket.Uncertain {
		broken("no task left", "%d tasks", r.pending)
	}
	return out
}

// messageIDOf returns the Message-ID of a raw mail without brackets, or "".
func messageIDOf(raw []byte) string {
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if line == "" {
			return ""
		}
		if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "Message-ID") {
			return strings.Trim(strings.TrimSpace(value), "<>")
		}
	}
	return ""
}

// leaks returns the canaries that a log holds: what must never be in one.
func leaks(log []byte, canaries []string) []string {
	return slices.DeleteFunc(slices.Clone(canaries), func(c string) bool {
		return !bytes.Contains(bytes.ToLower(log), []byte(strings.ToLower(c)))
	})
}
