package crashtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// domain is in every address of the story and nowhere else, so that a log
// line with it is a leak.
const domain = "canary-mail.example"

// The sizes that matter: above the first a mail is kept as a blob, above the
// second it is quarantined unseen.
const (
	blobSize = 300 << 10
	mailMost = 1 << 20
)

// mail is one mail of the story and what must become of it.
type mail struct {
	token string // in its text, and in no other mail's
	conv  int    // mails of one conversation belong on one ticket
	from  string
	subj  string
	msgID string // empty for a mail without
	refs  []string
	size  int // bytes of text
	raw   []byte
	at    time.Time

	past    bool   // it was there before the mailbox was connected
	touched bool   // listed by both streams
	held    bool   // must end in quarantine
	copyOf  *mail  // the same bytes once more
	id      string // the provider's
}

// conversation is what the model knows of one ticket to come.
type conversation struct {
	n     int
	from  string
	subj  string
	past  bool
	ids   []string // Message-IDs of its mails, oldest first
	mails []*mail
}

// generator makes the mails of a story and keeps the model.
type generator struct {
	rnd   *rand.Rand
	mark  string // in every subject and token
	convs []*conversation
	mails []*mail
	n     int
	noted map[string]bool
}

func newGenerator(rnd *rand.Rand) *generator {
	return &generator{rnd: rnd, mark: fmt.Sprintf("canary%08x", rnd.Uint32()), noted: map[string]bool{}}
}

// open starts a conversation by somebody who wrote nothing before.
func (g *generator) open(past bool) *conversation {
	c := &conversation{n: len(g.convs) + 1, past: past}
	c.from = fmt.Sprintf("%s-%d@%s", g.mark, c.n, domain)
	c.subj = fmt.Sprintf("%s subject %d", g.mark, c.n)
	g.convs = append(g.convs, c)
	return c
}

// write adds a mail to a conversation, which answers what came before.
func (g *generator) write(c *conversation, size int, withID bool) *mail {
	m := g.blank(c.n, c.from, c.subj)
	m.size = size
	m.refs = append(m.refs, c.ids...)
	if !withID {
		m.msgID = ""
	} else {
		c.ids = append(c.ids, m.msgID)
	}
	c.mails = append(c.mails, m)
	return g.keep(m)
}

func (g *generator) blank(conv int, from, subj string) *mail {
	g.n++
	return &mail{
		token: fmt.Sprintf("%s-mail-%04d.", g.mark, g.n), conv: conv, from: from, subj: subj,
		msgID: fmt.Sprintf("%s-%d@%s", g.mark, g.n, domain),
	}
}

func (g *generator) keep(m *mail) *mail {
	m.raw = m.bytes()
	g.mails = append(g.mails, m)
	return m
}

func (m *mail) bytes() []byte {
	var b strings.Builder
	line := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	line("From", m.from)
	line("To", "support@"+domain)
	line("Subject", m.subj)
	line("Date", "Mon, 02 Mar 2026 10:00:00 +0000")
	if m.msgID != "" {
		line("Message-ID", "<"+m.msgID+">")
	}
	if n := len(m.refs); n > 0 {
		line("In-Reply-To", "<"+m.refs[n-1]+">")
		line("References", "<"+strings.Join(m.refs, "> <")+">")
	}
	b.WriteString("Content-Type: text/plain; charset=utf-8\r\n\r\n" + m.token + "\r\n")
	const filler = "The lamp does not shine and the box was open when it came here.\r\n"
	for b.Len() < m.size {
		b.WriteString(filler)
	}
	return []byte(b.String())
}

// history makes the past of the mailbox: conversations whose mails lie days
// apart, in order of arrival.
func (g *generator) history(now time.Time) []*mail {
	var all []*mail
	for i := range 8 {
		c := g.open(true)
		if i%2 == 1 {
			c.from = g.convs[1].from // somebody who writes often, of this and that
		}
		for range 1 + g.rnd.IntN(2) {
			all = append(all, g.write(c, 0, true))
		}
		if i == 0 {
			all = append(all, g.write(c, blobSize, true))
		}
	}
	g.rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	// Within a conversation time goes forward.
	place := map[int][]int{}
	for i, m := range all {
		place[m.conv] = append(place[m.conv], i)
	}
	for _, c := range g.convs {
		for k, i := range place[c.n] {
			all[i] = c.mails[k]
		}
	}
	for i, m := range all {
		m.past = true
		m.at = now.Add(-time.Duration(len(all)-i) * time.Hour).Truncate(time.Second)
	}
	return all
}

// next makes the mail that arrives now.
func (g *generator) next() *mail {
	c := g.any(false)
	switch p := g.rnd.IntN(100); {
	case c == nil || p < 30:
		return g.write(g.open(false), 0, true)
	case p < 55:
		return g.write(c, 0, true)
	case p < 62: // an answer to what was written before the mailbox was connected
		return g.write(g.any(true), 0, true)
	case p < 70: // somebody who was never on the ticket quotes its ids
		s := g.open(false)
		m := g.blank(s.n, s.from, "Re: "+c.subj)
		m.refs = c.ids
		return g.note("stranger", s, m)
	case p < 76: // somebody else writes about the same
		s := g.open(false)
		return g.note("same-subject", s, g.blank(s.n, s.from, "Re: "+c.subj))
	case p < 83:
		g.noted["no-message-id"] = true
		return g.write(g.any(false), 0, false)
	case p < 90: // somebody else uses the Message-ID of a real mail
		s := g.open(false)
		m := g.blank(s.n, s.from, c.subj)
		m.msgID = c.ids[0]
		return g.note("twin", s, m)
	case p < 95:
		g.noted["copy"] = true
		return g.again(c)
	default:
		return g.large()
	}
}

// note keeps the first mail of a conversation that must not join another.
func (g *generator) note(kind string, s *conversation, m *mail) *mail {
	g.noted[kind] = true
	if kind != "twin" {
		s.ids = append(s.ids, m.msgID)
	}
	s.mails = append(s.mails, m)
	return g.keep(m)
}

// again is the same mail under another id.
func (g *generator) again(c *conversation) *mail {
	was := c.mails[0]
	m := *was
	if was.copyOf == nil {
		m.copyOf = was
	}
	m.id, m.past, m.touched = "", false, false
	g.mails = append(g.mails, &m)
	return &m
}

// large is a mail that is kept as a blob, and tooLarge one that is held.
func (g *generator) large() *mail {
	g.noted["blob"] = true
	return g.write(g.open(false), blobSize, true)
}

func (g *generator) tooLarge() *mail {
	g.noted["too-large"] = true
	m := g.write(g.open(false), mailMost+1000, true)
	m.held = true
	return m
}

// any is a conversation of the present or the past that can be answered.
func (g *generator) any(past bool) *conversation {
	var fit []*conversation
	for _, c := range g.convs {
		if c.past == past && len(c.ids) > 0 && !c.mails[0].held {
			fit = append(fit, c)
		}
	}
	if len(fit) == 0 {
		return nil
	}
	return fit[g.rnd.IntN(len(fit))]
}
