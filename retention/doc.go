// Package retention decides how long tickets are kept. It decides and does not
// delete: a [Policy] is a pure function of an instant and the [Facts] of one
// ticket, so what it will do can be tested, previewed and explained without a
// database.
//
//	policy := retention.First(
//		retention.Disconnected{Grace: retention.Days(7), Deadline: retention.Days(30)},
//		retention.ClosedAfter{After: retention.Days(180)},
//		retention.Forever{},
//	)
//	if err := retention.Validate(policy); err != nil { ... }
//
// Whoever carries decisions out asks through [Ask], which no policy can talk
// into erasing what is held. [Decision.Next] is stored with the ticket, so that
// only tickets that are due are asked again; a host that was down for a week
// catches up by asking what is overdue.
//
// A policy of your own passes the suite in package retentiontest before it
// meets real mail.
//
// All calendar arithmetic is done in UTC. A clock that jumps back makes a
// policy keep; a clock that jumps ahead makes it erase, because a pure function
// cannot tell. The caller compares its clock with the store's before it carries
// an erasure out.
package retention
