// Package rbac answers who may do what: roles, the matrix of actions, and the row and column rules of tables.
//
// A [Policy] is an immutable snapshot of one workspace's members, roles and rules. [Policy.Can] is the one policy question:
// what the member's [Role] grants, narrowed by every [Cap] on the way from the resource up to the workspace, by the
// [Scope] of the token that is used and by the networks from which sensitive actions are allowed. What it does not allow
// is denied. [Policy.Table] gives the [TableRule] that the engine's rewriter puts into every plan. Where policies come from
// is the business of a [PolicyStore].
package rbac
