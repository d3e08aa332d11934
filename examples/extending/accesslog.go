package extending

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"sync"

	"github.com/helpdesk-go/helpdesk/privacy"
)

// CopiedLog is an access log that copies each entry as a line of JSON to a
// second place, such as a pipe to a system that watches for odd patterns.
// Entries and Durable are those of the log below it.
type CopiedLog struct {
	privacy.AccessLog

	mu sync.Mutex
	to io.Writer
}

// NewCopiedLog returns a log that appends to log and copies to w.
func NewCopiedLog(log privacy.AccessLog, w io.Writer) *CopiedLog {
	return &CopiedLog{AccessLog: log, to: w}
}

// Append implements privacy.AccessLog. An entry that cannot be copied is an
// error, so that nothing is revealed that the second place does not know of.
func (l *CopiedLog) Append(ctx context.Context, entries []privacy.Entry) error {
	if err := l.AccessLog.Append(ctx, entries); err != nil {
		return err
	}
	var lines bytes.Buffer
	for _, e := range entries {
		if err := json.NewEncoder(&lines).Encode(e); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.to.Write(lines.Bytes())
	return err
}
