package livetables

import (
	"context"
	"maps"
	"net"

	"github.com/livetables/livetables/internal/netguard"
)

// driverPorts are the ports of drivers: those that everybody knows, and those of the options.
func driverPorts(more map[string]uint16) map[string]uint16 {
	ports := map[string]uint16{"postgres": 5432, "mysql": 3306, "mongodb": 27017}
	maps.Copy(ports, more)
	return ports
}

// dialAs is the dialer of a driver's connections. The port is checked with the address, when it is about to be connected to:
// settings are not all that a driver may find hosts in.
func (s *sources) dialAs(driver string) dialFunc {
	var ports []uint16
	if port := s.ports[driver]; port != 0 {
		ports = []uint16{port}
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		return s.dial(netguard.WithPorts(ctx, ports...), network, addr)
	}
}
