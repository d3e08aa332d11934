// Verify checks receipts of erasures and prints what they say.
//
//	go run ./examples/verify -key KEYFILE RECEIPT...
//
// KEYFILE has the public keys of those who may have issued a receipt, one a
// line, as privacy.Signer.PublicKey writes them; get it from where they publish
// it, not from where the receipt came from. Empty lines and lines that begin
// with # are skipped. No database, no key of the helpdesk and no network is
// needed.
//
// The exit code is 0 if every receipt is genuine, 1 if one is not or cannot be
// read, 2 if the program was called wrongly. A genuine receipt may tell of an
// erasure that was late or is incomplete: read it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/helpdesk-go/helpdesk/privacy"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program without the process around it.
func run(args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("verify", flag.ContinueOnError)
	flags.SetOutput(errs)
	keyFile := flags.String("key", "", "file with the public keys of the issuer, one a line")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if *keyFile == "" || flags.NArg() == 0 {
		fmt.Fprintln(errs, "usage: verify -key KEYFILE RECEIPT...")
		return 2
	}
	keys, err := readKeys(*keyFile)
	if err != nil {
		fmt.Fprintln(errs, "verify:", err)
		return 2
	}
	code := 0
	for _, path := range flags.Args() {
		if !show(path, keys, out) {
			code = 1
		}
	}
	return code
}

// readKeys reads a file of public keys and checks that each can be used, so
// that a mistake in it does not look like a forged receipt.
func readKeys(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var keys []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			keys = append(keys, line)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s has no key", path)
	}
	if _, err := privacy.OpenSigned(nil, keys...); errors.Is(err, privacy.ErrSigningKey) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// show prints one receipt and reports whether it is genuine. Of one that is
// not, nothing is shown: what it says is nobody's word.
func show(path string, keys []string, out io.Writer) bool {
	signed, err := os.ReadFile(path)
	if err != nil {
		fmt.Fprintf(out, "%s: NOT READ: %v\n\n", path, err)
		return false
	}
	receipt, err := privacy.VerifyReceipt(signed, keys...)
	if err != nil {
		fmt.Fprintf(out, "%s: NOT GENUINE: %v\n\n", path, err)
		return false
	}
	fmt.Fprintf(out, "%s: genuine, the signature holds.\n\n%s\n", path, receipt.Text())
	return true
}
