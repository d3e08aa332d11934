package retention

import "errors"

// ErrConfig is wrapped by every [ConfigError]. Mend: correct the field that
// the error names.
var ErrConfig = errors.New("retention: misconfigured policy: correct the field named in the error")

// ConfigError says which field of which policy cannot be meant.
type ConfigError struct {
	Policy  string // type of the policy, such as "ClosedAfter"
	Field   string // its field, such as "After"
	Problem string // what is wrong, such as "is negative"
}

// Error returns the policy, the field and the problem in one line.
func (e *ConfigError) Error() string {
	return "retention: " + e.Policy + "." + e.Field + " " + e.Problem
}

// Unwrap returns [ErrConfig].
func (e *ConfigError) Unwrap() error { return ErrConfig }

// Validator is what a policy implements if its configuration can be wrong.
type Validator interface {
	// Validate returns an error that wraps [ErrConfig] and names the field,
	// or nil. It has no effect and may be called at any time.
	Validate() error
}

// Validate checks a policy at start-up: one that is nil or whose own Validate
// refuses returns an error that wraps [ErrConfig]. A policy without a Validate
// method passes.
func Validate(p Policy) error {
	if p == nil {
		return &ConfigError{Policy: "Policy", Field: "value", Problem: "is nil"}
	}
	if v, ok := p.(Validator); ok {
		return v.Validate()
	}
	return nil
}
