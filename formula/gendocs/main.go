// Command gendocs writes docs/formulas.md from the catalogue of functions.
//
//	go run ./formula/gendocs -o docs/formulas.md
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("o", "docs/formulas.md", "file to write, - for standard output")
	flag.Parse()
	if *out == "-" {
		fmt.Print(page())
		return
	}
	if err := os.WriteFile(*out, []byte(page()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}
