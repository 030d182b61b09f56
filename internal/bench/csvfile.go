package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// csvFile is the path of a file with rows from 1 on and a line of names, which is made once in a run.
func (b *bench) csvFile(name string, columns []string, rows int, appendCells func(cells []string, row int) []string) (string, error) {
	path := filepath.Join(b.dir, fmt.Sprintf("%s-%d.csv", name, rows))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	return path, errors.Join(writeRows(f, columns, rows, appendCells), f.Close())
}

// writeRows writes rows from 1 on, after a line of names unless there are none.
func writeRows(to io.Writer, columns []string, rows int, appendCells func(cells []string, row int) []string) error {
	buffered := bufio.NewWriterSize(to, 64<<10)
	w := csv.NewWriter(buffered)
	if len(columns) > 0 {
		if err := w.Write(columns); err != nil {
			return err
		}
	}
	var cells []string
	for row := 1; row <= rows; row++ {
		cells = appendCells(cells[:0], row)
		if err := w.Write(cells); err != nil {
			return err
		}
	}
	w.Flush()
	return errors.Join(w.Error(), buffered.Flush())
}
