package mail_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/livetables/livetables/cmd/livetablesd/internal/mail"
)

// Without a mail server, a mail is a file that the operator passes on.
func ExampleOutbox() {
	dir, err := os.MkdirTemp("", "mail")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	from, err := mail.ParseSender("Live Tables <tables@example.com>")
	if err != nil {
		panic(err)
	}
	outbox, err := mail.OpenOutbox(dir, from, slog.New(slog.DiscardHandler))
	if err != nil {
		panic(err)
	}
	err = outbox.Send(context.Background(), mail.Message{
		ID: "mal_1", To: "ann@example.com", Purpose: "invite", Subject: "Come in", Text: "Hello.\n",
		Date: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	})
	if err != nil {
		panic(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		panic(err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		panic(err)
	}
	fmt.Println(filepath.Base(files[0]))
	fmt.Println(strings.Split(string(text), "\r\n")[2])
	// Output:
	// 20260301T120000.000-invite-mal_1.eml
	// Subject: Come in
}
