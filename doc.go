// Package helpdesk gives an application a helpdesk on top of its own mailboxes.
package helpdesk
