// Package imports holds no code, only the tests that keep the shape of the
// tree: who may import whom, what a host compiles, who calls the functions
// that guard something, and what every source file owes its reader. Each
// failure names the place, the rule and the reason for it.
package imports
