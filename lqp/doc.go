// Package lqp is the logical query plan: the values, types, expressions, queries and mutations that every other
// package speaks, and the reference evaluator that says what they mean.
//
// A [Query] is one select block in the order of evaluation. People and programs write it by name; [Bind] resolves every
// name against the tables it is given, checks every type, replaces the plan's parameters (now, today, the current user)
// by constants and answers with a bound query, the only form that adapters, the engine's rewriter and [Run] accept.
//
// [Eval] and [Run] are the reference semantics: clear before fast. Whatever a database does with a pushed query must
// equal what they answer, value for value and row for row.
//
// The package imports nothing of the module and no driver.
package lqp
