// Package rbac answers who may do what: roles, the matrix of actions, and the row and column rules of tables.
//
// A [Policy] is an immutable snapshot of one workspace's members and rules. [Policy.Can] is the one policy question; what
// it does not allow is denied. [Policy.Table] gives the rules that the engine's rewriter puts into every plan. Where
// policies come from is the business of a [PolicyStore].
package rbac
