package privacy

import "errors"

// Profile is the set of promises a deployment makes and the gates that hold it
// to them. Its name stands in health and in receipts, so that no deployment
// can claim more than it does.
type Profile interface {
	// Name is a constant.
	Name() string
	// Check returns an error naming the field to mend if a desk that is set
	// up like this cannot keep the promises.
	Check(s Setup) error
}

// Setup is what a profile looks at before a desk starts.
type Setup struct {
	// KeysDurable and LogDurable tell whether keys and access log outlive the
	// process.
	KeysDurable, LogDurable bool
	// Authorizes tells whether the host decides about each access.
	Authorizes bool
}

// Development is the profile of the zero configuration: everything is sealed
// and logged, nothing is demanded.
type Development struct{}

// Name implements Profile.
func (Development) Name() string { return "development" }

// Check implements Profile. It demands nothing.
func (Development) Check(Setup) error { return nil }

// Production demands what the promises rest on: keys and an access log that
// outlive the process, and a host that decides who may open what.
type Production struct{}

// Name implements Profile.
func (Production) Name() string { return "production" }

// Check implements Profile.
func (Production) Check(s Setup) error {
	switch {
	case !s.KeysDurable:
		return errors.New("production: Keys must outlive the process: use KeyFile or KeyStore")
	case !s.LogDurable:
		return errors.New("production: AccessLog must outlive the process: use a durable store or log")
	case !s.Authorizes:
		return errors.New("production: Authorize is nil: decide who may open what")
	}
	return nil
}
