package helpdesk_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/scan"
	"github.com/helpdesk-go/helpdesk/store/memory"
)

// scannerFunc is a scanner made of what it says about a content.
type scannerFunc func(content []byte) (scan.Verdict, error)

func (f scannerFunc) Scan(_ context.Context, content io.Reader) (scan.Verdict, error) {
	b, err := io.ReadAll(content)
	if err != nil {
		return scan.Verdict{State: scan.Unscanned}, err
	}
	return f(b)
}

// TestScannerBeforeAttachment: what the scanner says decides what is revealed,
// and a broken one refuses only where the host asked for it.
func TestScannerBeforeAttachment(t *testing.T) {
	content := []byte("what was attached")
	for name, c := range map[string]struct {
		verdict scan.Verdict
		fails   error
		require bool
		state   scan.State
		err     error
	}{
		"clean":             {scan.Verdict{State: scan.Clean}, nil, true, scan.Clean, nil},
		"infected":          {scan.Verdict{State: scan.Infected, Threat: "Eicar"}, nil, false, scan.Infected, helpdesk.ErrInfected},
		"fails":             {scan.Verdict{State: scan.Clean}, errors.New("broken"), false, scan.Unscanned, nil},
		"fails, required":   {scan.Verdict{State: scan.Clean}, errors.New("broken"), true, scan.Unscanned, helpdesk.ErrUnscanned},
		"says nothing":      {scan.Verdict{}, nil, false, scan.Unscanned, nil},
		"nothing, required": {scan.Verdict{}, nil, true, scan.Unscanned, helpdesk.ErrUnscanned},
		"unknown, required": {scan.Verdict{State: "fine"}, nil, true, scan.Unscanned, helpdesk.ErrUnscanned},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, "", func(t *testing.T) {
				asked := 0
				b := newBench(t, plain(), func(cfg *helpdesk.Config) {
					cfg.RequireScan = c.require
					cfg.Scanner = scannerFunc(func(got []byte) (scan.Verdict, error) {
						asked++
						if !bytes.Equal(got, content) {
							t.Errorf("the scanner got %q", got)
						}
						return c.verdict, c.fails
					})
				})
				b.deliver(numbered(0))
				b.work()
				m, err := b.acme.Reply(b.agent, b.tickets()[0].ID, helpdesk.Reply{
					Text: "See.", Files: []helpdesk.File{{Name: "a.bin", Content: content}}})
				if err != nil {
					t.Fatal(err)
				}
				a, err := b.acme.Attachment(b.agent, m, 0)
				if !errors.Is(err, c.err) || a.Scan.State != c.state || asked != 1 {
					t.Fatalf("%+v, %v, asked %d times", a.Scan, err, asked)
				}
				if revealed := bytes.Equal(a.Content, content); revealed != (c.err == nil) || !revealed && a.Content != nil {
					t.Errorf("content %q with %v", a.Content, err)
				}
			})
		})
	}
}

func TestRequireScanNeedsScanner(t *testing.T) {
	if _, err := helpdesk.New(helpdesk.Config{Store: memory.New(), RequireScan: true}); !errors.Is(err, helpdesk.ErrConfig) {
		t.Error(err)
	}
}
