//go:build ignore

// Digits_gen writes digits.bin.gz from the CSV of the UCI digits that scikit-learn ships:
//
//	pip download --no-deps scikit-learn
//	unzip -j scikit_learn-*.whl sklearn/datasets/data/digits.csv.gz
//	go run digits_gen.go digits.csv.gz
//
// A line of the CSV is 64 values 0..16, row by row, then the label. A record of digits.bin is 65 bytes: the label, then
// the values; records keep the order of the lines.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
)

const csvSHA256 = "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8" // of the decompressed CSV

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run digits_gen.go digits.csv.gz")
	}
	f, err := os.Open(os.Args[1])
	check(err)
	z, err := gzip.NewReader(f)
	check(err)
	text, err := io.ReadAll(z)
	check(err)
	if sum := fmt.Sprintf("%x", sha256.Sum256(text)); sum != csvSHA256 {
		log.Fatalf("%s: SHA-256 of the decompressed CSV is %s, expected %s", os.Args[1], sum, csvSHA256)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	check(err)
	var records []byte
	for _, row := range rows {
		for _, i := range append([]int{64}, indices(64)...) {
			v, err := strconv.ParseUint(row[i], 10, 8)
			check(err)
			records = append(records, byte(v))
		}
	}
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	check(err)
	_, err = w.Write(records)
	check(err)
	check(w.Close())
	check(os.WriteFile("digits.bin.gz", out.Bytes(), 0o644))
	fmt.Printf("digits.bin.gz: %d records, %d bytes, SHA-256 of the records %x\n", len(rows), out.Len(), sha256.Sum256(records))
}

func indices(n int) []int {
	is := make([]int, n)
	for i := range is {
		is[i] = i
	}
	return is
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
