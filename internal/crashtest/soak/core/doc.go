// Package core holds no code that others use: its test runs seeds of
// internal/crashtest for a soak, with kills of one kind.
package core
