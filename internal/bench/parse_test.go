package bench_test

import (
	"bytes"
	"io"
	"testing"

	gomessage "github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // what a program that reads mail needs

	"github.com/helpdesk-go/helpdesk/internal/benchmail"
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
)

// BenchmarkParseVsGoMessageWalk compares all that rfc822 does with a mail
// (structure, charsets, text, addresses, references, attachments) to go-message
// reading every part and keeping nothing.
func BenchmarkParseVsGoMessageWalk(b *testing.B) {
	ms := benchmail.Mails(seed, mails)
	for b.Loop() {
		var ratio, ours, walk []float64
		for range rounds {
			walk = append(walk, rate(b, mails, func() {
				for _, m := range ms {
					must(b, walkMail(m.Raw))
				}
			}))
			ours = append(ours, rate(b, mails, func() {
				for _, m := range ms {
					if rfc822.Parse(m.Raw).MessageID == "" {
						b.Fatal("a mail was not understood")
					}
				}
			}))
			ratio = append(ratio, ours[len(ours)-1]/walk[len(walk)-1])
		}
		ratios.report(b, "parse_vs_gomessage_walk", median(ratio), "%.0f mails/s against %.0f walks/s, medians of %d turns; %d mails", median(ours), median(walk), rounds, mails)
	}
}

// BenchmarkUnderstandVsGoMessageWalk adds what is derived when a mail is taken
// in and shown: reply and quotes, kind, forwarded mail, and safe HTML of the
// whole and of the reply. The baseline is the same walk.
func BenchmarkUnderstandVsGoMessageWalk(b *testing.B) {
	ms := benchmail.Mails(seed, mails)
	for b.Loop() {
		var ratio, ours, walk []float64
		for range rounds {
			walk = append(walk, rate(b, mails, func() {
				for _, m := range ms {
					must(b, walkMail(m.Raw))
				}
			}))
			ours = append(ours, rate(b, mails, func() {
				for _, m := range ms {
					in := rfc822.Parse(m.Raw)
					rfc822.Trim(&in)
					for _, html := range []string{in.HTML, in.ReplyHTML} {
						if safe, _ := rfc822.Sanitize(html, rfc822.SanitizeOptions{}); html != "" && safe.String() == "" {
							b.Fatal("nothing is left of a mail")
						}
					}
					if in.Kind == "" {
						b.Fatal("a mail was not understood")
					}
				}
			}))
			ratio = append(ratio, ours[len(ours)-1]/walk[len(walk)-1])
		}
		ratios.report(b, "understand_vs_gomessage_walk", median(ratio), "%.0f mails/s against %.0f walks/s, medians of %d turns; %d mails", median(ours), median(walk), rounds, mails)
	}
}

func walkMail(raw []byte) error {
	e, err := gomessage.Read(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	return e.Walk(func(_ []int, part *gomessage.Entity, err error) error {
		if err == nil && part.MultipartReader() == nil {
			_, err = io.Copy(io.Discard, part.Body)
		}
		return err
	})
}
