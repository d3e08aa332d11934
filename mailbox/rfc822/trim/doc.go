// Package trim finds what the writer of a mail wrote this time, without what
// the mail quotes, forwards and signs with.
//
// [HTML] takes the HTML body of a mail. Both what is kept and what is cut are
// claims of the sender; nothing here makes HTML safe to show.
package trim
