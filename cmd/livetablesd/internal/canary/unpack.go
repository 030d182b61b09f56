package canary

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// unpack is what is in a file whose bytes do not show it: the texts of a workbook and the values of a Parquet file. It is
// empty for everything else.
func unpack(body []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(body, []byte("PK\x03\x04")):
		return unzip(body)
	case bytes.HasPrefix(body, []byte("PAR1")):
		return values(body)
	}
	return nil, nil
}

func unzip(body []byte) (all []byte, err error) {
	archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, fmt.Errorf("workbook: %w", err)
	}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("%s of a workbook: %w", f.Name, err)
		}
		part, err := io.ReadAll(io.LimitReader(r, maxAnswer))
		if err := errors.Join(err, r.Close()); err != nil {
			return nil, fmt.Errorf("%s of a workbook: %w", f.Name, err)
		}
		all = append(append(all, part...), '\n')
	}
	return all, nil
}

// values are those of a Parquet file, one a line, and the names of its columns, which its bytes show as they are.
func values(body []byte) (all []byte, err error) {
	file, err := parquet.OpenFile(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	rows := parquet.NewReader(file)
	defer func() { err = errors.Join(err, rows.Close()) }()
	buf := make([]parquet.Row, 100)
	for {
		n, err := rows.ReadRows(buf)
		for _, row := range buf[:n] {
			for _, v := range row {
				all = append(append(all, v.String()...), '\n')
			}
		}
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("parquet: %w", err)
		}
	}
}
