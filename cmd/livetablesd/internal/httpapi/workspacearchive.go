package httpapi

import (
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/livetables/livetables/rbac"
)

// archiveType is the media type of the archive of a workspace, which is a tar file.
const archiveType = "application/x-tar"

func workspaceArchiveRoutes() []route {
	return []route{
		{method: "GET", path: api + "/workspaces/{workspace}/archive", handler: exportWorkspace, people: true},
		{method: "POST", path: api + "/workspaces/import", handler: importWorkspace, people: true, body: bodyFile, anyFile: true, archive: true},
	}
}

// exportWorkspace sends a whole workspace as one file. As with every stream, an error after the first bytes breaks the
// connection: the length that was announced tells.
func exportWorkspace(c *call) error {
	if err := c.tally.acquire(c.ctx(), c.s.opt.Concurrency.Wait, c.exportShares()...); err != nil {
		return err
	}
	a, err := c.access.ExportWorkspace(c.ctx(), c.id("workspace"))
	if err != nil {
		return err
	}
	defer func() {
		if err := a.Close(); err != nil {
			c.s.log.ErrorContext(c.ctx(), "temporary file of an export not removed", "request_id", c.w.request, "error", err)
		}
	}()
	h := c.w.Header()
	h.Set("Content-Type", archiveType)
	h.Set("Content-Disposition", `attachment; filename="workspace.tar"`)
	h.Set("Content-Length", strconv.FormatInt(a.Size(), 10))
	h.Set("Cache-Control", "no-store")
	if c.r.Method == http.MethodHead {
		return nil
	}
	if err := a.WriteTo(c.ctx(), archiveResponse{c.w}); err != nil {
		c.s.log.WarnContext(c.ctx(), "export of a workspace broken off", "request_id", c.w.request, "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// archiveResponse gives each part of an archive its time to be taken.
type archiveResponse struct{ w *response }

// Write implements io.Writer.
func (r archiveResponse) Write(b []byte) (int, error) {
	r.w.extend()
	return r.w.Write(b)
}

// importWorkspace makes a workspace from an archive; the caller owns it.
func importWorkspace(c *call) error {
	size, err := c.upload.file.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("read upload: %w", err)
	}
	w, err := c.access.ImportWorkspace(c.ctx(), c.upload.file, size)
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", api+"/workspaces/"+w.ID)
	return c.versioned(http.StatusCreated, w.Version, workspaceDocument{w, rbac.Owner})
}
