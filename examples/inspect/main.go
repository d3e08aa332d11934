// Inspect shows what the library makes of mails.
//
//	go run ./examples/inspect [-json] [-text] [-bench] FILE|DIR...
//
// A folder is walked, and each regular file in it is read as one mail. With
// -json there is one object a line, with every key in every line; see [report].
// With -text a file whose name ends in .txt is not a mail but the plain text of
// one. With -bench nothing is shown but how fast the files were understood.
//
// The exit code is 0, or 1 if a file could not be read, or 2 if the program was
// called wrongly. No mail makes it fail.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are what was asked for.
type options struct {
	json, text, bench bool
	paths             []string
}

// run is the program without the process around it.
func run(args []string, out, errs io.Writer) int {
	o, err := parseFlags(args, errs)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	files, err := list(o.paths)
	if err != nil {
		fmt.Fprintln(errs, "inspect:", err)
		return 2
	}
	if o.bench {
		return bench(files, o, out, errs)
	}
	w := bufio.NewWriter(out)
	code := show(files, o, w)
	if err := w.Flush(); err != nil {
		fmt.Fprintln(errs, "inspect:", err)
		return 1
	}
	return code
}

func parseFlags(args []string, errs io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("inspect", flag.ContinueOnError)
	fs.SetOutput(errs)
	fs.BoolVar(&o.json, "json", false, "print one JSON object a line")
	fs.BoolVar(&o.text, "text", false, "take a .txt file for the plain text of a mail")
	fs.BoolVar(&o.bench, "bench", false, "print mails per second, MB/s and allocations per mail")
	fs.Usage = func() {
		fmt.Fprintln(errs, "usage: inspect [-json] [-text] [-bench] FILE|DIR...")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if o.paths = fs.Args(); len(o.paths) == 0 {
		fs.Usage()
		return o, errors.New("no file")
	}
	return o, nil
}

// show writes the reports in the order of the files and returns the exit code.
func show(files []string, o options, w io.Writer) int {
	code := 0
	enc := json.NewEncoder(oneLine{w})
	enc.SetEscapeHTML(false)
	for r := range inspect(files, o) {
		if r.Error != "" {
			code = 1
		}
		if o.json {
			// It fails where w does, which Flush will say.
			_ = enc.Encode(r)
		} else {
			readable(w, r)
		}
	}
	return code
}

// oneLine escapes the one character that JSON leaves as it is and that some
// readers end a line at: NEXT LINE, U+0085.
type oneLine struct{ w io.Writer }

func (o oneLine) Write(b []byte) (int, error) {
	if _, err := o.w.Write(bytes.ReplaceAll(b, []byte("\u0085"), []byte(`\u0085`))); err != nil {
		return 0, err
	}
	return len(b), nil
}
