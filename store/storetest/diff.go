package storetest

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// same fails unless two values are the same to a caller: times as instants,
// nil and empty slices alike.
func (w *world) same(got, want any, what string) {
	w.Helper()
	if d := diff(reflect.ValueOf(got), reflect.ValueOf(want), ""); d != "" {
		w.Fatalf("%s: %s", what, d)
	}
}

func diff(got, want reflect.Value, path string) string {
	if got.Type() != want.Type() {
		return fmt.Sprintf("%s: type %v, want %v", path, got.Type(), want.Type())
	}
	if g, ok := got.Interface().(time.Time); ok {
		return diffTime(g, want.Interface().(time.Time), path)
	}
	switch got.Kind() {
	case reflect.Struct:
		for i := range got.NumField() {
			if d := diff(got.Field(i), want.Field(i), path+"."+got.Type().Field(i).Name); d != "" {
				return d
			}
		}
		return ""
	case reflect.Slice:
		if got.Len() != want.Len() {
			return fmt.Sprintf("%s: %d elements, want %d", path, got.Len(), want.Len())
		}
		for i := range got.Len() {
			if d := diff(got.Index(i), want.Index(i), fmt.Sprintf("%s[%d]", path, i)); d != "" {
				return d
			}
		}
		return ""
	default:
		if !reflect.DeepEqual(got.Interface(), want.Interface()) {
			return fmt.Sprintf("%s: got %v, want %v", path, got, want)
		}
		return ""
	}
}

func diffTime(got, want time.Time, path string) string {
	switch {
	case !got.Equal(want):
		return fmt.Sprintf("%s: got %v, want %v", path, got, want)
	case got.IsZero() != want.IsZero():
		return fmt.Sprintf("%s: a time that is absent came back as %v", path, got)
	case got.Location() != time.UTC:
		return fmt.Sprintf("%s: time in %v, want UTC", path, got.Location())
	}
	return ""
}

// snapshot reads everything of a tenant but its events, and whatever changes
// would have written, into one comparable text.
func (w *world) snapshot(tenant ticket.TenantID, changes ...store.Changes) string {
	w.Helper()
	var out strings.Builder
	note := func(v any, err error) error {
		fmt.Fprintf(&out, "%+v\n", v)
		return err
	}
	w.view(func(ctx context.Context, r store.Reader) error {
		out.Reset()
		if err := noteTenant(ctx, r, tenant, note); err != nil {
			return err
		}
		for _, c := range changes {
			if err := noteIntake(ctx, r, tenant, c, note); err != nil {
				return err
			}
		}
		return nil
	})
	return out.String()
}

const everything = 10000

func noteTenant(ctx context.Context, r store.Reader, tenant ticket.TenantID, note func(any, error) error) error {
	boxes, err := r.ListMailboxes(ctx, tenant, ticket.ID{}, everything)
	if err := note(boxes, err); err != nil {
		return err
	}
	for _, b := range boxes {
		if err := note(r.Tasks(ctx, tenant, b.ID)); err != nil {
			return err
		}
	}
	tickets, err := r.Tickets(ctx, store.TicketQuery{Tenant: tenant, Limit: everything})
	if err := note(tickets, err); err != nil {
		return err
	}
	for _, t := range tickets {
		if err := note(r.Messages(ctx, store.MessageQuery{Tenant: tenant, Ticket: t.ID, Limit: everything, Raw: true})); err != nil {
			return err
		}
		if err := note(r.Members(ctx, tenant, t.ID)); err != nil {
			return err
		}
	}
	if err := note(r.Deliveries(ctx, store.DeliveryQuery{Tenant: tenant, Limit: everything})); err != nil {
		return err
	}
	if err := note(r.Retained(ctx, store.RetainQuery{Tenant: tenant, Limit: everything})); err != nil {
		return err
	}
	if err := note(r.Records(ctx, store.RecordQuery{Tenant: tenant, Kind: "hold", Limit: everything})); err != nil {
		return err
	}
	return note(r.Quarantine(ctx, tenant, ticket.ID{}, everything))
}

// noteIntake reads what can only be found by asking for it.
func noteIntake(ctx context.Context, r store.Reader, tenant ticket.TenantID, c store.Changes, note func(any, error) error) error {
	for _, m := range c.Consumers {
		if err := note(r.Consumer(ctx, m.Name)); err != nil {
			return err
		}
	}
	for _, s := range c.Seen {
		if err := note(r.Known(ctx, tenant, s.Mailbox, []store.Seen{s})); err != nil {
			return err
		}
	}
	for _, h := range c.Hits {
		if err := note(r.Candidates(ctx, store.CandidateQuery{Tenant: tenant, Mailbox: h.Mailbox, Fingerprints: []ticket.Fingerprint{h.Fingerprint}})); err != nil {
			return err
		}
	}
	for _, x := range c.Contacts {
		if err := note(r.Contacts(ctx, tenant, x.Mailbox, []ticket.Fingerprint{x.Address})); err != nil {
			return err
		}
	}
	return nil
}
