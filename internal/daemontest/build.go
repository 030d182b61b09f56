package daemontest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Package is the import path of the daemon.
const Package = "github.com/livetables/livetables/cmd/livetablesd"

// Mutant is a mistake that is put into the sources for one build: in a file, named from the root of the module, the text
// Was, which occurs there once, becomes Is. The zero Mutant is no mistake.
type Mutant struct{ File, Was, Is string }

// Build builds livetablesd as the file at path, with the mistakes if there are any. It needs the go command and the sources
// of the module in the working directory or above it.
func Build(ctx context.Context, path string, mutants ...Mutant) error {
	args := []string{"build", "-o", path}
	if len(mutants) > 0 {
		out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
		if err != nil {
			return fmt.Errorf("find the module: %w", err)
		}
		overlay, err := overlay(filepath.Dir(string(bytes.TrimSpace(out))), path, mutants)
		if err != nil {
			return err
		}
		args = append(args, "-overlay", overlay)
	}
	if out, err := exec.CommandContext(ctx, "go", append(args, Package)...).CombinedOutput(); err != nil {
		return fmt.Errorf("build the daemon: %w\n%s", err, out)
	}
	return nil
}

// overlay writes the changed sources beside the program and says where they belong.
func overlay(root, path string, mutants []Mutant) (string, error) {
	replace := map[string]string{}
	for i, m := range mutants {
		file := filepath.Join(root, m.File)
		from := file
		if before := replace[file]; before != "" { // by another mutant of the same file
			from = before
		}
		source, err := os.ReadFile(from)
		if err != nil {
			return "", err
		}
		if n := strings.Count(string(source), m.Was); n != 1 {
			return "", fmt.Errorf("mutant of %s: its text occurs %d times, once was expected", m.File, n)
		}
		changed := fmt.Sprintf("%s.mutant%d.go", path, i)
		if err := os.WriteFile(changed, []byte(strings.Replace(string(source), m.Was, m.Is, 1)), 0o600); err != nil {
			return "", err
		}
		replace[file] = changed
	}
	doc, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	name := path + ".overlay.json"
	return name, errors.Join(err, os.WriteFile(name, doc, 0o600))
}
