// Command withservers runs a command beside the database servers that tests
// use, and stops them when it ends:
//
//	go run ./internal/testenv/cmd/withservers go test ./...
//	go run ./internal/testenv/cmd/withservers -only postgres,redis go test ./minidb/...
//
// Servers that a LIVETABLES_TEST_<KIND>_URL variable names already are used as
// they are; for the others the command gets that variable set. Without a
// command it prints the variables and waits for an interrupt, so that a second
// terminal can use them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/livetables/livetables/internal/testenv"
)

func main() {
	if os.Getenv(gateEnv) != "" {
		passGate()
	}
	only := flag.String("only", "", "comma-separated kinds of servers (default all: "+list(testenv.Kinds())+")")
	flag.Parse()
	kinds := testenv.Kinds()
	if *only != "" {
		kinds = nil
		for name := range strings.SplitSeq(*only, ",") {
			kind := testenv.Kind(name)
			if !slices.Contains(testenv.Kinds(), kind) {
				fmt.Fprintf(os.Stderr, "withservers: there is no kind %q, only %s\n", name, list(testenv.Kinds()))
				os.Exit(2)
			}
			kinds = append(kinds, kind)
		}
	}
	os.Exit(run(kinds, flag.Args()))
}

func run(kinds []testenv.Kind, command []string) (status int) {
	// From here on a signal ends the command, and us in order.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)

	servers, ok := startAll(kinds)
	defer func() {
		for _, err := range closeAll(servers) {
			fmt.Fprintln(os.Stderr, "withservers:", err)
			status = max(status, 1)
		}
	}()
	if !ok {
		return 1
	}
	if len(command) == 0 {
		for _, s := range servers {
			fmt.Printf("export %s='%s'\n", s.Kind.Env(), s.URL)
		}
		<-signals
		return 0
	}

	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = os.Environ()
	for _, s := range servers {
		cmd.Env = append(cmd.Env, s.Kind.Env()+"="+s.URL)
	}
	return runGroup(cmd, servers, signals)
}

// startAll starts the servers side by side. A kind this machine does not have
// is not its concern: the tests that need it skip or fail by themselves.
func startAll(kinds []testenv.Kind) (servers []*testenv.Server, ok bool) {
	started := make([]*testenv.Server, len(kinds))
	errs := make([]error, len(kinds))
	var wg sync.WaitGroup
	begin := time.Now()
	for i, kind := range kinds {
		wg.Go(func() { started[i], errs[i] = testenv.Start(kind) })
	}
	wg.Wait()
	ok = true
	for i := range kinds {
		if err := errs[i]; err != nil {
			if missing := (*testenv.MissingError)(nil); !errors.As(err, &missing) {
				ok = false
			}
			fmt.Fprintln(os.Stderr, "withservers:", err)
			continue
		}
		fmt.Fprintf(os.Stderr, "withservers: %s from %s\n", kinds[i], started[i].Via)
		servers = append(servers, started[i])
	}
	if ok {
		fmt.Fprintf(os.Stderr, "withservers: up after %.1fs\n", time.Since(begin).Seconds())
	}
	return servers, ok
}

func closeAll(servers []*testenv.Server) []error {
	errs := make([]error, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		wg.Go(func() { errs[i] = s.Close() })
	}
	wg.Wait()
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

// runGroup runs the command and everything it starts as one group, which gets
// the signals we get and does not outlive us.
func runGroup(cmd *exec.Cmd, servers []*testenv.Server, signals <-chan os.Signal) int {
	open, err := startGroup(cmd)
	if err != nil {
		fmt.Fprintln(os.Stderr, "withservers:", err)
		return 127
	}
	for _, s := range servers {
		s.KillGroupOnExit(cmd.Process.Pid) //nolint:errcheck // only a second line of defence
	}
	open()
	ctx, done := context.WithCancel(context.Background())
	var forwarded sync.WaitGroup
	interrupted := 0
	forwarded.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case sig := <-signals:
				if interrupted > 0 {
					sig = syscall.SIGKILL // asked twice
				}
				interrupted = 1
				signalGroup(cmd, sig)
			}
		}
	})
	err = cmd.Wait()
	done()
	forwarded.Wait()
	signalGroup(cmd, syscall.SIGKILL) // what it left running
	for _, s := range servers {
		s.KillGroupOnExit(0) //nolint:errcheck // see above
	}
	if code := cmd.ProcessState.ExitCode(); code >= 0 {
		return code
	}
	fmt.Fprintln(os.Stderr, "withservers:", err)
	return 130
}

func list(kinds []testenv.Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ",")
}
