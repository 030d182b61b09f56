package daemon

import (
	"context"
	"errors"
	"expvar"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof" //nolint:gosec // what it registers by itself is on the default multiplexer, which nobody serves
	"net/netip"
	"strings"
	"time"
)

// openAdmin listens where operators look, if that is wanted. There is no login: who reaches the address reads the figures
// and can make the daemon profile itself, so it has to be one of this machine unless somebody says otherwise.
func (d *Daemon) openAdmin(ctx context.Context) error {
	address := d.config.Edge.AdminListen
	if address == "" {
		return nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("--admin-listen: %w", err)
	}
	// The address that was really bound counts: a name may lead anywhere, and no host means every address.
	bound, err := netip.ParseAddrPort(l.Addr().String())
	if err != nil || !bound.Addr().Unmap().IsLoopback() && !d.config.Edge.AdminExternal {
		return errors.Join(fmt.Errorf("--admin-listen %s is reached from other machines; name 127.0.0.1 or [::1], or set --admin-external", address), l.Close())
	}
	d.adminListener = l
	d.admin = &http.Server{
		Handler: d.adminHandler(), ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
	}
	d.closers = append(d.closers, func() error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return nil
}

// AdminAddress is where operators look, empty when nowhere.
func (d *Daemon) AdminAddress() string {
	if d.adminListener == nil {
		return ""
	}
	return d.adminListener.Addr().String()
}

// serveAdmin serves operators until the function that it returns is called.
func (d *Daemon) serveAdmin() (stop func() error) {
	if d.admin == nil {
		return func() error { return nil }
	}
	served := make(chan error, 1)
	go func() { served <- d.admin.Serve(d.adminListener) }()
	return func() error {
		err := d.admin.Close() // nobody waits for a scrape or a profile when the daemon ends
		if end := <-served; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		return err
	}
}

// adminHandler has the command line nowhere: it may hold passwords.
func (d *Daemon) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", d.metrics.Handler())
	mux.HandleFunc("GET /debug/vars", variables)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/cmdline", http.NotFound)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if !numericHost(r.Host) {
			// A page whose name was made to lead here would otherwise read everything.
			http.Error(w, "ask by address", http.StatusMisdirectedRequest)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// numericHost reports whether a Host header names an address, or this machine.
func numericHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}

// variables writes the published variables except the command line.
func variables(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	text := &strings.Builder{}
	text.WriteByte('{')
	expvar.Do(func(kv expvar.KeyValue) {
		if kv.Key == "cmdline" {
			return
		}
		if text.Len() > 1 {
			text.WriteByte(',')
		}
		fmt.Fprintf(text, "\n%q: %s", kv.Key, kv.Value)
	})
	text.WriteString("\n}\n")
	_, _ = w.Write([]byte(text.String()))
}
