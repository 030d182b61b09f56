//go:build unix

package testenv

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeDocker puts a docker command into PATH that writes down how it is called.
func fakeDocker(t *testing.T) (calls func() string) {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "calls")
	script := "#!/bin/sh\necho \"$@\" >>" + log + "\ncase $1 in run) echo f00d ;; port) echo 127.0.0.1:49153; echo '[::1]:49153' ;; esac\n"
	must(t, os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o700))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return func() string {
		text, err := os.ReadFile(log)
		must(t, err)
		return string(text)
	}
}

func TestContainerIsRemoved(t *testing.T) {
	calls := fakeDocker(t)
	in, err := newInstance(KindRedis)
	must(t, err)
	image := image{name: "redis:7", port: "6379", opts: []string{"--env", "A=b"}, args: []string{"--save", ""}, url: redisURL}
	url, err := image.run(in, func(context.Context, string) error { return nil })
	must(t, err)
	if url != "redis://127.0.0.1:49153/0" {
		t.Errorf("got %s", url)
	}
	must(t, in.stop())
	want := "run --detach --rm --label livetables-test --publish 127.0.0.1::6379 --env A=b redis:7 --save \n" +
		"port f00d 6379/tcp\n" +
		"rm --force --volumes f00d\n"
	if calls() != want {
		t.Errorf("got\n%swant\n%s", calls(), want)
	}
}

func TestSweepRemovesContainers(t *testing.T) {
	calls := fakeDocker(t)
	in, err := newInstance(KindRedis)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(in.dir, containerFile), []byte("f00d"), 0o600))
	in.lock.Close() // its supervisor was killed
	old := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(in.dir, old, old))
	sweep()
	if exists(in.dir) || !strings.Contains(calls(), "rm --force --volumes f00d\n") {
		t.Errorf("directory there: %v, calls:\n%s", exists(in.dir), calls())
	}
}
