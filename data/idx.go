package data

import (
	"encoding/binary"
	"fmt"
)

// CorruptError says that a file is not what it should be: where, and what was expected there.
type CorruptError struct {
	Path    string
	Offset  int64  // byte in the decompressed content, or in the file where Problem says so; −1: the file as a whole
	Problem string // what was found and what was expected
}

func (e *CorruptError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("%s: %s", e.Path, e.Problem)
	}
	return fmt.Sprintf("%s: offset %d: %s", e.Path, e.Offset, e.Problem)
}

func corrupt(path string, offset int, format string, a ...any) error {
	return &CorruptError{path, int64(offset), fmt.Sprintf(format, a...)}
}

// parseIDX reads an IDX file of unsigned bytes, big-endian: two zero bytes, the type (0x08), the rank; one uint32 per
// dimension; the values, row-major (Y. LeCun's description of the MNIST files). The values are part of b, so a header that
// claims more than there is costs no memory.
func parseIDX(path string, b []byte, rank int) (dims []int, values []byte, err error) {
	if len(b) < 4 {
		return nil, nil, corrupt(path, len(b), "file ends in the magic number, expected 4 bytes")
	}
	want := uint32(0x0800 | rank)
	if got := binary.BigEndian.Uint32(b); got != want {
		return nil, nil, corrupt(path, 0, "magic number %#08x (%s), expected %#08x (%s)", got, magicMeaning(got), want, magicMeaning(want))
	}
	head := 4 + 4*rank
	if len(b) < head {
		return nil, nil, corrupt(path, len(b), "file ends in the header, expected %d bytes for %d dimensions", head, rank)
	}
	size := 1
	for i := range rank {
		d := binary.BigEndian.Uint32(b[4+4*i:])
		if d == 0 {
			return nil, nil, corrupt(path, 4+4*i, "dimension %d is 0, expected at least 1", i)
		}
		if uint64(d) > uint64(len(b)-head)/uint64(size) {
			return nil, nil, corrupt(path, 4+4*i, "dimensions %s are more than the %d bytes that follow the header: "+
				"the file is truncated or its header wrong", times(append(dims, int(d))), len(b)-head)
		}
		dims = append(dims, int(d))
		size *= int(d)
	}
	if len(b)-head != size {
		return nil, nil, corrupt(path, head+size, "%d bytes too many after %s values", len(b)-head-size, times(dims))
	}
	return dims, b[head:], nil
}

func magicMeaning(m uint32) string {
	switch {
	case m == 0x0803:
		return "images"
	case m == 0x0801:
		return "labels"
	case m>>16 == 0 && m>>8 == 8:
		return fmt.Sprintf("unsigned bytes of rank %d", m&0xff)
	}
	return "not IDX of unsigned bytes"
}

// parseIDXImages is parseIDX for images [N, H, W].
func parseIDXImages(path string, b []byte) (dims []int, pixels []byte, err error) {
	return parseIDX(path, b, 3)
}

// parseIDXLabels reads labels [N] below classes.
func parseIDXLabels(path string, b []byte, classes int) ([]int32, error) {
	_, values, err := parseIDX(path, b, 1)
	if err != nil {
		return nil, err
	}
	labels := make([]int32, len(values))
	for i, v := range values {
		if int(v) >= classes {
			return nil, corrupt(path, 8+i, "label %d of sample %d, expected 0 to %d", v, i, classes-1)
		}
		labels[i] = int32(v)
	}
	return labels, nil
}

// parseIDXPair makes a Set of an image file and its label file. It has no name or normalisation yet.
func parseIDXPair(imagePath string, images []byte, labelPath string, labels []byte, classes []string) (*Set, error) {
	dims, pixels, err := parseIDXImages(imagePath, images)
	if err != nil {
		return nil, err
	}
	ls, err := parseIDXLabels(labelPath, labels, len(classes))
	if err != nil {
		return nil, err
	}
	if dims[0] != len(ls) {
		return nil, corrupt(labelPath, 4, "%d labels, expected %d, one for every image of %s", len(ls), dims[0], imagePath)
	}
	return &Set{Shape: []int{dims[1], dims[2], 1}, Classes: classes, Max: 255, Pixels: pixels, Labels: ls}, nil
}

// idxImageFile pins a file of n images of h×w.
func idxImageFile(n, h, w int, sha256 string, names ...string) file {
	return file{names: names, size: int64(16 + n*h*w), sha256: sha256, check: func(path string, b []byte) error {
		dims, _, err := parseIDXImages(path, b)
		if err == nil && (dims[0] != n || dims[1] != h || dims[2] != w) {
			return corrupt(path, 4, "images of %s, expected %s", times(dims), times([]int{n, h, w}))
		}
		return err
	}}
}

// idxLabelFile pins a file of n labels below classes.
func idxLabelFile(n, classes int, sha256 string, names ...string) file {
	return file{names: names, size: int64(8 + n), sha256: sha256, check: func(path string, b []byte) error {
		labels, err := parseIDXLabels(path, b, classes)
		if err == nil && len(labels) != n {
			return corrupt(path, 4, "%d labels, expected %d", len(labels), n)
		}
		return err
	}}
}
