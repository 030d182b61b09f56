//go:build race

package tabular

// slower is how many times longer things take under the race detector, about.
const slower = 10
