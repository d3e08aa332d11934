package main

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// report is what -json prints of a file. Strings are UTF-8, what is absent is
// empty, times are RFC 3339.
type report struct {
	File       string     `json:"file"`
	Error      string     `json:"error"`
	Defects    []string   `json:"defects"`
	MessageID  string     `json:"message_id"`
	InReplyTo  []string   `json:"in_reply_to"`
	References []string   `json:"references"`
	Date       string     `json:"date"`
	Subject    string     `json:"subject"`
	From       address    `json:"from"`
	Sender     address    `json:"sender"`
	ReplyTo    []address  `json:"reply_to"`
	To         []address  `json:"to"`
	Cc         []address  `json:"cc"`
	Kind       string     `json:"kind"`
	Evidence   []string   `json:"kind_evidence"`
	Bounce     bounce     `json:"bounce"`
	Text       string     `json:"text"`
	Reply      string     `json:"reply"`
	HTML       string     `json:"html"`
	HTMLReply  string     `json:"html_reply"`
	Remote     int        `json:"remote_removed"`
	Forwarded  forwarded  `json:"forwarded"`
	Files      []file     `json:"attachments"`
	Invite     invite     `json:"invite"`
	Auth       authentics `json:"auth"`
}

type address struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

type bounce struct {
	Recipients []recipient `json:"recipients"`
	Original   string      `json:"original_message_id"`
}

type recipient struct {
	Address string `json:"address"`
	Status  string `json:"status"`
	Action  string `json:"action"`
	Hard    bool   `json:"hard"`
}

type forwarded struct {
	From    address   `json:"from"`
	To      []address `json:"to"`
	Subject string    `json:"subject"`
	Date    string    `json:"date"`
	Body    string    `json:"body"`
}

type file struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	Size      int64  `json:"size"`
	SHA256    string `json:"sha256"`
	Inline    bool   `json:"inline"`
	ContentID string `json:"content_id"`
}

type invite struct {
	Summary   string `json:"summary"`
	Start     string `json:"start"`
	End       string `json:"end"`
	Organizer string `json:"organizer"`
}

type authentics struct {
	SPF   string `json:"spf"`
	DKIM  string `json:"dkim"`
	DMARC string `json:"dmarc"`
}

// emptyReport has every list, so that none is null.
func emptyReport(path string) report {
	return report{
		File: strings.ToValidUTF8(path, "\uFFFD"), Defects: []string{}, InReplyTo: []string{}, References: []string{},
		ReplyTo: []address{}, To: []address{}, Cc: []address{}, Evidence: []string{},
		Bounce: bounce{Recipients: []recipient{}}, Forwarded: forwarded{To: []address{}}, Files: []file{},
	}
}

func reportOf(path string, u understood) report {
	in, r := u.mail, emptyReport(path)
	for _, d := range in.Defects {
		r.Defects = append(r.Defects, d.Code)
	}
	r.MessageID, r.Date, r.Subject = in.MessageID, stamp(in.Date), in.Subject
	r.InReplyTo, r.References = append(r.InReplyTo, in.InReplyTo...), append(r.References, in.References...)
	if len(in.From) > 0 {
		r.From = addressOf(in.From[0])
	}
	r.Sender, r.ReplyTo, r.To, r.Cc = addressOf(in.Sender), addresses(in.ReplyTo), addresses(in.To), addresses(in.Cc)
	r.Kind = strings.ReplaceAll(string(in.Kind), "-", "_")
	r.Evidence = append(r.Evidence, in.KindEvidence...)
	r.Text, r.Reply, r.HTML, r.HTMLReply, r.Remote = in.Text, in.Reply, u.html.String(), u.reply.String(), u.remote
	r.Auth = authentics{SPF: in.Auth.SPF, DKIM: in.Auth.DKIM, DMARC: in.Auth.DMARC}
	if b := in.Bounce; b != nil {
		r.Bounce.Original = b.OriginalMessageID
		for _, x := range b.Recipients {
			r.Bounce.Recipients = append(r.Bounce.Recipients, recipient(x))
		}
	}
	if f := in.Forwarded; f != nil {
		r.Forwarded = forwarded{From: addressOf(f.From), To: addresses(f.To), Subject: f.Subject, Date: stamp(f.Date), Body: f.Body}
	}
	if v := in.Invite; v != nil {
		r.Invite = invite{Summary: v.Summary, Start: stamp(v.Start), End: stamp(v.End), Organizer: v.Organizer.Addr}
	}
	for _, a := range in.Attachments {
		sum := sha256.Sum256(a.Content)
		r.Files = append(r.Files, file{
			Name: a.Name, Type: a.Type, Size: a.Size, SHA256: hex.EncodeToString(sum[:]), Inline: a.Inline, ContentID: a.ContentID,
		})
	}
	return r
}

func addressOf(a ticket.Address) address { return address{Name: a.Name, Address: a.Addr} }

func addresses(list []ticket.Address) []address {
	out := make([]address, 0, len(list))
	for _, a := range list {
		out = append(out, addressOf(a))
	}
	return out
}
