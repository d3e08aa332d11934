// Package crashtest kills programs that use the library, at named points, and
// checks afterwards from its own ledger that no mail was lost or doubled and no
// reply sent twice.
//
// A [Run] is one story told by a seed: a mailbox with a past, mail that
// arrives, replies that are written, worker processes (package worker) that
// take it in and send, each of which dies where the plan says, a PostgreSQL
// server whose connections are cut around COMMIT and which is killed itself,
// and a provider in the harness's process that fails in every way
// mailboxtest.Fake knows. Then everything is healed, and the end is compared
// with what the generator knows must have come out.
//
//	go test ./internal/crashtest                          # the fixed seeds
//	go test ./internal/crashtest -run TestSeeds -seed=17  # one of them
//
// A seed fixes the mails, replies, faults and crash points and their order. It
// does not fix the interleaving of processes: a failing seed may need a few
// repetitions. A run in which a planned fault did not fire is invalid: it
// proves nothing and is not counted as passed.
package crashtest
