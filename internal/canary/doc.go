// Package canary holds no code: its test sends words that occur nowhere else
// through a whole desk and then looks for them in everything that is kept.
package canary
