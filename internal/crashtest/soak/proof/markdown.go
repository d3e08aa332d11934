package proof

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Markdown is the report as a page.
func (r Report) Markdown() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("# Soak of %s", r.Commit)
	p("")
	p("Begun %s, written %s. Built from the commit alone%s. How to read and repeat it: [README](README.md).",
		r.Started.UTC().Format(time.RFC3339), r.Written.UTC().Format(time.RFC3339), dirty(r.Dirty))
	p("")
	p("| machine | |")
	p("|---|---|")
	for _, f := range r.Machine {
		p("| %s | %s |", f.Name, f.Value)
	}
	p("")
	p("| campaign | asked for | done | seeds that count | violations | failure rate below (95 %%) | time | status |")
	p("|---|---|---|---|---|---|---|---|")
	for _, s := range r.Sections {
		if s.Have == 0 {
			p("| %s | %d %s | not run | - | - | - | - | %s |", s.Title, s.Full, s.Unit, s.Status())
			continue
		}
		bound := Bound(s.Have, len(s.Violations))
		if s.Planted != nil {
			bound = "-" // nothing was tried that often
		}
		p("| %s | %d %s | %d | %d | %d | %s | %v | %s |", s.Title, s.Full, s.Unit, s.Have, s.Runs(),
			len(s.Violations), bound, s.Took.Round(time.Second), s.Status())
	}
	for _, s := range r.Sections {
		s.markdown(p)
	}
	return b.String()
}

func dirty(d bool) string {
	if d {
		return "; the checkout had other changes, which were not part of it"
	}
	return ""
}

// markdown writes what a campaign did.
func (s Section) markdown(p func(format string, args ...any)) {
	p("")
	p("## %s", s.Title)
	p("")
	p("Status: %s.", s.Status())
	if s.Runs() == 0 && len(s.Broken) == 0 && len(s.Invalid) == 0 {
		return
	}
	p("Seeds %s; invalid, not counted: %d; batches without a result, not counted: %d.", ranges(s.Seeds), len(s.Invalid), len(s.Broken))
	s.planted(p)
	s.violations(p)
	if fired := s.fired(); len(fired) > 0 {
		p("")
		p("| fault that fired | times | failure rate below (95 %%) |")
		p("|---|---|---|")
		for _, name := range fired {
			switch n := s.Fired[name]; {
			case n == 0:
				p("| %s | never | - |", name)
			case slices.Contains(s.Points, name):
				p("| %s | %d | %s |", name, n, Bound(n, len(s.Violations)))
			default: // came by chance, to make it harder
				p("| %s | %d | |", name, n)
			}
		}
	}
	if len(s.Ended) > 0 {
		p("")
		p("| what became of it | times |")
		p("|---|---|")
		for _, name := range slices.Sorted(maps.Keys(s.Ended)) {
			p("| %s | %d |", name, s.Ended[name])
		}
	}
	for _, v := range s.Invalid {
		p("")
		p("Invalid: seed %d: %s", v.Seed, oneLine(v.Why))
	}
	for _, v := range s.Broken {
		p("")
		p("Without a result: seeds %d to %d: %s", v.From, v.To-1, oneLine(v.Why))
	}
}

func (s Section) planted(p func(format string, args ...any)) {
	if len(s.Planted) == 0 {
		return
	}
	p("")
	p("| planted bug | found | seeds | by |")
	p("|---|---|---|---|")
	for _, x := range s.Planted {
		found := "yes"
		if !x.Found {
			found = "**no**"
		}
		p("| %s | %s | %d | %s |", x.Bug, found, x.Seeds, x.Invariant)
	}
}

func (s Section) violations(p func(format string, args ...any)) {
	if len(s.Violations) == 0 {
		return
	}
	p("")
	p("| violation | seed | detail | again |")
	p("|---|---|---|---|")
	for _, v := range s.Violations[:min(len(s.Violations), violationsMost)] {
		p("| %s | %d | %s | `%s` |", v.Invariant, v.Seed, oneLine(v.Detail), v.Again)
	}
	if more := len(s.Violations) - violationsMost; more > 0 {
		p("")
		p("And %d more, in the JSON beside this page.", more)
	}
}

// violationsMost is how many a page shows.
const violationsMost = 50

// fired lists the faults that fired and the points that should have, in order.
func (s Section) fired() []string {
	names := append(slices.Collect(maps.Keys(s.Fired)), s.Points...)
	slices.Sort(names)
	return slices.Compact(names)
}

func ranges(rs []Range) string {
	var out []string
	for _, r := range rs {
		out = append(out, fmt.Sprintf("%d to %d", r.From, r.To-1))
	}
	if out == nil {
		return "none"
	}
	return strings.Join(out, ", ")
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.ReplaceAll(s, "|", "/")
}
