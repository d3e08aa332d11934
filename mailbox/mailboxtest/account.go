package mailboxtest

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// Account connects a mailbox of a [Fake].
type Account struct {
	// User is the login and names the mailbox at the Fake.
	User string `json:"user"`
	// Email is the mailbox's address. Empty means User.
	Email string `json:"email,omitempty"`
	// Name is the display name of replies.
	Name string `json:"name,omitempty"`
	// Password is any text, until [Fake.SetPassword] was called.
	Password string `json:"password"`
	// ProviderName is FakeOptions.Name; empty means "fake".
	ProviderName string `json:"provider,omitempty"`
	// AuthservID is under which the Fake is said to check senders; empty
	// believes nobody.
	AuthservID string `json:"authserv_id,omitempty"`
}

// Provider implements mailbox.Account.
func (a Account) Provider() string {
	if a.ProviderName == "" {
		return "fake"
	}
	return a.ProviderName
}

// Identity implements mailbox.Account.
func (a Account) Identity() string { return strings.ToLower(a.User) }

// Address implements mailbox.Account.
func (a Account) Address() (name, addr string) {
	if a.Email == "" {
		return a.Name, a.User
	}
	return a.Name, a.Email
}

// TrustedHop implements mailbox.Truster.
func (a Account) TrustedHop() mailbox.Hop {
	if a.AuthservID == "" {
		return mailbox.Hop{}
	}
	return mailbox.Hop{AuthservIDs: []string{a.AuthservID}}
}

// MarshalBinary implements mailbox.Account.
func (a Account) MarshalBinary() ([]byte, error) { return json.Marshal(a) }

// Validate implements mailbox.Account.
func (a Account) Validate() error {
	_, addr := a.Address()
	switch {
	case a.User == "":
		return errors.New("mailboxtest: Account.User is empty: set the login")
	case strings.Count(addr, "@") != 1:
		return errors.New("mailboxtest: Account.Email is no address: write local@domain")
	case a.Password == "":
		return errors.New("mailboxtest: Account.Password is empty: set any text")
	}
	return nil
}

func parseAccount(b []byte) (Account, error) {
	var a Account
	if err := json.Unmarshal(b, &a); err != nil {
		return a, err
	}
	return a, a.Validate()
}
