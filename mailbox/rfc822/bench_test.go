package rfc822

import (
	"bytes"
	"encoding/base64"
	"io"
	"testing"
	"time"

	"github.com/emersion/go-message"

	"github.com/helpdesk-go/helpdesk/ticket"
)

func benchMail(b *testing.B, attachment int) []byte {
	o := Outgoing{MessageID: "bench@example.org", From: ticket.Address{Name: "Zoë Example", Addr: "zoe@example.org"},
		To: []ticket.Address{{Name: "Support", Addr: "support@example.com"}}, Subject: "Grüße: the printer is on fire again",
		Date: time.Unix(1700000000, 0), InReplyTo: "a@b", References: []string{"x@y", "a@b"},
		Text: string(bytes.Repeat([]byte("The printer does what it wants, and we do not. See https://example.org/x?y=1.\n"), 30))}
	if attachment > 0 {
		o.Attachments = []File{{Name: "scan.pdf", Type: "application/pdf", Content: bytes.Repeat([]byte("%PDF-1.7 \x00\xff"), attachment/11)}}
	}
	raw, err := Build(o)
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

func walkEntity(e *message.Entity) {
	if mr := e.MultipartReader(); mr != nil {
		for {
			p, err := mr.NextPart()
			if err != nil {
				return
			}
			walkEntity(p)
		}
	}
	_, _ = io.Copy(io.Discard, e.Body)
}

// The baselines read every part with go-message and keep nothing.
func benchBaseline(b *testing.B, raw []byte) {
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		e, err := message.Read(bytes.NewReader(raw))
		if err != nil {
			b.Fatal(err)
		}
		walkEntity(e)
	}
}

func benchParse(b *testing.B, raw []byte) {
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if in := Parse(raw); in.Text == "" {
			b.Fatal("no text")
		}
	}
}

func BenchmarkParse(b *testing.B)         { benchParse(b, benchMail(b, 0)) }
func BenchmarkBaseline(b *testing.B)      { benchBaseline(b, benchMail(b, 0)) }
func BenchmarkParseLarge(b *testing.B)    { benchParse(b, benchMail(b, 10<<20)) }
func BenchmarkBaselineLarge(b *testing.B) { benchBaseline(b, benchMail(b, 10<<20)) }

func BenchmarkSanitize(b *testing.B) {
	doc := Parse(benchMail(b, 0)).HTML
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		Sanitize(doc, SanitizeOptions{})
	}
}

func BenchmarkContentFingerprint(b *testing.B) {
	raw := []byte("Subject: x\r\n\r\n" + base64.StdEncoding.EncodeToString(make([]byte, 1<<20)))
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		ContentFingerprint(raw)
	}
}
