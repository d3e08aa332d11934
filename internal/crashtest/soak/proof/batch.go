// Package proof is what a soak writes down: the batches that test binaries
// report, and the page in docs/proofs that is made of them.
package proof

import (
	"encoding/json"
	"fmt"
	"os"
)

// Batch is what one run of a test binary did with some seeds. Figures of seeds
// that were invalid are not in it.
type Batch struct {
	// Fired counts the faults that really happened, by point.
	Fired map[string]int `json:"fired,omitempty"`
	// Points are those that the campaign aims at, so that one that never fired
	// is seen to be missing.
	Points []string `json:"points,omitempty"`
	// Ended counts what became of the work, such as replies by state.
	Ended map[string]int `json:"ended,omitempty"`
	// Invalid are the seeds whose planned faults did not fire: they prove
	// nothing.
	Invalid []Invalid `json:"invalid,omitempty"`
	// Violations are the promises that were broken.
	Violations []Violation `json:"violations,omitempty"`
	// Planted are the bugs that were put in on purpose, by which the harness
	// shows that it sees.
	Planted []Planted `json:"planted,omitempty"`
}

// Invalid is a seed that does not count.
type Invalid struct {
	Seed int64  `json:"seed"`
	Why  string `json:"why"`
}

// Violation is a broken promise. Detail holds ids and counts, no content.
type Violation struct {
	Seed      int64  `json:"seed"`
	Invariant string `json:"invariant"`
	Detail    string `json:"detail"`
	// Again is the command that repeats the seed.
	Again string `json:"again"`
}

// Planted is a bug that was put in on purpose.
type Planted struct {
	Bug string `json:"bug"`
	// Found tells whether a violation showed it, Seeds how many seeds that
	// took or were tried, Invariant which promise showed it.
	Found     bool   `json:"found"`
	Seeds     int    `json:"seeds"`
	Invariant string `json:"invariant,omitempty"`
}

// Write stores a batch for the soak that asked for it.
func (b Batch) Write(path string) error {
	text, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("proof: %w", err)
	}
	return os.WriteFile(path, text, 0o600)
}

// Read reads what Write stored.
func Read(path string) (b Batch, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return b, fmt.Errorf("proof: the test binary left no result: %w", err)
	}
	if err := json.Unmarshal(text, &b); err != nil {
		return b, fmt.Errorf("proof: the test binary's result cannot be read: %w", err)
	}
	return b, nil
}
