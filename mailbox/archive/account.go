package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"path/filepath"
	"slices"
	"strings"
)

// Account is an archive that is read as a mailbox. It implements
// [mailbox.Account].
type Account struct {
	// Name is the display name of the mailbox.
	Name string
	// Email is the address that the mail was sent to. Nothing is sent from it.
	Email string
	// Paths are files and folders, absolute, in any order. Other paths are
	// another archive, whose mail is taken in anew.
	Paths []string
}

// accountV1 is the stored form. File names are bytes, which JSON strings are
// not.
type accountV1 struct {
	Version int      `json:"v"`
	Name    string   `json:"name,omitempty"`
	Email   string   `json:"email"`
	Paths   [][]byte `json:"paths"`
}

// Provider implements mailbox.Account.
func (a Account) Provider() string { return ProviderName }

// Identity implements mailbox.Account. It is where the archive lies.
func (a Account) Identity() string { return strings.Join(a.roots(), "\x00") }

// roots returns the paths in one order, without those that lie in others.
func (a Account) roots() []string {
	var all []string
	for _, p := range a.Paths {
		all = append(all, filepath.Clean(p))
	}
	slices.Sort(all)
	var out []string
	for _, p := range all {
		if !slices.ContainsFunc(out, func(above string) bool { return within(above, p) }) {
			out = append(out, p)
		}
	}
	return out
}

// within reports whether a path is a folder or lies in it.
func within(folder, p string) bool {
	sep := string(filepath.Separator)
	return p == folder || strings.HasPrefix(p, strings.TrimSuffix(folder, sep)+sep)
}

// Address implements mailbox.Account.
func (a Account) Address() (name, addr string) { return a.Name, a.Email }

// MarshalBinary implements mailbox.Account.
func (a Account) MarshalBinary() ([]byte, error) {
	v := accountV1{Version: 1, Name: a.Name, Email: a.Email}
	for _, p := range a.Paths {
		v.Paths = append(v.Paths, []byte(p))
	}
	return json.Marshal(v)
}

// UnmarshalBinary decodes what MarshalBinary made.
func (a *Account) UnmarshalBinary(b []byte) error {
	var v accountV1
	if err := json.Unmarshal(b, &v); err != nil {
		return errors.New("archive: the stored account is no JSON of this driver")
	}
	if v.Version != 1 {
		return fmt.Errorf("archive: the stored account has version %d, this driver knows 1", v.Version)
	}
	*a = Account{Name: v.Name, Email: v.Email}
	for _, p := range v.Paths {
		a.Paths = append(a.Paths, string(p))
	}
	return nil
}

// Validate implements mailbox.Account. It does no I/O.
func (a Account) Validate() error {
	if parsed, err := mail.ParseAddress(a.Email); err != nil || parsed.Address != a.Email {
		return errors.New("archive: Email is no address: give the one that the mail was sent to")
	}
	if len(a.Paths) == 0 {
		return errors.New("archive: Paths is empty: name the files and folders of the archive")
	}
	for _, p := range a.Paths {
		if !filepath.IsAbs(p) {
			return errors.New("archive: Paths holds a relative path, which means another file in another process: use filepath.Abs")
		}
	}
	return nil
}
