// Package tabular reads files with rows of cells as people have them (CSV in its dialects and encodings, JSON arrays,
// lines of JSON, XLSX workbooks), names every fault by place, and writes them so that no spreadsheet runs what a cell says.
//
// Files come from anywhere. Every reader holds one record at a time, refuses records and parts beyond fixed sizes before
// they are in memory, and answers what it cannot read with a [Fault].
package tabular
