//go:build !race

package tabular

const slower = 1
