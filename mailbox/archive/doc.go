// Package archive is a provider over mail that lies in files: single mails,
// Maildir and mbox, told by what is in them and not by their names. It reads
// the past and nothing else, so that a host can import an archive into its
// desk as backfill:
//
//	desk, err := helpdesk.New(helpdesk.Config{
//		Providers: helpdesk.Providers{archive.New()}, // ...
//	})
//	past := helpdesk.ConnectOptions{Intake: mailbox.Intake{Since: archive.Beginning}}
//	box, err := acme.ConnectWith(ctx, archive.Account{
//		Email: "support@shop.example", Paths: []string{"/srv/old-mail"},
//	}, past)
//
// The live stream is empty. Backfill lists the mail of the archive by the time
// it was received, oldest first: there is no newer mail to answer meanwhile,
// and an answer that comes after what it answers finds its ticket.
//
// # What is a mail
//
// A file that begins with a "From " line of an mbox holds as many mails as it
// has such lines where one may stand. A Content-Length is believed only where
// all mails of the file have it right, because senders write it too. A file in
// the folders cur and new of a Maildir is a mail, even an empty one. Any other
// file is a mail if it begins with the header of one, however broken. The rest
// is skipped, and [Index] says why, and whether it could not be read. Symbolic
// links inside the archive are not followed.
//
// # What is read when
//
// An [Index] of the archive, tens of bytes and a file name for each mail, is
// made when a listing begins and kept until it has come to the end. A mail is
// read when it is fetched, and checked to be the one that was listed.
package archive
