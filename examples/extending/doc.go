// Package extending shows parts that a host writes itself: a provider of
// mailboxes, a retention policy and an access log, each tested by the suite of
// its contract. docs/extending.md explains them.
package extending
