package testenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// Server is a running server of some kind.
type Server struct {
	Kind Kind
	URL  string // in the form [Kind.Env] describes
	Via  string // where it comes from, for people: a variable, a binary, an image
	Dir  string // its data and logs, if Start started it on this machine

	// What keeps a server started here alive: its supervisor stops it when
	// this end of a pipe is closed, be it by Close or by this process ending.
	hold       *os.File
	supervisor *exec.Cmd
}

// MissingError says that there is no server of a kind and no way to start one.
type MissingError struct {
	Kind    Kind
	Reasons []string // one for each place that was looked at
}

func (e *MissingError) Error() string {
	p := providerOf(e.Kind)
	s := fmt.Sprintf("no %s server to test with: %s is not set", p.title, e.Kind.Env())
	for _, reason := range e.Reasons {
		s += "; " + reason
	}
	return s + ". To get one, " + p.install + "."
}

// startTimeout allows for the download of an image.
const startTimeout = 10 * time.Minute

// Start returns the server named by the kind's variable, or starts one. The
// error is a [*MissingError] when this machine has none; any other error means
// that there is one and it does not work.
func Start(kind Kind) (*Server, error) {
	p := providerOf(kind)
	if url := os.Getenv(kind.Env()); url != "" {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := p.ping(ctx, url); err != nil {
			return nil, fmt.Errorf("connect to the server in %s: %w", kind.Env(), err)
		}
		return &Server{Kind: kind, URL: url, Via: kind.Env()}, nil
	}
	if _, err := findRecipe(kind); err != nil {
		return nil, err // before a process is started to say the same
	}
	return startSupervisor(kind)
}

// Close stops the server if Start started it, and returns when its processes
// and files are gone.
func (s *Server) Close() error {
	if s.supervisor == nil {
		return nil
	}
	supervisor := s.supervisor
	s.supervisor = nil
	if err := s.hold.Close(); err != nil {
		return err
	}
	if err := supervisor.Wait(); err != nil {
		return fmt.Errorf("stop the %s server from %s: %w", s.Kind, s.Via, err)
	}
	return nil
}

// KillGroupOnExit asks for a process group to be killed should this process end
// without calling Close; 0 takes that back. It does nothing for a server that
// Start did not start.
func (s *Server) KillGroupOnExit(group int) error {
	if s.supervisor == nil {
		return nil
	}
	_, err := s.hold.WriteString(strconv.Itoa(group) + "\n")
	return err
}

func findRecipe(kind Kind) (recipe, error) {
	p := providerOf(kind)
	local, err := p.find()
	if err == nil {
		return local, nil
	}
	container, dockerErr := findDocker(p)
	if dockerErr == nil {
		return container, nil
	}
	return recipe{}, &MissingError{Kind: kind, Reasons: []string{err.Error(), dockerErr.Error()}}
}

// report is what a supervisor says, once, when its server is up or is not.
type report struct {
	URL   string
	Via   string
	Dir   string
	Error string
}

func startSupervisor(kind Kind) (_ *Server, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	holdRead, hold, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer holdRead.Close()
	reportRead, reportWrite, err := os.Pipe()
	if err != nil {
		hold.Close()
		return nil, err
	}
	defer reportRead.Close()

	cmd := exec.Command(self)
	cmd.Args = []string{"livetables-test-" + string(kind)} // for people who run ps
	cmd.Env = append(os.Environ(), superviseEnv+"="+string(kind))
	cmd.Stdin = holdRead
	// Not this process's output: "go test" waits until that is closed.
	cmd.ExtraFiles = []*os.File{reportWrite}
	detach(cmd)
	err = cmd.Start()
	reportWrite.Close()
	if err != nil {
		hold.Close()
		return nil, err
	}
	server := &Server{Kind: kind, hold: hold, supervisor: cmd}

	var r report
	reportRead.SetReadDeadline(time.Now().Add(startTimeout + time.Minute)) //nolint:errcheck // without it we wait longer
	if err := json.NewDecoder(reportRead).Decode(&r); err != nil {
		r.Error = "its supervisor said nothing: " + err.Error()
	}
	if r.Error != "" {
		server.Close() //nolint:errcheck // the first error is the one that matters
		return nil, errors.New("start a " + string(kind) + " server: " + r.Error)
	}
	server.URL, server.Via, server.Dir = r.URL, r.Via, r.Dir
	return server, nil
}
