//go:build !race

package formula

const slowdown = 1
