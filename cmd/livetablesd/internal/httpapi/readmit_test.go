package httpapi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/rbac"
)

// TestReadmit: the owner of a job that goes on is readmitted while the session or token counts that the job was begun with, and
// what is kept for that lets nobody in.
func TestReadmit(t *testing.T) {
	in := newInstance(t, nil, "owner", "editor", "viewer")
	p := newPlace(t, in)
	end := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	made := in.must(t, 201, "editor", "POST", "/api/v1/auth/tokens", `{"name":"job","scopes":["data.read","rows.write"],"resources":["`+p.workspace+`"],"expires_at":"`+end+`"}`)
	for _, tc := range []struct {
		name, token string
		takenBy     func()
	}{
		{"a token", made.text(t, "token"), func() { in.must(t, 204, "editor", "DELETE", "/api/v1/auth/tokens/"+made.text(t, "id"), nil) }},
		{"a session", in.tokens["editor"].Access.Reveal(), func() { in.must(t, 204, "editor", "POST", "/api/v1/auth/logout", `{}`) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			who, err := in.auth.Verify(t.Context(), tc.token)
			require.NoError(t, err)
			was := in.api.standing(who)
			require.NotContains(t, was.Proof, tc.token)
			in.tokens["proof"] = auth.Tokens{Access: secret(was.Proof)}
			in.must(t, 401, "proof", "GET", "/api/v1/auth/me", nil)
			delete(in.tokens, "proof")
			kept := rbac.Principal{ID: was.ID, Scope: was.Scope, Proof: was.Proof, Request: "req_1", Address: "192.0.2.1"}
			now, err := in.api.Readmit(t.Context(), kept)
			require.NoError(t, err)
			require.NoError(t, now.Valid(t.Context()))
			now.Valid, was.Request, was.Address = nil, "req_1", "192.0.2.1"
			was.Valid = nil
			require.Equal(t, was, now)
			other := kept
			other.ID = in.id("viewer")
			_, err = in.api.Readmit(t.Context(), other)
			require.ErrorIs(t, err, livetables.ErrRevoked, "somebody else's")
			other = kept
			other.Proof = ""
			_, err = in.api.Readmit(t.Context(), other)
			require.ErrorIs(t, err, livetables.ErrRevoked)
			tc.takenBy()
			_, err = in.api.Readmit(t.Context(), kept)
			require.ErrorIs(t, err, livetables.ErrRevoked)
		})
	}
}
