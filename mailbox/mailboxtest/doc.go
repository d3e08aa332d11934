// Package mailboxtest proves that a driver keeps the contract of package
// mailbox, and offers a provider that runs inside the test.
//
// [Run] is the conformance suite: each sentence of the contract is a case. A
// driver's test fills a [Harness] with the few controls over its server that
// the suite needs.
//
// [Fake] is a whole provider in memory. It has no sockets and waits only on
// channels and timers, so testing/synctest governs its time; faults are
// injected by rule ([Fake.Inject]) or drawn from a seed ([Fake.Chaos]).
package mailboxtest
