package explore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"image"
	"image/color"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// toy is a page whose numbers can be told by hand: image i at layer l and number k of α has 1 − cos (i+1)·(l+1)/100 at ½, and 0 at the ends.
func toy() Page {
	p := Page{Title: `A </script><script>alert("x")</script> & B`, Subtitle: "toy, 5 images", Alphas: []float64{0, 0.5, 1}, Layers: []string{"fc1", "logits"},
		Error: []float64{0.02, 0.3, 0.04}, Loss: []float64{0.1, 1.5, 0.2}, Between: []float64{0.5, math.NaN()}, Names: []string{"zero", "one", "two", "three", "four"}}
	for _, share := range []float64{0, 1, 0} {
		var layers [][]float64
		for l := range p.Layers {
			var values []float64
			for i := range p.Names {
				values = append(values, share*float64(i+1)*float64(l+1)/100)
			}
			layers = append(layers, values)
		}
		p.Cos = append(p.Cos, layers)
		p.Coef = append(p.Coef, []float64{1 - share/2, 1 - share/4})
	}
	for _, n := range []int{4, 1} {
		picture := image.NewGray(image.Rect(0, 0, 2, 2))
		picture.SetGray(0, 0, color.Gray{Y: 255})
		a, b, half := Map{{1, 0}, {-1, 0.5}}, Map{{0, 1}, {-1, 0.5}}, Map{{0, 0}, {0, 0}}
		s := Shown{Image: n, Picture: picture}
		for range p.Layers {
			s.A, s.B = append(s.A, a), append(s.B, b)
		}
		s.Line = [][]Map{{b, b}, {half, half}, {a, a}}
		p.Shown = append(p.Shown, s)
	}
	return p
}

func write(t *testing.T, p Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The library is the one that its checksum was taken of: npm uplot@1.6.32.
func TestVendored(t *testing.T) {
	for name, want := range map[string]string{
		"uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
		"uPlot.min.css":     "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
		"LICENSE":           "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
	} {
		content, err := os.ReadFile(filepath.Join("uplot", name))
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s has the checksum %x, expected %s", name, sum, want)
		}
	}
}

// The page asks for nothing outside, holds the licence, and takes no text for markup.
func TestPage(t *testing.T) {
	page := write(t, toy())
	for _, want := range []string{"The MIT License", "Leon Sorokin", "default-src 'none'", html.EscapeString(toy().Title)} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(page, "<script>alert") || strings.Count(page, "</script>") != 3 {
		t.Errorf("a title ends a script: %d ends", strings.Count(page, "</script>"))
	}
	if found := regexp.MustCompile(`(?i)\b(src|href)\s*=\s*["']?(https?:|//)[^>]{0,40}|url\(\s*["']?(https?:|//)|@import`).FindString(page); found != "" {
		t.Errorf("the page asks for %s", found)
	}
	frame, err := toy().Frame(900)
	if err != nil || !strings.HasPrefix(frame, `<iframe srcdoc="&lt;!DOCTYPE html&gt;`) || strings.Count(frame, "<") != 4 || !strings.Contains(frame, "trust this notebook") {
		t.Errorf("frame %.80s, %d tags, %v", frame, strings.Count(frame, "<"), err)
	}
	content := regexp.MustCompile(`(?s)srcdoc="([^"]*)"`).FindStringSubmatch(frame)
	if content == nil || html.UnescapeString(content[1]) != page {
		t.Error("the frame does not hold the page")
	}
}

func TestRefused(t *testing.T) {
	for want, spoil := range map[string]func(p *Page){
		"give two α at least":       func(p *Page) { p.Alphas = p.Alphas[:1] },
		"2 errors":                  func(p *Page) { p.Error = p.Error[:2] },
		"4 values":                  func(p *Page) { p.Cos[1][0] = p.Cos[1][0][:4] },
		"image 9":                   func(p *Page) { p.Shown[0].Image = 9 },
		"image 4, fc1: a map holds": func(p *Page) { p.Shown[0].A[0] = Map{{1, 0}, {math.NaN(), 0}} },
		"maps of 2 and 1 rows":      func(p *Page) { p.Shown[0].Line[1][0] = Map{{1, 0}} },
	} {
		p := toy()
		spoil(&p)
		var b bytes.Buffer
		if err := p.Write(&b); err == nil || !strings.Contains(err.Error(), want) || b.Len() > 0 {
			t.Errorf("%v, expected %q", err, want)
		}
	}
}

// browser is the path of one that can be driven, "" without.
func browser() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// driver moves the slider and the choice of layers, and writes down what the page then shows.
const driver = `<script>
const seen = {errors: []};
addEventListener("error", e => seen.errors.push(e.message));
const $ = id => document.getElementById(id), text = id => $(id).textContent;
const drawn = id => { // how many pixels of a plot are not white, and a digest of where
	const c = $(id).querySelector("canvas"), m = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
	let n = 0, digest = 0;
	for (let i = 0; i < m.length; i += 4) if (m[i + 3] > 0 && m[i] + m[i + 1] + m[i + 2] < 760) { n++; digest = (digest * 31 + i) % 1000000007; }
	return [n, digest];
};
const pixels = (card, map) => { const c = card.querySelector('canvas[data-map="' + map + '"]'); return Array.from(c.getContext("2d").getImageData(0, 0, c.width, c.height).data); };
function look() {
	const cards = Array.from(document.querySelectorAll(".card"));
	return {alpha: text("alpha-value"), what: text("what"), histogram: text("histogram-title"), worst: text("worst-title"), cards: cards.map(c => c.querySelector(".about").innerText.replace(/\n/g, "|")),
		plots: ["path", "layers", "histogram"].map(drawn), maps: ["f(θ_A)", "f(θ_α)", "blend", "f(θ_B)"].map(m => pixels(cards[0], m))};
}
function move(k) { $("alpha").value = k; $("alpha").dispatchEvent(new Event("input")); }
const later = ms => new Promise(done => setTimeout(done, ms));
(async () => {
	try {
		await later(50);
		seen.first = look();
		move(2); await later(50);
		seen.end = look();
		move(1); $("layer").selectedIndex = 0; $("layer").dispatchEvent(new Event("change")); await later(50);
		seen.layer = look();
	} catch (e) { seen.errors.push(String(e)); }
	const out = document.createElement("pre");
	out.id = "seen"; out.textContent = JSON.stringify(seen);
	document.body.append(out);
})();
</script></body>`

type look struct {
	Alpha, What, Histogram, Worst string
	Cards                         []string
	Plots                         [3][2]int
	Maps                          [4][]int
}

// A browser opens the page from disk, moves the slider, chooses a layer, and sees what was measured.
func TestBrowser(t *testing.T) {
	path := browser()
	if path == "" {
		t.Skip("no Chromium here")
	}
	dir := t.TempDir()
	page := filepath.Join(dir, "page.html")
	text := strings.Replace(write(t, toy()), "</body>", driver, 1)
	if err := os.WriteFile(page, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+filepath.Join(dir, "profile"), "--virtual-time-budget=20000", "--window-size=1200,1200", "--dump-dom", "file://"+page)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Skip("the browser did not come up in two minutes")
		}
		t.Skipf("the browser does not run here: %v: %.300s", err, errs.String())
	}
	m := regexp.MustCompile(`(?s)<pre id="seen">(.*?)</pre>`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("the script wrote nothing down: %.600s", out)
	}
	var seen struct {
		Errors            []string
		First, End, Layer look
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(string(m[1]))), &seen); err != nil || len(seen.Errors) > 0 {
		t.Fatalf("%v, errors on the page %q: %.600s", err, seen.Errors, m[1])
	}
	const all = "at this layer"
	for _, c := range []struct {
		look
		alpha, what, histogram, worst string
		cards                         []string
	}{
		// It begins in the middle, at the layer that is worst there: mean (2+4+6+8+10)/5 %.
		{seen.First, "0.5", "error 30.00 %, loss 1.5 nats; " + all + " E[1 − cos] 0.06, coef 0.75, A and B –", "Over 5 images, at logits", "Worst images at logits, α = 0.5",
			[]string{"four|image 4|1 − cos 0.1, rank 1 of 5", "one|image 1|1 − cos 0.04, rank 4 of 5"}},
		{seen.End, "1", "error 4.00 %, loss 0.2 nats; " + all + " E[1 − cos] 0, coef 1, A and B –", "Over 5 images, at logits", "Worst images at logits, α = 1", nil},
		{seen.Layer, "0.5", "error 30.00 %, loss 1.5 nats; " + all + " E[1 − cos] 0.03, coef 0.5, A and B 0.5", "Over 5 images, at fc1", "Worst images at fc1, α = 0.5",
			[]string{"four|image 4|1 − cos 0.05, rank 1 of 5", "one|image 1|1 − cos 0.02, rank 4 of 5"}},
	} {
		if c.Alpha != c.alpha || c.What != c.what || c.Histogram != c.histogram || c.Worst != c.worst || c.cards != nil && fmt.Sprint(c.Cards) != fmt.Sprint(c.cards) {
			t.Errorf("the page shows %q, %q, %q, %q, %q;\nexpected %q, %q, %q, %q, %q", c.Alpha, c.What, c.Histogram, c.Worst, c.Cards, c.alpha, c.what, c.histogram, c.worst, c.cards)
		}
		for i, p := range c.Plots {
			if p[0] < 200 {
				t.Errorf("α = %s: plot %d has %d pixels", c.Alpha, i, p[0])
			}
		}
	}
	for i, name := range []string{"path", "layers", "histogram"} {
		if seen.First.Plots[i] == seen.End.Plots[i] {
			t.Errorf("the slider does not move the plot %q", name)
		}
	}
	indigo, red, white := []int{51, 34, 136, 255}, []int{204, 51, 17, 255}, []int{255, 255, 255, 255}
	pixel := func(of []int, i int) []int { return of[4*i : 4*i+4] }
	a, alpha, blend, b := seen.First.Maps[0], seen.First.Maps[1], seen.First.Maps[2], seen.First.Maps[3]
	for what, same := range map[string]bool{
		"A is 1, 0, −1":                    fmt.Sprint(pixel(a, 0), pixel(a, 1), pixel(a, 2)) == fmt.Sprint(indigo, white, red),
		"B is 0, 1, −1":                    fmt.Sprint(pixel(b, 0), pixel(b, 1), pixel(b, 2)) == fmt.Sprint(white, indigo, red),
		"θ_½ is 0":                         fmt.Sprint(alpha) == fmt.Sprint(repeat(white, 4)),
		"half way the blend is ½, ½, −1":   pixel(blend, 0)[2] == pixel(blend, 1)[2] && pixel(blend, 0)[0] > 140 && pixel(blend, 0)[0] < 165 && fmt.Sprint(pixel(blend, 2)) == fmt.Sprint(red),
		"at α = 1 θ_α and the blend are A": fmt.Sprint(seen.End.Maps[1]) == fmt.Sprint(seen.End.Maps[0]) && fmt.Sprint(seen.End.Maps[2]) == fmt.Sprint(seen.End.Maps[0]),
	} {
		if !same {
			t.Errorf("the maps do not show that %s: %v %v %v %v", what, a, alpha, blend, b)
		}
	}
}

func repeat(pixel []int, n int) (out []int) {
	for range n {
		out = append(out, pixel...)
	}
	return out
}
