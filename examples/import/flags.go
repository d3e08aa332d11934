package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/helpdesk-go/helpdesk/mailbox/archive"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// settings are what the command line says.
type settings struct {
	store, keys string
	json        bool
	tenant      ticket.TenantID
	account     archive.Account
	names       names
}

// usageError is a mistake in how the program was called.
type usageError string

func (u usageError) Error() string { return string(u) }

func (s *settings) set() *flag.FlagSet {
	fs := flag.NewFlagSet("import", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are said in one line, by run
	fs.StringVar(&s.store, "store", "", "PostgreSQL to import into, as postgres://...; empty is memory, which shows what would be imported")
	fs.StringVar(&s.keys, "keys", "helpdesk.keys", "file of the keys that the content of -store is sealed with; made on first use")
	fs.BoolVar(&s.json, "json", false, "report each mail and the sum as JSON, one object a line")
	fs.StringVar((*string)(&s.tenant), "tenant", "import", "the tenant that the mail belongs to")
	fs.StringVar(&s.account.Email, "email", "import@archive.invalid", "address that the mail was sent to")
	return fs
}

// parseFlags returns flag.ErrHelp when the flags were asked for.
func parseFlags(args []string) (settings, error) {
	var s settings
	fs := s.set()
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return s, err
	case err != nil:
		return s, usageError(err.Error() + " (-help lists the flags)")
	case fs.NArg() == 0:
		return s, usageError("no path: name the files and folders to import (-help lists the flags)")
	}
	given := map[string]bool{}
	fs.Visit(func(x *flag.Flag) { given[x.Name] = true })
	switch {
	case given["store"] && !strings.HasPrefix(s.store, "postgres://") && !strings.HasPrefix(s.store, "postgresql://"):
		return s, usageError("-store is a connection string such as postgres://user@localhost/helpdesk")
	case given["keys"] && s.store == "":
		return s, usageError("-keys is for -store: without it keys live as long as the program")
	case s.tenant.Validate() != nil:
		return s, usageError("-tenant is 1 to 255 characters")
	}
	return s, s.paths(fs.Args())
}

// paths makes the account of the paths.
func (s *settings) paths(args []string) error {
	for _, arg := range args {
		if arg == "" { // which would be the current folder
			return usageError("a path is empty")
		}
		abs, err := filepath.Abs(arg)
		if err != nil {
			return err
		}
		if _, err := os.Stat(abs); errors.Is(err, fs.ErrNotExist) {
			return usageError(fmt.Sprintf("no such path: %q", arg))
		} else if err != nil {
			return err
		}
		s.account.Paths = append(s.account.Paths, abs)
		s.names = append(s.names, name{given: arg, abs: abs})
	}
	if s.account.Validate() != nil {
		return usageError("-email is an address such as support@shop.example")
	}
	return nil
}

// names are the paths as they were given and what they mean.
type names []name

type name struct{ given, abs string }

// show writes an absolute path below one that was given as that one was.
func (n names) show(path string) string {
	best, shown := -1, path
	for _, one := range n {
		rest, ok := strings.CutPrefix(path, one.abs)
		if ok && len(one.abs) > best && (rest == "" || strings.ContainsRune("/#", rune(rest[0])) || os.IsPathSeparator(rest[0])) {
			best, shown = len(one.abs), strings.TrimSuffix(one.given, "/")+rest
		}
	}
	return shown
}

func printHelp(out io.Writer) {
	fmt.Fprint(out, "usage: import [flags] PATH...\n\nImports mail files, Maildir and mbox, told by content, as closed tickets.\n\n")
	fs := new(settings).set()
	fs.SetOutput(out)
	fs.PrintDefaults()
}
