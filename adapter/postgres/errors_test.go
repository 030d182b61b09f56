package postgres

import (
	"errors"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/livetables/livetables/adapter"
	"github.com/stretchr/testify/require"
)

// TestTemporaryFailures: what may be over with the next try, and what is not.
func TestTemporaryFailures(t *testing.T) {
	state := func(code string) error { return &pgconn.PgError{Code: code} }
	for _, c := range []struct {
		name                   string
		err                    error
		temporary, unavailable bool
	}{
		{"serialization", state("40001"), true, false},
		{"deadlock", state("40P01"), true, false},
		{"lock not available", state("55P03"), true, false},
		{"shutting down", state("57P01"), true, true},
		{"starting up", state("57P03"), true, true},
		{"too many connections", state("53300"), true, true},
		{"connection failure", state("08006"), true, true},
		{"connection cut", io.ErrUnexpectedEOF, true, true},
		{"disk full", state("53100"), false, true},
		{"no such database", state("3D000"), false, true},
		{"TLS", errors.New("tls: certificate is not trusted"), false, true},
		{"cancelled by statement_timeout", state("57014"), false, false},
		{"wrong password", state("28P01"), false, false},
		{"overflow", state("22003"), false, false},
	} {
		got := sentinel(c.err)
		require.Equal(t, c.temporary, errors.Is(got, adapter.ErrTemporary), c.name)
		require.Equal(t, c.unavailable, errors.Is(got, adapter.ErrUnavailable), c.name)
	}
}
