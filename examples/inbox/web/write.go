package web

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// formMemory is how much of an upload is held in memory; the rest is on disk.
const formMemory = 8 << 20

// parseForm reads a form of at most a size.
func (v *visit) parseForm(most int64) error {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, most)
	err := v.r.ParseForm()
	if err == nil {
		err = v.r.ParseMultipartForm(formMemory)
	}
	if errors.Is(err, http.ErrNotMultipart) {
		return nil
	}
	var large *http.MaxBytesError
	if err != nil && !errors.As(err, &large) {
		return badForm("The form did not arrive whole. Send it again.")
	}
	return err
}

// smallForm is for forms without files.
const smallForm = 1 << 20

// files reads the uploaded files.
func (v *visit) files() ([]helpdesk.File, error) {
	if v.r.MultipartForm == nil {
		return nil, nil
	}
	var out []helpdesk.File
	for _, h := range v.r.MultipartForm.File["file"] {
		if h.Size == 0 && h.Filename == "" {
			continue
		}
		f, err := h.Open()
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(f)
		_ = f.Close()
		if err != nil {
			return nil, err
		}
		out = append(out, helpdesk.File{Name: h.Filename, Type: h.Header.Get("Content-Type"), Content: b})
	}
	return out, nil
}

// refused reports whether an error is about what the agent wrote, so that the
// form is shown again with it.
func refused(err error) bool {
	code := helpdesk.HTTPStatus(err)
	return code == http.StatusBadRequest || code == http.StatusConflict || code == http.StatusRequestEntityTooLarge
}

func (s *site) reply(v *visit) error {
	id, err := v.pathID("ticket")
	if err != nil {
		return err
	}
	if err := v.parseForm(s.opts.MaxUpload); err != nil {
		return err
	}
	r := helpdesk.Reply{Text: v.r.PostFormValue("text"), Status: ticket.Status(v.r.PostFormValue("status"))}
	if r.Status != "" && !r.Status.Valid() {
		return badForm("There is no such status.")
	}
	if r.Files, err = v.files(); err != nil {
		return err
	}
	if r.To, err = addresses(v.r.PostFormValue("to")); err == nil {
		var made ticket.ID
		if made, err = v.tenant.Reply(v.ctx, id, r); err == nil {
			return s.to(v, ticketPath(id)+"#m-"+made.String())
		}
	}
	if !refused(err) {
		return err
	}
	return s.showTicket(v, draft{Reply: r.Text, Error: say(err), Code: helpdesk.HTTPStatus(err)})
}

func (s *site) note(v *visit) error {
	id, err := v.pathID("ticket")
	if err != nil {
		return err
	}
	if err := v.parseForm(smallForm); err != nil {
		return err
	}
	n := helpdesk.Note{Text: v.r.PostFormValue("text")}
	made, err := v.tenant.AddNote(v.ctx, id, n)
	switch {
	case err == nil:
		return s.to(v, ticketPath(id)+"#m-"+made.String())
	case refused(err):
		return s.showTicket(v, draft{Note: n.Text, Error: say(err), Code: helpdesk.HTTPStatus(err)})
	}
	return err
}

// change does one thing to a ticket and returns to it.
func (s *site) change(v *visit, do func(id ticket.ID) error) error {
	id, err := v.pathID("ticket")
	if err != nil {
		return err
	}
	if err := v.parseForm(smallForm); err != nil {
		return err
	}
	if err := do(id); err != nil {
		return err
	}
	return s.to(v, ticketPath(id))
}

func (s *site) assign(v *visit) error {
	return s.change(v, func(id ticket.ID) error {
		to := ticket.AgentID(strings.TrimSpace(v.r.PostFormValue("agent")))
		switch v.r.PostFormValue("to") {
		case "me":
			to = v.who.Agent
		case "nobody":
			to = ""
		default:
			if to.Validate() != nil {
				return badForm("Write the id of the agent who is to have the ticket.")
			}
		}
		return v.tenant.Assign(v.ctx, id, to)
	})
}

func (s *site) status(v *visit) error {
	return s.change(v, func(id ticket.ID) error {
		to := ticket.Status(v.r.PostFormValue("status"))
		if !to.Valid() {
			return badForm("There is no such status.")
		}
		return v.tenant.SetStatus(v.ctx, id, to)
	})
}

// tagMost is the longest tag, in bytes.
const tagMost = 60

func (s *site) tags(v *visit) error {
	return s.change(v, func(id ticket.ID) error {
		add := strings.FieldsFunc(v.r.PostFormValue("add"), func(r rune) bool { return r == ',' || r == ' ' })
		for i := range add {
			if add[i] = strings.ToLower(plain(add[i])); len(add[i]) > tagMost {
				return badForm("A tag is one short word.")
			}
		}
		remove := slices.DeleteFunc(v.r.PostForm["remove"], func(s string) bool { return s == "" })
		return v.tenant.Tag(v.ctx, id, add, remove)
	})
}

// delivery is a person's decision about a reply that may not have arrived.
func (s *site) delivery(v *visit) error {
	return s.change(v, func(ticket.ID) error {
		msg, err := v.pathID("message")
		if err != nil {
			return err
		}
		switch v.r.PostFormValue("decide") {
		case "again":
			return v.tenant.SendAgain(v.ctx, msg)
		case "sent":
			return v.tenant.MarkSent(v.ctx, msg)
		case "cancel":
			return v.tenant.CancelReply(v.ctx, msg)
		}
		return badForm("There is no such decision.")
	})
}

type newPage struct {
	Base                     base
	Mailboxes                []helpdesk.Mailbox
	Mailbox                  string
	To, Subject, Text, Error string
}

func (s *site) newTicket(v *visit) error { return s.showNew(v, newPage{}, http.StatusOK) }

func (s *site) showNew(v *visit, p newPage, code int) error {
	boxes, err := v.tenant.Mailboxes(v.ctx)
	if err != nil {
		return err
	}
	p.Base, p.Mailboxes = base{Site: s, Who: v.who, Here: "new"}, connected(boxes)
	s.pages.render(v.w, code, "new", p)
	return nil
}

func (s *site) startTicket(v *visit) error {
	if err := v.parseForm(s.opts.MaxUpload); err != nil {
		return err
	}
	p := newPage{
		To: v.r.PostFormValue("to"), Subject: strings.TrimSpace(v.r.PostFormValue("subject")),
		Text: v.r.PostFormValue("text"), Mailbox: v.r.PostFormValue("mailbox"),
	}
	n := helpdesk.NewTicket{Subject: p.Subject, Text: p.Text}
	var err error
	if n.Mailbox, err = ticket.ParseID(p.Mailbox); err != nil {
		return badForm("Choose the mailbox to send from.")
	}
	if n.Files, err = v.files(); err != nil {
		return err
	}
	if n.To, err = addresses(p.To); err == nil {
		var id ticket.ID
		if id, err = v.tenant.Start(v.ctx, n); err == nil {
			return s.to(v, ticketPath(id))
		}
	}
	if !refused(err) {
		return err
	}
	p.Error = say(err)
	return s.showNew(v, p, helpdesk.HTTPStatus(err))
}

// addresses reads recipients, separated by commas. None is none.
func addresses(list string) ([]helpdesk.Address, error) {
	var out []helpdesk.Address
	for part := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		a, err := rfc822.ParseAddress(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}
