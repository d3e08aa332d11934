package extending

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
)

// Account connects a drop folder; see [Provider].
type Account struct {
	// Dir is the folder, as an absolute path. It exists; its subfolders are
	// made when it is opened.
	Dir string `json:"dir"`
	// Email is the address that mail in the folder is sent to.
	Email string `json:"email"`
	// Name is the display name of replies, or empty.
	Name string `json:"name,omitempty"`
}

// Provider implements mailbox.Account.
func (Account) Provider() string { return "drop" }

// Identity implements mailbox.Account. It leaves Email and Name out: with
// another address the same folder is still the same mailbox.
func (a Account) Identity() string { return filepath.Clean(a.Dir) }

// Address implements mailbox.Account.
func (a Account) Address() (name, addr string) { return a.Name, a.Email }

// MarshalBinary implements mailbox.Account.
func (a Account) MarshalBinary() ([]byte, error) { return json.Marshal(a) }

// Validate implements mailbox.Account.
func (a Account) Validate() error {
	local, domain, _ := strings.Cut(a.Email, "@")
	switch {
	case !filepath.IsAbs(a.Dir):
		return errors.New("extending: Account.Dir is not absolute: write the whole path of the folder")
	case local == "" || domain == "" || strings.ContainsAny(a.Email, "<> \r\n") || strings.Contains(domain, "@"):
		return errors.New("extending: Account.Email is no address: write local@domain")
	}
	return nil
}

func parseAccount(b []byte) (a Account, err error) {
	if json.Unmarshal(b, &a) != nil || a.Validate() != nil {
		return a, errAccount
	}
	return a, nil
}
