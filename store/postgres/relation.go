package postgres

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// field is one column of a relation and where its value is in a record.
type field[T any] struct {
	name string
	typ  string         // of one element of the array that is sent
	at   func(r *T) any // reads and writes the record
	in   string         // a cast when typ is not the column's
	out  string         // a cast when at cannot scan the column's
}

// relation describes how records of T are stored, once for all statements.
// Rows travel as one array per column, so that a statement is one round trip
// and one plan however many rows it writes.
type relation[T any] struct {
	name   string
	tenant func(r *T) *ticket.TenantID // nil when the record does not say
	fields []field[T]
}

// columns is the list of a SELECT on the alias t, for scan.
func (r relation[T]) columns() string {
	var b strings.Builder
	if r.tenant != nil {
		b.WriteString("t.tenant")
	}
	for _, f := range r.fields {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString("t." + f.name + f.out)
	}
	return b.String()
}

// scan reads the rows of a SELECT of columns.
func (r relation[T]) scan(rows pgx.Rows) ([]T, error) {
	var out []T
	for rows.Next() {
		var v T
		if err := rows.Scan(r.targets(&v)...); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

func (r relation[T]) targets(v *T) []any {
	dest := make([]any, 0, len(r.fields)+1)
	if r.tenant != nil {
		dest = append(dest, str(r.tenant(v)))
	}
	for _, f := range r.fields {
		dest = append(dest, f.at(v))
	}
	return dest
}

// rows is the FROM item x that the arguments of args become. The tenant is $1.
func (r relation[T]) rows() string {
	var types, names strings.Builder
	for i, f := range r.fields {
		if i > 0 {
			types.WriteString(", ")
		}
		fmt.Fprintf(&types, "$%d::%s[]", i+2, f.typ)
		names.WriteString(f.name + ", ")
	}
	return "unnest(" + types.String() + ") WITH ORDINALITY AS x(" + names.String() + "ord)"
}

func (r relation[T]) args(tenant ticket.TenantID, rows []T) []any {
	args := make([]any, 0, len(r.fields)+1)
	args = append(args, string(tenant))
	for _, f := range r.fields {
		column := make([]any, len(rows))
		for i := range rows {
			column[i] = f.at(&rows[i])
		}
		args = append(args, column)
	}
	return args
}

// insert writes rows in their order; conflict is an ON CONFLICT clause or
// empty.
func (r relation[T]) insert(conflict string) string {
	var names, values strings.Builder
	for _, f := range r.fields {
		names.WriteString(", " + f.name)
		values.WriteString(", x." + f.name + f.in)
	}
	return "INSERT INTO {s}." + r.name + " AS t (tenant" + names.String() + ") SELECT $1" + values.String() +
		" FROM " + r.rows() + " ORDER BY x.ord " + conflict
}

// update replaces columns of the row t that where selects by the values x.
// Fields that set does not list are only for where. It changes one row: a
// statement for many is at the mercy of the planner, which reads all rows of a
// tenant when it takes the table for small.
func (r relation[T]) update(where string, set ...string) string {
	var values, assign []string
	for i, f := range r.fields {
		values = append(values, fmt.Sprintf("$%d::%s AS %s", i+2, f.typ, f.name))
		if slices.Contains(set, f.name) {
			assign = append(assign, f.name+" = x."+f.name+f.in)
		}
	}
	return "UPDATE {s}." + r.name + " t SET " + strings.Join(assign, ", ") +
		" FROM (SELECT " + strings.Join(values, ", ") + ") x WHERE t.tenant = $1 AND " + where
}

// row is the arguments of update.
func (r relation[T]) row(tenant ticket.TenantID, v *T) []any {
	args := make([]any, 0, len(r.fields)+1)
	args = append(args, string(tenant))
	for _, f := range r.fields {
		args = append(args, f.at(v))
	}
	return args
}

// lift describes a field of a record inside another one.
func lift[O, I any](fields []field[I], inner func(*O) *I) []field[O] {
	out := make([]field[O], len(fields))
	for i, f := range fields {
		out[i] = field[O]{name: f.name, typ: f.typ, in: f.in, out: f.out,
			at: func(o *O) any { return f.at(inner(o)) }}
	}
	return out
}
