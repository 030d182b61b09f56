package mysql

import (
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/livetables/livetables/adapter"
	"github.com/stretchr/testify/require"
)

// TestTemporaryFailures: what may be over with the next try, and what is not.
func TestTemporaryFailures(t *testing.T) {
	number := func(n uint16) error { return &mysql.MySQLError{Number: n} }
	for _, c := range []struct {
		name                   string
		err                    error
		temporary, unavailable bool
	}{
		{"deadlock", number(1213), true, false},
		{"too many connections", number(1040), true, true},
		{"shutting down", number(1053), true, true},
		{"connection killed", number(1927), true, true},
		{"connection lost", mysql.ErrInvalidConn, true, true},
		{"connection found dead", driver.ErrBadConn, true, true},
		{"statement killed", number(1317), false, true},
		{"disk full", number(1114), false, true},
		{"no such database", number(1049), false, true},
		{"statement too slow", number(3024), false, false},
		{"wrong password", number(1045), false, false},
		{"overflow", number(1690), false, false},
	} {
		got := sentinel(c.err)
		require.Equal(t, c.temporary, errors.Is(got, adapter.ErrTemporary), c.name)
		require.Equal(t, c.unavailable, errors.Is(got, adapter.ErrUnavailable), c.name)
	}
}
