package postgres

import (
	"cmp"
	"slices"
	"strings"
)

// DataClass says what a column holds.
type DataClass string

// The classes of data in columns.
const (
	Content   DataClass = "content"   // sealed under keys that live elsewhere
	Lookup    DataClass = "lookup"    // keyed hashes, whose keys die with the mailbox
	Reference DataClass = "reference" // random ids of the library
	Opaque    DataClass = "opaque"    // ids of the host or of a provider, which must hold no personal data
	Fact      DataClass = "fact"      // constants, states, counts and instants
	HostWords DataClass = "host"      // words of the host about a ticket: assignees and tags
	Journal   DataClass = "journal"   // who did what, in ids and constants
)

// Column is a column of the content store with what it holds.
type Column struct {
	Table, Name string
	Class       DataClass
}

// classified lists every column of the content store by table and class. A
// test compares it with the schema, so that a column nobody thought about does
// not come to be.
var classified = map[string]map[DataClass]string{
	"deployment": {Reference: "id keys ledger", Fact: "one epoch reached reached_hash"},
	"migrations": {Fact: "version name applied_at"},
	"mailboxes": {
		Opaque: "tenant live_cursor backfill_cursor", Reference: "id key_slot identity_slot", Lookup: "account",
		Content: "address credential settings",
		Fact:    "provider state health_state health_since health_cause health_failures health_next_at health_synced_at connected_at version",
	},
	"tickets": {
		Opaque: "tenant", Reference: "id mailbox contact answers related key_slot merged", Content: "subject", Lookup: "title",
		Fact: "status origin seq version created_at updated_at closed_at retain_at", HostWords: "assignee tags",
	},
	"messages": {
		Opaque: "tenant provider_id", Reference: "id mailbox ticket contact blob", HostWords: "by_agent",
		Content: "subject addresses body html files raw", Journal: "trace",
		Fact: "seq direction kind by_role source parser received_at attachments created_at raw_size",
	},
	"seen":     {Opaque: "tenant provider_id", Reference: "mailbox object", Lookup: "message_id content", Fact: "received_at"},
	"hits":     {Opaque: "tenant", Reference: "mailbox ticket message", Lookup: "fingerprint", Fact: "role"},
	"members":  {Opaque: "tenant", Reference: "mailbox ticket contact", Lookup: "address domain", Fact: "pending"},
	"contacts": {Opaque: "tenant", Reference: "mailbox id", Lookup: "address"},
	"quarantine": {
		Opaque: "tenant provider_id", Reference: "id mailbox message key_slot blob", Content: "ref raw",
		Fact: "cause state size received_at stream sent created_at version",
	},
	"deliveries": {
		Opaque: "tenant draft", Reference: "message mailbox ticket",
		Fact: "state attempt looks cause since queued_at version",
	},
	"events": {
		Opaque: "tenant", Reference: "id mailbox ticket message subject", HostWords: "by_agent from_state to_state",
		Fact: "epoch tx seq version type at by_role cause rung",
	},
	"consumers": {Opaque: "name", Fact: "cursor"},
	"tasks":     {Opaque: "tenant", Reference: "mailbox subject id", Fact: "kind due attempts token until again"},
	"blobs":     {Opaque: "tenant", Reference: "mailbox id", Content: "data", Fact: "put_at"},
	"access_log": {
		Opaque: "tenant principal_id on_behalf_of", Reference: "id", Journal: "classes objects",
		Fact: "seq at principal_kind purpose operation refused",
	},
	"records": {Opaque: "tenant", Reference: "id", Journal: "body", Fact: "kind due version"},
}

// Registry returns every column of the content store with what it holds, by
// table, for a register of processing.
func Registry() []Column {
	var out []Column
	for table, classes := range classified {
		for class, names := range classes {
			for _, name := range strings.Fields(names) {
				out = append(out, Column{table, name, class})
			}
		}
	}
	sortColumns(out)
	return out
}

func sortColumns(list []Column) {
	slices.SortFunc(list, func(a, b Column) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Name, b.Name))
	})
}
