package main

import (
	"context"
	"io"
	"os"
	"testing"
)

func Example_run() {
	dir, err := os.MkdirTemp("", "livetables")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := run(context.Background(), dir, os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// motor: 597
	// bolt: 180
	// gear: 174
}

func TestRunTwice(t *testing.T) {
	// A second run in the same directory finds the first one's workspace and adds its own.
	dir := t.TempDir()
	for range 2 {
		if err := run(t.Context(), dir, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
}
