package impostor

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
)

// HeadLen is how many bytes of a file are enough for Reply.
const HeadLen = 1024

// Reply says what a server or a tool left in the place of a binary file, and how to get the right one, as the end of a sentence:
// "a web page, …". head is the file or its beginning; what is packed with gzip is looked into. It returns "" for what it does not know.
// The real file must not be a text in JSON or XML.
func Reply(head []byte) string {
	head = head[:min(HeadLen, len(head))]
	if what := reply(head); what != "" {
		return what
	}
	z, err := gzip.NewReader(bytes.NewReader(head))
	if err != nil {
		return ""
	}
	inner := make([]byte, HeadLen)
	n, _ := io.ReadFull(z, inner) // head is cut, so an error is no news
	if what := reply(inner[:n]); what != "" {
		return "packed with gzip, " + what
	}
	return ""
}

func reply(head []byte) string {
	text, lower := start(head)
	switch {
	case strings.HasPrefix(lower, "version https://git-lfs"):
		return "a Git LFS pointer, which stands in for the real file: git lfs pull fetches that"
	case strings.HasPrefix(lower, "<?xml"):
		return fmt.Sprintf("a text in XML (it begins %.40q), such as a server's error message: get the file again", text)
	case isPage(lower):
		return fmt.Sprintf("a web page (HTML, it begins %.40q), as a server sends it for a file that is missing or needs a login: get the file again", text)
	case isJSON(text):
		return fmt.Sprintf("a text in JSON (it begins %.40q), such as a server's error message: get the file again", text)
	}
	return ""
}

func isPage(lower string) bool {
	for _, tag := range []string{"<!doctype html", "<html", "<head", "<body", "<title", "<!--"} {
		if strings.HasPrefix(lower, tag) {
			return true
		}
	}
	return false
}

// isJSON asks for a bracket and for what can follow it, as one byte would be too little to call a file by.
func isJSON(text []byte) bool {
	if len(text) < 2 {
		return false
	}
	next := bytes.TrimSpace(text[1:])
	switch {
	case text[0] == '{':
		return len(next) > 0 && (next[0] == '"' || next[0] == '}')
	case text[0] == '[':
		return len(next) > 0 && bytes.IndexByte([]byte(`"{[]`), next[0]) >= 0
	}
	return false
}
