package seal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"time"
)

// ErrKeyFileMode means that a key file can be read by others than its owner.
var ErrKeyFileMode = errors.New("key file is readable by others")

// LoadOrCreate reads the key file at path, or creates it with a random key when there is none. Of several processes that
// create it at once, one wins and all get its key. The file's directory must exist.
func LoadOrCreate(path string) (*Keys, error) {
	keys, err := Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	key, err := newMasterKey(randomKey(), time.Now().UTC().Truncate(time.Second))
	if err != nil {
		return nil, err
	}
	fresh, err := newRing(randomKey(), []masterKey{key})
	if err != nil {
		return nil, err
	}
	text := fresh.encode()
	defer clear(text)
	if err := createFile(path, text); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create key file: %w", err)
	}
	return Load(path)
}

// Load reads the key file at path, which nobody but its owner may read (mode 0600 or 0400; not checked on Windows). A
// missing file is fs.ErrNotExist, a file open to others ErrKeyFileMode, a bad key or list of keys ErrWeakKey.
func Load(path string) (*Keys, error) {
	data, err := readPrivate(path, maxKeyFile)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	defer clear(data)
	keys, err := parseKeys(data)
	if err != nil {
		return nil, fmt.Errorf("read key file %s: %w", path, err)
	}
	return keys, nil
}

// AddKey adds a random master key to the key file at path and makes it the present one; the others stay, to open what they
// have wrapped. With newRoot, and always with a file of one raw key, the root of derived keys is replaced too, which ends
// every session, cursor and whatever else was made with a derived key. The file changes whole or not at all.
func AddKey(path string, now time.Time, newRoot bool) (*Keys, error) {
	keys, err := Load(path)
	if err != nil {
		return nil, err
	}
	if keys, err = keys.grown(now, newRoot); err != nil {
		return nil, fmt.Errorf("add a key: %w", err)
	}
	return keys, keys.save(path)
}

// DropOld removes all keys but the present one from the key file at path and returns the ids of those that are gone. What
// was sealed with them can never be opened again.
func DropOld(path string) (keys *Keys, dropped []string, err error) {
	if keys, err = Load(path); err != nil || len(keys.ring) == 1 {
		return keys, nil, err
	}
	for _, key := range keys.ring[:len(keys.ring)-1] {
		dropped = append(dropped, key.id)
	}
	if keys, err = newRing([]byte(keys.sealer.root.Reveal()), keys.ring[len(keys.ring)-1:]); err != nil {
		return nil, nil, err
	}
	if err := keys.save(path); err != nil {
		return nil, nil, err
	}
	return keys, dropped, nil
}

func (k *Keys) save(path string) error {
	text := k.encode()
	defer clear(text)
	if err := replaceFile(path, text); err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	return nil
}

// readPrivate reads a small file that nobody but its owner may read.
func readPrivate(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat() // of the open file: the path may point elsewhere by now
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read %s: not a regular file", path)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %04o; run chmod 600 on it", ErrKeyFileMode, path, info.Mode().Perm())
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if int64(len(data)) > limit {
		clear(data)
		return nil, fmt.Errorf("read %s: %w: the file has more than %d bytes", path, ErrWeakKey, limit)
	}
	return data, nil
}
