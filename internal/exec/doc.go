// Package exec runs rewritten plans: it gives every source the largest part that the source answers exactly and does the
// rest itself, within a budget.
package exec
