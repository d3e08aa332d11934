package ticket_test

import (
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

func TestBrake(t *testing.T) {
	n := func(a, b, c int) ticket.AutoReplies { return ticket.AutoReplies{Ticket: a, Address: b, Mailbox: c} }
	for _, c := range []struct {
		b    ticket.Brake
		n    ticket.AutoReplies
		want string
	}{
		{ticket.Brake{}, n(0, 0, 0), ""},
		{ticket.Brake{}, n(1, 9, 499), ""},
		{ticket.Brake{}, n(2, 2, 2), ticket.BrakeTicket},
		{ticket.Brake{}, n(0, 10, 10), ticket.BrakeAddress},
		{ticket.Brake{}, n(0, 0, 500), ticket.BrakeMailbox},
		{ticket.Brake{PerTicket: 5, PerAddress: 5, PerMailbox: 9}, n(4, 4, 8), ""},
		{ticket.Brake{PerTicket: 5, PerAddress: 5, PerMailbox: 9}, n(4, 5, 8), ticket.BrakeAddress},
		{ticket.Brake{PerMailbox: -1}, n(0, 0, 0), ticket.BrakeMailbox},
	} {
		if got := c.b.Stops(c.n); got != c.want {
			t.Errorf("%+v after %+v: %q, want %q", c.b, c.n, got, c.want)
		}
	}
	if at := (ticket.Brake{}).Since(noon); !at.Equal(noon.Add(-3 * time.Hour)) {
		t.Errorf("the window begins at %s", at)
	}
}

func TestAnswerable(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*ticket.Message)
		want bool
	}{
		"a person":         {func(*ticket.Message) {}, true},
		"an absence":       {func(m *ticket.Message) { m.Kind = ticket.KindOutOfOffice }, false},
		"a list":           {func(m *ticket.Message) { m.Kind = ticket.KindList }, false},
		"our own mail":     {func(m *ticket.Message) { m.Kind = ticket.KindOwn }, false},
		"an agent":         {func(m *ticket.Message) { m.Direction = ticket.Out }, false},
		"somebody pending": {func(m *ticket.Message) { m.Match.Standing = ticket.StandingPending }, false},
		"somebody forged":  {func(m *ticket.Message) { m.Match.Standing = ticket.StandingUnverified }, false},
		"an old mail":      {func(m *ticket.Message) { m.Provenance.Source = ticket.SourceBackfill }, false},
	} {
		m := ticket.Message{Direction: ticket.In, Kind: ticket.KindPerson, Match: ticket.Trace{Standing: ticket.StandingParticipant}}
		if c.edit(&m); ticket.Answerable(m) != c.want {
			t.Errorf("%s: answerable %v", name, !c.want)
		}
	}
}

func TestRobot(t *testing.T) {
	for addr, want := range map[string]bool{
		"noreply@shop.example": true, "No-Reply@shop.example": true, "do_not_reply@shop.example": true, "no.reply.orders@shop.example": true,
		"MAILER-DAEMON@mx.example": true, "postmaster@mx.example": true, "bounces+ann=customer.example@list.example": true, "owner-friends@list.example": true,
		"friends-request@list.example": true, "ikke-svar@firma.example": true, "noreply+17@shop.example": true,
		"ann@customer.example": false, "reply@customer.example": false, "owner@firm.example": false, "nora.reply@customer.example": false,
		"ann+shop@customer.example": false, "bounceback@band.example": false, "": false, "@": false,
	} {
		if ticket.Robot(addr) != want {
			t.Errorf("%s: a robot: %v", addr, !want)
		}
	}
}
