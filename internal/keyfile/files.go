package keyfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// newSuffix names the file that is about to replace another. It is always the
// same name, so that what an interrupted writing left is found and removed.
const newSuffix = ".new"

// replace writes a file with its content or leaves the old one: to a
// neighbour, to the disk, under its name, and the name to the disk.
func (f *File) replace(path string, content []byte) (err error) {
	tmp := path + newSuffix
	if err := remove(tmp); err != nil {
		return err
	}
	w, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("keyfile: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp)
		}
	}()
	_, err = w.Write(content)
	if err == nil {
		err = f.sync(w)
	}
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err == nil {
		err = f.syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("keyfile: writing %s: %w", path, err)
	}
	return nil
}

// remove removes a file that may be absent.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keyfile: %w", err)
	}
	return nil
}

// syncDir makes a rename durable. Windows has no such call and needs none.
func (f *File) syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return f.sync(d)
}

// checkPrivate refuses a file that others may read.
func checkPrivate(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, missing(err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w (%s is no regular file)", ErrDamaged, path)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w (%s has %#o)", ErrPermissions, path, info.Mode().Perm())
	}
	return info, nil
}

// readPrivate reads a small file that only its owner may read.
func readPrivate(path string) ([]byte, error) {
	info, err := checkPrivate(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > 4096 {
		return nil, fmt.Errorf("%w (%s has %d bytes)", ErrDamaged, path, info.Size())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, missing(err)
	}
	return b, nil
}

// missing names the mend for a file that is not there.
func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w (%w)", ErrMissing, err)
	}
	return fmt.Errorf("keyfile: %w", err)
}
