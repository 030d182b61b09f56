// Package indexuse counts by which columns the tables of the mini-DB are filtered and sorted, from which indexes can be
// suggested. It keeps ids of columns and counts, never values, and forgets them when the process ends.
package indexuse
