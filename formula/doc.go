// Package formula is the text form of the expression language: [Parse] reads what people write into an [lqp.Expr],
// [Print] writes an expression back, and [Compile] turns a resolved expression into a [Program] that runs on rows
// without allocating. [ParseExpr] reads the same expressions in the syntax of the expr language, [Check] says everything
// that is wrong with a formula and what is known of it, [Identify] and [Names] keep stored formulas true to their columns,
// and [Depend] orders formulas that read each other.
//
// The language looks like a spreadsheet's: columns as {Unit price} or unit_price, text in quotes, the usual operators
// and functions by name in any case. The functions are those of the catalogue in package lqp; this package adds none
// and evaluates none by itself, so text, plans, tree walk and programs cannot disagree.
//
//go:generate go run ./gendocs -o ../docs/formulas.md
package formula
