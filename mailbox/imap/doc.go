// Package imap connects mailboxes that speak IMAP for reading (RFC 3501, RFC
// 9051) and SMTP submission for sending (RFC 5321, RFC 6409).
//
// A mailbox is described by an [Account] and opened by a [Provider]:
//
//	provider := imap.New(imap.Options{})
//	account := imap.Account{
//		Email:    "support@example.org",
//		Password: password,
//		IMAP:     imap.Server{Host: "imap.example.org"},
//		SMTP:     imap.Server{Host: "smtp.example.org"},
//	}
//
// Both connections are encrypted with TLS 1.2 or newer and certificates are
// always verified; plaintext is accepted on the loopback interface alone.
//
// The wire is spoken by github.com/emersion/go-imap and go-smtp, behind a
// guard: every exchange has an absolute deadline and a cap on the bytes that
// the server may send, a context ends it at once, and a mail's body is
// believed only when it arrived under the right UID and whole.
package imap
