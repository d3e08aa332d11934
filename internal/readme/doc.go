// Package readme holds no code: its test compiles the program of the README,
// word for word, in a module outside the tree, and runs it.
package readme
