// Package planted holds no code that others use: its test puts known bugs into
// workers, one at a time, and shows that the crash harness finds each. A bug is
// a change of the source that only the compiler of one worker sees, or a
// database that lacks something; production code has no switch for it.
//
//	go test ./internal/crashtest/planted -v                          # all bugs
//	go test ./internal/crashtest/planted -v -args -from=3 -count=1   # the third
//
// Seeds are tried from 1 up to 200 until one shows a violation of the kind that
// the bug must cause; an ordinary test begins two of the bugs at a later seed,
// as they say. The worker without the bug must pass that seed.
package planted
