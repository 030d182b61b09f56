package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// image is how a server is run in a container.
type image struct {
	name string
	port string   // inside
	opts []string // of docker run
	args []string // of the image's entry point
	url  func(address string) string
	init func(in *instance, address string) error // optional, before the first ping
}

// containerFile is where an instance keeps its container's id, for sweep.
const containerFile = "container"

// dockerEngine reports whether there is an engine, which the presence of the
// client says nothing about.
var dockerEngine = sync.OnceValue(func() error {
	if _, err := exec.LookPath("docker"); err != nil {
		return errors.New("there is no docker command")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := exec.CommandContext(ctx, "docker", "info").Run(); err != nil {
		return fmt.Errorf("docker info: %w", err)
	}
	return nil
})

func findDocker(p provider) (recipe, error) {
	if err := dockerEngine(); err != nil {
		return recipe{}, err
	}
	return recipe{via: "docker image " + p.image.name, launch: func(in *instance) (string, error) {
		return p.image.run(in, p.ping)
	}}, nil
}

func (i image) run(in *instance, ping func(context.Context, string) error) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	args := append([]string{"run", "--detach", "--rm", "--label", "livetables-test", "--publish", "127.0.0.1::" + i.port}, i.opts...)
	args = append(append(args, i.name), i.args...)
	id, err := docker(ctx, args...)
	if err != nil {
		return "", err
	}
	in.closers = append(in.closers, func() error { return removeContainer(id) })
	if err := os.WriteFile(filepath.Join(in.dir, containerFile), []byte(id), 0o600); err != nil {
		return "", err
	}
	address, err := docker(ctx, "port", id, i.port+"/tcp")
	if err != nil {
		return "", err
	}
	address, _, _ = strings.Cut(address, "\n")
	in.patience = 3 * time.Minute // a container initialises its data first
	if i.init != nil {
		if err := i.init(in, address); err != nil {
			return "", err
		}
	}
	url := i.url(address)
	return url, in.ready(ping, url)
}

func removeContainer(id string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := docker(ctx, "rm", "--force", "--volumes", id)
	return err
}

func docker(ctx context.Context, args ...string) (string, error) {
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("docker %s: %w\n%s", args[0], err, tail([]byte(stderr.String())))
	}
	return strings.TrimSpace(string(out)), nil
}
