package faultproxy

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// echo answers every line with itself, and "big" with a megabyte.
func echo(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for lines := bufio.NewScanner(c); lines.Scan(); {
					answer := lines.Text() + "\n"
					if lines.Text() == "big" {
						answer = strings.Repeat("x", 1<<20)
					}
					if _, err := io.WriteString(c, answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func TestProxy(t *testing.T) {
	target := echo(t)
	p, err := New(target)
	require.NoError(t, err)
	dial := func() net.Conn {
		c, err := net.Dial("tcp", p.Addr())
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		require.NoError(t, c.SetDeadline(time.Now().Add(300*time.Millisecond)))
		return c
	}
	ask := func(c net.Conn) error {
		if _, err := io.WriteString(c, "hello\n"); err != nil {
			return err
		}
		_, err := io.ReadFull(c, make([]byte, 6))
		return err
	}
	c := dial()
	require.NoError(t, ask(c))

	require.NoError(t, p.Set(Hang))
	require.Error(t, ask(c))
	require.NoError(t, p.Set(Pass))

	require.NoError(t, p.Set(Slow))
	slow := dial()
	require.NoError(t, slow.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(slow, "big\n")
	require.NoError(t, err)
	began := time.Now()
	_, err = io.ReadFull(slow, make([]byte, 1<<20))
	require.NoError(t, err)
	require.Greater(t, time.Since(began), 100*time.Millisecond)
	require.NoError(t, p.Set(Pass))

	cut := dial()
	p.Cut(1000)
	_, err = io.WriteString(cut, "big\n")
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, cut)
	require.Error(t, err)
	require.Less(t, n, int64(1<<20))
	require.NoError(t, ask(dial()), "once")

	c = dial()
	require.NoError(t, ask(c))
	p.Reset()
	require.Error(t, ask(c))
	require.NoError(t, ask(dial()))

	require.NoError(t, p.Set(Refuse))
	_, err = net.Dial("tcp", p.Addr())
	require.Error(t, err)
	require.NoError(t, p.Set(Pass))
	require.NoError(t, ask(dial()))
	require.Positive(t, p.Port())
	require.NoError(t, p.Close())
}

// TestSetWhileClosing: a mode that is set while the proxy closes, or later, opens nothing.
func TestSetWhileClosing(t *testing.T) {
	target := echo(t)
	for range 50 {
		p, err := New(target)
		require.NoError(t, err)
		c, err := net.Dial("tcp", p.Addr())
		require.NoError(t, err)
		require.NoError(t, p.Set(Refuse))
		set := make(chan error, 1)
		go func() { set <- p.Set(Pass) }()
		require.NoError(t, p.Close())
		if err := <-set; err != nil {
			require.ErrorIs(t, err, net.ErrClosed)
		}
		require.ErrorIs(t, p.Set(Pass), net.ErrClosed)
		_, err = net.Dial("tcp", p.Addr())
		require.Error(t, err)
		_ = c.Close()
	}
}
