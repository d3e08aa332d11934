// Package chromium shows pages to a headless Chromium and tells which scripts
// ran in them and what they asked the network for. It is for tests only.
package chromium

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Report is what the browser did with the pages of one [Show].
type Report struct {
	// Scripts has a line for each script that ran, was about to run, or was
	// refused for its form. Empty means that none was there.
	Scripts []string
	// Requests has each URL or host that a page asked the network for.
	Requests []string
	// DOM has, for each page that was read to its end, what the browser made of
	// the children of each element whose id begins with "p", by id.
	DOM map[int]map[string]string
}

// Show loads the bodies, one page each and one after the other, in frames of a
// browser of its own, whose whole network is a proxy inside this process. No
// policy is enforced on the pages: one that only reports says which scripts and
// loads they begin. dir is for the browser's files. Show returns when each page
// was loaded or had five seconds.
func Show(ctx context.Context, dir string, bodies []string) (Report, error) {
	program, err := find()
	if err != nil {
		return Report{}, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return Report{}, err
	}
	w := &web{bodies: bodies, done: make(chan struct{}), report: Report{DOM: map[int]map[string]string{}}}
	server := &http.Server{Handler: w, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()

	cmd := exec.CommandContext(ctx, program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--disable-default-apps", "--disable-extensions", "--disable-features=OptimizationHints,HttpsUpgrades,NetworkPrediction",
		"--proxy-server=http://"+listener.Addr().String(), "--proxy-bypass-list=<-loopback>",
		"--remote-debugging-port=0", "--user-data-dir="+dir, "http://"+driverHost+"/")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		return Report{}, fmt.Errorf("chromium: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-w.done:
		_ = cmd.Cancel()
		<-ended
	case err := <-ended:
		return Report{}, fmt.Errorf("chromium ended before its pages: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.report, nil
}

func find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("chromium is not installed: run tools/deps.sh, or apt-get install chromium")
}

// The pages are another site than the driver that frames them, so that no page
// can stop it.
const (
	driverHost = "driver.test"
	pageHost   = "page.test"
)

// web is the whole network of the browser: driver, pages, and a proxy that
// connects nowhere and notes who asked.
type web struct {
	bodies []string
	done   chan struct{}

	mu       sync.Mutex
	finished bool
	report   Report
}

func (w *web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodConnect && r.Host == driverHost:
		w.driver(rw, r)
	case r.Method != http.MethodConnect && r.Host == pageHost && w.page(rw, r):
	case ownHost(r.Host):
		http.Error(rw, "no network", http.StatusBadGateway)
	default:
		w.note(&w.report.Requests, r.Method+" "+r.URL.String())
		http.Error(rw, "no network", http.StatusBadGateway)
	}
}

// ownHost reports the hosts that the browser calls for itself.
func ownHost(host string) bool {
	host, _, _ = strings.Cut(host, ":")
	return strings.HasSuffix(host, ".googleapis.com") || strings.HasSuffix(host, ".gvt1.com") ||
		host == "clients2.google.com" || host == "accounts.google.com" || host == "www.google.com"
}

func (w *web) note(list *[]string, line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*list = append(*list, line)
}

func (w *web) driver(rw http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/done" {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.finished {
			w.finished = true
			close(w.done)
		}
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(rw, driverPage, len(w.bodies), pageHost)
}

// driverPage shows one page after the other. A page has 300 ms after its load
// for what starts late.
const driverPage = `<!DOCTYPE html><link rel=icon href="data:,"><body><script>
const count = %d;
function show(n) {
	if (n === count) { fetch("/done"); return; }
	const frame = document.createElement("iframe");
	let over = false;
	const next = () => { if (!over) { over = true; frame.remove(); show(n + 1); } };
	frame.onload = () => setTimeout(next, 300);
	setTimeout(next, 5000);
	frame.src = "http://%s/page/" + n;
	document.body.append(frame);
}
show(0);
</script>`

// page answers for a page and for what its watcher tells.
func (w *web) page(rw http.ResponseWriter, r *http.Request) bool {
	if n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/page/")); err == nil && n >= 0 && n < len(w.bodies) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		rw.Header().Set("Content-Security-Policy-Report-Only", "default-src 'none'; script-src 'nonce-watch'; style-src 'unsafe-inline'; connect-src http://"+pageHost+"/watch/")
		_, _ = fmt.Fprintf(rw, pageFrame, n, w.bodies[n])
		return true
	}
	switch r.URL.Path {
	case "/watch/script":
		w.note(&w.report.Scripts, r.URL.Query().Get("what"))
	case "/watch/load":
		w.note(&w.report.Requests, r.URL.Query().Get("what"))
	case "/watch/dom":
		w.dom(r)
	default:
		return false
	}
	return true
}

// dom reads pairs of an id and its HTML, each ended by a NUL.
func (w *web) dom(r *http.Request) {
	n, err := strconv.Atoi(r.URL.Query().Get("n"))
	if err != nil {
		return
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	if err != nil {
		return
	}
	got := map[string]string{}
	fields := strings.Split(string(b), "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		got[fields[i]] = fields[i+1]
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report.DOM[n] = got
}

// pageFrame stands around a body: a watcher before it, and after it one that
// reads what became of it. The load event of the frame waits for that answer.
const pageFrame = `<!DOCTYPE html><html><head><script nonce=watch>
(() => {
	const page = %d, send = window.fetch.bind(window);
	const tell = (kind, what) => send("/watch/" + kind + "?what=" + encodeURIComponent(what), {keepalive: true}).catch(() => {});
	for (const name of ["alert", "confirm", "prompt", "print", "open"])
		window[name] = () => { tell("script", name); return null; };
	document.addEventListener("securitypolicyviolation", (e) => {
		const kind = e.effectiveDirective.startsWith("script-src") ? "script" : "load";
		tell(kind, e.effectiveDirective + " " + e.blockedURI + " " + e.sample);
	});
	document.addEventListener("DOMContentLoaded", () => {
		const out = [];
		for (const el of document.querySelectorAll("body > div[id^=p]")) out.push(el.id, el.innerHTML);
		const ask = new XMLHttpRequest();
		ask.open("POST", "/watch/dom?n=" + page, false);
		ask.send(out.join("\0") + "\0");
	});
})();
</script></head><body>
%s
</body></html>`
