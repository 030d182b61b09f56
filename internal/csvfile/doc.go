// Package csvfile reads comma-separated files as people have them, names every fault by line and column, and writes them
// so that no spreadsheet runs what a cell says.
package csvfile
