package httpapi

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
)

func jobRoutes() []route {
	return []route{
		{method: "GET", path: api + "/workspaces/{workspace}/jobs", handler: listJobs},
		{method: "GET", path: api + "/jobs/{job}", handler: getJob},
		{method: "DELETE", path: api + "/jobs/{job}", handler: deleteJob},
		{method: "GET", path: api + "/jobs/{job}/file", handler: getJobFile},
		{method: "POST", path: api + "/tables/{table}/export", handler: startTableExport, params: []string{"format", "filter", "syntax", "sort", "fields"}, filters: true},
		{method: "POST", path: api + "/workspaces/{workspace}/query/export", handler: startQueryExport, params: []string{"format"}, body: bodyJSON},
	}
}

// started answers with a job that goes on.
func (c *call) started(job *livetables.Job) error {
	c.w.Header().Set("Location", api+"/jobs/"+job.ID)
	return c.json(http.StatusAccepted, job)
}

// startImport hands the uploaded file over to a job. Its rows are stored in batches unless the request says otherwise.
func (c *call) startImport(spec livetables.ImportSpec) error {
	if _, given := c.params.find("batch"); !given && len(spec.Key) == 0 { // with a key it has batches anyway
		spec.Batch = asyncBatch
	}
	file, log := c.upload.file, c.s.log
	job, err := c.access.StartImport(c.ctx(), spec, file, func() {
		if err := errors.Join(file.Close(), os.Remove(file.Name())); err != nil {
			log.Error("upload of a job not removed", "error", err)
		}
	})
	if err != nil {
		return err
	}
	c.upload = nil // the job's
	return c.started(job)
}

// asyncBatch is how many new rows a job stores together when nothing else is asked for: a tenth of a second for which other writers wait.
const asyncBatch = 4000

// exportFormat is the format that the parameters name, CSV when they do not.
func (c *call) exportFormat() (livetables.Format, error) {
	text, ok := c.params.find("format")
	if !ok {
		return livetables.FormatCSV, nil
	}
	var known []string
	for _, f := range fileFormats {
		if string(f.format) == text {
			return f.format, nil
		}
		known = append(known, string(f.format))
	}
	return "", badParam("format", lqp.CodeArgument, "one of "+strings.Join(known, ", ")+" was expected")
}

func startTableExport(c *call) error {
	format, err := c.exportFormat()
	if err != nil {
		return err
	}
	workspace, q, err := c.tableQuery()
	if err != nil {
		return err
	}
	job, err := c.access.StartExport(c.ctx(), workspace, q, format)
	if err != nil {
		return placedFilter(err)
	}
	return c.started(job)
}

func startQueryExport(c *call) error {
	format, err := c.exportFormat()
	if err != nil {
		return err
	}
	q, err := c.query("")
	if err != nil {
		return err
	}
	job, err := c.access.StartExport(c.ctx(), c.id("workspace"), q, format)
	if err != nil {
		return err
	}
	return c.started(job)
}

// listJobs lists the caller's own jobs.
func listJobs(c *call) error {
	list, err := c.access.Jobs(c.ctx(), c.id("workspace"))
	if err != nil {
		return err
	}
	return c.list(list)
}

func getJob(c *call) error {
	job, err := c.access.Job(c.ctx(), c.id("job"))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, job)
}

// deleteJob cancels a job that runs, and forgets one that has ended.
func deleteJob(c *call) error {
	if err := c.access.CancelJob(c.ctx(), c.id("job")); err != nil {
		return err
	}
	return c.noContent()
}

// getJobFile sends what an export has made.
func getJobFile(c *call) error {
	file, format, err := c.access.JobFile(c.ctx(), c.id("job"))
	if err != nil {
		return err
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	for _, f := range fileFormats {
		if f.format == format {
			c.w.fileHeaders(f)
			c.w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
			_, err = io.Copy(fileResponse{c.w, f}, file)
		}
	}
	return err
}
