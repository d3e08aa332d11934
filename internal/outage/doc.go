// Package outage holds no code: its test takes the database away from a desk
// at work.
package outage
