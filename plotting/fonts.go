package plotting

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	stdfont "golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"gonum.org/v1/plot/font"
)

// fontsEnv names font files and folders to look in before the machine's own, separated as in PATH.
const fontsEnv = "LAYERWISE_FONTS"

// fontFor returns the font to draw a letter in that Liberation Sans lacks, nil if there is none.
var fontFor = func() func(cluster string, like font.Font) *opentype.Font {
	book := sync.OnceValue(func() *fontBook { return newFontBook(fontFolders()) })
	return func(cluster string, like font.Font) *opentype.Font {
		return book().find(cluster, like.Weight >= stdfont.WeightSemiBold)
	}
}()

// fontBook is font files by how well they suit, opened when a letter is looked for.
type fontBook struct {
	mu    sync.Mutex
	files []string
	fonts map[string][]*opentype.Font // of the files opened so far
	found map[string]*opentype.Font   // by letter, "bold " before it
}

func newFontBook(folders []string) *fontBook {
	b := &fontBook{fonts: map[string][]*opentype.Font{}, found: map[string]*opentype.Font{}}
	for _, folder := range folders {
		var files []string
		_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && slices.Contains([]string{".ttf", ".otf", ".ttc", ".otc"}, strings.ToLower(filepath.Ext(path))) {
				files = append(files, path)
			}
			return nil // a folder that cannot be read has no fonts for us
		})
		slices.SortStableFunc(files, func(x, y string) int { return cmp.Or(cmp.Compare(plainness(x), plainness(y)), cmp.Compare(x, y)) })
		b.files = append(b.files, files...)
	}
	return b
}

// fontFolders are where fonts lie: those that the user names, then the system's.
func fontFolders() []string {
	out := filepath.SplitList(os.Getenv(fontsEnv))
	home, _ := os.UserHomeDir()
	for _, dir := range []string{os.Getenv("XDG_DATA_HOME"), filepath.Join(home, ".local", "share"), "/usr/local/share", "/usr/share"} {
		if filepath.IsAbs(dir) {
			out = append(out, filepath.Join(dir, "fonts"))
		}
	}
	if home != "" {
		out = append(out, filepath.Join(home, ".fonts"), filepath.Join(home, "Library", "Fonts"))
	}
	out = append(out, "/Library/Fonts", "/System/Library/Fonts")
	if windows := os.Getenv("WINDIR"); windows != "" {
		out = append(out, filepath.Join(windows, "Fonts"))
	}
	return out
}

// plainness ranks a font file by its name: upright sans serif of ordinary width and weight first.
func plainness(path string) int {
	name := strings.ToLower(filepath.Base(path))
	rank := 2
	if strings.Contains(name, "sans") || strings.Contains(name, "hei") || strings.Contains(name, "gothic") {
		rank = 1
	}
	for _, odd := range []string{"bold", "italic", "oblique", "mono", "serif", "light", "thin", "black", "medium", "condensed", "symbol", "emoji"} {
		if strings.Contains(name, odd) {
			rank += 2
		}
	}
	return rank
}

// find returns the first font that has the letter; for bold text the first bold one, if any has.
func (b *fontBook) find(cluster string, bold bool) *opentype.Font {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := cluster
	if bold {
		key = "bold " + cluster
	}
	if f, ok := b.found[key]; ok {
		return f
	}
	var best *opentype.Font
	for _, path := range b.files {
		heavy := strings.Contains(strings.ToLower(filepath.Base(path)), "bold")
		if best != nil && heavy != bold {
			continue
		}
		if f := b.in(path, cluster); f != nil && (best == nil || heavy == bold) {
			if best = f; heavy == bold {
				break
			}
		}
	}
	b.found[key] = best
	return best
}

// in returns the font of a file that has the letter.
func (b *fontBook) in(path, cluster string) *opentype.Font {
	fonts, ok := b.fonts[path]
	if !ok {
		fonts = openFonts(path)
		b.fonts[path] = fonts
	}
	for _, f := range fonts {
		if hasAll(f, cluster) {
			return f
		}
	}
	return nil
}

// openFonts opens a font or a collection of fonts; there are none in a file that is not understood.
func openFonts(path string) []*opentype.Font {
	if fonts := parseFonts(fontFile(path)); fonts != nil {
		return fonts
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var fonts []*opentype.Font
	for _, f := range aligned(data) {
		fonts = append(fonts, parseFonts(bytes.NewReader(f))...)
	}
	return fonts
}

func parseFonts(r io.ReaderAt) (fonts []*opentype.Font) {
	all, err := opentype.ParseCollectionReaderAt(r) // a single font is a collection of one
	if err != nil {
		return nil
	}
	for i := range all.NumFonts() {
		if f, err := all.Font(i); err == nil {
			fonts = append(fonts, f)
		}
	}
	return fonts
}

// aligned copies the fonts of a file, each with its tables at multiples of 4 bytes, which x/image asks for and WenQuanYi's lack.
func aligned(data []byte) (out [][]byte) {
	starts := []uint32{0}
	u32 := binary.BigEndian.Uint32
	if len(data) >= 12 && string(data[:4]) == "ttcf" {
		starts = nil
		for i := range min(u32(data[8:]), 64) {
			if at := 12 + 4*int(i); at+4 <= len(data) {
				starts = append(starts, u32(data[at:]))
			}
		}
	}
	for _, start := range starts {
		const header, entry = 12, 16
		if uint64(start)+header > uint64(len(data)) {
			continue
		}
		tables := int(binary.BigEndian.Uint16(data[start+4:]))
		size := header + entry*tables
		if int(start)+size > len(data) {
			continue
		}
		font := bytes.Clone(data[start:][:size])
		for i := range tables {
			e := font[header+entry*i:]
			at, length := uint64(u32(e[8:])), uint64(u32(e[12:]))
			if at+length > uint64(len(data)) {
				font = nil
				break
			}
			binary.BigEndian.PutUint32(e[8:], uint32(len(font)))
			font = append(font, data[at:at+length]...)
			font = append(font, make([]byte, -len(font)&3)...)
		}
		if font != nil {
			out = append(out, font)
		}
	}
	return out
}

// fontFile reads from a file that is open only while it is read: there may be more fonts than a process may hold files.
type fontFile string

func (f fontFile) ReadAt(p []byte, at int64) (int, error) {
	file, err := os.Open(string(f))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return file.ReadAt(p, at)
}
