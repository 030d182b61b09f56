package httpapi

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fileThief is a MySQL server as an attacker would write it: it lets everybody in and answers every statement by asking
// for a file of the client (the LOCAL INFILE request of the client/server protocol).
type fileThief struct {
	port int
	file string

	mu    sync.Mutex
	asked int
	got   bytes.Buffer // what clients sent after they were asked
}

func startFileThief(t testing.TB, file string) *fileThief {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &fileThief{port: l.Addr().(*net.TCPAddr).Port, file: file}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() {
				defer func() { _ = conn.Close() }()
				_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
				s.serve(conn)
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); work.Wait() })
	return s
}

// serve speaks to one client until it leaves.
func (s *fileThief) serve(conn net.Conn) {
	const capabilities = 0x00000001 | 0x00000008 | 0x00000080 | 0x00000200 | 0x00008000 | 0x00080000 // with LOCAL FILES and plugin auth
	greeting := append([]byte{10}, "8.0.99\x00"...)
	greeting = append(greeting, 1, 0, 0, 0, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 0)
	greeting = binary.LittleEndian.AppendUint16(greeting, capabilities&0xffff)
	greeting = append(greeting, 45, 2, 0)
	greeting = binary.LittleEndian.AppendUint16(greeting, capabilities>>16)
	greeting = append(greeting, 21)
	greeting = append(greeting, make([]byte, 10)...)
	greeting = append(greeting, "ijklmnopqrst\x00mysql_native_password\x00"...)
	ok := []byte{0, 0, 0, 2, 0, 0, 0}
	if writePacket(conn, 0, greeting) != nil {
		return
	}
	if _, _, err := readPacket(conn); err != nil || writePacket(conn, 2, ok) != nil {
		return
	}
	for {
		_, command, err := readPacket(conn)
		if err != nil || len(command) == 0 || command[0] == 1 { // COM_QUIT
			return
		}
		s.mu.Lock()
		s.asked++
		s.mu.Unlock()
		if writePacket(conn, 1, append([]byte{0xfb}, s.file...)) != nil {
			return
		}
		for {
			_, part, err := readPacket(conn)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.got.Write(part)
			s.mu.Unlock()
			if len(part) == 0 {
				break
			}
		}
		if writePacket(conn, 3, ok) != nil {
			return
		}
	}
}

func readPacket(r io.Reader) (seq byte, body []byte, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	body = make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	_, err = io.ReadFull(r, body)
	return head[3], body, err
}

func writePacket(w io.Writer, seq byte, body []byte) error {
	n := len(body)
	_, err := w.Write(append([]byte{byte(n), byte(n >> 8), byte(n >> 16), seq}, body...))
	return err
}

// TestAttack15LocalInfile connects to a server that asks for files: it gets nothing, and the connection fails.
func TestAttack15LocalInfile(t *testing.T) {
	p := newPlace(t, newInstance(t, nil, "root", "owner"))
	file := filepath.Join(t.TempDir(), "secret.txt")
	require.NoError(t, os.WriteFile(file, []byte("planted-file-content"), 0o600))
	thief := startFileThief(t, file)
	spec := networkSpec("mysql", "127.0.0.1", thief.port)
	spec["tls"] = "off"
	route, _ := p.connect(t, 201, spec)
	defer p.must(t, 204, "owner", "DELETE", route, nil) // or it would stay open
	a := p.must(t, 200, "owner", "POST", route+"/test", nil)
	require.Contains(t, a.body, `"ok":false`)
	require.NotContains(t, a.body, "secret.txt")
	a = p.do(t, "owner", "POST", route+"/query", `{"source":{"table":"t"}}`)
	require.GreaterOrEqual(t, a.status, 400)
	require.NotContains(t, a.body, "secret.txt")
	thief.mu.Lock()
	defer thief.mu.Unlock()
	require.Positive(t, thief.asked, "the server was spoken to")
	require.NotContains(t, thief.got.String(), "planted")
	require.Empty(t, strings.TrimSpace(thief.got.String()))
}
