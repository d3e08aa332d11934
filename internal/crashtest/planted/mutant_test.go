package planted

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// root is the module's, from this package.
const root = "../../.."

// changed returns the sources that a bug changes, by path from the root.
func (b bug) changed() (map[string]string, error) {
	out := map[string]string{}
	for _, e := range b.edits {
		text, ok := out[e.file]
		if !ok {
			source, err := os.ReadFile(filepath.Join(root, e.file))
			if err != nil {
				return nil, err
			}
			text = string(source)
		}
		if n := strings.Count(text, e.was); n != 1 {
			return nil, fmt.Errorf("%s: %s holds %q %d times: plant the bug anew", b.name, e.file, e.was, n)
		}
		out[e.file] = strings.Replace(text, e.was, e.is, 1)
	}
	return out, nil
}

// build compiles a worker with the bug into a folder. The source stays as it
// is.
func (b bug) build(ctx context.Context, dir string) (program string, err error) {
	files, err := b.changed()
	if err != nil {
		return "", err
	}
	top, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for file, text := range files {
		to := filepath.Join(dir, strings.ReplaceAll(file, "/", "-"))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(top, file)] = to
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return "", err
	}
	program = filepath.Join(dir, "worker")
	cmd := exec.CommandContext(ctx, "go", "build", "-overlay", list, "-o", program, "../worker")
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: go build: %w\n%s", b.name, err, said)
	}
	return program, nil
}
