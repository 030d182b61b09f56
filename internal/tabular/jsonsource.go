package tabular

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// openLines reads a file with one JSON object a line; empty lines are left out.
func openLines(file io.ReadSeeker) (Reader, error) {
	return asReader(openObjects(file, func(r io.Reader) func() ([]byte, int, error) {
		in, line := lines(r), 0
		return func() ([]byte, int, error) {
			for in.Scan() {
				line++
				text := in.Bytes()
				if line == 1 {
					text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
				}
				if text = bytes.TrimSpace(text); len(text) > 0 {
					return text, line, whole(text, line)
				}
			}
			switch err := in.Err(); {
			case errors.Is(err, bufio.ErrTooLong):
				return nil, line + 1, tooLong(line+1, 0)
			case err != nil:
				return nil, line, err
			}
			return nil, line, io.EOF
		}
	}))
}

func lines(r io.Reader) *bufio.Scanner {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, sniffBytes), maxRecord)
	return s
}

// whole refuses bytes that are no text. The JSON decoder would put others in their place.
func whole(text []byte, line int) error {
	if fault := checkBytes(text); fault != nil {
		fault.Line = line
		return *fault
	}
	return nil
}

// openArray reads a file with one JSON array of objects.
func openArray(file io.ReadSeeker) (Reader, error) {
	return asReader(openObjects(file, func(r io.Reader) func() ([]byte, int, error) {
		m := &meter{from: r}
		m.reset()
		d := json.NewDecoder(m)
		begun := false
		broken := func() error {
			if m.over {
				return tooLong(0, 0)
			}
			return Fault{Code: CodeFile, Message: "the file is no JSON array of objects, or it is not whole"}
		}
		return func() ([]byte, int, error) {
			m.reset()
			if !begun {
				begun = true
				if t, err := d.Token(); err != nil || t != json.Delim('[') {
					return nil, 0, broken()
				}
			}
			if !d.More() {
				if t, err := d.Token(); err != nil || t != json.Delim(']') {
					return nil, 0, broken()
				}
				if _, err := d.Token(); !errors.Is(err, io.EOF) {
					return nil, 0, Fault{Code: CodeFile, Message: "something follows the array"}
				}
				return nil, 0, io.EOF
			}
			var raw json.RawMessage
			if err := d.Decode(&raw); err != nil {
				return nil, 0, broken()
			}
			return raw, 0, whole(raw, 0)
		}
	}))
}

// asReader keeps a nil pointer from becoming a Reader that is not nil.
func asReader(f *jsonReader, err error) (Reader, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}
