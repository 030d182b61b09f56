package canary

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// searchFiles looks for secrets in the files of the daemon, which has stopped: they may be there sealed or hashed only.
func (c *campaign) searchFiles() error {
	return filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("search files: %w", err)
		}
		c.report.Files++
		c.report.Bytes += int64(len(data))
		c.each(data, func(leak *canary) {
			if leak.secret {
				c.report.add(Finding{What: "in the file " + filepath.Base(path), Canary: leak.text, Planted: leak.place, Excerpt: excerpt(data, leak.text)})
			}
		})
		return nil
	})
}
