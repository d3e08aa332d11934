package imap_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
)

const body = "Message-ID: <a@x>\r\n\r\nHello\r\n"

func short() imap.Options { return imap.Options{CommandTimeout: 300 * time.Millisecond} }

func connectPeer(t *testing.T, p *peer, o imap.Options) mailbox.Conn {
	t.Helper()
	c, err := openAccount(o, p.account(p.start(t)), mailbox.Intake{})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// listOne lists the one mail of a peer, UID 5.
func listOne(t *testing.T, c mailbox.Conn) mailbox.Item {
	t.Helper()
	p, err := c.Changes(context.Background(), mailbox.Query{Stream: mailbox.Live, Resync: true, Limit: 5})
	if err != nil || len(p.Items) != 1 {
		t.Fatalf("list: %+v, %v", p, err)
	}
	return p.Items[0]
}

const (
	listRow = "* 1 FETCH (UID 5 RFC822.SIZE %d INTERNALDATE \"01-Feb-2026 10:00:00 +0100\" FLAGS ())\r\nTAG OK done\r\n"
	sizeRow = "* 1 FETCH (UID 5 RFC822.SIZE %d)\r\nTAG OK done\r\n"

	fetchSize = "UID FETCH 5 (UID RFC822.SIZE)"
	fetchBody = "UID FETCH 5 (UID BODY.PEEK[])"
	seqBody   = "FETCH 1 (UID BODY.PEEK[])"
)

func goodBody(seq int) string {
	return fmt.Sprintf("* %d FETCH (UID 5 BODY[] %s)\r\nTAG OK done\r\n", seq, lit(body))
}

func TestFetchHazards(t *testing.T) {
	size := fmt.Sprintf(sizeRow, len(body))
	uidLast := fmt.Sprintf("* 1 FETCH (BODY[] %s UID 5)\r\nTAG OK done\r\n", lit(body))
	estimated := fmt.Sprintf(sizeRow, len(body)+40)
	tests := []struct {
		name    string
		answers map[string][]string
		want    string
		kind    mailbox.Kind
	}{
		{name: "ordinary", answers: map[string][]string{fetchBody: {goodBody(1)}}, want: body},
		{name: "UID after the literal", answers: map[string][]string{fetchBody: {uidLast}, seqBody: {uidLast}}, want: body},
		{name: "unsolicited FETCH first", answers: map[string][]string{
			fetchBody: {"* 1 FETCH (UID 5 FLAGS (\\Seen))\r\n" + goodBody(1)}, seqBody: {goodBody(1)}}, want: body},
		{name: "unsolicited FETCH before the size", answers: map[string][]string{
			fetchSize: {"* 1 FETCH (UID 5 FLAGS (\\Seen))\r\n" + size}, "FETCH 1 (UID RFC822.SIZE)": {size},
			fetchBody: {goodBody(1)}}, want: body},
		{name: "another mail first", answers: map[string][]string{
			fetchBody: {"* 2 FETCH (UID 6 BODY[] " + lit("wrong") + ")\r\n" + goodBody(1)}}, want: body},
		{name: "another mail under the number", answers: map[string][]string{
			fetchBody: {uidLast}, seqBody: {"* 1 FETCH (UID 6 BODY[] " + lit(body) + ")\r\nTAG OK done\r\n"}}, kind: mailbox.Transient},
		{name: "truncated literal", answers: map[string][]string{
			fetchBody: {"* 1 FETCH (UID 5 BODY[] {" + fmt.Sprint(len(body)) + "}\r\nMessDROP"}}, kind: mailbox.Transient},
		{name: "NIL body and NO", answers: map[string][]string{
			fetchBody: {"* 1 FETCH (UID 5 BODY[] NIL)\r\nTAG NO failed\r\n"}}, kind: mailbox.Transient},
		{name: "NIL body and OK", answers: map[string][]string{
			fetchBody: {"* 1 FETCH (UID 5 BODY[] NIL)\r\nTAG OK fine\r\n"}, seqBody: {"* 1 FETCH (UID 5 BODY[] NIL)\r\nTAG OK\r\n"}}, kind: mailbox.Transient},
		{name: "OK without a body", answers: map[string][]string{fetchBody: {"TAG OK\r\n"}, seqBody: {"TAG OK\r\n"}}, kind: mailbox.Transient},
		{name: "empty body of a mail with a size", answers: map[string][]string{
			fetchBody: {"* 1 FETCH (UID 5 BODY[] {0}\r\n)\r\nTAG OK\r\n"}, seqBody: {"* 1 FETCH (UID 5 BODY[] \"\")\r\nTAG OK\r\n"}}, kind: mailbox.Transient},
		{name: "shorter than stated", answers: map[string][]string{
			fetchBody: {"* 1 FETCH (UID 5 BODY[] " + lit("Mess") + ")\r\nTAG OK\r\n"}, seqBody: {goodBody(1)}}, want: body},
		{name: "size is an estimate", answers: map[string][]string{
			fetchSize: {estimated}, fetchBody: {goodBody(1)}, seqBody: {goodBody(1)}}, want: body},
		{name: "unknown untagged", answers: map[string][]string{fetchBody: {"* WEIRD thing\r\n" + goodBody(1)}}, kind: mailbox.Transient},
		{name: "VANISHED", answers: map[string][]string{fetchBody: {"* VANISHED 1:4\r\n" + goodBody(1)}}, kind: mailbox.Transient},
		{name: "BYE", answers: map[string][]string{fetchBody: {"* BYE going down\r\nDROP"}}, kind: mailbox.Transient},
		{name: "BYE within the body", answers: map[string][]string{
			fetchBody: {"* 1 FETCH (UID 5 BODY[] {" + fmt.Sprint(len(body)) + "}\r\n* BYE\r\nDROP"}}, kind: mailbox.Transient},
		{name: "expunged", answers: map[string][]string{fetchSize: {"TAG OK\r\n"}, "SEARCH": {"* SEARCH\r\nTAG OK\r\n"}}, kind: mailbox.NotFound},
		{name: "expunged between size and body", answers: map[string][]string{fetchBody: {"TAG OK\r\n"}, "SEARCH": {"* SEARCH\r\nTAG OK\r\n"}}, kind: mailbox.NotFound},
		{name: "huge literal", answers: map[string][]string{
			fetchBody: {"* 1 FETCH (UID 5 BODY[] {9999999999}\r\nxxx"}}, kind: mailbox.TooLarge},
		{name: "huge literal in a header field", answers: map[string][]string{
			fetchBody: {"* 1 FETCH (UID {4294967295}\r\nxxx)\r\n"}}, kind: mailbox.Transient},
		{name: "huge size", answers: map[string][]string{fetchSize: {fmt.Sprintf(sizeRow, 1<<40)}}, kind: mailbox.TooLarge},
		{name: "size that is no number", answers: map[string][]string{fetchSize: {"* 1 FETCH (UID 5 RFC822.SIZE 99999999999999999999)\r\nTAG OK\r\n"}}, kind: mailbox.Transient},
		{name: "endless untagged", answers: map[string][]string{fetchBody: {endless + "* 1 EXISTS\r\n"}}, kind: mailbox.Transient},
		{name: "endless line", answers: map[string][]string{fetchBody: {endless + strings.Repeat("x", 4096)}}, kind: mailbox.Transient},
		{name: "endless quoted body", answers: map[string][]string{fetchBody: {"* 1 FETCH (UID 5 BODY[] \"" + strings.Repeat("x", 4<<20)}}, kind: mailbox.Transient},
		{name: "NUL", answers: map[string][]string{fetchBody: {"* 1 FE\x00TCH (UID 5)\r\nTAG OK\r\n"}}, kind: mailbox.Transient},
		{name: "throttled", answers: map[string][]string{fetchBody: {"TAG NO [THROTTLED] slow\r\n"}}, kind: mailbox.Throttled},
	}
	for _, tt := range tests {
		_, asks := tt.answers[fetchSize]
		if !asks {
			tt.answers[fetchSize] = []string{size}
		}
		tt.answers["UID FETCH"] = []string{fmt.Sprintf(listRow, len(body))}
		for _, listed := range []bool{true, false} {
			if listed && asks {
				continue // the size of a listed mail is not asked
			}
			t.Run(fmt.Sprintf("%s/listed %v", tt.name, listed), func(t *testing.T) {
				t.Parallel()
				c := connectPeer(t, &peer{answers: tt.answers}, imap.Options{CommandTimeout: 5 * time.Second})
				it := listOne(t, c)
				if !listed {
					changes(t, c, mailbox.Query{Stream: mailbox.Live, Limit: 1}) // another page
				}
				raw, err := c.Fetch(context.Background(), it, 1<<20)
				if tt.kind != "" {
					wantKind(t, err, tt.kind)
					if raw.Bytes != nil {
						t.Errorf("bytes beside an error: %q", raw.Bytes)
					}
					return
				}
				if err != nil || string(raw.Bytes) != tt.want {
					t.Fatalf("got %q, %v", raw.Bytes, err)
				}
			})
		}
	}
}

func TestMutePeerEndsAtTheDeadline(t *testing.T) {
	for _, mute := range []string{"CAPABILITY", "AUTHENTICATE", "EXAMINE", "LIST", "UID SEARCH", "UID FETCH"} {
		t.Run(mute, func(t *testing.T) {
			t.Parallel()
			p := &peer{mute: mute}
			start := time.Now()
			c, err := openAccount(short(), p.account(p.start(t)), mailbox.Intake{})
			if err == nil {
				defer c.Close()
				_, err = c.Changes(context.Background(), mailbox.Query{Stream: mailbox.Live, Resync: true, Limit: 5})
			}
			wantKind(t, err, mailbox.Transient)
			if d := time.Since(start); d > 3*time.Second {
				t.Errorf("took %s", d)
			}
		})
	}
}

// A peer that sends a little now and then must not extend the deadline.
func TestSlowPeerEndsAtTheDeadline(t *testing.T) {
	l := listen(t)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		for {
			if _, err := c.Write([]byte("*")); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	start := time.Now()
	_, err := openAccount(short(), imap.Account{Email: testUser, Password: "x", IMAP: serverAt(l, imap.Plaintext)}, mailbox.Intake{})
	wantKind(t, err, mailbox.Transient)
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("took %s", d)
	}
}

func TestLoginRefusals(t *testing.T) {
	tests := []struct {
		name, greeting, answer string
		kind                   mailbox.Kind
		after                  time.Duration
	}{
		{name: "failed", answer: "TAG NO [AUTHENTICATIONFAILED] bad support@example.org\r\n", kind: mailbox.Auth},
		{name: "without code", answer: "TAG NO LOGIN failed.\r\n", kind: mailbox.Auth},
		{name: "unavailable", answer: "TAG NO [UNAVAILABLE] later\r\n", kind: mailbox.Transient},
		{name: "throttled", answer: "TAG NO [THROTTLED] later\r\n", kind: mailbox.Throttled, after: time.Minute},
		{name: "backoff", answer: "TAG BAD Request is throttled. Suggested Backoff Time: 92415 milliseconds\r\n",
			kind: mailbox.Throttled, after: 92415 * time.Millisecond},
		{name: "not connected", answer: "TAG BAD User is authenticated but not connected.\r\n", kind: mailbox.Throttled, after: 5 * time.Minute},
		{name: "O365 error in OK", answer: "TAG OK [Error=\"UserConcurrency\"] AUTHENTICATE completed.\r\n", kind: mailbox.Throttled, after: time.Minute},
		{name: "O365 error in OK with backoff", answer: "TAG OK [Error=\"Request is throttled. Suggested Backoff Time: 5000 milliseconds\"] done\r\n",
			kind: mailbox.Throttled, after: 5 * time.Second},
		{name: "Gmail bandwidth", answer: "TAG NO [OVERQUOTA] Account exceeded command or bandwidth limits.\r\n", kind: mailbox.Throttled, after: time.Hour},
		{name: "BYE greeting", greeting: "* BYE too many connections\r\n", kind: mailbox.Transient},
		{name: "BYE greeting with throttle", greeting: "* BYE [UNAVAILABLE] Too many simultaneous connections.\r\n", kind: mailbox.Throttled, after: time.Minute},
		{name: "PREAUTH", greeting: "* PREAUTH hello\r\n", kind: mailbox.Permanent},
		{name: "not IMAP", greeting: "HTTP/1.1 400 Bad Request\r\n\r\n", kind: mailbox.Transient},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &peer{greeting: tt.greeting, answers: map[string][]string{"AUTHENTICATE": {tt.answer}}}
			_, err := openAccount(imap.Options{CommandTimeout: 5 * time.Second}, p.account(p.start(t)), mailbox.Intake{})
			wantKind(t, err, tt.kind)
			if got := mailbox.RetryAfter(err); got != tt.after {
				t.Errorf("retry after %s, want %s", got, tt.after)
			}
			for e := err; e != nil; e = unwrap(e) {
				if s := e.Error(); strings.Contains(s, "@") || strings.Contains(s, "127.0.0.1") || strings.Contains(s, "later") {
					t.Errorf("error tells too much: %s", s)
				}
			}
		})
	}
}

func unwrap(err error) error {
	if u, ok := err.(interface{ Unwrap() error }); ok {
		return u.Unwrap()
	}
	return nil
}

func TestListingHazards(t *testing.T) {
	row := fmt.Sprintf(listRow, len(body))
	flags := "* 1 FETCH (UID 5 FLAGS (\\Seen))\r\n"
	tests := []struct {
		name    string
		answers map[string][]string
		items   int
		kind    mailbox.Kind
	}{
		{name: "unsolicited row first", answers: map[string][]string{"UID FETCH": {flags + row, row}}, items: 1},
		{name: "row is withheld", answers: map[string][]string{"UID FETCH": {"TAG OK\r\n"}}, kind: mailbox.Transient},
		{name: "expunged meanwhile", answers: map[string][]string{"UID FETCH": {"TAG OK\r\n"}, "SEARCH": {"* SEARCH\r\nTAG OK\r\n"}}},
		{name: "four billion UIDs", answers: map[string][]string{"UID SEARCH": {"* ESEARCH UID ALL 1:4294967295\r\nTAG OK\r\n"}}, kind: mailbox.Transient},
		{name: "UIDs that were not asked for", answers: map[string][]string{"UID SEARCH": {"* SEARCH 77 99\r\nTAG OK\r\n"}}},
		{name: "no UIDVALIDITY", answers: map[string][]string{"EXAMINE": {"* 1 EXISTS\r\nTAG OK\r\n"}}, kind: mailbox.Permanent},
		{name: "no inbox", answers: map[string][]string{"EXAMINE": {"TAG NO [NONEXISTENT] no\r\n"}}, kind: mailbox.NotFound},
		{name: "no UIDNEXT", answers: map[string][]string{"EXAMINE": {"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] v\r\nTAG OK\r\n"}, "UID FETCH": {row}}, items: 1},
		{name: "endless search", answers: map[string][]string{"UID SEARCH": {endless + "* SEARCH 5\r\n"}}, kind: mailbox.Transient},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := connectPeer(t, &peer{answers: tt.answers}, imap.Options{CommandTimeout: 20 * time.Second})
			p, err := c.Changes(context.Background(), mailbox.Query{Stream: mailbox.Live, Resync: true, Limit: 5})
			if tt.kind != "" {
				wantKind(t, err, tt.kind)
				return
			}
			if err != nil || len(p.Items) != tt.items {
				t.Fatalf("%+v, %v", p, err)
			}
		})
	}
}

func TestUnchangedFolderIsNotSearched(t *testing.T) {
	p := &peer{caps: "IMAP4rev1 AUTH=PLAIN CONDSTORE", answers: map[string][]string{
		"EXAMINE":    {"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n* OK [HIGHESTMODSEQ 42] h\r\nTAG OK\r\n"},
		"UID SEARCH": {"* SEARCH 5\r\nTAG OK\r\n", "TAG NO not again\r\n"},
	}}
	c := connectPeer(t, p, imap.Options{})
	cur := changes(t, c, mailbox.Query{Stream: mailbox.Live, Limit: 5}).Next
	if page := changes(t, c, mailbox.Query{Stream: mailbox.Live, Cursor: cur, Limit: 5}); len(page.Items) != 0 || page.More {
		t.Fatalf("%+v", page)
	}
}

func TestClosingLeavesNoGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 5 {
		p := &peer{mute: "EXAMINE"}
		c, err := openAccount(short(), p.account(p.start(t)), mailbox.Intake{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Changes(context.Background(), mailbox.Query{Stream: mailbox.Live, Limit: 5})
		wantKind(t, err, mailbox.Transient)
		c.Close()
	}
	for range 100 {
		if runtime.NumGoroutine() <= before+5 { // the listeners of the peers
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d goroutines, before %d", runtime.NumGoroutine(), before)
}
