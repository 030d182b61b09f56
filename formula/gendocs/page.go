package main

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// language is the hand-written part of the page, up to the functions.
//
//go:embed language.md
var language string

// sections are the categories of the catalogue in the order of the page.
var sections = []struct{ category, title string }{
	{"operator", "Operators"}, {"logic", "Logic"}, {"math", "Numbers"}, {"text", "Text"},
	{"conversion", "Conversion"}, {"date", "Dates and times"}, {"list", "Lists"},
}

// signs are how the functions of the category operator are written.
var signs = map[string]string{
	"add": "a + b", "sub": "a - b", "mul": "a * b", "div": "a / b", "mod": "a % b", "neg": "-a", "power": "a ^ b",
	"eq": "a = b", "ne": "a <> b", "lt": "a < b", "le": "a <= b", "gt": "a > b", "ge": "a >= b",
}

// page is the whole document.
func page() string {
	var b strings.Builder
	b.WriteString(language)
	known := map[string]bool{}
	for _, s := range sections {
		known[s.category] = true
		section(&b, s.category, s.title)
	}
	for _, f := range lqp.Functions() { // a category that this command does not know is still documented
		if !known[f.Category] {
			known[f.Category] = true
			section(&b, f.Category, f.Category)
		}
	}
	record(&b)
	aggregates(&b)
	return b.String()
}

// record appends the functions of the record.
func record(b *strings.Builder) {
	b.WriteString("\n### The record\n\nThese stand for a column of the source that holds what they answer; in a source without one they are a mistake.\n\n" +
		"| | |\n|---|---|\n")
	for _, f := range lqp.RecordFunctions() {
		fmt.Fprintf(b, "| %s | %s |\n", code(strings.ToUpper(f.Name)+"()"), cell(f.Doc))
	}
}

// aggregates appends the functions over the rows of a group.
func aggregates(b *strings.Builder) {
	b.WriteString("\n## Functions over rows\n\nThese are not called in formulas: a query, a grouping or a rollup names one with the formula whose values it takes, " +
		"one for each row\nof a group. NULL is no value unless it says so. Where the order of the rows matters it is that of their record keys, whatever the\nsource.\n\n" +
		"| | of | | example |\n|---|---|---|---|\n")
	for _, f := range lqp.Aggregates() {
		fmt.Fprintf(b, "| %s | %s | %s | %s gives %s |\n", code(f.Name), aggregated(f), cell(f.Doc), code(f.Example), code(f.Gives))
	}
}

// aggregated is the kinds of values that an aggregate takes, for people.
func aggregated(f *lqp.AggregateFunction) string {
	switch {
	case f.Kinds == nil:
		return "rows"
	case len(f.Kinds) > 6:
		return "any"
	case len(f.Kinds) == 6:
		return "single values"
	}
	names := make([]string, len(f.Kinds))
	for i, k := range f.Kinds {
		names[i] = k.String()
	}
	return strings.Join(names, ", ")
}

func section(b *strings.Builder, category, title string) {
	fmt.Fprintf(b, "\n### %s\n\n| | | example |\n|---|---|---|\n", title)
	for _, f := range lqp.Functions() {
		if f.Category != category {
			continue
		}
		doc := f.Doc
		if len(f.Aliases) > 0 {
			doc += " Also called " + strings.ToUpper(strings.Join(f.Aliases, ", ")) + "."
		}
		example := code(f.Example)
		if f.Gives != "" {
			example += " gives " + code(f.Gives)
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", code(signature(f)), cell(doc), example)
	}
}

// signature shows how a function is called: ROUND(number, [digits]).
func signature(f *lqp.Function) string {
	if sign := signs[f.Name]; f.Category == "operator" && sign != "" {
		return sign
	}
	params := make([]string, len(f.Params))
	for i, p := range f.Params {
		params[i] = p.Name
		if p.Variadic {
			params[i] += ", …"
		}
		if p.Optional {
			params[i] = "[" + params[i] + "]"
		}
	}
	return strings.ToUpper(f.Name) + "(" + strings.Join(params, ", ") + ")"
}

// code is s as code in a cell of a table. Two backquotes and blanks are needed where s has one itself.
func code(s string) string {
	if strings.Contains(s, "`") {
		return cell("`` " + s + " ``")
	}
	return cell("`" + s + "`")
}

// cell keeps a text inside its cell.
func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "\n", " ")
}
