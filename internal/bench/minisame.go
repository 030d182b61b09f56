package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// sameFields checks that two answers have the same rows in the same order: whatever else is in them, the cells of the table's
// columns are the same values. Without, nothing that is measured means anything.
func sameFields(want int, hand, ours []byte) error {
	a, err := rowsOf(hand)
	if err != nil {
		return fmt.Errorf("by hand: %w", err)
	}
	b, err := rowsOf(ours)
	if err != nil {
		return fmt.Errorf("ours: %w", err)
	}
	if len(a) != want || len(b) != want {
		return fmt.Errorf("%d rows by hand and %d of ours in the place of %d", len(a), len(b), want)
	}
	for i := range a {
		for _, c := range wideColumns {
			x, y := a[i][c.name], b[i][c.name]
			if x == nil || y == nil || plainValue(x) != plainValue(y) {
				return fmt.Errorf("row %d has %s %v by hand and %v in ours", i, c.name, x, y)
			}
		}
	}
	return nil
}

// rowsOf reads a row, a list of rows or a page, with cells in the row itself or below "fields".
func rowsOf(text []byte) (rows []map[string]any, err error) {
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		var one map[string]json.RawMessage
		if err := json.Unmarshal(text, &one); err != nil {
			return nil, fmt.Errorf("%.200s: %w", text, err)
		}
		if data, ok := one["data"]; ok {
			return rowsOf(data)
		}
		list = append(list, one)
	}
	for _, document := range list {
		fields, ok := document["fields"]
		if !ok {
			if fields, err = json.Marshal(document); err != nil {
				return nil, err
			}
		}
		row := map[string]any{}
		if err := json.Unmarshal(fields, &row); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// plainValue is a value of JSON as it can be compared: times are written with more or fewer digits, dates with a time or without.
func plainValue(v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UnixMilli()
		}
	}
	return s
}
