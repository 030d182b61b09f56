// Package scale shows what becomes of the daemon when a table is large: it imports a file of any number of rows and twenty
// columns over HTTP, reads and changes the table in the ways that programs do, and says for each step how long it took and
// what memory the daemon had. Every step checks what it was answered with; a wrong answer ends the run. The figures are of
// one machine at one time: the steps that must not depend on the size of the table can be compared between two sizes.
package scale
