package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const proofHeader = "c2sp.org/tlog-proof@v1"

// sampleIndexes are the borders of bundles and of subtrees, and the ends.
func sampleIndexes(size int64) []int64 {
	indexes := map[int64]bool{}
	for power := int64(1); power <= size; power *= 2 {
		for _, index := range []int64{power - 1, power, size - power} {
			if index >= 0 && index < size {
				indexes[index] = true
			}
		}
	}
	var sample []int64
	for index := range indexes {
		sample = append(sample, index)
	}
	return sample
}

// checkInclusions proves entries from the log's tiles, which tlog.TileHashReader authenticates against the checkpoint.
func checkInclusions(log *log, tree tlog.Tree, stored storedHashes, done *verified) error {
	reader := tlog.TileHashReader(tree, log)
	for _, index := range sampleIndexes(tree.N) {
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			return fmt.Errorf("inclusion of %d: %w", index, err)
		}
		leaf := stored[tlog.StoredHashIndex(0, index)]
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf); err != nil {
			return fmt.Errorf("inclusion of %d: %w", index, err)
		}
		done.Inclusions++
	}
	return nil
}

func parseHashes(lines []string) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

// checkReceipt verifies a `.tlog-proof` whose `extra` line holds the entry.
func checkReceipt(log *log, text string) error {
	head, checkpoint, found := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 3 || lines[0] != proofHeader {
		return fmt.Errorf("not a proof")
	}
	entry, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return err
	}
	path, err := parseHashes(lines[3:])
	if err != nil {
		return err
	}
	tree, err := openCheckpoint([]byte(checkpoint), log.origin, log.keys, 1)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

func checkReceipts(log *log, done *verified) error {
	files, err := filepath.Glob(filepath.Join(log.dir, "proofs", "*.tlog-proof"))
	if err != nil {
		return err
	}
	for _, file := range files {
		bytes, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := checkReceipt(log, string(bytes)); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		done.Receipts++
	}
	return nil
}

// checkConsistency proves every pair of checkpoints consistent: from the tiles, and with the log's own proof where there is one.
func checkConsistency(log *log, done *verified) error {
	for i, newer := range log.trees {
		reader := tlog.TileHashReader(newer, log)
		for _, older := range log.trees[:i] {
			if older.N == 0 {
				continue // tlog proves nothing about the empty tree: every tree is consistent with it
			}
			proof, err := tlog.ProveTree(newer.N, older.N, reader)
			if err != nil {
				return fmt.Errorf("consistency of %d and %d: %w", older.N, newer.N, err)
			}
			if err := tlog.CheckTree(proof, newer.N, newer.Hash, older.N, older.Hash); err != nil {
				return fmt.Errorf("consistency of %d and %d: %w", older.N, newer.N, err)
			}
			if err := checkOwnProof(log, older, newer); err != nil {
				return err
			}
			done.Consistency++
		}
	}
	return nil
}

func checkOwnProof(log *log, older, newer tlog.Tree) error {
	name := fmt.Sprintf("%d-%d", older.N, newer.N)
	text, err := os.ReadFile(filepath.Join(log.dir, "consistency", name))
	if err != nil {
		return err
	}
	proof, err := parseHashes(strings.Fields(string(text)))
	if err != nil {
		return fmt.Errorf("consistency/%s: %w", name, err)
	}
	if err := tlog.CheckTree(proof, newer.N, newer.Hash, older.N, older.Hash); err != nil {
		return fmt.Errorf("consistency/%s: %w", name, err)
	}
	return nil
}
