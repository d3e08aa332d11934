package verify

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
)

// maxRecord bounds a TXT record: a key of 16,384 bits fits, and one with which
// checking a signature takes seconds does not.
const maxRecord = 4 << 10

// asker asks the DNS about one mail, each name once and no more than left names
// in all.
type asker struct {
	ctx  context.Context
	from Resolver

	mu    sync.Mutex
	left  int
	known map[string]answer
}

type answer struct {
	texts []string
	err   error
}

var errTemporary = errors.New("verify: the DNS did not answer")

// lookup is what go-msgauth calls, from several goroutines at once. Every error
// but "not found" is temporary.
func (a *asker) lookup(name string) ([]string, error) {
	name = strings.ToLower(name)
	a.mu.Lock()
	defer a.mu.Unlock() // one at a time, so that no name is asked for twice
	if got, ok := a.known[name]; ok {
		return got.texts, got.err
	}
	got := a.ask(name)
	a.known[name] = got
	return got.texts, got.err
}

func (a *asker) ask(name string) (got answer) {
	temporary := answer{err: &net.DNSError{Err: errTemporary.Error(), IsTemporary: true}}
	// It runs on goroutines of go-msgauth, where a panic of the host's resolver
	// would end the process.
	defer func() {
		if recover() != nil {
			got = temporary
		}
	}()
	if !isName(name) {
		return answer{err: &net.DNSError{Err: "verify: no name", IsNotFound: true}}
	}
	if a.left <= 0 || a.ctx.Err() != nil {
		return temporary
	}
	a.left--
	texts, err := a.from.LookupTXT(a.ctx, name)
	switch {
	case notFound(err):
		return answer{err: &net.DNSError{Err: "verify: no record", IsNotFound: true}}
	case err != nil:
		return temporary
	}
	texts = slices.Clone(texts)
	for i, s := range texts {
		if len(s) > maxRecord {
			texts[i] = "" // no key and no policy
		}
	}
	return answer{texts: texts}
}

func notFound(err error) bool {
	var e *net.DNSError
	return errors.As(err, &e) && e.IsNotFound
}

// isName keeps out what is no host name: domains and selectors come from the
// mail.
func isName(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				return false
			}
		}
	}
	return true
}
