// Package privacy is how content is sealed, who may open it and what is noted
// when somebody does.
//
// Keys form a hierarchy: the root (a KMS or a local file) wraps a key for each
// tenant, that one wraps a key for each mailbox, and that one wraps a key for
// each ticket. Wrapped keys live in slots, in a store apart from the content.
// Destroying a slot makes everything below it unreadable, also in backups of
// the content.
//
// There is one way to plaintext, [Vault.Open]: it authorises the principal and
// purpose of the context, writes the access log, checks that no key on the way
// is fenced, and only then decrypts.
package privacy
