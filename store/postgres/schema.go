package postgres

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
)

// The schemas used when the options name none.
const (
	defaultSchema     = "helpdesk"
	defaultKeysSchema = "helpdesk_keys"
)

// schema is where the tables are. All statements name it, because the
// search_path is the host's business.
type schema struct {
	name    string
	quoted  string
	channel string // of LISTEN and NOTIFY, which are per database
	lock    int64  // of the advisory lock that migrations take
}

// plainName is narrower than what PostgreSQL takes, so that the name needs no
// quotes in the host's own tools, though it is always quoted here.
var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)

func newSchema(name string) (schema, error) {
	if !plainName.MatchString(name) || strings.HasPrefix(strings.ToLower(name), "pg_") {
		return schema{}, fmt.Errorf("%w: Schema is 1 to 63 ASCII letters, digits and underscores, does not start with a digit or pg_", ErrOptions)
	}
	sum := sha256.Sum256([]byte("helpdesk schema " + name))
	return schema{
		name:    name,
		quoted:  pgx.Identifier{name}.Sanitize(),
		channel: "helpdesk_" + hex.EncodeToString(sum[:8]),
		lock:    int64(binary.BigEndian.Uint64(sum[8:])),
	}, nil
}

// sql puts the schema into a statement.
func (s schema) sql(q string) string { return strings.ReplaceAll(q, "{s}", s.quoted) }
