//go:build race

package formula

// slowdown is how many times longer everything may take with the race detector.
const slowdown = 12
