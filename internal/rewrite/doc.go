// Package rewrite turns a user's query into an executable plan: names bound to what the principal may see, row rules put
// at every scan, the order made total.
//
// [Rewrite] is the only constructor of a [Plan], and the executor takes nothing else. A path to data around the policy
// therefore does not compile.
package rewrite
