package transit

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/seal"
)

// TestCertificateIsVerified: over TLS the token is sent to nobody whose certificate does not come from the roots.
func TestCertificateIsVerified(t *testing.T) {
	asked := 0
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		require.Equal(t, "a-token", r.Header.Get("X-Vault-Token"))
		require.Equal(t, "team/one", r.Header.Get("X-Vault-Namespace"))
		fmt.Fprint(w, `{"data":{"derived":true,"latest_version":3,"supports_encryption":true,"supports_decryption":true}}`)
	}))
	defer server.Close()
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("a-token"), 0o600))
	opt := Options{Address: server.URL, Key: "k", Namespace: "team/one", TokenFile: token, Timeout: time.Second}
	c, err := New(opt)
	require.NoError(t, err)
	_, err = c.KeyID(t.Context())
	require.ErrorIs(t, err, seal.ErrUnavailable)
	require.ErrorContains(t, err, "certificate")
	require.Zero(t, asked)

	opt.RootCA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	c, err = New(opt)
	require.NoError(t, err)
	id, err := c.KeyID(t.Context())
	require.NoError(t, err)
	require.Equal(t, "transit:team/one/transit/k:v3", id)
}
