package scale

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// stream sends a request and hands the body of the answer to read, as it comes.
func (r *run) stream(ctx context.Context, method, path, contentType string, body io.Reader, read func(io.Reader) error) (err error) {
	req, err := http.NewRequestWithContext(ctx, method, r.client.Base+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.client.Token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := r.client.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode > 299 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 500)) // as much as there is of it
		return fmt.Errorf("%s %s: status %d: %s", method, path, resp.StatusCode, text)
	}
	return read(resp.Body)
}

// load imports the file as a job.
func (r *run) load(ctx context.Context) error {
	source := newFile(r.rows)
	err := r.once("import a CSV file", func() (string, error) {
		began := time.Now()
		var job struct {
			ID, State string
			Stored    int             `json:"stored_rows"`
			Error     json.RawMessage `json:"error"`
		}
		err := r.stream(ctx, http.MethodPost, r.table+"/import?async=true&batch=1000", "text/csv", source,
			func(body io.Reader) error { return json.NewDecoder(body).Decode(&job) })
		if err != nil {
			return "", err
		}
		for job.State == "running" {
			select {
			case <-ctx.Done():
				return "", ctx.Err()
			case <-time.After(50 * time.Millisecond):
			}
			if err := r.client.Must(ctx, http.MethodGet, "/api/v1/jobs/"+job.ID, nil, &job); err != nil {
				return "", err
			}
		}
		if job.State != "done" || job.Stored != r.rows {
			return "", fmt.Errorf("the job is %s with %d of %d rows: %s", job.State, job.Stored, r.rows, job.Error)
		}
		return fmt.Sprintf("%d MiB, %.0f rows/s", source.size>>20, float64(r.rows)/time.Since(began).Seconds()), nil
	})
	if err != nil {
		return err
	}
	var table struct {
		Columns []struct{ ID, Name string }
	}
	if err := r.client.Must(ctx, http.MethodGet, r.table, nil, &table); err != nil {
		return err
	}
	for _, c := range table.Columns {
		if c.Name == "City" {
			r.city = c.ID
		}
	}
	return nil
}
