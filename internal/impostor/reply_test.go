package impostor

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
)

func TestReply(t *testing.T) {
	for _, c := range []struct{ head, want, mend string }{
		{"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "a Git LFS pointer", "git lfs pull"},
		{"<!DOCTYPE html><html><body>404</body></html>", "a web page", "get the file again"},
		{"\xef\xbb\xbf\n\t<HTML lang=de>", "a web page", "get the file again"},
		{"<title>Sign in</title>", "a web page", "get the file again"},
		{`<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`, "a text in XML", "get the file again"},
		{`{"message":"Not Found","status":"404"}`, "a text in JSON", "get the file again"},
		{"{\n  \"error\": \"rate limit\"\n}\n", "a text in JSON", "get the file again"},
		{`[{"error":1}]`, "a text in JSON", "get the file again"},
		{"{}", "a text in JSON", "get the file again"},
	} {
		long := c.head + strings.Repeat(" and so on", 500)
		for name, head := range map[string][]byte{"whole": []byte(c.head), "cut": []byte(long)[:HeadLen]} {
			if got := Reply(head); !strings.HasPrefix(got, c.want) || !strings.Contains(got, c.mend) {
				t.Errorf("%.20q, %s: %q, expected %q and %q", c.head, name, got, c.want, c.mend)
			}
		}
		for name, packed := range map[string][]byte{"whole": gz([]byte(c.head)), "cut": gz(noise(c.head))[:HeadLen]} {
			if got := Reply(packed); !strings.HasPrefix(got, "packed with gzip, "+c.want) {
				t.Errorf("%.20q packed, %s: %q, expected %q", c.head, name, got, c.want)
			}
		}
	}
}

// Real files, and what is too little to tell, are nothing known.
func TestReplyKnowsNothing(t *testing.T) {
	for _, head := range []string{
		"", "{", "[", "{\x00\x01", "[0", "<", "\x00\x00\x08\x03", "\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "PK\x03\x04", "\x1f\x8b", "\x1f\x8b\x08\x00",
		"\x80\x02}", string(gz([]byte("\x00\x00\x08\x01"))), string(gz(nil)), string(gz(gz([]byte("<html>")))), strings.Repeat("\x00", 512), "airplane\nbird\n",
	} {
		if got := Reply([]byte(head)); got != "" {
			t.Errorf("%q is %q", head, got)
		}
	}
}

// noise is text, then bytes that do not pack well.
func noise(text string) []byte {
	b := []byte(text)
	for i, x := 0, uint32(1); i < 20000; i++ {
		x = x*1664525 + 1013904223
		b = append(b, byte(x>>24))
	}
	return b
}

func gz(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}
