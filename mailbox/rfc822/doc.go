// Package rfc822 turns raw mail into [ticket.Inbound] and replies into raw
// mail, and holds the one HTML sanitiser of the library.
//
// Reading never fails. [Parse] makes a bounded pass over the structure of the
// mail first, so that no library ever sees a bomb, repairs what real senders
// get wrong, and tells in defects what it had to repair. Whatever a limit cuts
// off is still in the raw mail, which is the truth; everything Parse returns
// can be derived again and is tagged with [Version].
//
// The parser is our own from the lines up. A stricter library would see only
// the mails that need none of the repairs, and for those it is slower than the
// pass that has to be made anyway; the benchmarks compare both, and the tests
// read what Build writes with an independent library.
//
// Writing is strict. [Build] refuses any value that could add a header, an
// address or the end of a message, and its output holds no line end but CR LF.
//
// Nothing here does I/O or keeps state; all functions are safe for concurrent
// use.
package rfc822

// Version of the parser. It is stored with derived text and grows whenever the
// same raw mail may be understood differently.
const Version = 1
