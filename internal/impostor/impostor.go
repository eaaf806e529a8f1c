// Package impostor recognises files that are not what their name says: what a server or a tool left in the place of the real one.
package impostor

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path"
	"strings"
)

// Describe says what a file is by its first bytes (512 will do) and how to get the right one, as the end of a sentence: "a web page, …".
// It returns "" for what it does not know.
func Describe(head []byte) string {
	text, lower := start(head)
	begins := func(with ...string) bool {
		for _, w := range with {
			if bytes.HasPrefix(head, []byte(w)) {
				return true
			}
		}
		return false
	}
	switch {
	case strings.HasPrefix(lower, "version https://git-lfs"):
		return "a Git LFS pointer, which stands in for the real file; git lfs pull fetches that"
	case strings.HasPrefix(lower, "<?xml"), isPage(lower):
		return fmt.Sprintf("a web page (it begins %.40q), as servers send it in place of a file that is missing or needs a login; download the file again", text)
	case begins("PK\x03\x04"):
		return zipped(head)
	case begins("\x89HDF\r\n\x1a\n"):
		return "an HDF5 file, as Keras writes it; save its weights as safetensors"
	case begins("\x93NUMPY"):
		return "a numpy array (.npy); save it as safetensors"
	case begins("GGUF"):
		return "a GGUF file; convert it to safetensors"
	case begins("\x1f\x8b"):
		return "packed with gzip; unpack it"
	case pickled(head):
		return "a Python pickle, as older versions of PyTorch write it; load it in Python and save it with safetensors.torch.save_file"
	case onnx(head):
		return "an ONNX model; save its weights as safetensors"
	case len(text) > 0 && (text[0] == '{' || text[0] == '['):
		return "JSON, such as the index of a model that lies in several files; name the file of the weights"
	}
	return ""
}

// start is a text without a mark of its encoding and the spaces in front, and its first characters in lower case.
func start(head []byte) (text []byte, lower string) {
	text = bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))
	return text, strings.ToLower(string(text[:min(len(text), 64)]))
}

// zipped tells archives apart by the name of their first entry.
func zipped(head []byte) string {
	name := ""
	if len(head) >= 30 {
		n := int(binary.LittleEndian.Uint16(head[26:]))
		name = string(head[30:min(len(head), 30+n)])
	}
	switch base := path.Base(name); {
	case strings.HasSuffix(base, ".npy"):
		return fmt.Sprintf("numpy's archive of arrays (.npz; its first one is %.40q); load it in Python and save it with safetensors.numpy.save_file", base)
	case base == "data.pkl", base == "byteorder", base == ".format_version", base == ".storage_alignment", strings.Contains(name, "/data/"):
		return "a PyTorch file (.pt, .pth); load it in Python with torch.load and save it with safetensors.torch.save_file"
	}
	return fmt.Sprintf("a zip archive (its first entry is %.40q); unpack it", name)
}

// pickled knows protocols 2 to 5, whose files begin with the protocol and a frame, a dictionary, a tuple or PyTorch's magic number.
func pickled(head []byte) bool {
	if len(head) < 3 || head[0] != 0x80 || head[1] < 2 || head[1] > 5 {
		return false
	}
	return bytes.IndexByte([]byte("\x95}](cX\x8a\x8c\x80"), head[2]) >= 0
}

// onnx knows the protobuf of a model: its IR version, then the name of a producer or the graph.
func onnx(head []byte) bool {
	if len(head) < 5 || head[0] != 0x08 || head[1] == 0 || head[1] > 32 {
		return false
	}
	if head[2] == 0x3a { // the graph
		return true
	}
	n := int(head[3])
	if head[2] != 0x12 || n == 0 || 4+n > len(head) { // the producer
		return false
	}
	for _, c := range head[4 : 4+n] {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
