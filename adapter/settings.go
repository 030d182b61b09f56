package adapter

import (
	"context"
	"net"
	"time"
)

// Settings describe one connection. They are a closed list: no DSN, no file paths but File, no environment look-ups.
type Settings struct {
	Driver   string
	Host     string
	Port     int // 0 is the driver's default
	Database string
	User     string
	Password string // never logged, never returned
	// TLS is "verify" (default: certificate and host name are checked) or "off" (refused by the engine unless the host is
	// on the deployment's allow-list).
	TLS string
	// RootCA is a PEM bundle (the text itself, not a path) to trust instead of the system's.
	RootCA string
	// File is the database file of a file-based driver, already resolved inside the deployment's allowed directory.
	File     string
	Schemas  []string // schemas to discover, empty for all but the system's
	TimeZone string   // zone in which timestamps without zone are read, default UTC
	ReadOnly bool
	MaxConns int           // default 4
	Timeout  time.Duration // per statement, default 30 s
	// Dial opens network connections; the engine passes its address guard. nil uses net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Opener opens an adapter. Opening validates the settings and may connect lazily; Ping proves the connection.
type Opener func(ctx context.Context, s Settings) (Adapter, error)
