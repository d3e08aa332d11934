package proof

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Report is a soak of one commit.
type Report struct {
	Commit string `json:"commit"`
	// Dirty tells that the checkout had changes that are not in the commit.
	// They were not part of the soak, which is built from the commit alone.
	Dirty   bool      `json:"dirty"`
	Started time.Time `json:"started"`
	Written time.Time `json:"written"`
	// Machine is what it ran on, such as "Go" and "go1.26".
	Machine  []Fact    `json:"machine"`
	Sections []Section `json:"campaigns"`
}

// Fact is a line about the machine.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Section is a campaign in a report.
type Section struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Unit  string `json:"unit"`
	// Full is what the proof asks for, Planned what this soak was to do, Have
	// how far it came.
	Full    int `json:"full"`
	Planned int `json:"planned"`
	Have    int `json:"have"`
	// Missing is why it could not run, or empty.
	Missing string `json:"missing,omitempty"`
	Tally
}

// Status says in a few words how far a campaign is.
func (s Section) Status() string {
	switch {
	case s.Missing != "":
		return "not run: " + s.Missing
	case s.Have == 0 && len(s.Invalid)+len(s.Broken) > 0:
		return "nothing of it counts"
	case s.Have == 0:
		return "not run"
	case s.Have < s.Planned:
		return fmt.Sprintf("not complete: %d of %d", s.Have, s.Planned)
	case s.Have < s.Full:
		return fmt.Sprintf("scaled down to %d of %d", s.Have, s.Full)
	}
	for _, p := range s.Points {
		if s.Fired[p] == 0 {
			return "complete, but " + p + " and perhaps others never fired"
		}
	}
	return "complete"
}

// Bound is the failure rate that n independent tries without a failure leave
// possible at 95 % confidence (the rule of three), or a dash where there was a
// failure or no try.
func Bound(n, failures int) string {
	if n == 0 || failures > 0 {
		return "-"
	}
	return fmt.Sprintf("%.3g %%", min(100, 300/float64(n)))
}

// Failed reports whether anything was found, or a planted bug was not.
func (r Report) Failed() bool {
	for _, s := range r.Sections {
		if len(s.Violations) > 0 {
			return true
		}
		for _, p := range s.Planted {
			if !p.Found {
				return true
			}
		}
	}
	return false
}

// Name is the name of the report's files without their ends.
func (r Report) Name() string {
	return r.Started.UTC().Format("2006-01-02") + "-" + r.Commit[:min(7, len(r.Commit))]
}

// Write writes the report as a page and as JSON into a folder and returns the
// path of the page.
func (r Report) Write(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return "", err
	}
	base := filepath.Join(dir, r.Name())
	if err := os.WriteFile(base+".json", append(text, '\n'), 0o644); err != nil {
		return "", err
	}
	return base + ".md", os.WriteFile(base+".md", []byte(r.Markdown()), 0o644)
}
