package scale

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// page is a page of rows.
type page struct {
	Data []struct {
		ID      string
		Version int
		Fields  struct {
			Code, City, T1, T2 string
			N                  *int
		}
	}
	Page struct {
		Next string `json:"next_cursor"`
		More bool   `json:"has_more"`
	}
}

// list reads a page, with parameters in pairs.
func (r *run) list(ctx context.Context, parameters ...string) (*page, error) {
	query := url.Values{}
	for i := 0; i+1 < len(parameters); i += 2 {
		query.Set(parameters[i], parameters[i+1])
	}
	p := &page{}
	return p, r.client.Must(ctx, http.MethodGet, r.table+"/rows?"+query.Encode(), nil, p)
}

const often = 20

// pages reads first pages in several ways.
func (r *run) pages(ctx context.Context) error {
	want := func(p *page, err error, rows int, right func(i int) bool) error {
		if err != nil {
			return err
		}
		if len(p.Data) != rows {
			return fmt.Errorf("%d rows came, want %d", len(p.Data), rows)
		}
		for i := range p.Data {
			if !right(i) {
				return fmt.Errorf("row %d is %+v", i, p.Data[i].Fields)
			}
		}
		return nil
	}
	full := min(100, r.rows)
	ofCity := func(i int) int { return min(100, (r.rows-i+cities-1)/cities) } // rows of a page of city i
	steps := []struct {
		name string
		do   func(i int) error
	}{
		{"first page of 100", func(int) error {
			p, err := r.list(ctx, "limit", "100")
			return want(p, err, full, func(i int) bool { return p.Data[i].Fields.Code == code(i) })
		}},
		{"100 of a city, by the index", func(n int) error {
			p, err := r.list(ctx, "limit", "100", "City.eq", city(n))
			return want(p, err, ofCity(n), func(i int) bool { return p.Data[i].Fields.City == city(n) })
		}},
		{"one row by the unique column", func(n int) error {
			p, err := r.list(ctx, "Code.eq", code(n*(r.rows/often)))
			return want(p, err, 1, func(int) bool { return p.Data[0].Fields.Code == code(n*(r.rows/often)) })
		}},
		{"first page by city descending, by the index", func(int) error {
			p, err := r.list(ctx, "limit", "100", "sort", "-City")
			return want(p, err, full, func(i int) bool { return i == 0 || p.Data[i-1].Fields.City >= p.Data[i].Fields.City })
		}},
	}
	if err := r.often(steps[0].name, often, steps[0].do); err != nil {
		return err
	}
	if err := r.once("make an index on City", func() (string, error) {
		return "", r.client.Must(ctx, http.MethodPost, r.table+"/indexes", map[string]any{"columns": []any{map[string]any{"column": r.city}}}, nil)
	}); err != nil {
		return err
	}
	for _, s := range steps[1:] {
		if err := r.often(s.name, often, s.do); err != nil {
			return err
		}
	}
	return r.once("filter by a formula that no index serves", func() (string, error) {
		p, err := r.list(ctx, "limit", "100", "filter", fmt.Sprintf("N * 2 >= %d", (r.rows-50)*2))
		return "", want(p, err, min(50, r.rows), func(i int) bool { return *p.Data[i].Fields.N >= r.rows-50 })
	})
}

// walk reads all rows in pages and compares the first pages with the last ones.
func (r *run) walk(ctx context.Context) error {
	var took []time.Duration
	seen, cursor := 0, ""
	err := r.once("walk through all rows, 1,000 a page", func() (string, error) {
		for {
			parameters := []string{"limit", "1000", "fields", "Code"}
			if cursor != "" {
				parameters = append(parameters, "cursor", cursor)
			}
			began := time.Now()
			p, err := r.list(ctx, parameters...)
			if err != nil {
				return "", err
			}
			took = append(took, time.Since(began))
			for _, row := range p.Data {
				if row.Fields.Code != code(seen) {
					return "", fmt.Errorf("row %d of the walk is %s", seen, row.Fields.Code)
				}
				seen++
			}
			if cursor = p.Page.Next; cursor == "" {
				break
			}
		}
		if seen != r.rows {
			return "", fmt.Errorf("%d rows came, want %d", seen, r.rows)
		}
		return fmt.Sprintf("%.0f rows/s", float64(seen)/sum(took).Seconds()), nil
	})
	if err != nil {
		return err
	}
	some := min(often, len(took))
	first, last := took[:some], took[len(took)-some:]
	r.done("  its first pages", append([]time.Duration(nil), first...), "")
	r.done("  its last pages", append([]time.Duration(nil), last...), "")
	return nil
}

func sum(list []time.Duration) (all time.Duration) {
	for _, d := range list {
		all += d
	}
	return all
}

// newest is when the newest entry of the table's history was written.
func (r *run) newest(ctx context.Context) (time.Time, error) {
	var entries struct {
		Data []struct{ At time.Time }
	}
	if err := r.client.Must(ctx, http.MethodGet, r.table+"/history?limit=1", nil, &entries); err != nil {
		return time.Time{}, err
	}
	if len(entries.Data) != 1 {
		return time.Time{}, errors.New("the table has no history")
	}
	return entries.Data[0].At, nil
}

// past reads the history, and the table as it was before the writes.
func (r *run) past(ctx context.Context) error {
	if err := r.often("first page of the history", often, func(int) error {
		return r.client.Must(ctx, http.MethodGet, r.table+"/history?limit=100", nil, nil)
	}); err != nil {
		return err
	}
	return r.often("100 of the changed rows as of before", 3, func(int) error {
		p, err := r.list(ctx, "limit", "100", "sort", "-Code", "as_of", r.before.Format(time.RFC3339Nano))
		if err != nil {
			return err
		}
		for i, row := range p.Data {
			if row.Fields.Code != code(r.rows-1-i) || strings.HasPrefix(row.Fields.T1, "changed") || strings.HasPrefix(row.Fields.T2, "bulk") {
				return fmt.Errorf("row %d is %+v", i, row.Fields)
			}
		}
		return nil
	})
}
