package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/soak/proof"
)

// state is a soak of one commit, as far as it has come. It is saved after each
// batch, so that a soak which is ended in any way goes on with the next one.
type state struct {
	Commit    string                  `json:"commit"`
	Started   time.Time               `json:"started"`
	Campaigns map[string]*proof.Tally `json:"campaigns"`

	path string
}

// load reads the state of a commit from a folder, or begins one.
func load(dir, commit string, now time.Time) (*state, error) {
	s := &state{Commit: commit, Started: now, Campaigns: map[string]*proof.Tally{}, path: filepath.Join(dir, commit+".json")}
	text, err := os.ReadFile(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return nil, err
	}
	if err := json.Unmarshal(text, s); err != nil || s.Commit != commit || s.Campaigns == nil {
		return nil, fmt.Errorf("soak: %s is no state of this commit: remove it to begin again", s.path)
	}
	return s, nil
}

// tally returns what a campaign has come to.
func (s *state) tally(name string) *proof.Tally {
	if s.Campaigns[name] == nil {
		s.Campaigns[name] = &proof.Tally{}
	}
	return s.Campaigns[name]
}

// save replaces the file as a whole: one that is killed leaves the old one.
func (s *state) save() error {
	text, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o755); err != nil {
		return err
	}
	tmp := s.path + ".new"
	if err := os.WriteFile(tmp, text, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, s.path)
}
