// Package helpdesk gives an application a helpdesk on top of mailboxes: mail
// that arrives becomes tickets, replies leave from the connected mailbox in
// the same thread, and content is sealed at rest and opened only for a named
// person and purpose.
//
// # A desk
//
// [New] makes a [Desk] of a [Config]: a store, the keys that content is sealed
// with, and the providers that open mailboxes. It starts nothing. [Desk.Run]
// does the work in the background until its context ends, in as many processes
// as you like; [Desk.RunOnce] does what is due and returns, for hosts that have
// a scheduler already.
//
//	desk, err := helpdesk.New(helpdesk.Config{
//		Store:     memory.New(),
//		Providers: helpdesk.Providers{imap.New(imap.Options{})},
//	})
//
// The memory store forgets; store/postgres keeps. Beside a store that keeps,
// Config.Keys must be set: [KeyFile] for a local file, [KeyStore] for a KMS and
// a key store of your own. A key file is made once, for an empty store, and
// never again: losing it is losing the content.
//
// # A tenant
//
// All verbs live on the handle of a [Tenant], an opaque id of yours:
//
//	acme := desk.Tenant("acme")
//	box, err := acme.Connect(ctx, imap.Account{...})
//
// Connecting the same account again finds the same mailbox. Mail that arrives
// from now on is taken in; [ConnectOptions] opens a window into the past, whose
// mail makes closed tickets and fires nothing. [Tenant.Mailboxes] tells how each
// mailbox does and what happens next; [Tenant.Disconnect] ends one.
//
// # Who reads, and what for
//
// Content opens only for a principal and a purpose, which ride in the context:
//
//	ctx = privacy.As(ctx, privacy.Agent("kari"), privacy.Support)
//
// Without them a verb that needs content is an error. The access log is written
// before anything is opened, one entry a call: [Tenant.Tickets],
// [Tenant.Conversation], [Tenant.Attachment] and [Tenant.Raw] read.
// [Message.HTML] is the one way to show what a stranger wrote as HTML, and
// [Message.Trim] finds what he wrote this time, and what he passed on.
//
// # Working tickets
//
// [Tenant.Reply] answers the contact, [Tenant.AddNote] writes an internal note,
// [Tenant.Start] writes first; [Tenant.Assign], [Tenant.SetStatus] and
// [Tenant.Tag] do what they say; [Tenant.Merge] makes two tickets one. A reply is queued and leaves in the
// background; [Message.Delivery] tells how far it got. A delivery that is
// uncertain waits for a person: [Tenant.SendAgain] or [Tenant.MarkSent]. A reply
// that no person wrote is marked with Reply.Automatic, and stops where it could
// become a loop.
//
// Which ticket a mail joins, and whether its sender may, is decided by
// ticket.Match under Config.Rules; Message.Match says why. docs/understanding.md
// tells what is made of a mail.
//
// A mail that could not be taken in is in [Tenant.Quarantine] under a named
// cause; [Tenant.Reprocess] and [Tenant.Release] take it out.
//
// # Going away
//
// [Tenant.Disconnect] closes a mailbox at once: nothing is read from it, sent by
// it or opened, and its credential is gone. Within Config.Grace the same account
// can be connected again as if nothing had happened; then its keys are destroyed
// and its rows removed. [Tenant.Close] does so for a whole tenant, [Tenant.Erase]
// for a mailbox, a ticket, its attachments or a contact, and [Tenant.Hold] keeps
// what a legal ground covers until [Tenant.ReleaseHold] or its time.
// [Tenant.Erasures] tells what was done and how late. All of it is written into
// an erasure ledger first (Config.Ledger), which stores follow: one that was
// restored from an older copy is noticed and opens nothing until [Desk.Recover],
// which Run calls, has carried out what it missed. Run erases what is due; hosts
// that use RunOnce call [Desk.EraseDue].
//
// # Your transaction
//
// What changes a ticket also works inside a transaction of yours: replies,
// notes and new tickets, assignees, statuses and tags. [Tenant.Compose] does what needs keys, plaintext and the log; [Tx.Reply] only
// inserts:
//
//	p, err := acme.Compose(ctx, id, helpdesk.Reply{Text: "Done."})
//	err = acme.Tx(postgres.Join(tx)).Reply(ctx, p) // tx is your pgx.Tx
//
// The other way round, Config.OnEvent runs inside the transaction of each
// event, and postgres.Unwrap gives you its pgx.Tx. For work after the commit,
// [Desk.Consume] gives every event at least once, in commit order.
//
// # Errors
//
// Every error that a caller branches on works with errors.Is, names its mend
// and carries no content, so that it may be logged and shown. [HTTPStatus]
// turns one into the status of an HTTP answer.
//
// Configuration: [ErrConfig], [ErrKeys], [ErrLedger], [ErrSchema],
// [ErrNoProvider], [ErrAccount].
//
// Access: [ErrNoPrincipal], [ErrNoPurpose], [ErrDenied], [ErrAccessLog],
// [ErrInTransaction], [ErrHeld], [ErrRestored].
//
// Objects: [ErrNotFound], [ErrBadID], [ErrState], [ErrBrake], [ErrStale], [ErrFenced],
// [ErrTransition], [ErrErased], [ErrUnreadable], [ErrHold], [ErrSealed],
// [ErrRejected].
//
// Mail: [ErrNoRecipient], [ErrEmpty], [ErrHeader], [ErrAddress], [ErrTooLarge],
// [ErrInfected], [ErrUnscanned].
//
// Surroundings: [ErrUnavailable], [ErrHook]; and what a provider answered is a
// *mailbox.Error with its kind.
//
// # Privacy profiles
//
// Config.Privacy is the set of promises a deployment is held to. The zero value
// is the development profile: everything is sealed and logged, nothing is
// demanded, and [Desk.Health] says so. privacy.Production demands keys and an
// access log that outlive the process and a host that decides about each
// access.
package helpdesk
