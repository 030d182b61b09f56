package httpapi

import (
	"fmt"
	"net/http"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestUploadWithoutRoom: whoever uploads to a full disk is told so, and not what the file would have been called.
func TestUploadWithoutRoom(t *testing.T) {
	p := problemFor(fmt.Errorf("keep upload: %w", &os.PathError{Op: "write", Path: "/data/uploads/upload-1", Err: syscall.ENOSPC}))
	require.Equal(t, http.StatusInsufficientStorage, p.Status)
	require.Equal(t, "storage_full", p.Code)
	require.NotContains(t, p.Detail, "upload-1")
}
