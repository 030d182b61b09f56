// Package interference looks for what a policy lets through: random worlds of tables, rules and people are asked random
// questions as somebody whom the rules bind, what that somebody must not see is changed, and the same questions are asked
// again. Not one byte of an answer may differ. Besides, answers are held against a reference that filters and masks the rows
// in memory, by the definition of rules, and answers the question over what is left.
//
// The reference shares no code with internal/rewrite: it knows rules only as what they mean for one row.
package interference
