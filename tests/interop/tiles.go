package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// tilePath is tlog's path without the height, which C2SP tlog-tiles fixes at 8. Level -1 is an entry bundle.
func tilePath(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
	if tile.L == -1 {
		path = "entries/" + strings.TrimPrefix(path, "data/")
	}
	return filepath.Join("tile", filepath.FromSlash(path))
}

// Height and the methods below make the directory a tlog.TileReader.
func (l *log) Height() int { return tileHeight }

func (l *log) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	contents := make([][]byte, len(tiles))
	for i, tile := range tiles {
		content, err := os.ReadFile(filepath.Join(l.dir, tilePath(tile)))
		if err != nil {
			return nil, err
		}
		if len(content) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", tilePath(tile), len(content))
		}
		contents[i] = content
	}
	return contents, nil
}

func (l *log) SaveTiles([]tlog.Tile, [][]byte) {}

// readBundle reads an entry bundle: a 16-bit big-endian length before each entry.
func (l *log) readBundle(n int64, width int) ([][]byte, error) {
	path := tilePath(tlog.Tile{H: tileHeight, L: -1, N: n, W: width})
	rest, err := os.ReadFile(filepath.Join(l.dir, path))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(rest) > 0 {
		if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
			return nil, fmt.Errorf("%s: entry %d is cut", path, len(entries))
		}
		end := 2 + int(binary.BigEndian.Uint16(rest))
		entries = append(entries, rest[2:end])
		rest = rest[end:]
	}
	if len(entries) != width {
		return nil, fmt.Errorf("%s holds %d entries", path, len(entries))
	}
	return entries, nil
}

// storedHashes is a tree computed from entries alone, in the order of tlog's stored hashes.
type storedHashes []tlog.Hash

func (s storedHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(s)) {
			return nil, fmt.Errorf("no stored hash %d", index)
		}
		hashes[i] = s[index]
	}
	return hashes, nil
}

// readEntries reads every bundle of a tree and computes the tree from them.
func readEntries(log *log, tree tlog.Tree, done *verified) (storedHashes, error) {
	var stored storedHashes
	for first := int64(0); first < tree.N; first += tileWidth {
		entries, err := log.readBundle(first/tileWidth, int(min(tileWidth, tree.N-first)))
		if err != nil {
			return nil, err
		}
		for i, entry := range entries {
			hashes, err := tlog.StoredHashes(first+int64(i), entry, stored)
			if err != nil {
				return nil, err
			}
			stored = append(stored, hashes...)
		}
		done.Bundles++
	}
	done.Entries += tree.N
	return stored, nil
}

// checkTiles reads every tile of a tree and compares it with the tree computed from the entries.
func checkTiles(log *log, tree tlog.Tree, stored storedHashes, done *verified) error {
	for _, tile := range tlog.NewTiles(tileHeight, 0, tree.N) {
		want, err := tlog.ReadTileData(tile, stored)
		if err != nil {
			return err
		}
		got, err := log.ReadTiles([]tlog.Tile{tile})
		if err != nil {
			return err
		}
		if !bytes.Equal(want, got[0]) {
			return fmt.Errorf("%s does not hold the hashes of the entries", tilePath(tile))
		}
		done.Tiles++
	}
	return nil
}

// checkTree verifies the bundles, tiles and inclusion proofs of one checkpoint.
func checkTree(log *log, tree tlog.Tree, done *verified) error {
	stored, err := readEntries(log, tree, done)
	if err != nil {
		return err
	}
	root, err := tlog.TreeHash(tree.N, stored)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return fmt.Errorf("the entries give the root %v, the checkpoint states %v", root, tree.Hash)
	}
	if err := checkTiles(log, tree, stored, done); err != nil {
		return err
	}
	return checkInclusions(log, tree, stored, done)
}
