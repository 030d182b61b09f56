package testenv

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// superviseEnv makes a process that links this package the supervisor of one
// server instead of whatever it is otherwise.
//
// A process cannot clean up after its own death, so another one has to, and
// the test binary is the one executable that is certainly there.
const superviseEnv = "LIVETABLES_TESTENV_SUPERVISE"

func init() {
	if kind := os.Getenv(superviseEnv); kind != "" {
		os.Unsetenv(superviseEnv) //nolint:errcheck // it is set, so its name is a good one
		// Init functions run on the main thread, which lives as long as the
		// process: the servers are told to die with the thread that starts them.
		if err := supervise(Kind(kind)); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// supervise starts a server, reports it on file 3, and stops it when standard
// input ends.
func supervise(kind Kind) error {
	out := os.NewFile(3, "report")
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)

	in, r := launch(kind)
	err := json.NewEncoder(out).Encode(r)
	out.Close()
	if r.Error != "" || err != nil {
		if in != nil {
			in.stop() //nolint:errcheck // there is nobody left to tell
		}
		return err
	}

	ended := make(chan int) // the process group to kill
	go func() {
		group := 0
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			group, _ = strconv.Atoi(strings.TrimSpace(lines.Text()))
		}
		ended <- group
	}()
	select {
	case group := <-ended:
		if group > 1 {
			killGroup(group)
		}
	case <-interrupted:
	}
	return in.stop()
}

// launch tries twice, because the port that was free a moment ago may be taken.
func launch(kind Kind) (in *instance, r report) {
	sweep()
	recipe, err := findRecipe(kind)
	if err != nil {
		return nil, report{Error: err.Error()}
	}
	for range 2 {
		in, err = newInstance(kind)
		if err != nil {
			return nil, report{Error: err.Error()}
		}
		var url string
		url, err = recipe.launch(in)
		if err == nil {
			return in, report{URL: url, Via: recipe.via, Dir: in.dir}
		}
		err = fmt.Errorf("%s: %w%s", recipe.via, err, in.logTail())
		in.stop() //nolint:errcheck // the first error is the one that matters
	}
	return nil, report{Error: err.Error()}
}

// ready pings until the server answers, the process that should is gone, or
// the time is over.
func (in *instance) ready(ping func(context.Context, string) error, url string) error {
	deadline := time.Now().Add(in.patience)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		err := ping(ctx, url)
		cancel()
		if err == nil {
			return nil
		}
		if p := in.exited(); p != nil {
			return fmt.Errorf("%s exited: %w", p.name, p.err)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not ready after %v: %w", in.patience, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
