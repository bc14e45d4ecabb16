package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// log is a directory whose checkpoints were opened; trees are in order of size.
type log struct {
	dir       string
	origin    string
	keys      note.Verifiers
	trees     []tlog.Tree
	rotations int
}

// readKeys reads the log's Ed25519 keys. All have one name, which is the log's origin.
func readKeys(dir string) (string, note.Verifiers, error) {
	text, err := os.ReadFile(filepath.Join(dir, "verifier-keys"))
	if err != nil {
		return "", nil, err
	}
	var keys []note.Verifier
	for _, line := range strings.Fields(string(text)) {
		key, err := note.NewVerifier(line)
		if err != nil {
			return "", nil, fmt.Errorf("verifier key %.80s: %w", line, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return "", nil, fmt.Errorf("no verifier keys")
	}
	return keys[0].Name(), note.VerifierList(keys...), nil
}

// parseCheckpoint reads the text of a checkpoint (C2SP tlog-checkpoint).
func parseCheckpoint(text, origin string) (tlog.Tree, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != origin {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s: %q", origin, text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != lines[1] || size < 0 {
		return tlog.Tree{}, fmt.Errorf("not a size: %q", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// openCheckpoint verifies a note. Each key set signs with Ed25519, which is verified, and with ML-DSA-44, whose line is unknown here.
func openCheckpoint(bytes []byte, origin string, keys note.Verifiers, signers int) (tlog.Tree, error) {
	opened, err := note.Open(bytes, keys)
	if err != nil {
		return tlog.Tree{}, err
	}
	if len(opened.Sigs) != signers || len(opened.UnverifiedSigs) != signers {
		return tlog.Tree{}, fmt.Errorf("%d known and %d unknown signatures, not %d each",
			len(opened.Sigs), len(opened.UnverifiedSigs), signers)
	}
	return parseCheckpoint(opened.Text, origin)
}

func openLog(dir string) (*log, error) {
	origin, keys, err := readKeys(dir)
	if err != nil {
		return nil, err
	}
	opened := &log{dir: dir, origin: origin, keys: keys}
	files, err := filepath.Glob(filepath.Join(dir, "checkpoints", "*"))
	if err != nil {
		return nil, err
	}
	for _, file := range append(files, filepath.Join(dir, "checkpoint")) {
		tree, err := opened.open(file, 1)
		if err != nil {
			return nil, err
		}
		opened.trees = append(opened.trees, tree)
	}
	sort.Slice(opened.trees, func(i, j int) bool { return opened.trees[i].N < opened.trees[j].N })
	rotations, err := filepath.Glob(filepath.Join(dir, "rotations", "*.note"))
	if err != nil {
		return nil, err
	}
	for _, file := range rotations {
		tree, err := opened.open(file, 2)
		if err != nil {
			return nil, err
		}
		if known, found := opened.treeOf(tree.N); found && known != tree {
			return nil, fmt.Errorf("%s: the root is not that of the checkpoint of size %d", filepath.Base(file), tree.N)
		}
		opened.rotations++
	}
	return opened, nil
}

func (l *log) open(file string, signers int) (tlog.Tree, error) {
	bytes, err := os.ReadFile(file)
	if err != nil {
		return tlog.Tree{}, err
	}
	tree, err := openCheckpoint(bytes, l.origin, l.keys, signers)
	if err != nil {
		return tree, fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	return tree, nil
}

func (l *log) treeOf(size int64) (tlog.Tree, bool) {
	for _, tree := range l.trees {
		if tree.N == size {
			return tree, true
		}
	}
	return tlog.Tree{}, false
}
