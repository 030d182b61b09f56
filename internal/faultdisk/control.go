package faultdisk

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"sync"
)

// ControlEnv names the Unix socket by which a program whose disk is [Under] takes orders.
const ControlEnv = "LIVETABLES_FAULTDISK"

// Order is what such a program is told: how its disk fails from now on, or, with a directory, that the power fails.
type Order struct {
	Faults Faults
	Into   string // where to write what is left after a failure of the power; empty for none
	Seed   uint64 // of what is left
}

var under struct {
	once sync.Once
	disk *Disk
}

// Under puts a disk that takes orders under the databases of a directory, once in a program, and answers its name, which is
// empty without [ControlEnv]. It is for programs that are built for it: what goes wrong is a panic.
func Under(dir string) string {
	if os.Getenv(ControlEnv) == "" {
		return ""
	}
	under.once.Do(func() {
		disk, err := New("faults", dir)
		if err != nil {
			panic(err)
		}
		under.disk = disk
		_ = os.Remove(os.Getenv(ControlEnv)) // of a program that was killed
		listener, err := net.Listen("unix", os.Getenv(ControlEnv))
		if err != nil {
			panic(err)
		}
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					panic(err)
				}
				disk.obey(conn)
			}
		}()
	})
	return under.disk.name
}

// obey carries out an order. After a failure of the power the program ends at once.
func (d *Disk) obey(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	var o Order
	err := json.NewDecoder(conn).Decode(&o)
	if err == nil && o.Into != "" {
		if err = d.Cut(o.Seed, o.Into); err == nil {
			_, _ = conn.Write([]byte("done"))
			os.Exit(3)
		}
	}
	if err == nil {
		d.Break(o.Faults)
		_, err = conn.Write([]byte("done"))
	}
	if err != nil {
		panic(err)
	}
}

// Send gives an order to the program that listens at a socket, and returns when it was carried out.
func Send(socket string, o Order) error {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return fmt.Errorf("order a fault: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if err := json.NewEncoder(conn).Encode(o); err != nil {
		return fmt.Errorf("order a fault: %w", err)
	}
	answer := make([]byte, 4)
	if _, err := conn.Read(answer); err != nil || string(answer) != "done" {
		return fmt.Errorf("order a fault: %q, %w", answer, err)
	}
	return nil
}
