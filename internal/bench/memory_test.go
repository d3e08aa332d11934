package bench_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/benchmail"
	"github.com/helpdesk-go/helpdesk/internal/testpg"
)

// BenchmarkImportPeakMemory runs examples/import as its users do, on an archive
// with one mail that is far larger than the others, and takes what the kernel
// says was the most memory it ever had.
func BenchmarkImportPeakMemory(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("only Linux tells, in /proc")
	}
	const large, others = 40 << 20, 1000
	bin := filepath.Join(b.TempDir(), "import")
	if out, err := exec.Command("go", "build", "-o", bin, "../../examples/import").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for b.Loop() {
		with := peak(b, bin, archive(b, others, large), others+1)
		without := peak(b, bin, archive(b, others, 0), others)
		ratios.report(b, "import_peak_memory_vs_largest_mail", with/large,
			"%.0f MiB at most for %d mails and one of %d MiB; %.0f MiB without that one", with/(1<<20), others, large>>20, without/(1<<20))
	}
}

// archive is a folder of mails, the last one with a file of about size bytes.
func archive(b *testing.B, n, size int) string {
	b.Helper()
	dir := b.TempDir()
	write := func(i int, raw []byte) {
		must(b, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d.eml", i)), raw, 0o600))
	}
	i := 0
	for m := range benchmail.All(seed, n) {
		write(i, m.Raw)
		i++
	}
	if size > 0 {
		line := strings.Repeat("QUJD", 19) + "\r\n"
		head := "From: <p@customer.example>\r\nSubject: large\r\nMessage-ID: <large@customer.example>\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\n" +
			"MIME-Version: 1.0\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
		write(i, []byte(head+strings.Repeat(line, size/len(line))))
	}
	return dir
}

// peak imports an archive and returns the most memory it took, in bytes.
func peak(b *testing.B, bin, dir string, want int) float64 {
	b.Helper()
	var out bytes.Buffer
	cmd := exec.Command(bin, "-json", "-store", testpg.DSN(b), "-keys", filepath.Join(b.TempDir(), "keys"), dir)
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	must(b, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	most := 0.0
	for running := true; running; {
		select {
		case err := <-ended:
			must(b, err)
			running = false
		case <-time.After(5 * time.Millisecond):
			most = max(most, highWater(cmd.Process.Pid))
		}
	}
	var last struct{ Messages int }
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	must(b, json.Unmarshal([]byte(lines[len(lines)-1]), &last))
	if last.Messages != want {
		b.Fatalf("%d messages, want %d: %s", last.Messages, want, lines[len(lines)-1])
	}
	return most
}

// highWater is the most memory a process has had so far, in bytes, or 0 when it
// is gone. The rusage of a child is no help: it begins with what its parent had.
func highWater(pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kib float64
	if _, err := fmt.Sscanf(after, "%f kB", &kib); err != nil {
		return 0
	}
	return kib * 1024
}
