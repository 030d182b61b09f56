package httpapi

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testenv"
)

// authority is a certificate authority of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &authority{cert, key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

// serverFor is the TLS configuration of a server with a certificate for an address.
func (a *authority) serverFor(t testing.TB, address string, ends time.Time) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: ends, IPAddresses: []net.IP{net.ParseIP(address)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	require.NoError(t, err)
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// terminate starts a server that ends TLS in front of a real database: begin speaks the start of its protocol.
func terminate(t testing.TB, target string, begin func(client, server net.Conn) (net.Conn, error)) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var work sync.WaitGroup
	work.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() {
				defer func() { _ = client.Close() }()
				_ = client.SetDeadline(time.Now().Add(30 * time.Second))
				server, err := net.Dial("tcp", target)
				if err != nil {
					return
				}
				defer func() { _ = server.Close() }()
				secure, err := begin(client, server)
				if err != nil {
					return
				}
				go func() { _, _ = io.Copy(server, secure); _ = server.Close() }()
				_, _ = io.Copy(secure, server)
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); work.Wait() })
	return l.Addr().(*net.TCPAddr).Port
}

// beginPostgres answers PostgreSQL's SSLRequest.
func beginPostgres(config *tls.Config) func(client, server net.Conn) (net.Conn, error) {
	return func(client, _ net.Conn) (net.Conn, error) {
		var request [8]byte
		if _, err := io.ReadFull(client, request[:]); err != nil {
			return nil, err
		}
		if binary.BigEndian.Uint32(request[4:]) != 80877103 {
			return nil, io.ErrUnexpectedEOF // it would have gone on without TLS
		}
		if _, err := client.Write([]byte{'S'}); err != nil {
			return nil, err
		}
		secure := tls.Server(client, config)
		return secure, secure.Handshake()
	}
}

// beginMySQL says that the server knows TLS, takes the client's request for it, and hands its login on with the sequence
// number that the server waits for.
func beginMySQL(config *tls.Config) func(client, server net.Conn) (net.Conn, error) {
	return func(client, server net.Conn) (net.Conn, error) {
		_, greeting, err := readPacket(server)
		if err != nil {
			return nil, err
		}
		end := 1
		for greeting[end] != 0 { // the version
			end++
		}
		greeting[end+1+4+8+1+1] |= 0x08 // CLIENT_SSL, the second byte of the lower capabilities
		if err := writePacket(client, 0, greeting); err != nil {
			return nil, err
		}
		_, request, err := readPacket(client)
		if err != nil || len(request) != 32 {
			return nil, io.ErrUnexpectedEOF
		}
		secure := tls.Server(client, config)
		if err := secure.Handshake(); err != nil {
			return nil, err
		}
		_, login, err := readPacket(secure)
		if err != nil {
			return nil, err
		}
		login[1] &^= 0x08 // as it would be without TLS
		if err := writePacket(server, 1, login); err != nil {
			return nil, err
		}
		for { // until the login is over, numbers are one apart
			seq, answer, err := readPacket(server)
			if err != nil {
				return nil, err
			}
			if err := writePacket(secure, seq+1, answer); err != nil {
				return nil, err
			}
			if answer[0] == 0 || answer[0] == 0xff {
				return secure, nil
			}
			if answer[0] == 1 { // more of the method follows, from the server
				continue
			}
			seq, reply, err := readPacket(secure)
			if err != nil {
				return nil, err
			}
			if err := writePacket(server, seq-1, reply); err != nil {
				return nil, err
			}
		}
	}
}

// TestTLSIsVerified (R17) connects to real servers behind TLS: with a certificate that the connection's authority has
// signed for the very address, and with all that is not quite that.
func TestTLSIsVerified(t *testing.T) {
	p := newPlace(t, newInstance(t, nil, "root", "owner"))
	trusted, other := newAuthority(t), newAuthority(t)
	later := time.Now().Add(time.Hour)
	u, err := url.Parse(testenv.Postgres(t))
	require.NoError(t, err)
	cfg, err := driver.ParseDSN(testenv.MySQL(t))
	require.NoError(t, err)
	for _, db := range []struct {
		driver, address, database, user string
		begin                           func(*tls.Config) func(client, server net.Conn) (net.Conn, error)
	}{
		{"postgres", u.Host, u.Path[1:], u.User.Username(), beginPostgres},
		{"mysql", cfg.Addr, cfg.DBName, cfg.User, beginMySQL},
	} {
		for _, test := range []struct {
			name   string
			config *tls.Config
			rootCA string
			ok     bool
		}{
			{"trusted", trusted.serverFor(t, "127.0.0.1", later), trusted.pem, true},
			{"another address", trusted.serverFor(t, "127.0.0.9", later), trusted.pem, false},
			{"expired", trusted.serverFor(t, "127.0.0.1", time.Now().Add(-time.Hour)), trusted.pem, false},
			{"another authority", other.serverFor(t, "127.0.0.1", later), trusted.pem, false},
			{"only the system's authorities", trusted.serverFor(t, "127.0.0.1", later), "", false},
		} {
			t.Run(db.driver+" "+test.name, func(t *testing.T) {
				spec := networkSpec(db.driver, "127.0.0.1", terminate(t, db.address, db.begin(test.config)))
				spec["database"], spec["user"] = db.database, db.user
				delete(spec, "password")
				if test.rootCA != "" {
					spec["root_ca"] = test.rootCA
				}
				route, _ := p.connect(t, 201, spec)
				defer p.must(t, 204, "owner", "DELETE", route, nil) // or it would stay open
				a := p.must(t, 200, "owner", "POST", route+"/test", nil)
				require.Equal(t, test.ok, a.get(t, "ok"), a.body)
				require.NotContains(t, a.body, "x509")
			})
		}
		t.Run(db.driver+" without TLS at the server", func(t *testing.T) {
			host, port, err := net.SplitHostPort(db.address)
			require.NoError(t, err)
			spec := networkSpec(db.driver, host, atoi(t, port))
			spec["database"], spec["user"] = db.database, db.user
			delete(spec, "password")
			route, _ := p.connect(t, 201, spec)
			require.Contains(t, p.must(t, 200, "owner", "POST", route+"/test", nil).body, `"ok":false`, "verify is the default, and nothing falls back")
		})
	}
}
