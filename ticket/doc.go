// Package ticket is the domain of a helpdesk as values: tickets, messages,
// deliveries, events and the decision which ticket a mail belongs to.
//
// Nothing here does I/O, reads a clock or knows how content is sealed or
// stored. Functions take what they need, also the present instant, and return
// the new state together with the events that tell what happened. Every
// function and method of the package is safe for concurrent use as long as the
// caller does not share the values it passes.
package ticket
