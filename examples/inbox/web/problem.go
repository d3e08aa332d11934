package web

import (
	"errors"
	"net/http"

	"github.com/helpdesk-go/helpdesk"
)

// fail answers an error of the library with its status and its text.
func (s *site) fail(w http.ResponseWriter, err error) {
	code := helpdesk.HTTPStatus(err)
	var large *http.MaxBytesError
	var bad badForm
	switch {
	case errors.As(err, &large):
		code = http.StatusRequestEntityTooLarge
	case errors.As(err, &bad):
		code = http.StatusBadRequest
	}
	s.problem(w, code, say(err))
}

// badForm is a form that no page of ours sends.
type badForm string

func (b badForm) Error() string { return string(b) }

// say puts an error into words for an agent.
func say(err error) string {
	var large *http.MaxBytesError
	var bad badForm
	switch {
	case errors.As(err, &large), errors.Is(err, helpdesk.ErrTooLarge):
		return "That is too large to be sent as a mail."
	case errors.As(err, &bad):
		return bad.Error()
	case errors.Is(err, helpdesk.ErrNotFound):
		return "There is nothing here, or it is not yours to see."
	case errors.Is(err, helpdesk.ErrEmpty):
		return "Write something first."
	case errors.Is(err, helpdesk.ErrNoRecipient):
		return "There is nobody to send this to: fill in the recipient."
	case errors.Is(err, helpdesk.ErrAddress):
		return "A recipient's address cannot be written to: check it."
	case errors.Is(err, helpdesk.ErrHeader):
		return "The subject or a file's name has characters that a mail cannot carry."
	case errors.Is(err, helpdesk.ErrStale), errors.Is(err, helpdesk.ErrState), errors.Is(err, helpdesk.ErrTransition):
		return "Somebody was faster: look at how it stands now, then decide again."
	case errors.Is(err, helpdesk.ErrFenced):
		return "The mailbox of this ticket is being disconnected."
	case errors.Is(err, helpdesk.ErrErased):
		return "This was erased and cannot be brought back."
	case errors.Is(err, helpdesk.ErrDenied):
		return "You may not see this."
	case errors.Is(err, helpdesk.ErrUnavailable), errors.Is(err, helpdesk.ErrAccessLog):
		return "The database does not answer. Nothing is lost: try again in a moment."
	}
	switch helpdesk.HTTPStatus(err) { // what a mail provider said
	case http.StatusRequestEntityTooLarge:
		return "That mail is larger than mails may be here."
	case http.StatusTooManyRequests:
		return "The mail provider asks to wait: try again later."
	case http.StatusUnprocessableEntity:
		return "The mail provider refuses this: look at the mailbox's health."
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return "The mail provider does not answer: try again in a moment."
	}
	return "Something went wrong. Nothing was changed: try again."
}

// problem answers with the page of errors.
func (s *site) problem(w http.ResponseWriter, code int, text string) {
	s.pages.render(w, code, "problem", problemPage{Base: base{Site: s}, Code: code, Name: http.StatusText(code), Text: text})
}

type problemPage struct {
	Base base
	Code int
	Name string
	Text string
}
