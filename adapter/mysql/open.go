package mysql

import (
	"context"
	"net"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/settings"
)

const (
	connectTimeout = 10 * time.Second
	// readGrace is how much longer than a statement may take we wait for a server's next bytes.
	readGrace   = 15 * time.Second
	programName = "livetables"
)

// Open makes an adapter to a MySQL or MariaDB database. It validates the settings and reports everything wrong with them
// at once (errors.Is adapter.ErrOption); it connects at the first use. Only Host, Port, Database, User, Password, TLS,
// RootCA, Schemas, TimeZone, ReadOnly, MaxConns, Timeout and Dial are looked at. Schemas are the databases to discover,
// without any it is Database alone: both words mean the same to these servers.
//
// Open implements [adapter.Opener].
func Open(_ context.Context, s adapter.Settings) (adapter.Adapter, error) { return open(s) }

var _ adapter.Opener = Open

// rules are what is ours alone about the settings.
var rules = settings.Rules{Port: 3306}

func open(s adapter.Settings) (*Adapter, error) {
	zone, err := rules.Check(&s)
	if err != nil {
		return nil, err
	}
	cfg := driverConfig(s)
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, translate(context.Background(), "open connection", err)
	}
	a := &Adapter{settings: s, zone: zone, connector: connector, kills: make(chan struct{}, maxKills), active: map[*interrupt]struct{}{}}
	a.dialect.Store(newDialect(facts{}, settings.ZoneName(zone)))
	a.pool = newPool(s.MaxConns, a.connect)
	return a, nil
}

// driverConfig builds the driver's configuration field by field. Of what is dangerous in it, files for LOAD DATA LOCAL,
// several statements in one, passwords in clear text, fallback to no encryption and parameters put into the text on our
// side, everything stays off.
func driverConfig(s adapter.Settings) *mysql.Config {
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr = "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
	cfg.User, cfg.Passwd, cfg.DBName = s.User, s.Password, s.Database
	cfg.TLS = settings.TLSConfig(&s)
	cfg.ConnectionAttributes = "program_name:" + programName
	cfg.Logger = &mysql.NopLogger{} // the driver's words are wrapped in errors; it would print them
	cfg.Timeout = connectTimeout
	cfg.ReadTimeout = s.Timeout + readGrace
	cfg.WriteTimeout = connectTimeout
	// Names are resolved by the dialer, which checks the address it really connects to.
	cfg.DialFunc = s.Dial
	return cfg
}
