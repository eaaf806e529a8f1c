package impostor

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"
)

func zipOf(t *testing.T, name string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err == nil {
		_, err = f.Write([]byte("content"))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDescribe(t *testing.T) {
	for _, c := range []struct{ head, want string }{
		{"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "a Git LFS pointer"},
		{"\xef\xbb\xbf\n <!DOCTYPE html><html>", "a web page"},
		{"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>", "a web page"},
		{zipOf(t, "model/data.pkl"), "a PyTorch file"},
		{zipOf(t, "model/.format_version"), "a PyTorch file"},
		{zipOf(t, "fc1.npy"), "numpy's archive"},
		{zipOf(t, "readme.txt"), "a zip archive (its first entry is \"readme.txt\")"},
		{"PK\x03\x04", "a zip archive"},
		{"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "a Python pickle"}, // torch.save before 1.6
		{"\x80\x04\x95\x1f\x00\x00\x00\x00\x00\x00\x00}\x94", "a Python pickle"},
		{"\x80\x02}q\x00X\x05\x00\x00\x00fc1/w", "a Python pickle"},
		{"\x08\x07\x12\x07pytorch\x1a\x052.1.0:", "an ONNX model"},
		{"\x08\x0a:\x9b\x04\n", "an ONNX model"},
		{"\x89HDF\r\n\x1a\n\x00", "an HDF5 file"},
		{"\x93NUMPY\x01\x00", "a numpy array"},
		{"GGUF\x03\x00", "a GGUF file"},
		{"\x1f\x8b\x08\x00", "packed with gzip"},
		{`{"metadata":{"total_size":1},"weight_map":{}}`, "JSON"},
	} {
		if got := Describe([]byte(c.head)); !strings.HasPrefix(got, c.want) {
			t.Errorf("%q is %q, expected %q", c.head, got, c.want)
		}
	}
	for _, head := range []string{"", "\x00", "\x80", "\x08\x00\x12\x01a", "\x08\x07\x12\x00\x00\x00\x00\x00{}", "P", "random text", strings.Repeat("\x00", 512)} {
		if got := Describe([]byte(head)); got != "" {
			t.Errorf("%q is %q", head, got)
		}
	}
}
