package failure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/stretchr/testify/require"
)

func TestTemporary(t *testing.T) {
	err := Translate(t.Context(), "scan orders", io.EOF, func(error) error { return Temporary(adapter.ErrUnavailable) })
	require.EqualError(t, err, "scan orders: "+adapter.ErrUnavailable.Error())
	require.ErrorIs(t, err, adapter.ErrUnavailable)
	require.ErrorIs(t, err, adapter.ErrTemporary)
}

func TestLost(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := free.Addr().String()
	require.NoError(t, free.Close())
	_, refused := new(net.Dialer).DialContext(context.Background(), "tcp", closed)
	require.Error(t, refused)
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"refused", refused, true},
		{"wrapped", fmt.Errorf("connect: %w", refused), true},
		{"reset", &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, true},
		{"cut", io.ErrUnexpectedEOF, true},
		{"time", &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}, false},
		{"name", &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}, false},
		{"alert", &net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, false},
		{"refused by us", errors.New("host not allowed"), false},
		{"none", nil, false},
	} {
		require.Equal(t, c.want, Lost(c.err), c.name)
	}
}
