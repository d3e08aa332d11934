package rfc822

import (
	"bytes"
	"runtime"
	"testing"
)

// TestLargeAttachmentMemory bounds what reading a 25 MB attachment needs above
// the mail itself: its decoded content, once.
func TestLargeAttachmentMemory(t *testing.T) {
	line := append(bytes.Repeat([]byte("QUJD"), 19), '\r', '\n')
	raw := append([]byte(head+mixed+"\r\nsee the file\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"),
		bytes.Repeat(line, 25<<20/len(line))...)
	raw = append(raw, "--b--\r\n"...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	in := Parse(raw)
	runtime.ReadMemStats(&after)
	if len(in.Attachments) != 1 || in.Attachments[0].Size < 18<<20 {
		t.Fatalf("%d attachments", len(in.Attachments))
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 32<<20 {
		t.Errorf("%d MiB above the mail of %d MiB", got>>20, len(raw)>>20)
	}
}
