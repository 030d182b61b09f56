package httpapi

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// counter is a listener that counts who connects. The kernel completes handshakes by itself, so that a connection that was
// made is seen even when it is closed at once.
type counter struct {
	port  int
	count atomic.Int64
}

func listenOn(t testing.TB, address string) *counter {
	t.Helper()
	l, err := net.Listen("tcp", address)
	require.NoError(t, err)
	c := &counter{port: l.Addr().(*net.TCPAddr).Port}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.count.Add(1)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return c
}

// connect makes a connection and answers its route.
func (p *place) connect(t testing.TB, status int, spec map[string]any) (route string, a *answer) {
	t.Helper()
	a = p.must(t, status, "owner", "POST", p.at("/connections"), spec)
	if status == 201 {
		route = "/api/v1/connections/" + a.text(t, "id")
	}
	return route, a
}

func networkSpec(driver, host string, port int) map[string]any {
	return map[string]any{"name": rand.Text(), "driver": driver, "host": host, "port": port, "database": "d", "user": "u", "password": "p"}
}

// TestAttack11InternalHosts names hosts inside, in every spelling, to every driver: nothing is sent there. Where a rule
// allows one address of this machine, the others stay closed.
func TestAttack11InternalHosts(t *testing.T) {
	p := newPlace(t, newInstance(t, nil, "root", "owner"))
	inside := listenOn(t, "127.0.0.2:0")
	all := listenOn(t, "0.0.0.0:0")
	for _, driver := range []string{"postgres", "mysql", "mongodb"} {
		for _, host := range []string{"127.0.0.2", "127.1.2.3", "::1", "0.0.0.0", "::", "10.0.0.5", "169.254.169.254", "192.168.1.1", "100.64.0.1", "::ffff:127.0.0.2",
			"::ffff:7f00:2", "::127.0.0.2", "64:ff9b::7f00:2", "2002:7f00:2::", "2001:0:4136:e378:8000:63bf:80ff:fffd", "fe80::5efe:7f00:2", "fd00:ec2::254", "168.63.129.16"} {
			for _, port := range []int{inside.port, all.port, 0} {
				route, _ := p.connect(t, 201, networkSpec(driver, host, port))
				a := p.must(t, 200, "owner", "POST", route+"/test", nil)
				require.Equal(t, "host_not_allowed", a.text(t, "code"), "%s %s", driver, host)
				require.Equal(t, "host_not_allowed", p.must(t, 422, "owner", "POST", route+"/query", `{"source":{"table":"t"}}`).text(t, "code"))
				if port == 0 {
					break
				}
			}
		}
		for _, host := range []string{"fe80::1%lo", "127.0.0.2:5432", "[::1]", "127.0.0.2,127.0.0.1", "a b", "127.0.0.2/x", "127.0.0.2\x00"} {
			p.refusedHost(t, driver, host)
		}
	}
	require.Zero(t, inside.count.Load())
	require.Zero(t, all.count.Load())
}

// refusedHost wants what is no host to be refused when it is used, if not before, without a word about it.
func (p *place) refusedHost(t testing.TB, driver, host string) {
	t.Helper()
	spec, err := json.Marshal(networkSpec(driver, host, 0))
	require.NoError(t, err)
	a := p.do(t, "owner", "POST", p.at("/connections"), string(spec))
	if a.status == 400 || a.status == 422 {
		return
	}
	require.Equal(t, 201, a.status, "%s %q: %s", driver, host, a.body)
	a = p.must(t, 200, "owner", "POST", "/api/v1/connections/"+a.text(t, "id")+"/test", nil)
	require.Contains(t, []string{"invalid", "host_not_allowed"}, a.text(t, "code"), "%s %q", driver, host)
}

// TestAttack14Ports tries open and closed ports of a host that is not allowed, and ports of public hosts that are not the
// driver's: all are answered alike and at once, as nothing is sent to any of them.
func TestAttack14Ports(t *testing.T) {
	p := newPlace(t, newInstance(t, nil, "root", "owner"))
	open := listenOn(t, "127.0.0.2:0")
	bodies := map[string]bool{}
	try := func(host string, port int) {
		route, _ := p.connect(t, 201, networkSpec("postgres", host, port))
		began := time.Now()
		a := p.must(t, 200, "owner", "POST", route+"/test", nil)
		require.Less(t, time.Since(began), 2*time.Second)
		bodies[a.body] = true
	}
	try("127.0.0.2", open.port)
	try("127.0.0.2", 1)
	try("10.255.255.1", 5432) // where packets would be lost
	for _, port := range []int{22, 80, 443, 3306, 6379} {
		try("8.8.8.8", port)
	}
	require.Len(t, bodies, 1, bodies)
	require.Zero(t, open.count.Load())
}

// TestAttack15DriverOptions, 16 and 17: what a driver would make of options, paths and URIs is refused before any file or
// socket is touched.
func TestAttack15DriverOptions(t *testing.T) {
	p := newPlace(t, newInstance(t, nil, "root", "owner"))
	for _, name := range []string{"PGHOST", "PGSERVICE", "PGPASSFILE", "PGSSLROOTCERT", "PGSSLKEY", "PGOPTIONS"} {
		t.Setenv(name, "/nonexistent/"+name) // 16: nothing comes from the environment
	}
	options := map[string][]string{
		"mysql":    {"allowAllFiles", "allowCleartextPasswords", "multiStatements", "tls_config", "allowFallbackToPlaintext", "params", "dsn", "serverPubKey"},
		"postgres": {"passfile", "service", "servicefile", "sslkey", "sslcert", "sslrootcert", "options", "dsn", "fallbacks", "krbsrvname"},
		"mongodb":  {"uri", "authMechanism", "authMechanismProperties", "tlsCertificateKeyFile", "tlsInsecure", "tlsAllowInvalidCertificates", "directConnection", "proxyHost", "replicaSet"},
	}
	for driver, names := range options {
		for _, option := range names {
			spec := networkSpec(driver, "127.0.0.1", 1)
			spec[option] = "x"
			_, a := p.connect(t, 400, spec)
			require.Contains(t, a.body, `"$.`+option+`"`)
			require.Contains(t, a.body, "unknown_key")
		}
		for _, tls := range []string{"skip-verify", "preferred", "disable", "prefer", "true", "false"} {
			spec := networkSpec(driver, "127.0.0.1", 1)
			spec["tls"] = tls
			_, a := p.connect(t, 400, spec)
			require.Contains(t, a.body, "$.tls")
		}
		for _, host := range []string{"/var/run/postgresql", "@abstract", "unix(/tmp/mysql.sock)", "/tmp/mysql.sock", "C:\\pipe", "mongodb://127.0.0.1/", "mongodb+srv://x.example/", "user@127.0.0.1",
			"127.0.0.1?allowAllFiles=true", "127.0.0.1)/x?allowAllFiles=true", "host=127.0.0.1 sslmode=disable", "%2Fvar%2Frun"} {
			p.refusedHost(t, driver, host)
		}
		spec := networkSpec(driver, "127.0.0.1", 1)
		spec["root_ca"] = "/etc/ssl/certs/ca-certificates.crt"
		route, _ := p.connect(t, 201, spec)
		require.Equal(t, "invalid", p.must(t, 200, "owner", "POST", route+"/test", nil).text(t, "code"), "a path is no certificate")
	}
	// Options in the other texts of the settings stay texts.
	counted := listenOn(t, "127.0.0.2:0")
	for _, text := range []string{"d?allowAllFiles=true", "d&tls=skip-verify", "d host=127.0.0.2 port=" + strconv.Itoa(counted.port), "d)@tcp(127.0.0.2:" + strconv.Itoa(counted.port) + ")/d"} {
		for driver := range options {
			spec := networkSpec(driver, "127.0.0.1", 1)
			spec["database"], spec["user"] = text, text
			route, _ := p.connect(t, 201, spec)
			a := p.must(t, 200, "owner", "POST", route+"/test", nil)
			require.Contains(t, []string{"source_unavailable", "invalid"}, a.text(t, "code"), fmt.Sprint(driver, text))
		}
	}
	require.Zero(t, counted.count.Load())
}
