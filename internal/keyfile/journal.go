package keyfile

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/helpdesk-go/helpdesk/privacy"
)

// refresh brings the state up to the journal; the caller excludes others. It
// reads only what was appended, unless the journal was written anew. A torn
// end is cut off: no call that wrote it ever returned.
func (f *File) refresh() error {
	j, err := os.OpenFile(f.journal, os.O_RDWR, 0)
	if err != nil {
		return missing(err)
	}
	defer j.Close()
	info, err := j.Stat()
	if err != nil {
		return fmt.Errorf("keyfile: %w", err)
	}
	head, err := f.readHeader(j)
	if err != nil {
		return err
	}
	next := f.state
	if head != next.header {
		next = newState(head)
	}
	switch tail := info.Size() - next.size; {
	case tail < 0:
		return f.damaged("it became shorter")
	case tail > 0:
		if err := f.readTail(j, &next, tail); err != nil {
			// Half a tail is no state to go on from: read it all again.
			f.state = state{}
			return err
		}
	}
	f.state = next
	return nil
}

func (f *File) readHeader(j *os.File) (header, error) {
	b := make([]byte, headerSize)
	if _, err := j.ReadAt(b, 0); err != nil && err != io.EOF {
		return header{}, fmt.Errorf("keyfile: %w", err)
	}
	h, err := parseHeader(b)
	if err != nil {
		return header{}, f.damaged(err.Error())
	}
	if h.id != f.id {
		return header{}, f.damaged("it belongs to another root key")
	}
	return h, nil
}

// readTail applies the lines after next.size.
func (f *File) readTail(j *os.File, next *state, length int64) error {
	b := make([]byte, length)
	if _, err := j.ReadAt(b, next.size); err != nil {
		return fmt.Errorf("keyfile: %w", err)
	}
	for len(b) > 0 {
		if torn(b, next.size) {
			if err := j.Truncate(next.size); err != nil {
				return fmt.Errorf("keyfile: cutting off a torn line: %w", err)
			}
			break
		}
		line, rest, _ := bytes.Cut(b, []byte("\n"))
		number := next.lines + 2
		r, err := parseLine(line)
		if err == nil {
			err = next.apply(r)
		}
		if err != nil {
			return f.damaged(fmt.Sprintf("line %d: %v", number, err))
		}
		next.size += int64(len(line)) + 1
		b = rest
	}
	// Another process may have died between writing and syncing: what is read
	// here gets used, so it must be durable.
	if err := f.sync(j); err != nil {
		return fmt.Errorf("keyfile: %w", err)
	}
	return nil
}

// sector is the least that a disk writes at once.
const sector = 512

// torn reports whether the rest of a journal, which begins at an offset, is
// what a crash leaves of the last line: one without its end, or one with
// sectors that never reached the disk and read as zero. A single wrong byte is
// damage, not a crash: cutting it off would lose keys that are in use.
func torn(b []byte, offset int64) bool {
	line, rest, whole := bytes.Cut(b, []byte("\n"))
	if !whole {
		n := max(len(line)-1, 0)
		_, err := parseLine(line[:n])
		return err != nil // else only the line feed is wrong
	}
	if len(bytes.Trim(rest, "\x00")) > 0 {
		return false
	}
	for i := 0; i < len(b); {
		if b[i] != 0 {
			i++
			continue
		}
		end := i
		for end < len(b) && b[end] == 0 {
			end++
		}
		starts := i == 0 || (offset+int64(i))%sector == 0
		ends := end == len(b) || (offset+int64(end))%sector == 0
		if starts && ends {
			return true
		}
		i = end
	}
	return false
}

func (f *File) damaged(why string) error {
	return fmt.Errorf("%w (%s: %s)", ErrDamaged, f.journal, why)
}

// append adds a line, durably, and applies it.
func (f *File) append(r record) (err error) {
	r.N = f.state.lines + 1
	line, err := r.line()
	if err != nil {
		return err
	}
	j, err := os.OpenFile(f.journal, os.O_RDWR, 0)
	if err != nil {
		return missing(err)
	}
	defer j.Close()
	if _, err = j.WriteAt(line, f.state.size); err == nil {
		err = f.sync(j)
	}
	if err != nil {
		// Whether the line is on the disk is unknown; nobody has seen it yet.
		_ = j.Truncate(f.state.size)
		return fmt.Errorf("keyfile: writing %s: %w", f.journal, err)
	}
	if err := f.state.apply(r); err != nil {
		return err
	}
	f.state.size += int64(len(line))
	return nil
}

// appendNew is append for records that the first version of journals lacks.
func (f *File) appendNew(r record) error {
	if f.state.header.version < journalVersion {
		if err := f.rewrite(f.state.with(nil)); err != nil {
			return err
		}
	}
	return f.append(r)
}

// perLine is how many slots a line of a journal that is written anew holds.
const perLine = 500

// rewrite replaces the journal by one that holds just these slots and the
// position.
func (f *File) rewrite(slots []privacy.Slot) error {
	next := newState(newHeader(f.id))
	content := next.header.bytes()
	write := func(r record) error {
		r.N = next.lines + 1
		line, err := r.line()
		if err != nil {
			return err
		}
		content = append(content, line...)
		return next.apply(r)
	}
	for part := range slices.Chunk(slots, perLine) {
		if err := write(record{Slots: storedSlots(part)}); err != nil {
			return err
		}
	}
	if f.state.reached != (privacy.Position{}) {
		if err := write(record{Reached: storedPosition(f.state.reached)}); err != nil {
			return err
		}
	}
	next.size = int64(len(content))
	if err := f.replace(f.journal, content); err != nil {
		return err
	}
	f.state = next
	return nil
}
