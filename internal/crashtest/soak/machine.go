package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/soak/proof"
)

// machine is what the soak ran on. What cannot be asked is "unknown".
func machine(ctx context.Context) []proof.Fact {
	postgres := "postgres"
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres"); len(found) > 0 {
		postgres = slices.Max(found)
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return []proof.Fact{
		{Name: "cores", Value: fmt.Sprint(runtime.NumCPU())},
		{Name: "system", Value: strings.TrimSpace(runtime.GOOS + "/" + runtime.GOARCH + " " + string(kernel))},
		{Name: "Go", Value: runtime.Version()},
		{Name: "PostgreSQL", Value: ask(ctx, postgres, "--version")},
		{Name: "Postfix", Value: ask(ctx, "postconf", "-d", "-h", "mail_version")},
		{Name: "Dovecot", Value: ask(ctx, "dovecot", "--version")},
	}
}

func ask(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil || first == "" {
		return "unknown"
	}
	return first
}

// git asks git for one answer.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", errors.Join(fmt.Errorf("soak: git %s", args[0]), err, errors.New(complaint.String()))
	}
	return strings.TrimSpace(string(out)), nil
}
