package mongodb

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/adapter"
)

// scripted is a server that says what a test wants, in MongoDB's protocol.
type scripted struct {
	t testing.TB
	net.Listener
	answer func(name string, command bson.Raw) any // a document, or bytes to send as they are

	mu   sync.Mutex
	seen []bson.Raw // commands other than greetings
}

func newScripted(t testing.TB, config *tls.Config, answer func(name string, command bson.Raw) any) *scripted {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	if config != nil {
		l = tls.NewListener(l, config)
	}
	s := &scripted{t: t, Listener: l, answer: answer}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				s.serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return s
}

func (s *scripted) settings() adapter.Settings {
	return adapter.Settings{Host: "127.0.0.1", Port: s.Addr().(*net.TCPAddr).Port, Database: "shop", TLS: "off", Timeout: 5 * time.Second}
}

// commands are those seen with a name.
func (s *scripted) commands(name string) (found []bson.Raw) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.seen {
		if commandName(c) == name {
			found = append(found, c)
		}
	}
	return found
}

func commandName(c bson.Raw) string {
	w := walk(c)
	w.next()
	return string(w.key)
}

const (
	opReply   = 1
	opQuery   = 2004
	opMessage = 2013
)

func (s *scripted) serve(conn net.Conn) {
	for {
		var header [16]byte
		if _, err := io.ReadFull(conn, header[:]); err != nil {
			return
		}
		body := make([]byte, binary.LittleEndian.Uint32(header[:])-16)
		if _, err := io.ReadFull(conn, body); err != nil {
			return
		}
		query := binary.LittleEndian.Uint32(header[12:]) == opQuery
		skip := 5
		if query { // flags, "admin.$cmd", two counts
			skip = 4 + len("admin.$cmd") + 1 + 8
		}
		command := bson.Raw(body[skip:])
		name := commandName(command)
		var reply any
		if name == "isMaster" || name == "ismaster" || name == "hello" {
			reply = doc("ok", 1, "ismaster", true, "isWritablePrimary", true, "helloOk", true, "minWireVersion", int32(0), "maxWireVersion", int32(21),
				"maxBsonObjectSize", int32(16<<20), "maxMessageSizeBytes", int32(1<<31-1), "maxWriteBatchSize", int32(1000),
				"logicalSessionTimeoutMinutes", int32(30), "saslSupportedMechs", bson.A{"SCRAM-SHA-256"})
		} else {
			s.mu.Lock()
			s.seen = append(s.seen, append(bson.Raw(nil), command...))
			s.mu.Unlock()
			reply = s.answer(name, command)
		}
		if raw, ok := reply.([]byte); ok {
			_, _ = conn.Write(raw)
			continue
		}
		if reply == nil {
			reply = doc("ok", 1)
		}
		b, err := bson.Marshal(reply)
		if err != nil {
			return
		}
		var head []byte
		op := uint32(opMessage)
		if query {
			op, head = opReply, append(make([]byte, 16), 1, 0, 0, 0)
		} else {
			head = make([]byte, 5)
		}
		out := binary.LittleEndian.AppendUint32(nil, uint32(16+len(head)+len(b)))
		out = append(out, 0, 0, 0, 0)
		out = append(out, header[4:8]...)
		out = binary.LittleEndian.AppendUint32(out, op)
		out = append(out, head...)
		if _, err := conn.Write(append(out, b...)); err != nil {
			return
		}
	}
}

// batchOf answers a find with documents and the cursor for more.
func batchOf(id int64, key string, docs ...any) bson.D {
	return doc("ok", 1, "cursor", doc("id", id, "ns", "shop.t", key, bson.A(docs)))
}

// certificate makes a certificate for 127.0.0.1 that nobody has signed, and the PEM to trust it by.
func certificate(t testing.TB) (tls.Certificate, string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		OCSPServer: []string{"http://127.0.0.1:1/ocsp"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
