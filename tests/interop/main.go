// Command interop verifies a log of ours with nothing but Go's golang.org/x/mod/sumdb/note and .../tlog.
//
// It takes a directory with the files of a C2SP tlog-tiles log as a server serves them, and beside them:
//
//	verifier-keys          the log's Ed25519 verifier keys, a line each
//	checkpoint             the newest checkpoint
//	checkpoints/<size>     earlier ones
//	rotations/<size>.note  checkpoints signed by the old and the new keys
//	tile/<L>/<N>[.p/<W>], tile/entries/<N>[.p/<W>]
//	proofs/*.tlog-proof    receipts
//	consistency/<old>-<new>  consistency proofs, a base64 hash a line
//
// It prints what it verified as JSON. The first thing that is wrong ends it with exit code 1.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// verified counts what was checked and found right.
type verified struct {
	Checkpoints int   `json:"checkpoints"`
	Rotations   int   `json:"rotations"`
	Tiles       int   `json:"tiles"`
	Bundles     int   `json:"bundles"`
	Entries     int64 `json:"entries"`
	Inclusions  int   `json:"inclusions"`
	Receipts    int   `json:"receipts"`
	Consistency int   `json:"consistency"`
}

func run(dir string) (verified, error) {
	var done verified
	log, err := openLog(dir)
	if err != nil {
		return done, err
	}
	done.Checkpoints = len(log.trees)
	done.Rotations = log.rotations
	for _, tree := range log.trees {
		if err := checkTree(log, tree, &done); err != nil {
			return done, fmt.Errorf("size %d: %w", tree.N, err)
		}
	}
	if err := checkReceipts(log, &done); err != nil {
		return done, err
	}
	return done, checkConsistency(log, &done)
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: interop DIRECTORY")
		os.Exit(2)
	}
	done, err := run(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(done); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
