package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/testpg"
)

// built is the directory of the program, once it was built.
var built string

// program builds the program once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "inbox")
	if err != nil {
		return "", err
	}
	built = dir
	bin := filepath.Join(dir, "inbox")
	if runtime.GOOS == "windows" {
		bin += ".exe"
	}
	out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return bin, nil
})

func TestMain(m *testing.M) {
	code := testpg.Run(m)
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

// TestExitCodes: what goes wrong is said in one line and by the exit code.
func TestExitCodes(t *testing.T) {
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	free := []string{"-addr", "127.0.0.1:0", "-smtp", "127.0.0.1:0"}
	mine := append(free[:2:2], "-imap", "127.0.0.1:1", "-tls", "none", "-smtp-server", "127.0.0.1:1", "-email", "me@desk.example")
	mine = slices.Clip(mine) // appending makes copies
	for name, tt := range map[string]struct {
		args []string
		env  string
		code int
		says string
	}{
		"unknown flag":        {args: []string{"-nonsense"}, code: 2, says: "nonsense"},
		"bad value":           {args: []string{"-since", "soon"}, code: 2, says: "since"},
		"argument":            {args: []string{"please"}, code: 2, says: "please"},
		"empty store":         {args: append(free, "-store", ""), code: 2, says: "-store"},
		"other store":         {args: append(free, "-store", "mysql://x"), code: 2, says: "postgres://"},
		"bad DSN":             {args: append(free, "-store", "postgres://u:secret@localhost:notaport/x"), code: 2, says: "connection string"},
		"bad sslmode":         {args: append(free, "-store", "postgres://u:secret@localhost/x?sslmode=nonsense"), code: 2, says: "sslmode"},
		"DSN without TLS":     {args: append(free, "-store", "postgres://u:secret@db.example/x?sslmode=disable"), code: 2, says: "TLS"},
		"dead database":       {args: append(free, "-store", "postgres://u:secret@127.0.0.1:1/x"), code: 1},
		"keys without store":  {args: append(free, "-keys", "x"), code: 2, says: "-keys"},
		"no password":         {args: mine, code: 2, says: passwordEnv},
		"dead server":         {args: mine, env: "secret", code: 1, says: "mailbox"},
		"bad tls":             {args: append(mine, "-tls", "some"), env: "secret", code: 2, says: "-tls"},
		"bad address":         {args: append(mine, "-email", "nobody"), env: "secret", code: 2, says: "Email"},
		"lonely email":        {args: append(free, "-email", "a@b.example"), code: 2, says: "-imap"},
		"public":              {args: append(free, "-addr", "0.0.0.0:0"), code: 2, says: "-open"},
		"bad listen address":  {args: append(free, "-addr", "nowhere"), code: 2, says: "-addr"},
		"page's port taken":   {args: append(free, "-addr", taken.Addr().String()), code: 1, says: "-addr"},
		"SMTP's port taken":   {args: append(free, "-smtp", taken.Addr().String()), code: 1, says: "-smtp"},
		"SMTP not loopback":   {args: append(free, "-smtp", "0.0.0.0:0"), code: 2, says: "loopback"},
		"nobody as the agent": {args: append(free, "-agent", ""), code: 2, says: "-agent"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, bin, tt.args...)
			cmd.Dir = t.TempDir()
			cmd.Env = append(os.Environ(), passwordEnv+"="+tt.env)
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			_ = cmd.Run()
			if code := cmd.ProcessState.ExitCode(); code != tt.code {
				t.Errorf("exit code %d, want %d: %s", code, tt.code, errs.String())
			}
			said := errs.String()
			if strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "inbox: ") || !strings.Contains(said, tt.says) {
				t.Errorf("said %q", said)
			}
			if strings.Contains(said, "secret") || out.Len() > 0 {
				t.Errorf("said too much: %q %q", said, out.String())
			}
		})
	}
}

// TestStop: an interrupted program ends in order, and -help is no mistake.
func TestStop(t *testing.T) {
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(bin, "-help").Output(); err != nil || !strings.Contains(string(out), "-store") {
		t.Errorf("-help: %v %q", err, out)
	}
	if runtime.GOOS == "windows" {
		t.Skip("no interrupts between processes")
	}
	cmd := exec.Command(bin, "-addr", "127.0.0.1:0", "-smtp", "127.0.0.1:0")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 4096)
	n, _ := out.Read(first)
	if said := string(first[:n]); !strings.Contains(said, "http://127.0.0.1:") {
		t.Errorf("said %q", said)
	}
	time.Sleep(200 * time.Millisecond)
	_ = cmd.Process.Signal(os.Interrupt)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil || errs.Len() > 0 {
			t.Errorf("stopped with %v: %s", err, errs.String())
		}
	case <-time.After(15 * time.Second):
		_ = cmd.Process.Kill()
		t.Error("it does not stop")
	}
}
