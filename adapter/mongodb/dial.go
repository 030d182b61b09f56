package mongodb

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"net"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/settings"
)

// maxMessage is the longest message a server may send: MongoDB's own limit is 48,000,000 bytes, but the driver believes
// the server about that.
const maxMessage = 48_000_000 + 16<<10

var errMessage = errors.New("the server's message has no sensible length")

// dialer makes the driver's connections: by the settings' Dial, then TLS where wanted. Messages are measured.
type dialer struct{ settings *adapter.Settings }

// DialContext implements the driver's ContextDialer.
func (d *dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	if network != "tcp" || !strings.EqualFold(addr, address(d.settings)) { // the driver makes names lower case
		return nil, errors.New("not the host that was asked for")
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := d.settings.Dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if config := settings.TLSConfig(d.settings); config != nil {
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		conn = secure
	}
	return &measured{Conn: conn}, nil
}

// measured is a connection that fails when the server announces a message beyond maxMessage. One goroutine reads at a
// time, as the driver does.
type measured struct {
	net.Conn
	header [4]byte
	have   int // bytes of header read
	left   int // bytes of the current message still to come
}

// Read implements io.Reader.
func (m *measured) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	if !m.follow(p[:n]) {
		m.Conn.Close()
		return 0, errMessage
	}
	return n, err
}

// follow accounts for bytes read and reports whether all lengths among them were sensible.
func (m *measured) follow(b []byte) bool {
	for len(b) > 0 {
		if m.left > 0 {
			n := min(m.left, len(b))
			m.left -= n
			b = b[n:]
			continue
		}
		n := copy(m.header[m.have:], b)
		m.have += n
		b = b[n:]
		if m.have < len(m.header) {
			return true
		}
		size := binary.LittleEndian.Uint32(m.header[:])
		if size < 16 || size > maxMessage {
			return false
		}
		m.have, m.left = 0, int(size)-len(m.header)
	}
	return true
}
