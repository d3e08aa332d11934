package postgres

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// The types below carry a field of a record to the server and back. Each holds
// a pointer, so that one description of a table serves writing and reading.
// What is absent in Go is NULL in the database: a NOT NULL column thereby
// refuses a record that lacks what is never empty.

// uid is an id.
type uid struct{ p *ticket.ID }

func (u uid) UUIDValue() (pgtype.UUID, error) {
	return pgtype.UUID{Bytes: *u.p, Valid: !u.p.IsZero()}, nil
}

func (u uid) ScanUUID(v pgtype.UUID) error {
	*u.p = v.Bytes
	return nil
}

// fpr is a fingerprint.
type fpr struct{ p *ticket.Fingerprint }

func (f fpr) BytesValue() ([]byte, error) {
	if f.p.IsZero() {
		return nil, nil
	}
	return f.p[:], nil
}

func (f fpr) ScanBytes(b []byte) error {
	*f.p = ticket.Fingerprint{}
	copy(f.p[:], b)
	return nil
}

// octets are opaque bytes: sealed values and cursors.
type octets struct{ p *[]byte }

func (o octets) BytesValue() ([]byte, error) {
	if len(*o.p) == 0 {
		return nil, nil
	}
	return *o.p, nil
}

func (o octets) ScanBytes(b []byte) error {
	*o.p = nil
	if len(b) > 0 {
		*o.p = append([]byte(nil), b...) // b is the driver's
	}
	return nil
}

// moment is an instant, in microseconds as the database has it.
type moment struct{ p *time.Time }

func (m moment) TimestamptzValue() (pgtype.Timestamptz, error) {
	return pgtype.Timestamptz{Time: m.p.UTC().Truncate(time.Microsecond), Valid: !m.p.IsZero()}, nil
}

func (m moment) ScanTimestamptz(v pgtype.Timestamptz) error {
	*m.p = time.Time{}
	if v.Valid {
		*m.p = v.Time.UTC()
	}
	return nil
}

// list is a list of strings. It is sent as the text of an array, because an
// array of arrays cannot be taken apart row by row.
type list[S ~string] struct{ p *[]S }

var wordEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func (l list[S]) TextValue() (pgtype.Text, error) {
	var b strings.Builder
	b.WriteByte('{')
	for i, s := range *l.p {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + wordEscape.Replace(string(s)) + `"`)
	}
	b.WriteByte('}')
	return pgtype.Text{String: b.String(), Valid: true}, nil
}

func (l list[S]) SetDimensions(d []pgtype.ArrayDimension) error {
	*l.p = nil
	if len(d) > 0 {
		*l.p = make([]S, d[0].Length)
	}
	return nil
}

func (l list[S]) ScanIndex(i int) any { return str(&(*l.p)[i]) }
func (l list[S]) ScanIndexType() any  { return new(string) }

// objects is a list of ids, sent and read like a list of strings.
type objects struct{ p *[]ticket.ID }

func (o objects) TextValue() (pgtype.Text, error) {
	ids := make([]string, len(*o.p))
	for i, id := range *o.p {
		ids[i] = id.String()
	}
	return list[string]{&ids}.TextValue()
}

func (o objects) SetDimensions(d []pgtype.ArrayDimension) error {
	*o.p = nil
	if len(d) > 0 {
		*o.p = make([]ticket.ID, d[0].Length)
	}
	return nil
}

func (o objects) ScanIndex(i int) any { return idText{&(*o.p)[i]} }
func (o objects) ScanIndexType() any  { return idText{new(ticket.ID)} }

// idText is an id that comes as text.
type idText struct{ p *ticket.ID }

func (t idText) ScanText(v pgtype.Text) error { return t.p.UnmarshalText([]byte(v.String)) }

// trace is the decision of the threading ladder: constants and ids only.
type trace struct{ p *ticket.Trace }

func (t trace) TextValue() (pgtype.Text, error) {
	b, err := json.Marshal(t.p)
	return pgtype.Text{String: string(b), Valid: true}, err
}

func (t trace) ScanText(v pgtype.Text) error { return json.Unmarshal([]byte(v.String), t.p) }

// role is the role of a hit.
type role struct{ p *ticket.HitRole }

func (r role) TextValue() (pgtype.Text, error) {
	return pgtype.Text{String: string(rune(*r.p)), Valid: *r.p != 0}, nil
}

func (r role) ScanText(v pgtype.Text) error {
	*r.p = 0
	if len(v.String) == 1 {
		*r.p = ticket.HitRole(v.String[0])
	}
	return nil
}

// text is a string of a named type.
type text[S ~string] struct{ p *S }

func (t text[S]) TextValue() (pgtype.Text, error) {
	return pgtype.Text{String: string(*t.p), Valid: true}, nil
}

func (t text[S]) ScanText(v pgtype.Text) error {
	*t.p = S(v.String)
	return nil
}

func str[S ~string](p *S) any { return text[S]{p} }

// uuids are ids as a parameter.
func uuids(ids []ticket.ID) [][16]byte {
	out := make([][16]byte, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}

// prints are fingerprints as a parameter.
func prints(fps []ticket.Fingerprint) [][]byte {
	out := make([][]byte, len(fps))
	for i := range fps {
		out[i] = fps[i][:]
	}
	return out
}
