package imap_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
)

var sizedRow = regexp.MustCompile(`UID (\d+).*RFC822\.SIZE (\d+)|RFC822\.SIZE (\d+).*UID (\d+)`)

// estimating puts a proxy before the server that adds 40 to the size of every
// nth mail, none if nth is 0. It returns the number of bodies that passed.
func (w *world) estimating(t *testing.T, nth int) *atomic.Int64 {
	l, server := listen(t), fmt.Sprintf("127.0.0.1:%d", w.imap.Port)
	bodies := new(atomic.Int64)
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				s, err := net.Dial("tcp", server)
				if err != nil {
					return
				}
				go func() {
					io.Copy(s, client)
					s.Close()
				}()
				for r := bufio.NewReader(s); err == nil; {
					var line string
					line, err = r.ReadString('\n')
					if strings.Contains(line, " FETCH (") && strings.Contains(line, "BODY[] {") {
						bodies.Add(1)
					}
					io.WriteString(client, estimate(line, nth))
				}
			}()
		}
	}()
	w.imap.Port = l.Addr().(*net.TCPAddr).Port
	return bodies
}

func estimate(line string, nth int) string {
	m := sizedRow.FindStringSubmatch(line)
	if m == nil || nth == 0 {
		return line
	}
	uid, _ := strconv.Atoi(m[1] + m[4])
	size, _ := strconv.Atoi(m[2] + m[3])
	if uid%nth != 0 {
		return line
	}
	return strings.Replace(line, fmt.Sprint("RFC822.SIZE ", size), fmt.Sprint("RFC822.SIZE ", size+40), 1)
}

func TestEstimatedSizesDoNotMultiplyTransfers(t *testing.T) {
	for _, tt := range []struct{ nth, most int }{{0, 100}, {1, 101}, {2, 210}, {7, 210}, {50, 210}} {
		t.Run(fmt.Sprint("every ", tt.nth), func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			bodies := w.estimating(t, tt.nth)
			c := w.open(imap.Options{}, mailbox.Intake{})
			items := pageOf(t, w, c, start(t, c), make([]int, 100)...)
			for i := range items {
				if text := fetchAll(t, c, items[i:i+1])[0]; !strings.Contains(text, fmt.Sprintf("<p%d@x>", i)) {
					t.Fatalf("mail %d is another", i)
				}
			}
			n := int(bodies.Load())
			t.Logf("%d bodies for 100 mails", n)
			if n < 100 || n > tt.most {
				t.Errorf("%d bodies were transferred for 100 mails, want at most %d", n, tt.most)
			}
			if tt.nth != 1 {
				return
			}
			// What was learnt outlives the page.
			items = pageOf(t, w, c, start(t, c), make([]int, 20)...)
			fetchAll(t, c, items)
			if got := int(bodies.Load()) - n; got != 20 {
				t.Errorf("%d bodies were transferred for 20 mails of the next page", got)
			}
		})
	}
}

// A server that puts UID behind the body loses each mail of an exchange, so
// none is fetched ahead after the first was lost; and a body that is missing
// is noticed on a server whose sizes are estimates, too.
func TestLostBodiesAreNotFetchedAhead(t *testing.T) {
	for _, off := range []int{0, 40} {
		p := &peer{answers: losing(off)}
		c := connectPeer(t, p, imap.Options{CommandTimeout: 5 * time.Second})
		page := changes(t, c, mailbox.Query{Stream: mailbox.Live, Resync: true, Limit: 4})
		if len(page.Items) != 4 {
			t.Fatalf("list: %+v", page)
		}
		for i, it := range page.Items {
			raw, err := c.Fetch(context.Background(), it, 1<<20)
			if i == 3 {
				wantKind(t, err, mailbox.Transient)
			} else if err != nil || string(raw.Bytes) != body {
				t.Errorf("sizes off by %d, mail %d: %q, %v", off, i+1, raw.Bytes, err)
			}
		}
	}
}

// losing answers for four mails, of which the last is empty and the others are
// lost if asked for by UID; but the first is not if sizes are off, so that this
// can be noticed. It refuses to send several at once.
func losing(off int) map[string][]string {
	const byUID, bySeq = "UID FETCH %d (UID BODY.PEEK[])", "FETCH %d (UID BODY.PEEK[])"
	rows, answers := "", map[string][]string{
		"EXAMINE":                         {"* 4 EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n* OK [UIDNEXT 5] n\r\nTAG OK\r\n"},
		"UID SEARCH":                      {"* SEARCH 1 2 3 4\r\nTAG OK\r\n"},
		"UID FETCH 2:3 (UID BODY.PEEK[])": {"TAG NO several\r\n"},
		"UID FETCH 3:4 (UID BODY.PEEK[])": {"TAG NO several\r\n"},
	}
	for n := 1; n <= 4; n++ {
		rows += fmt.Sprintf("* %d FETCH (UID %d RFC822.SIZE %d INTERNALDATE \"01-Feb-2026 10:00:00 +0100\" FLAGS ())\r\n", n, n, len(body)+off)
		good := fmt.Sprintf("* %d FETCH (UID %d BODY[] %s)\r\nTAG OK\r\n", n, n, lit(body))
		lost := fmt.Sprintf("* %d FETCH (BODY[] %s UID %d)\r\nTAG OK\r\n", n, lit(body), n)
		switch {
		case n == 4:
			good = "* 4 FETCH (UID 4 BODY[] {0}\r\n)\r\nTAG OK\r\n"
			lost = good
		case n == 1 && off > 0:
			lost = good
		}
		answers[fmt.Sprintf(byUID, n)], answers[fmt.Sprintf(bySeq, n)] = []string{lost}, []string{good}
		answers[fmt.Sprint("SEARCH UID ", n)] = []string{fmt.Sprintf("* SEARCH %d\r\nTAG OK\r\n", n)}
	}
	answers["UID FETCH"] = []string{rows + "TAG OK\r\n"}
	return answers
}
